"""Keys of a share copy, which has no room for wrapped keys: everything is derived from its salt.

::

    passphrase ─ Argon2id(salt) ─► KEK ──────────────────────────┐  (group 0)
                                    └─ unmasks ─► group secret ──┤  (several ways to open a face)
    identity ── X25519 ──────► KEK ─┘                            │
                                          HKDF(face's context) ◄─┘ ─► face key ─ HKDF(layer) ─► cipher key, MAC key

An entry is a ciphertext and a tag of 8 bytes: ChaCha20 under a key that is used once, then HMAC-SHA256 over the
ciphertext under another, cut to 8 bytes.  A wrong key passes for right once in 2^64 tries, and nothing but the tag can
tell.  An AEAD would take 16 bytes of the few dozen that an entry may have, and Poly1305 is not made to be cut.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from ..errors import WrongKeyError
from ..types import Box
from .derive import KEY_BYTES, SALT_BYTES, subkey
from .face_key_text import TAG_BYTES, PortableFaceKey
from .secrets import FaceKey

ENTRY_TAG_BYTES: Final = 8
_CONTEXT: Final = struct.Struct(">B16sHHBHHHH")


@dataclass(frozen=True, slots=True)
class ShareContext:
    """What the keys of one face of a share copy are bound to.

    Attributes:
        version: of the directory.
        salt: 16 random bytes of the share copy.
        size: (width, height) of the picture at canonical size.
        index: position of the face in the directory, 0..255.
        box: where the face is, at canonical size.
    """

    version: int
    salt: bytes
    size: tuple[int, int]
    index: int
    box: Box

    def encode(self) -> bytes:
        """Serialise as 30 canonical bytes: version u8, salt, width, height u16, index u8, x y w h u16, big-endian."""
        if len(self.salt) != SALT_BYTES:
            raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(self.salt)}")
        box = self.box
        return _CONTEXT.pack(self.version, self.salt, *self.size, self.index, box.x, box.y, box.w, box.h)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the context; its first 8 bytes are the tag of the face's key as text."""
        return hashlib.sha256(self.encode()).digest()


def share_face_key(secret: bytes, context: ShareContext) -> FaceKey:
    """Derive the key of one face of a share copy.

    Args:
        secret: 32 bytes: the KEK of a passphrase, or the secret of the face's group.
        context: of the face.
    """
    return FaceKey(subkey(secret, "share-face", context.encode()))


def portable_share_key(key: FaceKey, context: ShareContext) -> PortableFaceKey:
    """Return the key of one face of a share copy in the form that can be given away as text."""
    return PortableFaceKey(context.index, context.digest[:TAG_BYTES], key)


def mask_group_secret(kek: bytes, secret: bytes, salt: bytes, group: int) -> bytes:
    """Mask the secret of a group under a key-encryption key, or take the mask off: this is its own inverse.

    Nothing tells whether the key was right; the tags of the entries do.  A mask is used once, because the salt is.

    Args:
        kek: 32 bytes, of a passphrase and this salt, or agreed with a recipient.
        secret: 32 bytes, masked or not.
        salt: of the share copy.
        group: number of the group, 1 to 15.
    """
    mask = subkey(kek, "share-group", salt + bytes([group]))
    return bytes(one ^ two for one, two in zip(secret, mask, strict=True))


def encrypt_entry(key: FaceKey, layer: str, content: bytes) -> bytes:
    """Encrypt what one layer holds of a face; `decrypt_entry` is the inverse.

    Args:
        key: of the face.
        layer: ``base`` or ``fine``; each has keys of its own.
        content: of any length.

    Returns:
        8 bytes more than the content.
    """
    cipher_key, mac_key = _entry_keys(key, layer)
    ciphertext = _keystream_xor(cipher_key, content)
    return ciphertext + _tag(mac_key, ciphertext)


def decrypt_entry(key: FaceKey, layer: str, entry: bytes) -> bytes:
    """Decrypt what one layer holds of a face; inverse of `encrypt_entry`.

    Raises:
        WrongKeyError: if the key, the layer or the face is another, or a bit of the entry is.
    """
    cipher_key, mac_key = _entry_keys(key, layer)
    ciphertext, tag = entry[:-ENTRY_TAG_BYTES], entry[-ENTRY_TAG_BYTES:]
    if len(tag) != ENTRY_TAG_BYTES or not hmac.compare_digest(_tag(mac_key, ciphertext), tag):
        raise WrongKeyError("the key does not open this face of the share copy")
    return _keystream_xor(cipher_key, ciphertext)


def _entry_keys(key: FaceKey, layer: str) -> tuple[bytes, bytes]:
    both = subkey(key.reveal(), f"share-{layer}", length=2 * KEY_BYTES)
    return both[:KEY_BYTES], both[KEY_BYTES:]


def _tag(mac_key: bytes, ciphertext: bytes) -> bytes:
    return hmac.new(mac_key, ciphertext, hashlib.sha256).digest()[:ENTRY_TAG_BYTES]


def _keystream_xor(key: bytes, data: bytes) -> bytes:
    """Add the ChaCha20 keystream (RFC 8439), nonce zero and block counter from 0, which is its own inverse."""
    return Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(data)

"""The three kinds of 32-byte secrets, as types that cannot be confused and never show their bytes.

::

    FileKey ── wraps (60 bytes in the header, one per face) ──► FaceSecret ── HKDF(face context) ──► FaceKey
       ├─ HKDF ─► header MAC key                                                ├─ key-map stream
       └─ HKDF ─► piece keys of a clip's original                               ├─ chunk keys, list MAC of a clip
                                                                                ├─ mixing stream (one-time pad)
                                                                                └─ seal key

In ``cover`` mode nothing is wrapped: the face secret is derived from the file key and 60 random bytes in the header.
A `FileKey` opens all faces of its group; a `FaceKey` opens one face of one picture and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from ..types import Box
from .derive import KEY_BYTES, subkey
from .wrap import unwrap_key, wrap_key

MODEL_ID_BYTES: Final = 16
MAX_STREAM_BYTES: Final = 64 * 2**32
_CONTEXT: Final = struct.Struct(">BHIIII16s")


@dataclass(frozen=True, slots=True)
class FaceContext:
    """The context that a face key is bound to; for another face or picture the same secret gives another key.

    Attributes:
        version: format version of the header.
        index: position of the face in the header, 0..65535.
        box: the protected region.
        model_id: 16 bytes that name the model, see docs/format.md.
    """

    version: int
    index: int
    box: Box
    model_id: bytes

    def encode(self) -> bytes:
        """Serialise as 35 canonical bytes, big-endian: version u8, index u16, x y w h u32, model id 16 bytes."""
        if len(self.model_id) != MODEL_ID_BYTES:
            raise ValueError(f"a model id has {MODEL_ID_BYTES} bytes, not {len(self.model_id)}")
        box = self.box
        return _CONTEXT.pack(self.version, self.index, box.x, box.y, box.w, box.h, self.model_id)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Secret:
    """32 secret bytes: compared in constant time, never shown, not hashable.

    Raises:
        ValueError: if there are not 32 bytes.
    """

    _raw: bytes

    def __post_init__(self) -> None:
        if len(self._raw) != KEY_BYTES:
            raise ValueError(f"{type(self).__name__} needs {KEY_BYTES} bytes, not {len(self._raw)}")

    @classmethod
    def generate(cls) -> Self:
        """Draw a new one from the operating system's generator."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def reveal(self) -> bytes:
        """Return the 32 bytes themselves, to store or share them on purpose."""
        return self._raw

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and hmac.compare_digest(self._raw, other._raw)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class FaceKey(Secret):
    """The key of one face, from which the streams of the flow and the key of the seal are expanded.

    The three purposes have separate subkeys.  Each stream is the ChaCha20 keystream (RFC 8439) of its subkey with a
    zero nonce and the block counter starting at 0; the zero nonce is sound because a subkey makes only one stream.  A
    shorter stream is a prefix of a longer one.
    """

    __slots__ = ()

    def key_map_stream(self, nbytes: int) -> bytes:
        """Return pseudorandom bytes for the key map K of the published network."""
        return _keystream(subkey(self._raw, "key-map"), nbytes)

    def mixing_stream(self, nbytes: int) -> bytes:
        """Return pseudorandom bytes for the one-time pad, which docs/format.md calls the mixing stream."""
        return _keystream(subkey(self._raw, "mixing"), nbytes)

    def seal_key(self) -> bytes:
        """Return the 32-byte ChaCha20-Poly1305 key of the seal."""
        return subkey(self._raw, "seal")

    def chunk_key(self, stream: bytes, number: int) -> bytes:
        """Return the 32-byte ChaCha20-Poly1305 key of one chunk of the person's track in a clip.

        Args:
            stream: 16 bytes, the clip's.
            number: of the chunk, 0..2**32 - 1.
        """
        return subkey(self._raw, "clip-chunk", stream + number.to_bytes(4, "big"))

    def list_mac(self, covered: bytes) -> bytes:
        """Return the HMAC-SHA256 (32 bytes) of a clip's list of chunks."""
        return hmac.new(subkey(self._raw, "clip-list"), covered, hashlib.sha256).digest()

    def verify_list_mac(self, covered: bytes, mac: bytes) -> bool:
        """Return whether ``mac`` is the `list_mac` of the bytes, in constant time."""
        return hmac.compare_digest(self.list_mac(covered), mac)


class FaceSecret(Secret):
    """The random secret from which a face key is derived; the header holds it wrapped under the file key."""

    __slots__ = ()

    def face_key(self, context: FaceContext) -> FaceKey:
        """Derive the key of one face of one picture with HKDF-SHA256."""
        return FaceKey(subkey(self._raw, "face-key", context.encode()))


class FileKey(Secret):
    """The key of a group of faces in one file, wrapped for each passphrase and recipient."""

    __slots__ = ()

    def wrap(self, kek: bytes, group: int) -> bytes:
        """Wrap this key under a key-encryption key, bound to the group's number in the header; 60 bytes."""
        return wrap_key(kek, self._raw, "wrap-file", bytes([group]))

    @classmethod
    def unwrap(cls, kek: bytes, wrapped: bytes, group: int) -> FileKey:
        """Unwrap a file key; inverse of `wrap`.

        Raises:
            WrongKeyError: if the key-encryption key or the group is another, or the bytes were altered.
        """
        return cls(unwrap_key(kek, wrapped, "wrap-file", bytes([group])))

    def wrap_face(self, secret: FaceSecret, context: FaceContext) -> bytes:
        """Wrap a face secret under this key, bound to its face; 60 bytes."""
        return wrap_key(self._raw, secret.reveal(), "wrap-face", context.encode())

    def unwrap_face(self, wrapped: bytes, context: FaceContext) -> FaceSecret:
        """Unwrap a face secret; inverse of `wrap_face`.

        Raises:
            WrongKeyError: if the file key or the face is another, or the bytes were altered.
        """
        return FaceSecret(unwrap_key(self._raw, wrapped, "wrap-face", context.encode()))

    def derive_face(self, slot: bytes, context: FaceContext) -> FaceSecret:
        """Derive the face secret of the ``cover`` mode from this key and a slot of 60 random bytes.

        Any file key gives a face secret, and nothing shows whether it is the right one.
        """
        return FaceSecret(subkey(self._raw, "cover-face", context.encode() + slot))

    def header_mac(self, covered: bytes) -> bytes:
        """Return the HMAC-SHA256 (32 bytes) of the covered header bytes under this key's header-mac subkey."""
        return hmac.new(subkey(self._raw, "header-mac"), covered, hashlib.sha256).digest()

    def piece_key(self, stream: bytes, number: int) -> bytes:
        """Return the 32-byte ChaCha20-Poly1305 key of one piece of a clip's original file; see `FaceKey.chunk_key`."""
        return subkey(self._raw, "clip-original", stream + number.to_bytes(4, "big"))

    def verify_header_mac(self, covered: bytes, mac: bytes) -> bool:
        """Return whether ``mac`` is the `header_mac` of the bytes, in constant time."""
        return hmac.compare_digest(self.header_mac(covered), mac)


def _keystream(key: bytes, nbytes: int) -> bytes:
    """Return a ChaCha20 keystream with block counter from 0 and nonce zero (OpenSSL's 16-byte nonce holds both)."""
    if not 0 <= nbytes <= MAX_STREAM_BYTES:
        raise ValueError(f"a keystream has 0 to {MAX_STREAM_BYTES} bytes, not {nbytes}")
    encryptor = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    return encryptor.update(bytes(nbytes))

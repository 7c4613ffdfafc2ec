"""Derivations and wrapping (docs/format.md, section 3)."""

from __future__ import annotations

import hmac
import unicodedata
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(key: bytes, label: str, context: bytes = b"") -> bytes:
    """HKDF(key, label, context): 32 bytes."""
    return HKDF(SHA256(), 32, None, b"proface-s/v1/" + label.encode() + b"\0" + context).derive(key)


def unwrap(kek: bytes, wrapped: bytes, label: str, context: bytes) -> bytes | None:
    """The wrapped key, or None if `kek` is another one."""
    try:
        return ChaCha20Poly1305(derive(kek, label, context)).decrypt(wrapped[:12], wrapped[12:], None)
    except InvalidTag:
        return None


def key_stream(key: bytes, length: int) -> bytes:
    """The first `length` bytes of ChaCha20 with a counter from 0 and nonce zero."""
    return Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(length))


def stream_key(face_key: bytes, label: str) -> bytes:
    """The key of a face's ``key-map`` or ``mixing`` stream."""
    return derive(face_key, label)


def passphrase_kek(passphrase: str, salt: bytes, passes: int, memory: int, lanes: int) -> bytes:
    """What Argon2id makes of a passphrase; `memory` in KiB."""
    text = unicodedata.normalize("NFC", passphrase).encode()
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(text)


def identity_kek(identity: bytes, ephemeral: bytes) -> bytes | None:
    """The KEK of a recipient stanza, or None if the shared secret is all zero."""
    private = X25519PrivateKey.from_private_bytes(identity)
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    except ValueError:  # how the library says: all zero
        return None
    return derive(shared, "x25519", ephemeral + private.public_key().public_bytes_raw())


def mac(file_key: bytes, message: bytes) -> bytes:
    """A group's MAC over its input."""
    return hmac.digest(derive(file_key, "header-mac"), message, sha256)

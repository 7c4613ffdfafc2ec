"""Wrapping one 32-byte key under another: ChaCha20-Poly1305 (RFC 8439) under an HKDF subkey.

Layout of a wrapped key: nonce (12 random bytes) | ciphertext (32) | tag (16), 60 bytes in all.

A zero nonce with single-use keys would save 12 bytes, but one passphrase may lock several file keys with one Argon2id
run, and a header may be locked again with the same keys.  With a random nonce no caller has to promise that a wrapping
key is used once.  The fixed length keeps a crafted ciphertext from opening under more than a handful of passphrases.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ..errors import WrongKeyError
from .derive import KEY_BYTES, subkey

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
WRAPPED_BYTES: Final = NONCE_BYTES + KEY_BYTES + TAG_BYTES


def wrap_key(kek: bytes, key: bytes, label: str, context: bytes = b"") -> bytes:
    """Encrypt a 32-byte key under a key-encryption key; `unwrap_key` is the inverse.

    Args:
        kek: 32 bytes.
        key: the 32 bytes to wrap.
        label: HKDF label, the purpose of the wrapping (see `subkey`).
        context: canonical bytes that the wrapping is bound to; `unwrap_key` needs the same.

    Returns:
        60 bytes, different at every call.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"only {KEY_BYTES}-byte keys are wrapped, not {len(key)} bytes")
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(subkey(kek, label, context)).encrypt(nonce, key, None)


def unwrap_key(kek: bytes, wrapped: bytes, label: str, context: bytes = b"") -> bytes:
    """Decrypt a wrapped key; inverse of `wrap_key`.

    Raises:
        WrongKeyError: if the key-encryption key, label or context is another, or the bytes were altered; these cases
            are indistinguishable.
    """
    if len(wrapped) != WRAPPED_BYTES:
        raise WrongKeyError(f"a wrapped key has {WRAPPED_BYTES} bytes, not {len(wrapped)}")
    nonce, ciphertext = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        return ChaCha20Poly1305(subkey(kek, label, context)).decrypt(nonce, ciphertext, None)
    except InvalidTag:
        raise WrongKeyError("the key does not open this file") from None

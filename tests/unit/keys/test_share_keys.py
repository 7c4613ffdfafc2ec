"""Keys of share copies: each entry opens with its own key and nothing else, and tags alone decide."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proface_s.errors import WrongKeyError
from proface_s.keys.secrets import FaceKey
from proface_s.keys.share_keys import (
    ENTRY_TAG_BYTES,
    ShareContext,
    decrypt_entry,
    encrypt_entry,
    mask_group_secret,
    portable_share_key,
    share_face_key,
)
from proface_s.types import Box

CONTEXT = ShareContext(1, bytes(range(16)), (1600, 1068), 2, Box(400, 200, 128, 160))
SECRET = bytes(range(32))


def test_the_context_is_that_of_the_format() -> None:
    assert CONTEXT.encode().hex() == "01" + bytes(range(16)).hex() + "0640042c" + "02" + "019000c8008000a0"
    with pytest.raises(ValueError, match="salt"):
        replace(CONTEXT, salt=b"").encode()


@pytest.mark.parametrize(
    "other",
    [
        {"version": 2},
        {"salt": bytes(16)},
        {"size": (1068, 1600)},
        {"index": 0},
        {"box": Box(404, 200, 128, 160)},
    ],
)
def test_a_key_is_bound_to_all_of_its_context(other: dict[str, object]) -> None:
    entry = encrypt_entry(share_face_key(SECRET, CONTEXT), "base", b"a face")
    changed = replace(CONTEXT, **other)  # type: ignore[arg-type]
    assert decrypt_entry(share_face_key(SECRET, CONTEXT), "base", entry) == b"a face"
    with pytest.raises(WrongKeyError):
        decrypt_entry(share_face_key(SECRET, changed), "base", entry)


def test_an_entry_is_what_the_format_says() -> None:
    """By HKDF, ChaCha20 and HMAC alone, from the secret to the bytes."""

    def derived(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
        info = b"proface-s/v1/" + label + b"\0" + context
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)

    face_key = derived(SECRET, b"share-face", CONTEXT.encode(), 32)
    keys = derived(face_key, b"share-fine", b"", 64)
    entry = encrypt_entry(share_face_key(SECRET, CONTEXT), "fine", bytes(50))
    assert len(entry) == 50 + ENTRY_TAG_BYTES
    assert hmac.new(keys[32:], entry[:-8], hashlib.sha256).digest()[:8] == entry[-8:]


def test_layers_have_keys_of_their_own() -> None:
    key = share_face_key(SECRET, CONTEXT)
    base, fine = encrypt_entry(key, "base", bytes(40)), encrypt_entry(key, "fine", bytes(40))
    assert base != fine
    with pytest.raises(WrongKeyError):
        decrypt_entry(key, "fine", base)


def test_every_flipped_bit_is_noticed() -> None:
    key = share_face_key(SECRET, CONTEXT)
    entry = encrypt_entry(key, "base", b"face")
    for bit in range(8 * len(entry)):
        altered = bytearray(entry)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WrongKeyError):
            decrypt_entry(key, "base", bytes(altered))


@pytest.mark.parametrize("entry", [b"", b"short", bytes(8), bytes(120)])
def test_zeros_and_fragments_do_not_open(entry: bytes) -> None:
    """A decoder of parity checks accepts zeros; the tag does not."""
    with pytest.raises(WrongKeyError):
        decrypt_entry(share_face_key(SECRET, CONTEXT), "base", entry)


def test_ten_thousand_wrong_keys_open_nothing() -> None:
    entry = encrypt_entry(share_face_key(SECRET, CONTEXT), "base", bytes(60))
    opened = 0
    for _ in range(10_000):
        try:
            decrypt_entry(FaceKey(secrets.token_bytes(32)), "base", entry)
            opened += 1
        except WrongKeyError:
            continue
    assert opened == 0


def test_masking_is_its_own_inverse_and_depends_on_everything() -> None:
    masked = mask_group_secret(bytes(32), SECRET, bytes(16), 1)
    assert mask_group_secret(bytes(32), masked, bytes(16), 1) == SECRET
    others = [(bytes([1] * 32), bytes(16), 1), (bytes(32), bytes([1] * 16), 1), (bytes(32), bytes(16), 2)]
    assert all(mask_group_secret(kek, masked, salt, group) != SECRET for kek, salt, group in others)


def test_a_face_key_as_text_names_its_face() -> None:
    portable = portable_share_key(share_face_key(SECRET, CONTEXT), CONTEXT)
    assert portable.belongs_to(2, CONTEXT.digest)
    assert not portable.belongs_to(1, CONTEXT.digest)
    assert not portable.belongs_to(2, replace(CONTEXT, index=1).digest)
    assert SECRET.hex() not in repr(portable)

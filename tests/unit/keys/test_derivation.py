"""Derivation, wrapping and face keys: properties, independent recomputation and golden vectors."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from dataclasses import fields

import numpy as np
import pytest

from paths_kit import GOLDEN_VECTORS
from proface_s.errors import DamagedFileError, WrongKeyError
from proface_s.keys.derive import KdfParams, derive_kek, subkey
from proface_s.keys.secrets import FaceContext, FaceKey, FaceSecret, FileKey
from proface_s.keys.wrap import unwrap_key, wrap_key
from proface_s.threads import parallel_map
from proface_s.types import Box

GOLDEN = json.loads((GOLDEN_VECTORS / "keys.json").read_text(encoding="utf-8"))
KEY = bytes(range(32))
CONTEXT = FaceContext(1, 3, Box(10, 20, 30, 40), bytes(range(16)))


def hkdf_sha256(key: bytes, info: bytes) -> bytes:
    """Compute RFC 5869 with an empty salt and one block of output, following the text of the RFC."""
    extracted = hmac.new(bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


@pytest.mark.parametrize("vector", GOLDEN["argon2id"], ids=lambda vector: vector["passphrase"])
def test_argon2id_golden_vectors(vector: dict) -> None:
    """The values were computed with another implementation (the reference C code, through argon2-cffi)."""
    params = KdfParams(vector["time_cost"], vector["memory_kib"], vector["lanes"])
    kek = derive_kek(vector["passphrase"], bytes.fromhex(vector["salt"]), params)
    assert kek.hex() == vector["kek"]


def test_several_threads_may_derive_at_once() -> None:
    """OpenSSL alone raised MemoryError here, or waited for ever: its derivations share a few threads."""
    params, meeting = KdfParams(1, 1024, 4), threading.Barrier(4, timeout=300)

    def derive(number: int) -> list[bytes]:
        meeting.wait()
        return [derive_kek(f"passphrase {number} {again}", bytes(16), params) for again in range(10)]

    found = parallel_map(4, derive, range(4))
    assert found == [
        [derive_kek(f"passphrase {n} {again}", bytes(16), params) for again in range(10)] for n in range(4)
    ]


def test_defaults_are_the_documented_ones() -> None:
    defaults = {field.name: field.default for field in fields(KdfParams)}
    assert defaults == {"time_cost": 3, "memory_kib": 65536, "lanes": 4}


@pytest.mark.parametrize(
    "params",
    [
        KdfParams(time_cost=17),
        KdfParams(time_cost=0),
        KdfParams(memory_kib=2**20 + 1),
        KdfParams(memory_kib=1023),
        KdfParams(lanes=17),
        KdfParams(lanes=0),
    ],
)
def test_hostile_costs_are_refused_before_deriving(params: KdfParams) -> None:
    with pytest.raises(DamagedFileError, match="allowed are"):
        derive_kek("a long passphrase", bytes(16), params)


def test_subkeys_match_rfc_5869_and_are_separated() -> None:
    assert subkey(KEY, "seal") == hkdf_sha256(KEY, b"proface-s/v1/seal\x00")
    assert subkey(KEY, "face-key", b"ctx") == hkdf_sha256(KEY, b"proface-s/v1/face-key\x00ctx")
    assert subkey(KEY, "a", b"b") != subkey(KEY, "ab")


def test_wrap_and_unwrap() -> None:
    wrapped = wrap_key(KEY, bytes(32), "purpose", b"context")
    assert len(wrapped) == 60
    assert wrapped != wrap_key(KEY, bytes(32), "purpose", b"context")
    assert unwrap_key(KEY, wrapped, "purpose", b"context") == bytes(32)
    altered = bytes([wrapped[0] ^ 1]) + wrapped[1:]
    for arguments in (
        (bytes(32), wrapped, "purpose", b"context"),
        (KEY, wrapped, "other", b"context"),
        (KEY, wrapped, "purpose", b"other"),
        (KEY, altered, "purpose", b"context"),
        (KEY, wrapped[:-1], "purpose", b"context"),
    ):
        with pytest.raises(WrongKeyError):
            unwrap_key(*arguments)


def test_face_context_bytes() -> None:
    expected = "01" + "0003" + "0000000a" + "00000014" + "0000001e" + "00000028" + bytes(range(16)).hex()
    assert CONTEXT.encode().hex() == expected


def test_face_key_golden_vector() -> None:
    vector = GOLDEN["face"]
    face_key = FaceSecret(bytes.fromhex(vector["face_secret"])).face_key(CONTEXT)
    assert face_key.reveal().hex() == vector["face_key"]
    assert face_key.key_map_stream(32).hex() == vector["key_map_stream"]
    assert face_key.mixing_stream(32).hex() == vector["mixing_stream"]
    assert face_key.seal_key().hex() == vector["seal_key"]
    assert FileKey(KEY).header_mac(b"covered bytes").hex() == vector["header_mac"]


def test_face_key_from_the_standards_alone() -> None:
    """Recompute everything but ChaCha20 with hashlib, and keystream blocks from the text of RFC 8439."""
    face_key = FaceSecret(KEY).face_key(CONTEXT)
    raw = hkdf_sha256(KEY, b"proface-s/v1/face-key\x00" + CONTEXT.encode())
    assert face_key.reveal() == raw
    assert face_key.key_map_stream(64) == chacha20_block(hkdf_sha256(raw, b"proface-s/v1/key-map\x00"), 0)
    second = chacha20_block(hkdf_sha256(raw, b"proface-s/v1/mixing\x00"), 1)
    assert face_key.mixing_stream(128)[64:] == second


def chacha20_block(key: bytes, counter: int) -> bytes:
    """RFC 8439, section 2.3, nonce zero."""
    words = np.frombuffer(b"expand 32-byte k" + key + counter.to_bytes(4, "little") + bytes(12), "<u4")
    state = [int(word) for word in words]
    work = state.copy()

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for into, add, turn, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            work[into] = (work[into] + work[add]) & 0xFFFFFFFF
            mixed = work[turn] ^ work[into]
            work[turn] = ((mixed << bits) | (mixed >> (32 - bits))) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for row in range(4):
            quarter(row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4)
    return b"".join(((x + y) & 0xFFFFFFFF).to_bytes(4, "little") for x, y in zip(work, state, strict=True))


def test_streams_are_prefixes_and_independent() -> None:
    face_key = FaceKey(KEY)
    assert face_key.mixing_stream(1000)[:100] == face_key.mixing_stream(100)
    assert face_key.mixing_stream(100) != face_key.key_map_stream(100)
    assert face_key.key_map_stream(0) == b""
    with pytest.raises(ValueError, match="keystream"):
        face_key.key_map_stream(-1)


@pytest.mark.parametrize(
    "other",
    [
        FaceContext(2, 3, CONTEXT.box, CONTEXT.model_id),
        FaceContext(1, 4, CONTEXT.box, CONTEXT.model_id),
        FaceContext(1, 3, Box(10, 20, 30, 42), CONTEXT.model_id),
        FaceContext(1, 3, CONTEXT.box, bytes(16)),
    ],
)
def test_face_keys_are_bound_to_their_face(other: FaceContext) -> None:
    secret = FaceSecret.generate()
    file_key = FileKey.generate()
    assert secret.face_key(CONTEXT) != secret.face_key(other)
    wrapped = file_key.wrap_face(secret, CONTEXT)
    assert file_key.unwrap_face(wrapped, CONTEXT) == secret
    with pytest.raises(WrongKeyError):
        file_key.unwrap_face(wrapped, other)


def test_file_key_wrapping_is_bound_to_the_group() -> None:
    file_key = FileKey.generate()
    wrapped = file_key.wrap(KEY, 0)
    assert FileKey.unwrap(KEY, wrapped, 0) == file_key
    with pytest.raises(WrongKeyError):
        FileKey.unwrap(KEY, wrapped, 1)


def test_secrets_do_not_show_themselves() -> None:
    face_key = FaceKey(b"S" * 32)
    assert repr(face_key) == str(face_key) == "<FaceKey>"
    assert face_key != FaceSecret(b"S" * 32)
    assert face_key == FaceKey(b"S" * 32)
    with pytest.raises(TypeError):
        hash(face_key)
    with pytest.raises(AttributeError):
        face_key._raw = bytes(32)  # type: ignore[misc]
    with pytest.raises(ValueError, match="needs 32 bytes, not 31"):
        FaceKey(bytes(31))

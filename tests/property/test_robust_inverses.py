"""The robust layer: every arrow has its inverse, and hostile bytes raise nothing but format errors."""

from __future__ import annotations

import contextlib
import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.errors import DamagedFileError
from proface_s.robust.carriers import Layer, collect_directory, order, place_directory
from proface_s.robust.directory import (
    LENGTHS,
    STANZA_BYTES,
    KeyStanza,
    SharedFace,
    ShareDirectory,
    decode_directory,
    directory_length,
    encode_directory,
)
from proface_s.robust.lattice import BANDS
from proface_s.robust.ldpc import CodeWords, ldpc_code
from proface_s.robust.regions import REGIONS
from proface_s.types import Box

SIZE = (1600, 1068)


@st.composite
def shared_faces(draw: st.DrawFn, groups: int) -> SharedFace:
    x, y = 4 * draw(st.integers(0, 399)), 4 * draw(st.integers(0, 266))
    w, h = 4 * draw(st.integers(1, 400 - x // 4)), 4 * draw(st.integers(1, 267 - y // 4))
    base, fine = draw(st.integers(0, 255)), draw(st.integers(0, 0xFFFF))
    return SharedFace(
        Box(x, y, w, h), draw(st.integers(0, groups)), base, fine or (base == 0), draw(st.integers(0, 15))
    )


@st.composite
def directories(draw: st.DrawFn) -> ShareDirectory:
    kinds = draw(st.lists(st.sampled_from(sorted(STANZA_BYTES)), max_size=2))
    stanzas = tuple(
        KeyStanza(1 + number, kind, draw(st.binary(min_size=STANZA_BYTES[kind], max_size=STANZA_BYTES[kind])))
        for number, kind in enumerate(kinds)
    )
    most = next(count for count in range(25, 0, -1) if directory_length(count, tuple(kinds)))
    faces = tuple(draw(st.lists(shared_faces(len(kinds)), min_size=1, max_size=most)))
    salt = draw(st.binary(min_size=16, max_size=16))
    cost = draw(st.integers(1, 15)), draw(st.integers(10, 20)), draw(st.integers(1, 15))
    return ShareDirectory(*SIZE, draw(st.sampled_from(REGIONS)), salt, *cost, faces, stanzas)


@given(directories())
def test_directories_come_back(directory: ShareDirectory) -> None:
    assert decode_directory(encode_directory(directory)) == directory


@given(directories(), st.data())
def test_altered_directories_with_a_right_crc_raise_format_errors_or_are_canonical(
    directory: ShareDirectory, data: st.DataObject
) -> None:
    body = bytearray(encode_directory(directory)[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(body) + zlib.crc32(body).to_bytes(4, "big")
    with contextlib.suppress(DamagedFileError):
        assert encode_directory(decode_directory(raw)) == raw


@given(st.integers(64, 3840), st.integers(0, 9000), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_code_words_come_back(bits: int, spare: int, seed: int) -> None:
    code = ldpc_code(bits, -(-3 * bits // 2) + spare)
    message = np.random.default_rng(seed).integers(0, 2, (2, bits), dtype=np.uint8)
    decoded, sound = code.decode((20 - 40.0 * code.encode(message)).astype(np.float32))
    assert sound.all()
    assert np.array_equal(decoded, message)


@given(st.integers(64, 12_000), st.integers(0, 30_000), st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_long_messages_come_back(bits: int, spare: int, seed: int) -> None:
    words = CodeWords(bits, -(-3 * bits // 2) + 8 + spare)
    message = np.random.default_rng(seed).integers(0, 2, bits, dtype=np.uint8)
    decoded = words.decode((20 - 40.0 * words.encode(message)).astype(np.float32))
    assert decoded is not None
    assert np.array_equal(decoded, message)


@given(st.sampled_from(LENGTHS), st.integers(24, 70), st.integers(24, 110), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_directories_come_back_from_their_carriers(length: int, rows: int, columns: int, seed: int) -> None:
    data = np.random.default_rng(seed).bytes(length)
    where, bits = place_directory(data, rows, columns)
    carriers = 2 * rows * columns
    ratios = np.zeros((rows, columns, len(BANDS)), np.float32)
    ratios[where] = 10 - 20.0 * bits
    assert where.sum() == len(bits) == carriers
    if carriers > 1.6 * 8 * length:
        assert data in collect_directory(ratios)


@given(st.binary(min_size=8, max_size=700), st.integers(0, 9000), st.binary(min_size=16, max_size=16))
@settings(max_examples=20)
def test_layers_come_back(message: bytes, spare: int, salt: bytes) -> None:
    layer = Layer("fine", salt, len(message), 12 * len(message) + 8 + spare)
    assert layer.decode((20 - 40.0 * layer.encode(message)).astype(np.float32)) == message


@given(st.integers(1, 5000), st.binary(min_size=16, max_size=16))
def test_an_order_is_a_permutation(count: int, salt: bytes) -> None:
    assert np.array_equal(np.sort(order("base-order", salt, count)), np.arange(count))


def test_constant_messages_look_random_in_the_carriers() -> None:
    """Zeros are a code word; scrambled, they are as many ones as zeros, alone and in pairs of neighbours."""
    bits = Layer("fine", bytes(16), 400, 100_000).encode(bytes(400)).astype(float)
    assert abs(bits.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(bits[:-1], bits[1:])[0, 1]) < 0.02

"""The directory of a share copy: canonical bytes, bounds, and damage that is noticed."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from proface_s.errors import DamagedFileError
from proface_s.robust.directory import (
    LENGTHS,
    KeyStanza,
    SharedFace,
    ShareDirectory,
    decode_directory,
    directory_length,
    encode_directory,
)
from proface_s.types import Box

FACE = SharedFace(Box(400, 200, 128, 160), 0, 120, 1800)
ONE = ShareDirectory(1600, 1068, "photo", bytes(range(16)), 3, 16, 4, (FACE,))


def with_crc(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "big")


def test_bytes_are_those_of_the_format() -> None:
    data = encode_directory(ONE)
    head = "10 34 10 64042c" + bytes(range(16)).hex() + "01 00"
    face = "1903208028 10 78 0708"
    assert data[:-4] == bytes.fromhex(head + face + "000000")
    assert len(data) == 40
    assert zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "big")


def test_groups_and_stanzas_come_back() -> None:
    stanzas = (KeyStanza(1, 1, bytes(32)), KeyStanza(1, 2, bytes(range(64))))
    directory = replace(ONE, region="halo", faces=(FACE, replace(FACE, group=1)), stanzas=stanzas)
    assert decode_directory(encode_directory(directory)) == directory


@pytest.mark.parametrize("faces", [1, 2, 4, 5, 11, 25])
def test_lengths_depend_on_numbers_alone(faces: int) -> None:
    data = encode_directory(replace(ONE, faces=(FACE,) * faces))
    assert len(data) == directory_length(faces)
    assert len(data) in LENGTHS


def test_more_than_fits_is_refused() -> None:
    assert directory_length(26) is None
    with pytest.raises(ValueError, match="do not fit"):
        encode_directory(replace(ONE, faces=(FACE,) * 26))


@pytest.mark.parametrize(
    "change",
    [
        {"width": 4096},
        {"height": 8},
        {"salt": b"short"},
        {"passes": 0},
        {"memory_log": 21},
        {"lanes": 16},
        {"faces": ()},
        {"faces": (replace(FACE, box=Box(401, 200, 128, 160)),)},
        {"faces": (replace(FACE, box=Box(1500, 200, 128, 160)),)},
        {"faces": (replace(FACE, box=Box(400, 200, 0, 160)),)},
        {"faces": (replace(FACE, group=1),)},
        {"faces": (replace(FACE, base_bytes=0, fine_bytes=0),)},
        {"faces": (replace(FACE, base_bytes=256),)},
        {"stanzas": (KeyStanza(1, 1, bytes(31)),)},
        {"stanzas": (KeyStanza(0, 1, bytes(32)),)},
        {"stanzas": (KeyStanza(1, 3, bytes(32)),)},
    ],
)
def test_what_breaks_a_rule_is_not_written(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError)):
        encode_directory(replace(ONE, **change))  # type: ignore[arg-type]


def test_every_flipped_bit_is_noticed() -> None:
    data = encode_directory(ONE)
    for bit in range(8 * len(data)):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedFileError, match="damaged"):
            decode_directory(bytes(altered))


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"\x20", "version 2"),
        (0, b"\x13", "unknown region"),
        (22, b"\xff", "claims 255 faces"),
        (22, b"\x02", "claims 2 faces"),
        (23, b"\x01", "stanza"),
        (23, b"\xff", "stanza"),
        (3, b"\x00\x00\x00", "0 x 0 pixels"),
        (24, b"\xff\xff\xff\xff\xff", "outside the picture"),
        (29, b"\x17", "nothing opens"),
        (33, b"\x01", "padded"),
    ],
)
def test_hostile_claims_are_refused(at: int, value: bytes, message: str) -> None:
    body = bytearray(encode_directory(ONE)[:-4])
    body[at : at + len(value)] = value
    if at == 33:
        body[at] = 1
    with pytest.raises(DamagedFileError, match=message):
        decode_directory(with_crc(bytes(body)))


@pytest.mark.parametrize("data", [b"", b"\0" * 40, b"\0" * 41, b"\xff" * 256])
def test_what_is_no_directory(data: bytes) -> None:
    with pytest.raises(DamagedFileError, match="damaged"):
        decode_directory(data)

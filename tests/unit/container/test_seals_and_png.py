"""PNG chunks, carriers and seals."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from PIL import Image

from proface_s.container.carriers.carrier import from_chunks, to_chunks
from proface_s.container.carriers.png import read_png_chunks, write_png_chunks
from proface_s.container.header.header import region_digest
from proface_s.container.header.key_ring import KeyRing
from proface_s.container.header.lock import FaceDescription, lock_header
from proface_s.container.seal import (
    header_seal_context,
    largest_payload,
    open_seal,
    padded_length,
    seal_at_full_length,
    seal_context,
    seal_region,
)
from proface_s.errors import DamagedFileError, FileFormatError, ImageError, NotProtectedError, ProFaceError
from proface_s.keys.access import Lock
from proface_s.keys.derive import KdfParams
from proface_s.keys.secrets import FaceContext, FaceKey
from proface_s.types import Box

RNG = np.random.default_rng(7)
REGION = RNG.integers(0, 256, (12, 10, 3), dtype=np.uint8)
KEY = FaceKey(bytes(range(32)))
CHEAP = KdfParams(time_cost=1, memory_kib=1024, lanes=1)


def drawn_png(size: tuple[int, int] = (60, 40)) -> bytes:
    buffer = io.BytesIO()
    pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PNG = drawn_png()
CHUNKS = {"pfSh": [b"header"], "pfSl": [b"seal one", b"", b"seal three"]}


def test_attached_chunks_are_read_back_and_the_picture_stays_the_same() -> None:
    carried = write_png_chunks(PNG, CHUNKS)
    assert read_png_chunks(carried) == CHUNKS
    assert read_png_chunks(io.BytesIO(carried)) == CHUNKS
    with Image.open(io.BytesIO(carried)) as image, Image.open(io.BytesIO(PNG)) as plain:
        assert image.tobytes() == plain.tobytes()
    assert carried.index(b"pfSh") < carried.index(b"IDAT") < carried.index(b"pfSl")


def test_attaching_again_replaces() -> None:
    carried = write_png_chunks(write_png_chunks(PNG, CHUNKS), {"pfSh": [b"other"], "pfSl": []})
    assert read_png_chunks(carried) == {"pfSh": [b"other"]}
    assert write_png_chunks(carried, {"pfSh": []}) == PNG


def test_pictures_without_chunks() -> None:
    assert read_png_chunks(PNG) == {}
    assert read_png_chunks(b"\xff\xd8\xff not a PNG") == {}
    assert read_png_chunks(b"") == {}
    with pytest.raises(ImageError, match="not a PNG"):
        write_png_chunks(b"\xff\xd8\xff", CHUNKS)
    with pytest.raises(ValueError, match="chunk name"):
        write_png_chunks(PNG, {"IDAT": [b""]})


def test_every_truncation_is_an_error() -> None:
    carried = write_png_chunks(PNG, CHUNKS)
    header_ends = carried.index(b"pfSh") + len("pfSh") + len("header") + 4
    for length in range(8, len(carried)):
        expected = DamagedFileError if length >= header_ends else ImageError
        with pytest.raises(expected, match="truncated"):
            read_png_chunks(carried[:length], "photo.png")


def test_every_flipped_byte_in_a_private_chunk_is_noticed() -> None:
    carried = write_png_chunks(PNG, CHUNKS)
    start = carried.index(b"pfSh") - 4
    for at in range(start, start + 4 + 4 + len("header") + 4):
        altered = carried[:at] + bytes([carried[at] ^ 0xFF]) + carried[at + 1 :]
        with contextlib.suppress(ProFaceError):
            assert "pfSh" not in read_png_chunks(altered), "only a hit name may pass, as another chunk"


def test_too_many_chunks() -> None:
    with pytest.raises(DamagedFileError, match="8192"):
        read_png_chunks(write_png_chunks(PNG, {"pfSl": [b""] * 8193}))


def protected_header(sealed: bool = True):
    ring = KeyRing.generate(bytes(16), [Box(0, 0, 10, 12), Box(20, 0, 10, 12)])
    descriptions = [FaceDescription("blur", 2.0, region_digest(REGION), sealed) for _ in range(2)]
    return ring, lock_header(ring, (60, 40), descriptions, [Lock.of("the passphrase")], CHEAP)


def test_header_and_seals_travel_in_a_file() -> None:
    ring, header = protected_header()
    seal = seal_region(ring.face_key(1), REGION, header_seal_context(header, 1))
    carried = write_png_chunks(PNG, to_chunks(header, {1: seal}))
    again, seals = from_chunks(read_png_chunks(carried))
    assert again == header
    assert seals == {1: seal}
    opened = open_seal(ring.face_key(1), seals[1], REGION.shape, header_seal_context(again, 1))
    assert np.array_equal(opened, REGION)


def test_inconsistent_carriers() -> None:
    _, header = protected_header()
    chunks = to_chunks(header, {0: b"seal"})
    with pytest.raises(NotProtectedError):
        from_chunks({})
    for broken in (
        {"pfSl": chunks["pfSl"]},
        {"pfSh": chunks["pfSh"] * 2},
        {**chunks, "pfSl": chunks["pfSl"] * 2},
        {**chunks, "pfSl": [b"\x00\x02seal"]},
        {**chunks, "pfSl": [b"\x00"]},
        {"pfSh": [chunks["pfSh"][0][:-1]]},
    ):
        with pytest.raises(FileFormatError):
            from_chunks(broken)
    with pytest.raises(ValueError, match="no sealed face"):
        to_chunks(header, {2: b"seal"})
    with pytest.raises(ValueError, match="no sealed face"):
        to_chunks(protected_header(sealed=False)[1], {0: b"seal"})


@pytest.mark.parametrize("shape", [(12, 10), (2, 2), (300, 400), (2, 16400)], ids=str)
def test_seals_are_exact(shape: tuple[int, int]) -> None:
    region = np.zeros((*shape, 3), np.uint8)
    region[: shape[0] // 2] = RNG.integers(0, 256, (shape[0] // 2, shape[1], 3), dtype=np.uint8)
    seal = seal_region(KEY, region, b"context")
    assert np.array_equal(open_seal(KEY, seal, region.shape, b"context"), region)
    assert len(seal) == 12 + padded_length(len(seal) - 28, largest_payload(*shape)) + 16
    assert seal != seal_region(KEY, region, b"context")


def test_seals_of_views_and_bad_regions() -> None:
    big = RNG.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    view = big[3:20, 5:25, ::-1]
    assert np.array_equal(open_seal(KEY, seal_region(KEY, view, b""), view.shape, b""), view)
    with pytest.raises(ValueError, match="region"):
        seal_region(KEY, big[..., 0], b"")


def test_anything_else_does_not_open_a_seal() -> None:
    seal = seal_region(KEY, REGION, b"context")
    for key, box, context in (
        (FaceKey(bytes(32)), seal, b"context"),
        (KEY, seal, b"another context"),
        (KEY, seal[:-1], b"context"),
        (KEY, seal[:20], b"context"),
        (KEY, bytes([seal[0] ^ 1]) + seal[1:], b"context"),
    ):
        with pytest.raises(DamagedFileError):
            open_seal(key, box, REGION.shape, context)


def authentic(payload: bytes) -> bytes:
    """Return a seal of arbitrary content, made with the key."""
    return bytes(12) + ChaCha20Poly1305(KEY.seal_key()).encrypt(bytes(12), payload, b"")


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"\x02\x00\x00\x00\xff short", "length"),
        (b"\x09\x00\x00\x00\x01x", "codec 9"),
        (b"\x02\x00\x00\x00\x04nope", "decoded"),
        (b"\x01\x00\x00\x00\x04nope", "decoded"),
    ],
)
def test_authentic_nonsense_is_damage(payload: bytes, problem: str) -> None:
    with pytest.raises(DamagedFileError, match=problem):
        open_seal(KEY, authentic(payload), REGION.shape, b"")


def test_unexpected_shapes_are_refused() -> None:
    seal = seal_region(KEY, REGION, b"")
    with pytest.raises(DamagedFileError, match="expected"):
        open_seal(KEY, seal, (10, 12, 3), b"")


def test_seal_context_binds_place_picture_and_pixels() -> None:
    context = FaceContext(1, 0, Box(0, 0, 10, 12), bytes(16))
    data = seal_context(context, (60, 40), region_digest(REGION))
    assert len(data) == 35 + 8 + 32
    others = {
        seal_context(replace(context, index=1), (60, 40), region_digest(REGION)),
        seal_context(context, (40, 60), region_digest(REGION)),
        seal_context(context, (60, 40), region_digest(REGION[::-1])),
    }
    assert data not in others
    assert len(others) == 3


SIZES = [(2, 2), (16, 24), (60, 64), (200, 240), (2, 16400), (16400, 2)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_s11_a_seal_has_one_of_four_lengths(size: tuple[int, int]) -> None:
    """Case S11: test regions that compress well and regions that do not compress at all."""
    most = largest_payload(*size)
    for length in range(1, most + 1, max(1, most // 500)):
        assert length <= padded_length(length, most) <= most
    assert len({padded_length(length, most) for length in range(1, most + 1)}) <= 4


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_s11_a_full_length_depends_on_the_size_alone(size: tuple[int, int], channels: int) -> None:
    noise = RNG.integers(0, 256, (*size, channels), dtype=np.uint8)
    regions = [noise, np.zeros_like(noise), noise // 64, np.repeat(noise[:, :1], size[1], axis=1)]
    seals = [seal_at_full_length(KEY, region, b"") for region in regions]
    assert {len(seal) for seal in seals} == {12 + largest_payload(*size, channels) + 16}
    for region, seal in zip(regions, seals, strict=True):
        assert np.array_equal(open_seal(KEY, seal, region.shape, b""), region)
        assert np.array_equal(open_seal(KEY, seal_region(KEY, region, b""), region.shape, b""), region)


@pytest.mark.parametrize("padding", [b"", bytes(3), bytes(5000), b"not zero"])
def test_any_padding_is_read(padding: bytes) -> None:
    """Earlier versions and other programs padded differently: readers ignore bytes behind the content."""
    seal = seal_region(KEY, REGION, b"")
    payload = ChaCha20Poly1305(KEY.seal_key()).decrypt(seal[:12], seal[12:], b"")
    length = 5 + int.from_bytes(payload[1:5], "big")
    assert np.array_equal(open_seal(KEY, authentic(payload[:length] + padding), REGION.shape, b""), REGION)


def test_png_files_begin_with_their_head() -> None:
    _, header = protected_header(sealed=False)
    data = write_png_chunks(PNG, to_chunks(header, {}))
    at = data.index(b"pfSh") - 4
    end = at + 12 + int.from_bytes(data[at : at + 4], "big")
    chunk, plain, head = data[at:end], data[:at] + data[end:], data[8:33]
    assert read_png_chunks(plain + chunk) == {}, "what follows the end is not looked at"
    assert chunk not in write_png_chunks(plain + chunk, {}), "and does not stay"
    for wrong in plain[:8] + chunk + plain[8:], plain[:8] + plain[33:], plain[:33] + head + plain[33:]:
        with pytest.raises(ImageError, match="damaged"):
            read_png_chunks(wrong)
    with pytest.raises(DamagedFileError, match="damaged"):
        read_png_chunks(plain[:33] + chunk + head + plain[33:])

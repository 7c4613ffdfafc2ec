"""Cases S4 and S12: small files that keep a decoder busy are refused before it starts, and decoders do not talk."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from proface_s.container.carriers.carrier import read_chunks
from proface_s.errors import ImageError, ProFaceError
from proface_s.image.read import read_picture
from proface_s.image.structure import jpeg, png, riff, tiff

PIXELS = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
MOST_SECONDS = 4.0  # of processor time; the originals took 17 and more


def encode(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(*chunks: bytes) -> bytes:
    whole = encode(PIXELS)
    return whole[:33] + b"".join(chunks) + whole[33:]


def progressive(scans: int, side: int = 64) -> bytes:
    """A JPEG whose last scan comes again and again."""
    whole = encode(np.zeros((side, side, 3), np.uint8), "JPEG", progressive=True)
    last = whole.rfind(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + b"\xff\xd9"


def pages(count: int) -> bytes:
    """A TIFF of many pages that share their pixels: 12 bytes and a pointer each."""
    fields = [
        (256, 3, 1, 4), (257, 3, 1, 4), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1),
        (279, 4, 1, 16),
    ]  # fmt: skip
    body = bytearray(b"II*\0" + struct.pack("<I", 24) + bytes(16))
    size = 2 + 12 * len(fields) + 4
    for number in range(count):
        following = len(body) + size if number < count - 1 else 0
        body += struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", *each) for each in fields)
        body += struct.pack("<I", following)
    return bytes(body)


def greedy_tags(inside: int | None = None) -> bytes:
    """A TIFF with 10,000 tags that each claim the same 4 MB."""
    whole = bytearray(b"II*\0" + struct.pack("<I", 4_000_008) + bytes(4_000_000))
    tags = [(256, 3, 1, 4), (257, 3, 1, 4), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 16)]
    many = [(40000 + number, 7, 4_000_000, 8) for number in range(10_000)]
    if inside is None:
        tags += many
    else:
        tags.append((inside, 4, 1, 4_000_008 + 2 + 12 * (len(tags) + 1) + 4))
    for table in (tags, many) if inside is not None else (tags,):
        whole += struct.pack("<H", len(table)) + b"".join(struct.pack("<HHII", *each) for each in table) + bytes(4)
    return bytes(whole)


def endless(data: bytes) -> bytes:
    """An EXIF block whose directories point at each other."""
    tables = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + tables
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "'
    + b"a" * 4000
    + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, (b"&%c;" % (97 + i)) * 100) for i in range(8))
    + b"]><x:xmpmeta xmlns:x='adobe:ns:meta/'>&i;</x:xmpmeta>"
)

REFUSED: dict[str, Callable[[], bytes]] = {
    "scans": lambda: progressive(2000, 512),
    "segments": lambda: encode(PIXELS, "JPEG")[:2] + b"\xff\xfe\0\2" * 2_000_000 + encode(PIXELS, "JPEG")[2:],
    "pages": lambda: pages(64_000),
    "tags": greedy_tags,
    "EXIF tags": lambda: greedy_tags(34665),
    "PNG chunks": lambda: with_chunks(chunk(b"vpAg", b"") * 1_000_000),
    "PNG pixels in nothing": lambda: with_chunks(chunk(b"IDAT", b"") * 1_000_000),
    "WebP chunks": lambda: b"RIFF" + struct.pack("<I", 8_000_004) + b"WEBP" + b"junk\0\0\0\0" * 1_000_000,
    "WebP canvas": lambda: b"RIFF" + struct.pack("<I", 40) + b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes(4)
    + b"\xfe\xff\xff\xfe\xff\xff" + b"VP8L" + struct.pack("<I", 5) + b"\x2f\0\0\0\0\0",
    "strips": lambda: tiff_of_strips(600_000),
}  # fmt: skip
READ: dict[str, Callable[[], bytes]] = {
    "text": lambda: with_chunks(chunk(b"zTXt", b"Author\0\0" + zlib.compress(bytes(200_000_000), 1))),
    "international text": lambda: with_chunks(
        chunk(b"iTXt", b"Author\0\1\0\0\0" + zlib.compress(b"x" * 200_000_000, 1))
    ),
    "profile": lambda: with_chunks(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200_000_000), 1))),
    "EXIF loop": lambda: endless(encode(PIXELS, "JPEG")),
    "XMP entities": lambda: encode(PIXELS, "JPEG", xmp=ENTITIES),
    "scans below the limit": lambda: progressive(20),
}


def tiff_of_strips(count: int) -> bytes:
    """A TIFF of one row whose strips are counted in hundred thousands."""
    whole = b"II*\0" + struct.pack("<I", 8 + 8 * count)
    whole += struct.pack("<I", 8) * count + struct.pack("<I", 1) * count
    fields = [
        (256, 3, 1, 4), (257, 4, 1, count), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, count, 8),
        (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, count, 8 + 4 * count),
    ]  # fmt: skip
    return whole + struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", *each) for each in fields) + bytes(4)


def cpu_of(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


@pytest.mark.parametrize("kind", REFUSED)
def test_bombs_are_refused_before_they_are_decoded(kind: str) -> None:
    file = REFUSED[kind]()

    def read() -> None:
        with pytest.raises(ImageError):
            read_picture(file)

    assert cpu_of(read) < MOST_SECONDS


@pytest.mark.parametrize("kind", READ)
def test_bombs_beside_the_picture_do_not_go_off(kind: str) -> None:
    file = READ[kind]()

    def read() -> None:
        picture = read_picture(file)
        assert picture.size == (64, 64)
        assert sum(map(len, picture.metadata.values())) < 2000

    assert cpu_of(read) < MOST_SECONDS


@pytest.mark.parametrize("kind", ["PNG chunks", "PNG pixels in nothing", "WebP chunks", "pages", "tags", "strips"])
def test_looking_for_a_header_is_bounded_too(kind: str) -> None:
    file = REFUSED[kind]()

    def look() -> None:
        with contextlib.suppress(ProFaceError):
            read_chunks(file)

    assert cpu_of(look) < MOST_SECONDS


def test_limits_are_far_from_what_programs_write() -> None:
    assert jpeg.MAX_SCANS >= 50
    assert jpeg.read_jpeg_layout(encode(PIXELS, "JPEG", progressive=True), "x").scans < jpeg.MAX_SCANS / 5
    assert png.MAX_PNG_CHUNKS >= 100_000
    assert riff.MAX_WEBP_CHUNKS >= 1000
    assert tiff.MAX_PIECES >= 200_000


def test_sizes_are_checked_before_decoding() -> None:
    for kind, options in (("PNG", {}), ("JPEG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("BMP", {})):
        with pytest.raises(ImageError, match="64x64 pixels; the limit is 4000"):
            read_picture(encode(PIXELS, kind, **options), max_pixels=4000)


PROGRAM = """
import sys
from proface_s.errors import ImageError
from proface_s.image.read import read_picture
for path in sys.argv[1:]:
    try:
        read_picture(path)
    except ImageError:
        pass
"""


def test_decoders_say_nothing_on_standard_error(tmp_path: Path) -> None:
    """Case S12: libtiff prints by default, whatever the program catches."""
    files = []
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        bilevel = Image.fromarray(PIXELS).convert("1")
        buffer = io.BytesIO()
        (bilevel if compression == "group4" else Image.fromarray(PIXELS)).save(buffer, "TIFF", compression=compression)
        whole = buffer.getvalue()
        for cut in (0, 40):
            broken = bytearray(whole)
            broken[200 + cut : 260 + cut] = bytes(60)
            files.append(bytes(broken))
        files.append(whole[: len(whole) // 2])
    odd = io.BytesIO()
    tifffile.imwrite(odd, PIXELS, photometric="rgb", extratags=[(65000, "s", 0, "odd", True)])
    files.append(odd.getvalue())
    many_samples = bytearray(odd.getvalue())
    at = many_samples.index(struct.pack("<HHI", 277, 3, 1))
    many_samples[at + 8 : at + 10] = struct.pack("<H", 2048)  # of which Pillow writes to its log
    files.append(bytes(many_samples))
    files += [encode(PIXELS, "JPEG")[:-90], encode(PIXELS)[:-90], encode(PIXELS, "WEBP")[:-90]]
    paths = []
    for number, file in enumerate(files):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(file)
        paths.append(str(path))
    done = subprocess.run([sys.executable, "-c", PROGRAM, *paths], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")

"""Chunks in the APP11 segments of JPEG files: written, read, replaced and removed; damaged chains are named."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proface_s.container.carriers.carrier import read_chunks, write_chunks
from proface_s.container.carriers.jpeg import IDENTIFIER, PART_BYTES, read_jpeg_chunks, write_jpeg_chunks
from proface_s.errors import DamagedFileError, ImageError

RGB = np.random.default_rng(1).integers(0, 256, (40, 56, 3), dtype=np.uint8)
LARGE = np.random.default_rng(2).bytes(2 * PART_BYTES + 99)
CHUNKS = {"pfSh": [b"a header"], "pfSl": [b"\0\0" + LARGE, b"\0\1another"]}
NONE: dict[str, list[bytes]] = {"pfSh": [], "pfSl": []}


def jpeg(**options: object) -> bytes:
    """Return a JPEG file, of 4:2:0 unless other options of Pillow say otherwise."""
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG", **{"quality": 80} | options)
    return buffer.getvalue()


def segments(data: bytes) -> list[bytes]:
    """Return SOI, every segment before the first scan, and the rest of the file."""
    pieces, at = [data[:2]], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        pieces.append(data[at:end])
        at = end
    return [*pieces, data[at:]]


def links(data: bytes) -> list[int]:
    """Return which segments are those of the chain."""
    return [number for number, piece in enumerate(segments(data)) if piece[4:].startswith(IDENTIFIER)]


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"comment": b"hello", "dpi": (9, 9)}]
)
def test_chunks_come_back_and_the_rest_is_copied(options: dict[str, object]) -> None:
    plain = jpeg(**options)
    carried = write_chunks(plain, CHUNKS)
    assert read_chunks(carried) == CHUNKS
    assert read_chunks(io.BytesIO(carried)) == CHUNKS
    assert write_chunks(carried, NONE) == plain
    assert read_chunks(plain) == {}
    np.testing.assert_array_equal(Image.open(io.BytesIO(carried)), Image.open(io.BytesIO(plain)))


def test_the_chain_follows_the_other_app_segments() -> None:
    profile = np.random.default_rng(3).bytes(70_000)
    carried = write_chunks(jpeg(icc_profile=profile, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"), CHUNKS)
    markers = [piece[1] for piece in segments(carried)[1:-1]]
    assert markers[:7] == [0xE0, 0xE1, 0xE2, 0xE2, 0xEB, 0xEB, 0xEB]
    assert Image.open(io.BytesIO(carried)).info["icc_profile"] == profile


def test_chunks_are_replaced_by_name() -> None:
    carried = write_chunks(jpeg(), CHUNKS | {"pfSx": [b"later"]})
    changed = write_chunks(carried, {"pfSl": [b"\0\0short"]})
    assert read_jpeg_chunks(changed) == {"pfSh": [b"a header"], "pfSl": [b"\0\0short"], "pfSx": [b"later"]}
    assert LARGE[:4000] not in changed
    assert len(links(changed)) == 1


def test_fill_bytes_and_bytes_between_segments_are_skipped() -> None:
    pieces = segments(write_chunks(jpeg(), CHUNKS))
    for filling in (b"\xff" * 7, b"\xff" * 200_000, b"between", b"\xff\0" * 100_000):
        filled = b"".join(piece if number in (0, 1, len(pieces) - 1) else filling + piece
                          for number, piece in enumerate(pieces))  # fmt: skip
        assert read_chunks(filled) == CHUNKS
        assert read_chunks(write_chunks(filled, NONE)) == {}


def test_nothing_after_the_first_scan_is_read() -> None:
    chain = b"".join(segments(write_chunks(jpeg(), CHUNKS))[number] for number in (2, 3, 4))
    plain = jpeg()
    assert links(plain) == []
    for late in (plain[:-2] + chain + plain[-2:], plain + chain, plain + write_chunks(plain, CHUNKS)):
        assert read_chunks(late) == {}


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ((0, 1), "2 of 3 segments"),
        ((1, 2), "segment 2 of 3 with the seals comes where 1 belongs"),
        ((0, 2), "segment 3 of 3 with the seals comes where 2 belongs"),
        ((0, 1, 1, 2), "segment 2 of 3 with the seals comes where 3 belongs"),
        ((0, 0, 1, 2), "segment 1 of 3 with the seals comes where 2 belongs"),
        ((0, 2, 1), "segment 3 of 3 with the seals comes where 2 belongs"),
        ((0, 1, 2, 0, 1, 2), "segment 1 of 3 with the seals comes where 4 belongs"),
    ],
)
def test_gaps_doubles_and_another_order_are_refused(order: tuple[int, ...], told: str) -> None:
    pieces = segments(write_chunks(jpeg(), CHUNKS))
    chain = [pieces[number] for number in links(b"".join(pieces))]
    others = [piece for piece in pieces if piece not in chain]
    changed = b"".join([others[0], *(chain[number] for number in order), *others[1:]])
    with pytest.raises(DamagedFileError, match=told):
        read_chunks(changed)
    with pytest.raises(DamagedFileError, match=told):
        write_chunks(changed, CHUNKS)


def test_other_segments_may_stand_between_links() -> None:
    pieces = segments(write_chunks(jpeg(), CHUNKS))
    comment = b"\xff\xfe\0\x06free"
    assert read_chunks(b"".join([pieces[0], *(piece + comment for piece in pieces[1:-1]), pieces[-1]])) == CHUNKS


@pytest.mark.parametrize(
    ("part", "number", "count", "told"),
    [
        (b"pfSh\0\0\0\1x", 1, 0, "too many"),
        (b"pfSh\0\0\0\1x", 1, 65_535, "too many"),
        (b"pfSh\0\0\0\1x", 1, 16_384, "segment 1 of 16384 with the seals has 9 bytes"),
        (b"pfSh\0\0\0\1x", 0, 1, "segment 0 of 1"),
        (b"", 1, 1, "has 0 bytes"),
        (b"pfSh\xff\xff\xff\xffx", 1, 1, "damaged"),
        (b"pfSh\0\0\0\2x", 1, 1, "damaged"),
        (b"pfSh\0\0\0", 1, 1, "damaged"),
        (b"IDAT\0\0\0\1x", 1, 1, "damaged"),
        (b"pfS1\0\0\0\1x", 1, 1, "damaged"),
    ],
)
def test_links_that_claim_something_else_are_refused(part: bytes, number: int, count: int, told: str) -> None:
    payload = IDENTIFIER + number.to_bytes(2, "big") + count.to_bytes(2, "big") + part
    pieces = segments(jpeg())
    link = b"\xff\xeb" + (len(payload) + 2).to_bytes(2, "big") + payload
    with pytest.raises(DamagedFileError, match=told):
        read_chunks(b"".join([pieces[0], link, *pieces[1:]]))


def test_too_many_chunks_and_segments_are_refused() -> None:
    with pytest.raises(DamagedFileError, match="damaged"):
        read_chunks(write_chunks(jpeg(), {"pfSx": [b""] * 8193}))
    pieces = segments(jpeg())
    with pytest.raises(ImageError, match="more than 20000 segments"):
        read_chunks(b"".join([pieces[0], b"\xff\xfe\0\2" * 20_001, *pieces[1:]]))


def test_every_truncation_is_an_error_or_shows_no_chain() -> None:
    carried = write_chunks(jpeg(), {"pfSh": [b"h" * 300], "pfSl": [b"\0\0s"]})
    end = carried.index(IDENTIFIER) + len(IDENTIFIER) + 4 + 308 + 11
    for length in range(3, len(carried)):
        if length < end:
            assert read_chunks(carried[:length]) == {}
        else:
            assert read_chunks(carried[:length])["pfSh"] == [b"h" * 300]


def test_segments_of_others_are_not_ours() -> None:
    pieces = segments(jpeg())
    for other in (b"JP\0\1\0\0\0\1\0\0\0\x10jumb", b"HDR_RI ver=11", IDENTIFIER[:-1], IDENTIFIER + b"\0\1\0"):
        segment = b"\xff\xeb" + (len(other) + 2).to_bytes(2, "big") + other
        data = b"".join([pieces[0], segment, *pieces[1:]])
        assert read_chunks(data) == {}
        assert segment in write_chunks(data, CHUNKS)


def test_names_that_are_not_private_are_refused() -> None:
    for name in ("IDAT", "pfS", "pfS1", "pfShh"):
        with pytest.raises(ValueError, match="not a private chunk name"):
            write_jpeg_chunks(jpeg(), {name: [b""]})
    assert read_jpeg_chunks(b"\x89PNG") == {}


PROGRAMS = {
    "djpeg": (["djpeg", "-outfile", "{out}", "{in}"], ["-version"], "libjpeg"),
    "jpegtran": (["jpegtran", "-copy", "all", "-outfile", "{out}", "{in}"], ["-version"], "libjpeg"),
    "exiftool": (["exiftool", "-a", "-G", "{in}"], ["-ver"], "."),
    "identify": (["identify", "-regard-warnings", "-verbose", "{in}"], ["-version"], "ImageMagick"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_other_programs_read_it_without_a_warning(program: str, tmp_path: Path) -> None:
    command, question, answer = PROGRAMS[program]
    if (path := shutil.which(program)) is None:
        pytest.skip(f"no {program} here")
    asked = subprocess.run([path, *question], capture_output=True, text=True, timeout=300)
    if answer not in asked.stdout + asked.stderr:
        pytest.skip(f"another program is called {program} here")
    for name, data in {"plain": jpeg(), "carried": write_chunks(jpeg(), CHUNKS)}.items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    told = {}
    for name in ("plain", "carried"):
        places = {"in": str(tmp_path / f"{name}.jpg"), "out": str(tmp_path / "out")}
        run = subprocess.run(
            [part.format(**places) for part in command], capture_output=True, text=True, check=True, timeout=300
        )
        told[name] = run.stderr, [line for line in run.stdout.splitlines() if "arning" in line or "rror" in line]
    assert told["carried"] == told["plain"]
    assert not told["carried"][0]
    if program == "jpegtran":
        assert read_chunks((tmp_path / "out").read_bytes()) == CHUNKS

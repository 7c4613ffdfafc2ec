"""WebP chunks, TIFF tags and sidecars: reading inverts writing, pixels stay the same, truncation is an error."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from proface_s.container.carriers.carrier import read_chunks, write_chunks
from proface_s.container.carriers.sidecar import decode_sidecar, encode_sidecar, picture_digest
from proface_s.container.carriers.tiff import HEADER_TAG, SEALS_TAG
from proface_s.errors import DamagedFileError, FileFormatError, ImageError, ProFaceError
from proface_s.image.write import FORMATS, Format, encode_picture
from proface_s.types import Picture

RNG = np.random.default_rng(17)
RGB = RNG.integers(0, 256, (40, 61, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (40, 61), dtype=np.uint8)
CHUNKS = {"pfSh": [b"the header"], "pfSl": [b"\0\0seal one", b"\0\1", b"\0\2seal three!"]}

formats = pytest.mark.parametrize("file_format", FORMATS)


def picture(file_format: Format, alpha: np.ndarray | None = None) -> bytes:
    return encode_picture(Picture(RGB, alpha, b"x" * 16 + b"RGB " + bytes(109)), file_format)


@formats
@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["RGB", "RGBA"])
def test_chunks_are_read_back_and_other_programs_see_the_same_pixels(file_format: Format, alpha: np.ndarray) -> None:
    data = picture(file_format, alpha)
    carried = write_chunks(data, CHUNKS)
    assert read_chunks(carried) == CHUNKS
    assert read_chunks(io.BytesIO(carried)) == CHUNKS
    with Image.open(io.BytesIO(carried)) as image:
        assert np.array_equal(np.array(image)[..., :3], RGB)
        assert alpha is None or np.array_equal(np.array(image)[..., 3], alpha)
        assert image.info["icc_profile"][16:20] == b"RGB "
    if alpha is None:
        seen = cv2.imdecode(np.frombuffer(carried, np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(seen[..., ::-1], RGB)


@formats
def test_attaching_again_replaces_and_leaves_nothing_behind(file_format: Format) -> None:
    data = picture(file_format)
    first = write_chunks(data, CHUNKS)
    second = write_chunks(first, {"pfSh": [b"another"], "pfSl": []})
    assert read_chunks(second) == {"pfSh": [b"another"]}
    assert b"the header" not in second
    assert b"seal one" not in second
    assert len(second) < len(first)
    assert read_chunks(write_chunks(second, {"pfSh": [], "pfSl": []})) == {}
    assert write_chunks(second, CHUNKS) == first


@formats
def test_every_truncation_is_an_error(file_format: Format) -> None:
    carried = write_chunks(picture(file_format), CHUNKS)
    for length in range(12, len(carried)):
        with pytest.raises((DamagedFileError, ImageError), match=r"truncated|damaged"):
            read_chunks(carried[:length])


@formats
def test_pictures_without_chunks(file_format: Format) -> None:
    assert read_chunks(picture(file_format)) == {}


def test_other_files() -> None:
    assert read_chunks(b"") == {}
    assert read_chunks(b"\xff\xd8\xff not a JPEG") == {}
    with pytest.raises(ImageError, match="only PNG, WebP, TIFF and JPEG"):
        write_chunks(b"BM", CHUNKS)
    with pytest.raises(ImageError, match="not a complete JPEG"):
        write_chunks(b"\xff\xd8\xff", CHUNKS)
    for data in (b"RIFF\x04\0\0\0WEBP", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\0"):
        for act in (lambda data=data: write_chunks(data, CHUNKS), lambda data=data: read_chunks(data)):
            with pytest.raises(ImageError):
                act()


@pytest.mark.parametrize("options", [{"quality": 80}, {"lossless": True}, {"lossless": True, "exif": b"Exif\0\0II"}])
def test_webp_of_other_programs(options: dict) -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "WEBP", **options)
    carried = write_chunks(buffer.getvalue(), CHUNKS)
    assert read_chunks(carried) == CHUNKS
    with Image.open(io.BytesIO(carried)) as image, Image.open(buffer) as plain:
        assert image.size == (61, 40)
        assert image.tobytes() == plain.tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_other_programs(order: str) -> None:
    """Test both byte orders, and a file in which another program has moved our tags."""
    ifd = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM")
    rows = RGB.tobytes()
    plain = {256: 61, 257: 40, 258: (8, 8, 8), 259: 1, 262: 2, 277: 3, 278: 40, 279: len(rows)}
    for tag, value in plain.items():
        ifd[tag] = value
    ifd[HEADER_TAG], ifd[SEALS_TAG] = b"the old header", b"\0\0\0\x08old seal"
    ifd.tagtype[HEADER_TAG] = ifd.tagtype[SEALS_TAG] = 7
    ifd[273] = 0  # counted from the end of the directory
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) + ifd.tobytes(8) + rows
    assert read_chunks(data) == {"pfSh": [b"the old header"], "pfSl": [b"old seal"]}
    changed = write_chunks(data, CHUNKS)
    assert read_chunks(changed) == CHUNKS
    assert b"old header" not in changed
    assert b"old seal" not in changed
    with Image.open(io.BytesIO(changed)) as image:
        assert np.array_equal(np.array(image), RGB)


def test_a_damaged_tag_of_seals() -> None:
    carried = write_chunks(picture("tiff"), CHUNKS)
    at = carried.index(b"\0\0\0\x0a\0\0seal one")
    with pytest.raises(DamagedFileError, match="seals"):
        read_chunks(carried[:at] + b"\xff" + carried[at + 1 :])


@formats
def test_mutations_raise_nothing_but_our_errors(file_format: Format) -> None:
    carried = write_chunks(picture(file_format), CHUNKS)
    rng = np.random.default_rng(5)
    for _ in range(400):
        mutated = bytearray(carried)
        for at in rng.integers(-200, 60, 3):
            mutated[at] = rng.integers(0, 256)
        try:
            found = read_chunks(bytes(mutated))
            write_chunks(bytes(mutated), CHUNKS)
        except ProFaceError:
            continue
        assert set(found) <= {"pfSh", "pfSl"} or file_format != "tiff"


def test_sidecars() -> None:
    data = encode_sidecar(RGB, CHUNKS)
    assert decode_sidecar(data) == (picture_digest(RGB), CHUNKS)
    assert picture_digest(RGB) == picture_digest(np.asfortranarray(RGB))
    assert picture_digest(RGB) != picture_digest(RGB.reshape(61, 40, 3))
    assert picture_digest(RGB) != picture_digest(RGB ^ 1)
    assert decode_sidecar(encode_sidecar(RGB, {"pfSh": [b"h"]}))[1] == {"pfSh": [b"h"], "pfSl": []}


def test_what_is_no_sidecar() -> None:
    data = encode_sidecar(RGB, CHUNKS)
    for length in range(len(data)):
        with pytest.raises(DamagedFileError, match=r"a\.pfs"):
            decode_sidecar(data[:length], "a.pfs")
    for at in range(len(data)):
        with pytest.raises(FileFormatError):
            decode_sidecar(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(FileFormatError, match="version 9") as caught:
        decode_sidecar(b"PFSC\x09" + data[5:])
    assert not isinstance(caught.value, DamagedFileError)

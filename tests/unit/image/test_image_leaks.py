"""Case S3, the other members: no second picture of the face comes along into the protected file."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from skimage import data

from proface_s.api import Session
from proface_s.image.colour import icc

PHOTO = np.ascontiguousarray(data.astronaut()[::2, ::2])
MARK = b"a second picture of the face, as bytes that no encoder makes by accident"
PASSPHRASE = "correct horse battery staple"


def thumbnail() -> bytes:
    """A JPEG of the face with the mark in it."""
    buffer = io.BytesIO()
    Image.fromarray(PHOTO[:100, 60:160].copy()).resize((80, 80)).save(buffer, "JPEG", comment=MARK)
    return buffer.getvalue()


def exif() -> bytes:
    """An EXIF block with the thumbnail in its second directory, in a maker note and in a comment."""
    block = Image.Exif()
    block[0x013B] = "somebody"
    block.get_ifd(0x8769)[0x927C] = MARK
    block.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + MARK
    first = block.tobytes()
    body = bytearray(first.removeprefix(b"Exif\0\0"))
    order = "<" if body[:2] == b"II" else ">"
    count = struct.unpack_from(order + "H", body, 8)[0]
    struct.pack_into(order + "I", body, 10 + 12 * count, len(body))
    start = len(body) + 2 + 2 * 12 + 4
    small = thumbnail()
    body += struct.pack(order + "HHHIIHHIII", 2, 0x0201, 4, 1, start, 0x0202, 4, 1, len(small), 0) + small
    return b"Exif\0\0" + bytes(body)


def profile() -> bytes:
    made = icc.matrix_profile(icc.ADOBE_RGB, 2.2, "x") or b""
    return icc._assemble(made[:128], (icc._tags(made) or {}) | {b"thmb": b"data" + bytes(4) + thumbnail()})


def xmp() -> bytes:
    image = thumbnail().hex().encode() + MARK
    return b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><xmpGImg:image>" + image + b"</xmpGImg:image></x:xmpmeta>"


def encode(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp().decode("latin-1"))
    info.add_text("Comment", MARK.decode(), zip=True)
    info.add_text("Raw profile type exif", exif().hex())
    whole = encode("PNG", pnginfo=info, exif=exif(), icc_profile=profile())
    return whole[:-12] + chunk(b"thMb", thumbnail()) + chunk(b"dSIG", MARK) + whole[-12:] + thumbnail()


def tiff() -> bytes:
    buffer = io.BytesIO()
    small = PHOTO[::4, ::4].copy()
    with tifffile.TiffWriter(buffer) as writer:
        tags = [(270, "s", 0, MARK.decode(), True)]
        tags += [(tag, "B", len(body), body, True) for tag, body in ((700, xmp()), (34377, MARK), (34675, profile()))]
        writer.write(PHOTO, photometric="rgb", metadata=None, extratags=tags, subifds=1)
        writer.write(small, photometric="rgb", metadata=None, subfiletype=1)
        writer.write(small, photometric="rgb", metadata=None, subfiletype=1)
    return buffer.getvalue() + thumbnail()


def multi_picture() -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(PHOTO)
    image.save(buffer, "MPO", save_all=True, append_images=[image], exif=exif(), icc_profile=profile(), quality=95)
    return buffer.getvalue() + thumbnail()


def heic() -> bytes:
    heif = pytest.importorskip("pillow_heif")
    file = heif.from_pillow(Image.fromarray(PHOTO))
    file.add_from_pillow(Image.fromarray(PHOTO[::2, ::2].copy()))
    buffer = io.BytesIO()
    file.save(buffer, quality=90, exif=exif(), xmp=xmp(), thumbnails=[64])
    return buffer.getvalue()


INPUTS = {
    "JPEG": lambda: encode("JPEG", exif=exif(), icc_profile=profile(), comment=MARK, xmp=xmp()) + thumbnail(),
    "MPO": multi_picture, "PNG": png, "TIFF": tiff, "HEIC": heic,
    "WebP": lambda: encode("WEBP", lossless=True, exif=exif(), icc_profile=profile(), xmp=xmp()) + thumbnail(),
}  # fmt: skip


def everything_in(file: bytes) -> bytes:
    """The file, and whatever zlib streams its PNG chunks and TIFF tags hold."""
    found = [file]
    at = file.find(b"\x78")
    while at >= 0 and len(found) < 2000:
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompressobj().decompress(file[at : at + 2_000_000], 200_000))
        at = file.find(b"\x78", at + 1)
    return b"\0".join(found)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.mark.parametrize("file_format", ["png", "webp", "tiff"])
@pytest.mark.parametrize("kind", INPUTS)
def test_no_second_picture_comes_along(session: Session, kind: str, file_format: Any) -> None:
    file = INPUTS[kind]()
    assert MARK in everything_in(file)
    by_hand: dict[str, Any] = {"boxes": ["60,0,100,110"], "faces": "none", "keep_metadata": True}
    done = session.protect(file, PASSPHRASE, style="solid", file_format=file_format, **by_hand)
    held = everything_in(done.data)
    for secret in (MARK, MARK.hex().encode(), thumbnail()[200:232], thumbnail().hex().encode()[400:464]):
        assert secret not in held
    for index in range(1, getattr(Image.open(io.BytesIO(done.data)), "n_frames", 1)):
        pytest.fail(f"frame {index} came along")
    back = session.recover(done.data, PASSPHRASE)
    assert MARK not in everything_in(back.data)

"""A whole region as a reduced AVIF picture, without the 275 bytes of container that are the same in every small file.

Where a code has room for it, this shows more of a region than the aligned face does: hair, ears, what surrounds them.
"""

from __future__ import annotations

import io
import math
from typing import Final

import cv2
import numpy as np
from PIL import Image, features

from ...types import UInt8Image

SMALLEST: Final = 500  # bytes; below it, an aligned face shows more
_DENSITY: Final = 0.62  # bits per pixel at which AVIF shows most of a face
_SHORTEST: Final = 16  # pixels of a reduced side
_SCALES: Final = 256  # levels of the reduction
_HEAD: Final = 3  # bytes: scale, length
_SPEED: Final = 8  # of the encoder
_QUALITIES: Final = range(2, 101, 4)


def available() -> bool:
    """Return whether this Pillow reads and writes AVIF."""
    return bool(features.check("avif"))


def encode_whole(pixels: UInt8Image, length: int) -> bytes | None:
    """Return a region as at most ``length`` bytes, or None if it does not fit.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        length: in bytes.
    """
    height, width = pixels.shape[:2]
    room = length - _HEAD
    share = math.sqrt(8 * room / _DENSITY / (width * height)) if room > 0 else 0.0
    level = min(_SCALES - 1, max(0, math.ceil(share * _SCALES) - 1))
    size = _reduced(width, height, level)
    small = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    best, low, high = None, 0, len(_QUALITIES) - 1
    while low <= high:
        middle = (low + high) // 2
        body = _body(Image.fromarray(np.asarray(small, np.uint8)), _QUALITIES[middle])
        if body is not None and len(body) <= room:
            best, low = body, middle + 1
        else:
            high = middle - 1
    return None if best is None else bytes([level]) + len(best).to_bytes(_HEAD - 1, "big") + best


def decode_whole(payload: bytes, width: int, height: int) -> UInt8Image | None:
    """Return the region (height, width, 3) of a payload of `encode_whole`; None if it is not one.

    Bytes after the picture are ignored.
    """
    if len(payload) <= _HEAD:
        return None
    size = _reduced(width, height, payload[0])
    end = _HEAD + int.from_bytes(payload[1:_HEAD], "big")
    try:
        with Image.open(io.BytesIO(_file(payload[_HEAD:end], size))) as image:
            image.load()
            small = np.asarray(image.convert("RGB"), np.uint8)
    except Exception:  # Pillow has no one type for what a decoder finds wrong
        return None
    if small.shape[:2] != size[::-1]:
        return None
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _reduced(width: int, height: int, level: int) -> tuple[int, int]:
    """Return (width, height) of the reduced region: at least `_SHORTEST`, and never larger than the region."""
    share = (level + 1) / _SCALES
    return (
        max(min(width, _SHORTEST), round(width * share)),
        max(min(height, _SHORTEST), round(height * share)),
    )


def _body(image: Image.Image, quality: int) -> bytes | None:
    """Return the AV1 data of a picture; None if the encoder's container is not the usual one."""
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", quality=quality, speed=_SPEED, subsampling="4:2:0")
    data = buffer.getvalue()
    start = data.find(b"mdat") + 4
    body = data[start:]
    return body if data[: start - 8] == _file(body, image.size)[: start - 8] else None


def _file(body: bytes, size: tuple[int, int]) -> bytes:
    """Return the AVIF file with this AV1 data: one 8-bit 4:2:0 picture in full range, and nothing else."""
    kind = _box(b"ftyp", b"avif\0\0\0\0avifmif1miafMA1B")
    properties = _box(
        b"ipco",
        _box(b"ispe", bytes(4) + size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")),
        _box(b"pixi", bytes(4) + b"\3\x08\x08\x08"),
        _box(b"av1C", bytes.fromhex("81000c00")),
        _box(b"colr", b"nclx" + bytes.fromhex("0001000d000680")),
    )
    rest = (
        _box(b"iinf", bytes(4), b"\0\1", _box(b"infe", bytes.fromhex("02000000 0001 0000"), b"av01Color\0")),
        _box(b"iprp", properties, _box(b"ipma", bytes.fromhex("00000000 00000001 0001 04 01028304"))),
    )
    first = (_box(b"hdlr", bytes(8), b"pict", bytes(13)), _box(b"pitm", bytes(4), b"\0\1"))
    place = 30  # bytes of the box that says where the data lie
    offset = len(kind) + 12 + sum(map(len, (*first, *rest))) + place + 8
    where = bytes.fromhex("00000000 4400 0001 0001 0000 0001")
    location = _box(b"iloc", where, offset.to_bytes(4, "big"), len(body).to_bytes(4, "big"))
    return kind + _box(b"meta", bytes(4), first[0], first[1], location, *rest) + _box(b"mdat", body)


def _box(name: bytes, *parts: bytes) -> bytes:
    """Return a box of ISO/IEC 14496-12."""
    body = b"".join(parts)
    return (len(body) + 8).to_bytes(4, "big") + name + body

"""The chunks of a WebP file (RFC 9649), read before a decoder sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...errors import ImageError

MAX_WEBP_CHUNKS: Final = 10_000


@dataclass(frozen=True, slots=True)
class WebpLayout:
    """Layout of a WebP file, by its chunks.

    Attributes:
        size: (width, height) in pixels.
        frames: number of frames of an animation; 1 for a picture.
        end: offset just after the last chunk.
        exif: the EXIF block, or empty.
    """

    size: tuple[int, int]
    frames: int
    end: int
    exif: bytes


def read_webp_layout(data: bytes, label: str) -> WebpLayout:
    """Read the chunks of a WebP file; nothing is decoded.

    Args:
        data: the whole file.
        label: its name in messages.

    Raises:
        ImageError: if it is truncated, has no picture, or has too many chunks.
    """
    end = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    size: tuple[int, int] | None = None
    at, frames, pictures, exif = 12, 0, 0, b""
    for _ in range(MAX_WEBP_CHUNKS):
        if at + 8 > end:
            break
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        payload = data[at + 8 : at + 8 + min(length, 64)]
        if at + 8 + length > len(data):
            raise ImageError(
                f"{label} is truncated or damaged (its {kind.decode('latin-1')!r} chunk)", code="damaged-picture"
            )
        if kind == b"VP8X" and len(payload) >= 10:
            size = size or (1 + int.from_bytes(payload[4:7], "little"), 1 + int.from_bytes(payload[7:10], "little"))
        elif kind in (b"VP8 ", b"VP8L"):
            pictures += 1
            size = size or _size(kind, payload)
        elif kind == b"ANMF":
            frames += 1
        elif kind == b"EXIF" and not exif:
            exif = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    else:
        raise ImageError(
            f"{label} has more than {MAX_WEBP_CHUNKS} chunks; no program writes so many",
            code="odd-structure",
        )
    if size is None or not (pictures or frames):
        raise ImageError(f"{label} is truncated or damaged (a WebP file without a picture)", code="damaged-picture")
    return WebpLayout(size, max(frames, 1), max(end, min(at, len(data))), exif)


def _size(kind: bytes, payload: bytes) -> tuple[int, int] | None:
    if kind == b"VP8L" and len(payload) >= 5:
        bits = int.from_bytes(payload[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(payload) >= 10:
        return int.from_bytes(payload[6:8], "little") & 0x3FFF, int.from_bytes(payload[8:10], "little") & 0x3FFF
    return None

"""Read pictures: JPEG, PNG, WebP, TIFF, BMP and HEIC files become upright 8-bit RGB (and alpha).

::

    bytes ── identify ── open (structure, size, frames, bit depth) ── decode ── orient ── colours ──► Picture

Nothing is lost silently: files that 8-bit RGB cannot hold (16-bit samples, several frames) are refused,
and every omission is noted.  A phone's MPO file (a JPEG followed by depth or gain maps) is a JPEG whose first picture
is the photo.  HEIC needs the extra ``heic`` (pillow-heif), which is loaded on the first such file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from ..errors import ImageError
from ..types import Picture, UInt8Image
from .colour.convert import to_rgb
from .metadata import NOTE_FIELD
from .opening import OpenedPicture, open_picture, rare_kind, undecodable
from .quiet import without_warnings
from .structure.formats import identify
from .turning import turn

MAX_PIXELS: Final = 200_000_000
_NO_LIMIT: Final = 2**62
_STRIP_BYTES: Final = 1 << 20  # fits in a processor's cache


def read_picture(
    source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Picture:
    """Read a photo.

    Args:
        source: path, or the bytes of a whole file.
        max_pixels: refuse larger pictures before decoding them.
        name: of the picture in messages; the path, or ``<bytes>``, if None.

    Returns:
        The picture: upright by its EXIF orientation, which is dropped; grey, palette and CMYK pictures converted to
        RGB; alpha only if the file has transparency.  ``metadata["note"]`` lists conversions and omissions.
        ``chunks`` is empty: `proface_s.container` reads them.

    Raises:
        ImageError: if the picture is unreadable, of another format, truncated or too large, or has more than 8 bits per
            sample or several frames.
    """
    if isinstance(source, bytes):
        data, label = source, name or "<bytes>"
    else:
        label = name or str(Path(source))
        data = read_file(source)
    if not data:
        raise ImageError(f"{label} is empty", code="damaged-picture")
    with without_warnings():
        return _decode(open_picture(identify(data, label), data, max_pixels, label), label)


def picture_size(data: bytes, *, name: str = "<bytes>") -> tuple[int, int]:
    """Return the (width, height) of a picture as stored, from its header; no pixels are decoded.

    Raises:
        ImageError: if it is of another format, its header is damaged, or `read_picture` would refuse it.
    """
    if not data:
        raise ImageError(f"{name} is empty", code="damaged-picture")
    with without_warnings():
        return open_picture(identify(data, name), data, _NO_LIMIT, name).image.size


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Return all bytes of a picture file, for callers that need them more than once.

    Raises:
        ImageError: if the file cannot be read, or is a directory.
    """
    if os.path.isdir(path):
        raise ImageError(f"{Path(path)} is a directory, not a picture")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{Path(path)} cannot be read: {error.strerror or error}") from None


def _samples(image: Image.Image) -> UInt8Image:
    """Return the samples of an image, (H, W) or (H, W, bands), by strips: Pillow copies what it is asked for twice."""
    rows = max(1, _STRIP_BYTES // (4 * image.width))
    strips = ((top, min(top + rows, image.height)) for top in range(0, image.height, rows))
    bands = len(image.getbands())
    samples = np.empty((image.height, image.width, *((bands,) if bands > 1 else ())), np.uint8)
    for top, bottom in strips:
        samples[top:bottom] = image.crop((0, top, image.width, bottom))
    return samples


def _decode(opened: OpenedPicture, label: str) -> Picture:
    """Decode, turn upright and convert; any exception that a decoder raises on a hostile file becomes an ImageError."""
    image, metadata = opened.image, dict(opened.texts)
    try:
        image.load()
        for other in opened.others:
            other.load()
            if other.tobytes() != image.tobytes():
                raise ImageError("truncated or damaged (the end of the picture is missing)", code="damaged-picture")
        converted = to_rgb(image, opened.profile)
        turned = 1 if opened.upright else opened.exif.orientation
        rgb = turn(_samples(converted.rgb), turned)
        alpha = None if converted.alpha is None else turn(_samples(converted.alpha), turned)
    except ImageError as error:
        raise error.reworded(f"{label}: {error.message}") from None
    except Exception as error:
        raise (rare_kind(label, opened.rare) if opened.rare else undecodable(label, error)) from None
    notes = [*opened.notes, *([converted.note] if converted.note else [])]
    if notes:
        metadata[NOTE_FIELD] = "; ".join(notes)
    return Picture(rgb, alpha, converted.icc_profile, metadata, {}, label, turned=opened.exif.orientation)

"""Reading pictures: JPEG, PNG, WebP, TIFF, BMP and HEIC files -> upright 8-bit RGB (and alpha).

::

    bytes ── sniff ── open ── check (size, frames, bit depth) ── decode ── orient ── colours ──► Picture

Nothing is lost silently: what 8-bit RGB cannot hold (16-bit samples, several frames) is refused with a hint.
Pillow's plugins are called directly, not through ``Image.open``: that keeps the formats to the five above,
the limit on pixels an argument instead of a global setting with a warning, and a phone's MPO file (a JPEG
with depth or gain maps behind it) a plain JPEG, whose first picture is the photo.  HEIC needs the extra ``heic``
(pillow-heif), which is loaded when such a file comes.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import (
    BmpImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from proface_s.errors import ImageError
from proface_s.imaging.colour import to_rgb
from proface_s.imaging.metadata import NOTE_FIELD, extract_metadata
from proface_s.types import Picture

MAX_PIXELS: Final = 200_000_000
_PLUGINS: Final = (
    (re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImagePlugin.TiffImageFile),
    (re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
)
_HEIC_BRANDS: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"))
_KNOWN_OTHERS: Final = {b"GIF8": "GIF", b"%PDF": "PDF", b"8BPS": "Photoshop", b"\x00\x00\x01\x00": "icon"}
_TIFF_BITS_PER_SAMPLE: Final = 258
_PNG_BIT_DEPTH_AT: Final = 24
_FORMATS_HINT: Final = "supported are JPEG, PNG, WebP, TIFF, BMP and HEIC"
_COPY_HINT: Final = "copy or download it again"


def read_picture(
    source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Picture:
    """Read a photo.

    Args:
        source: path, or the bytes of a whole file.
        max_pixels: refuse larger pictures, before they are decoded.
        name: how messages call the picture; the path, or ``<bytes>``, where None.

    Returns:
        The picture: upright, its orientation tag dropped; grey, palette and CMYK pictures
        converted to RGB (``metadata["note"]`` says if colours were converted); alpha only where the file has
        transparency.  ``chunks`` is empty: carriers are another room's business.

    Raises:
        ImageError: unreadable, not one of the formats, truncated, too large, more than 8 bits per sample, or
            several frames.
    """
    if isinstance(source, bytes):
        data, label = source, name or "<bytes>"
    else:
        label = name or str(Path(source))
        data = read_file(source)
    if not data:
        raise ImageError(f"{label} is empty", hint=_COPY_HINT)
    with warnings.catch_warnings():
        # Pillow comments on odd metadata in files that are fine otherwise; what matters here is raised, not
        # warned.
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        image = _open(data, label)
        _check_before_decoding(image, data, max_pixels, label)
        return _decode(image, label)


def picture_size(data: bytes, *, name: str = "<bytes>") -> tuple[int, int]:
    """Width and height of a picture as it is stored, from its header; no pixels are decoded.

    Raises:
        ImageError: it is not one of the formats, or its header is damaged.
    """
    if not data:
        raise ImageError(f"{name} is empty", hint=_COPY_HINT)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        return _open(data, name).size


def read_file(path: str | os.PathLike[str]) -> bytes:
    """All bytes of a picture file, for callers that need them more than once.

    Raises:
        ImageError: the file cannot be read, or is a directory.
    """
    if os.path.isdir(path):
        raise ImageError(f"{Path(path)} is a directory, not a picture")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{Path(path)} cannot be read: {error.strerror or error}") from None


def _open(data: bytes, label: str) -> Image.Image:
    """Parse the file's header with the plugin whose signature matches; no pixels are decoded."""
    for signature, plugin in _PLUGINS:
        if not signature.match(data):
            continue
        try:
            return plugin(io.BytesIO(data))
        except Exception as error:
            raise _undecodable(label, error) from None
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return _open_heic(data, label)
    raise ImageError(f"{label} is {_guess(data)}", hint=_FORMATS_HINT)


def _open_heic(data: bytes, label: str) -> Image.Image:
    """A HEIC picture; libheif has turned it upright already, whatever its orientation tag still says."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise ImageError(
            f"{label} is a HEIC picture, and what reads those is not installed", hint="pip install 'proface-s[heic]'"
        ) from None
    try:
        plugin: Any = HeifImageFile
        image: Image.Image = plugin(io.BytesIO(data))
    except Exception as error:
        raise _undecodable(label, error) from None
    return image


def _guess(data: bytes) -> str:
    """Name a foreign format, for the message."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in (b"avif", b"avis"):
        return "an AVIF picture, which is not supported"
    for signature, name in _KNOWN_OTHERS.items():
        if data.startswith(signature):
            return f"a {name} file, which is not supported"
    return "not a picture this program knows"


def _check_before_decoding(image: Image.Image, data: bytes, max_pixels: int, label: str) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            f"{label} has {width}x{height} pixels; the limit is {max_pixels} pixels",
            hint="scale it down first",
        )
    try:
        frames = int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise _undecodable(label, error) from None
    if frames > 1:
        raise ImageError(
            f"{label} has {frames} frames or pages; only still pictures can be protected",
            hint="extract the frames or pages into files of their own",
        )
    bits = _bits_per_sample(image, data)
    if bits > 8:
        raise ImageError(
            f"{label} has {bits} bits per sample; only 8 can be protected without loss",
            hint="convert it to 8 bits per channel first",
        )


def _bits_per_sample(image: Image.Image, data: bytes) -> int:
    """Sample depth of the file, which Pillow's mode does not tell: it cuts 48-bit RGB to 24 bits silently."""
    if image.format == "PNG":
        return data[_PNG_BIT_DEPTH_AT]
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        depths = image.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (1,))
        return int(max(depths)) if isinstance(depths, tuple) else int(depths)
    if "bit_depth" in image.info:  # HEIC
        return int(image.info["bit_depth"])
    return {"I": 32, "F": 32}.get(image.mode, 16 if image.mode.startswith("I;16") else 8)


def _decode(image: Image.Image, label: str) -> Picture:
    """Decode, turn upright and convert; whatever a decoder raises on a hostile file becomes an ImageError."""
    try:
        image.load()
        metadata = _read_exif(image)
        with contextlib.suppress(Exception):
            ImageOps.exif_transpose(image, in_place=True)
        converted = to_rgb(image)
        if converted.note:
            metadata[NOTE_FIELD] = converted.note
        rgb = np.array(converted.rgb, dtype=np.uint8, order="C")
        alpha = None if converted.alpha is None else np.array(converted.alpha, dtype=np.uint8, order="C")
    except ImageError as error:
        raise ImageError(f"{label}: {error.message}", error.hint, code=error.code) from None
    except Exception as error:
        raise _undecodable(label, error) from None
    return Picture(rgb, alpha, converted.icc_profile, metadata, {}, label)


def _read_exif(image: Image.Image) -> dict[str, str]:
    """Metadata.  Broken EXIF is common in good photos: it counts as none, silently."""
    with contextlib.suppress(Exception):
        return extract_metadata(image)
    return {}


def _undecodable(label: str, error: Exception) -> ImageError:
    """Decoders meet hostile bytes with any exception type; all of them mean the same to the user."""
    detail = str(error).strip().splitlines()
    reason = detail[0] if detail else type(error).__name__
    return ImageError(f"{label} is truncated or damaged ({reason})", hint=_COPY_HINT)

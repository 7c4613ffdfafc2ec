"""Open picture files: check everything that can be checked before a pixel is decoded.

Each format has its function here, which examines the file's structure before it passes the file, or the relevant part,
to a decoder: a decoder does not tell whether a file is damaged or merely of a rare kind, and some can be kept busy for
hours with a few bytes.  Pillow's plugins are called directly, not through ``Image.open``, which limits the formats to
those of `proface_s.image.structure.formats`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from ..errors import ImageError
from .colour import tags
from .metadata import PNG_KEYWORDS, Exif, merge_metadata, read_exif
from .quiet import silence_libtiff, silence_log
from .structure import jpeg, png, riff, tiff
from .structure.formats import InputFormat

_PADDING: Final = b"\0\xff \r\n"


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """A picture whose pixels have not been decoded.

    Attributes:
        image: Pillow image that will decode it; has the size that the file states.
        exif: its EXIF block.
        texts: whitelisted metadata, field -> text.
        profile: its colour profile, or None.
        notes: defects and omissions that cost no pixels.
        upright: whether the decoder applies the orientation of ``exif`` itself.
        others: the same file with other bytes in place of missing ones; if they decode differently, pixels are missing.
        rare: name of a kind that many decoders lack, else empty; such a file may be sound even if it cannot be decoded.
    """

    image: Image.Image
    exif: Exif
    texts: dict[str, str]
    profile: bytes | None
    notes: tuple[str, ...] = ()
    upright: bool = False
    others: tuple[Image.Image, ...] = ()
    rare: str = ""


def open_picture(kind: InputFormat, data: bytes, max_pixels: int, label: str) -> OpenedPicture:
    """Open a picture file of a known format.

    Args:
        kind: its format.
        data: the file.
        max_pixels: refuse larger pictures.
        label: its name in messages.

    Raises:
        ImageError: if it is damaged, too large, holds several pictures, or is of an unsupported kind.
    """
    silence_log()
    opened = _OPENERS[kind](data, max_pixels, label)
    check_size(opened.image.size, max_pixels, label)
    return opened


def check_size(size: tuple[int, int], max_pixels: int, label: str) -> None:
    """Check that a picture of (width, height) does not have too many pixels.

    Raises:
        ImageError: if it has.
    """
    width, height = size
    if width * height > max_pixels:
        raise ImageError(f"{label} has {width}x{height} pixels; the limit is {max_pixels} pixels", code="many-pixels")


def undecodable(label: str, error: Exception) -> ImageError:
    """Return the error for a picture that made a decoder raise, whatever the type of its exception."""
    detail = str(error).strip().splitlines()
    reason = detail[0] if detail else type(error).__name__
    return ImageError(f"{label} is truncated or damaged ({reason})", code="damaged-picture")


def rare_kind(label: str, what: str) -> ImageError:
    """Return the error for a file that looks sound, but is of a kind that the decoder lacks."""
    return ImageError(f"{label} is {what}, a kind that is not supported", code="unsupported-picture")


def _plugin(plugin: Callable[..., Any], data: bytes, label: str) -> Image.Image:
    try:
        image: Image.Image = plugin(io.BytesIO(data))
    except Exception as error:
        raise undecodable(label, error) from None
    return image


def _check_frames(frames: int, label: str) -> None:
    if frames > 1:
        raise ImageError(
            f"{label} has {frames} frames or pages; only still pictures can be protected",
            code="several-pictures",
        )


def _check_bits(bits: int, label: str) -> None:
    if bits > 8:
        raise ImageError(
            f"{label} has {bits} bits per sample; only 8 can be protected without loss",
            code="deep-colour",
        )


def _trailing(data: bytes, end: int) -> list[str]:
    """Return a note on bytes after the end of a picture, unless they are padding."""
    rest = data[end:]
    if not rest.strip(_PADDING):
        return []
    return [f"{len(rest)} bytes after the end of the picture left out"]


def _with_adobe(profile: bytes | None, exif: Exif) -> bytes | None:
    """Return the profile, or that of Adobe RGB if the camera announces it in EXIF alone."""
    return tags.adobe_rgb().profile if profile is None and exif.adobe_rgb else profile


def _open_jpeg(data: bytes, max_pixels: int, label: str) -> OpenedPicture:
    layout = jpeg.read_jpeg_layout(data, label)
    exif, notes = read_exif(layout.exif), []
    if layout.pictures > 1:
        notes.append(f"the first of {layout.pictures} pictures in the file was taken")
    elif layout.ended and not layout.multi:
        notes += _trailing(data, layout.end)
    others: tuple[Image.Image, ...] = ()
    if not layout.ended:
        if not layout.complete:
            raise ImageError(f"{label} is truncated or damaged (scans are missing)", code="damaged-picture")
        notes.append("the end of the file is missing, but no pixel is")
        data, filled = jpeg.complete_jpeg(data, layout)
        others = tuple(_plugin(JpegImagePlugin.JpegImageFile, each, label) for each in filled)
    if layout.components not in (1, 3, 4):
        raise rare_kind(label, f"a JPEG of {layout.components} components")
    image = _plugin(JpegImagePlugin.JpegImageFile, data, label)
    profile = image.info.get("icc_profile") or None
    if profile is None and "icc_profile" in image.info:
        notes.append("colour profile dropped: parts of it are missing")
    return OpenedPicture(image, exif, merge_metadata(exif, {}), _with_adobe(profile, exif), tuple(notes), others=others)


def _open_png(data: bytes, max_pixels: int, label: str) -> OpenedPicture:
    parts = png.read_png_parts(data, label, PNG_KEYWORDS)
    _check_frames(parts.frames, label)
    image = _plugin(PngImagePlugin.PngImageFile, parts.picture, label)
    check_size(image.size, max_pixels, label)
    _check_bits(parts.bits, label)
    exif, tag = read_exif(parts.exif), tags.of_png(parts.colour)
    notes = [*parts.notes, tag.note] if tag.note else parts.notes
    told = tag.profile is None and not parts.colour
    profile = _with_adobe(None, exif) if told else tag.profile
    return OpenedPicture(image, exif, merge_metadata(exif, parts.texts), profile, tuple(notes))


def _open_webp(data: bytes, max_pixels: int, label: str) -> OpenedPicture:
    layout = riff.read_webp_layout(data, label)
    check_size(layout.size, max_pixels, label)
    _check_frames(layout.frames, label)
    body = data[8 : layout.end]
    body += bytes(len(body) % 2)
    image = _plugin(WebPImagePlugin.WebPImageFile, b"RIFF" + len(body).to_bytes(4, "little") + body, label)
    exif = read_exif(layout.exif)
    profile = _with_adobe(image.info.get("icc_profile") or None, exif)
    return OpenedPicture(image, exif, merge_metadata(exif, {}), profile, tuple(_trailing(data, layout.end)))


def _open_tiff(data: bytes, max_pixels: int, label: str) -> OpenedPicture:
    silence_libtiff()
    layout = tiff.read_tiff_layout(data, label)
    check_size(layout.size, max_pixels, label)
    rare = "" if layout.common or not layout.whole else f"a TIFF with {layout.compression} compression"
    try:
        image: Image.Image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    except Exception as error:
        if not layout.whole:
            raise undecodable(label, error) from None
        raise rare_kind(label, rare or f"a TIFF of {layout.samples}") from None
    for key in ("xmp", "XML:com.adobe.xmp"):  # Pillow would turn the picture by it
        image.info.pop(key, None)
    exif = read_exif(data, of_tiff=True)
    profile = _with_adobe(image.info.get("icc_profile") or None, exif)
    notes = [*layout.notes, *([] if profile else layout.colour_notes)]
    return OpenedPicture(image, exif, merge_metadata(exif, {}), profile, tuple(notes), upright=True, rare=rare)


def _open_bmp(data: bytes, max_pixels: int, label: str) -> OpenedPicture:
    try:
        image: Image.Image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    except OSError as error:
        if str(error).startswith("Unsupported"):
            raise rare_kind(label, f"a BMP file ({str(error)[:80]})") from None
        raise undecodable(label, error) from None
    except Exception as error:
        raise undecodable(label, error) from None
    tag = tags.of_bitmap(data)
    return OpenedPicture(image, Exif(), {}, tag.profile, (tag.note,) if tag.note else ())


def _open_heic(data: bytes, max_pixels: int, label: str) -> OpenedPicture:
    """Open the primary picture of a HEIC file; libheif turns it by its own boxes, and the EXIF orientation is void."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise ImageError(
            f"{label} is a HEIC picture, and the extra that reads HEIC is not installed",
            code="missing-extra",
            extra="heic",
        ) from None
    image = _plugin(HeifImageFile, data, label)
    check_size(image.size, max_pixels, label)
    frames, notes = int(getattr(image, "n_frames", 1)), []
    if frames > 1:
        notes.append(f"the main one of {frames} pictures in the file was taken")
    _check_bits(int(image.info.get("bit_depth", 8)), label)
    exif = replace(read_exif(image.info.get("exif") or b""), orientation=1)
    profile = image.info.get("icc_profile") or None
    nclx = image.info.get("nclx_profile")
    if profile is None and isinstance(nclx, dict):
        tag = tags.of_codes(int(nclx.get("color_primaries", 2)), int(nclx.get("transfer_characteristics", 2)))
        profile, notes = tag.profile, [*notes, *([tag.note] if tag.note else [])]
    return OpenedPicture(image, exif, merge_metadata(exif, {}), _with_adobe(profile, exif), tuple(notes), upright=True)


_OPENERS: Final[dict[InputFormat, Callable[[bytes, int, str], OpenedPicture]]] = {
    "jpeg": _open_jpeg, "png": _open_png, "webp": _open_webp, "tiff": _open_tiff, "bmp": _open_bmp, "heic": _open_heic,
}  # fmt: skip

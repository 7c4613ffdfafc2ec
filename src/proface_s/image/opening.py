"""Opening picture files: everything that can be known, and has to be refused, before a pixel is decoded.

Each format has its function here.  It looks at the file's structure itself, and only then hands a file, or what is left
of it, to a decoder: a decoder does not say whether a file is damaged or merely of a rare kind, and some of them can be
kept busy for hours with a few bytes.  Pillow's plugins are called directly, not through ``Image.open``: that keeps the
formats to those of `proface_s.image.structure.formats`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from ..errors import ImageError
from .colour import tags
from .metadata import PNG_KEYWORDS, Exif, merged, read_exif
from .quiet import silence_libtiff, silence_log
from .structure import jpeg, png, riff, tiff
from .structure.formats import InputFormat

_COPY: Final = "copy or download it again"
_CONVERT: Final = "open it in another program and save it as a PNG"
_PADDING: Final = b"\0\xff \r\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture whose pixels have not been decoded.

    Attributes:
        image: what decodes it; of the size that the file says.
        exif: its EXIF block.
        texts: whitelisted metadata.
        profile: its colour profile, or None.
        notes: what is wrong with the file, or is left out, without a loss of pixels.
        upright: whether the decoder turns it upright by itself.
        others: the same file with other bytes where some are missing: if they make a difference, pixels are missing.
        rare: a kind that many decoders lack: if it cannot be decoded, it need not be damaged.
    """

    image: Image.Image
    exif: Exif
    texts: dict[str, str]
    profile: bytes | None
    notes: tuple[str, ...] = ()
    upright: bool = False
    others: tuple[Image.Image, ...] = ()
    rare: str = ""


def open_picture(kind: InputFormat, data: bytes, max_pixels: int, label: str) -> Opened:
    """Open a picture file of a known format.

    Args:
        kind: its format.
        data: the file.
        max_pixels: refuse larger pictures.
        label: how messages call it.

    Raises:
        ImageError: damaged, too large, several pictures, or of a kind that is not supported.
    """
    silence_log()
    opened = _OPENERS[kind](data, max_pixels, label)
    check_size(opened.image.size, max_pixels, label)
    return opened


def check_size(size: tuple[int, int], max_pixels: int, label: str) -> None:
    """Refuse too many pixels."""
    width, height = size
    if width * height > max_pixels:
        raise ImageError(
            f"{label} has {width}x{height} pixels; the limit is {max_pixels} pixels", "scale it down first"
        )


def undecodable(label: str, error: Exception) -> ImageError:
    """Decoders meet hostile bytes with any exception type; all of them mean the same to the user."""
    detail = str(error).strip().splitlines()
    reason = detail[0] if detail else type(error).__name__
    return ImageError(f"{label} is truncated or damaged ({reason})", _COPY)


def rare_kind(label: str, what: str) -> ImageError:
    """A file that is sound as far as can be seen, but of a kind that the decoder lacks."""
    return ImageError(f"{label} is {what}, a kind that is not supported", _CONVERT)


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
            "extract the frames or pages into files of their own",
        )


def _check_bits(bits: int, label: str) -> None:
    if bits > 8:
        raise ImageError(
            f"{label} has {bits} bits per sample; only 8 can be protected without loss",
            "convert it to 8 bits per channel first",
        )


def _trailing(data: bytes, end: int) -> list[str]:
    """What to say of bytes behind the end of a picture; padding is not worth a word."""
    rest = data[end:]
    if not rest.strip(_PADDING):
        return []
    return [f"{len(rest)} bytes behind the end of the picture left out"]


def _with_adobe(profile: bytes | None, exif: Exif) -> bytes | None:
    """The profile, or the one that the camera announces in EXIF alone."""
    return tags.adobe_rgb().profile if profile is None and exif.adobe_rgb else profile


def _open_jpeg(data: bytes, max_pixels: int, label: str) -> Opened:
    layout = jpeg.read_layout(data, label)
    exif, notes = read_exif(layout.exif), []
    if layout.pictures > 1:
        notes.append(f"the first of {layout.pictures} pictures in the file was taken")
    elif layout.ended and not layout.multi:
        notes += _trailing(data, layout.end)
    others: tuple[Image.Image, ...] = ()
    if not layout.ended:
        if not layout.complete:
            raise ImageError(f"{label} is truncated or damaged (scans are missing)", _COPY)
        notes.append("the end of the file is missing, but no pixel is")
        data, filled = jpeg.with_end(data, layout)
        others = tuple(_plugin(JpegImagePlugin.JpegImageFile, each, label) for each in filled)
    if layout.components not in (1, 3, 4):
        raise rare_kind(label, f"a JPEG of {layout.components} components")
    image = _plugin(JpegImagePlugin.JpegImageFile, data, label)
    profile = image.info.get("icc_profile") or None
    if profile is None and "icc_profile" in image.info:
        notes.append("colour profile dropped: parts of it are missing")
    return Opened(image, exif, merged(exif, {}), _with_adobe(profile, exif), tuple(notes), others=others)


def _open_png(data: bytes, max_pixels: int, label: str) -> Opened:
    parts = png.take_apart(data, label, PNG_KEYWORDS)
    _check_frames(parts.frames, label)
    image = _plugin(PngImagePlugin.PngImageFile, parts.picture, label)
    check_size(image.size, max_pixels, label)
    _check_bits(parts.bits, label)
    exif, tag = read_exif(parts.exif), tags.of_png(parts.colour)
    notes = [*parts.notes, tag.note] if tag.note else parts.notes
    told = tag.profile is None and not parts.colour
    profile = _with_adobe(None, exif) if told else tag.profile
    return Opened(image, exif, merged(exif, parts.texts), profile, tuple(notes))


def _open_webp(data: bytes, max_pixels: int, label: str) -> Opened:
    layout = riff.read_layout(data, label)
    check_size(layout.size, max_pixels, label)
    _check_frames(layout.frames, label)
    body = data[8 : layout.end]
    body += bytes(len(body) % 2)
    image = _plugin(WebPImagePlugin.WebPImageFile, b"RIFF" + len(body).to_bytes(4, "little") + body, label)
    exif = read_exif(layout.exif)
    profile = _with_adobe(image.info.get("icc_profile") or None, exif)
    return Opened(image, exif, merged(exif, {}), profile, tuple(_trailing(data, layout.end)))


def _open_tiff(data: bytes, max_pixels: int, label: str) -> Opened:
    silence_libtiff()
    layout = tiff.read_layout(data, label)
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
    return Opened(image, exif, merged(exif, {}), profile, tuple(notes), upright=True, rare=rare)


def _open_bmp(data: bytes, max_pixels: int, label: str) -> Opened:
    try:
        image: Image.Image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    except OSError as error:
        if str(error).startswith("Unsupported"):
            raise rare_kind(label, f"a BMP file ({str(error)[:80]})") from None
        raise undecodable(label, error) from None
    except Exception as error:
        raise undecodable(label, error) from None
    tag = tags.of_bitmap(data)
    return Opened(image, Exif(), {}, tag.profile, (tag.note,) if tag.note else ())


def _open_heic(data: bytes, max_pixels: int, label: str) -> Opened:
    """Open a HEIC picture: the primary one; libheif turns it upright, whatever its orientation tag still says."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise ImageError(
            f"{label} is a HEIC picture, and what reads those is not installed", "pip install 'proface-s[heic]'"
        ) from None
    image = _plugin(HeifImageFile, data, label)
    check_size(image.size, max_pixels, label)
    frames, notes = int(getattr(image, "n_frames", 1)), []
    if frames > 1:
        notes.append(f"the main one of {frames} pictures in the file was taken")
    _check_bits(int(image.info.get("bit_depth", 8)), label)
    exif, profile = read_exif(image.info.get("exif") or b""), image.info.get("icc_profile") or None
    nclx = image.info.get("nclx_profile")
    if profile is None and isinstance(nclx, dict):
        tag = tags.of_codes(int(nclx.get("color_primaries", 2)), int(nclx.get("transfer_characteristics", 2)))
        profile, notes = tag.profile, [*notes, *([tag.note] if tag.note else [])]
    return Opened(image, exif, merged(exif, {}), _with_adobe(profile, exif), tuple(notes), upright=True)


_OPENERS: Final[dict[InputFormat, Callable[[bytes, int, str], Opened]]] = {
    "jpeg": _open_jpeg, "png": _open_png, "webp": _open_webp, "tiff": _open_tiff, "bmp": _open_bmp, "heic": _open_heic,
}  # fmt: skip

"""The format of a file, identified by its first bytes, and errors for formats that cannot be read."""

from __future__ import annotations

import re
from typing import Final, Literal

from ...errors import ImageError

InputFormat = Literal["jpeg", "png", "webp", "tiff", "bmp", "heic"]

_READABLE: Final[tuple[tuple[re.Pattern[bytes], InputFormat], ...]] = (
    (re.compile(rb"\xff\xd8\xff"), "jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp"),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "tiff"),
    (re.compile(rb"BM"), "bmp"),
)
_RAW: Final = "a camera raw file ({}), which is not supported"
_HEIC_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2", b"miaf")
)
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_OTHER_BRANDS: Final = {
    b"crx ": _RAW.format("Canon CR3"), b"jp2 ": "a JPEG 2000 picture", b"jpx ": "a JPEG 2000 picture",
    b"jxl ": "a JPEG XL picture", b"qt  ": "a QuickTime video",
}  # fmt: skip
_OTHERS: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"GIF8", "a GIF file"),
        (rb"8BPS", "a Photoshop file"),
        (rb"gimp xcf", "a GIMP file"),
        (rb"%PDF", "a PDF file"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file"),
        (rb"\x00\x00\x01\x00", "an icon file"),
        (rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "a JPEG 2000 picture"),
        (rb"\x00\x00\x00\x0cJXL \r\n\x87\n|\xff\x0a", "a JPEG XL picture"),
        (rb"FUJIFILMCCD-RAW", _RAW.format("Fujifilm RAF")),
        (rb"IIR[OS]|MMOR", _RAW.format("Olympus ORF")),
        (rb"IIU\x00", _RAW.format("Panasonic RW2")),
        (rb"FOVb", _RAW.format("Sigma X3F")),
        (rb"\x00MRM", _RAW.format("Minolta MRW")),
        (rb"II\x1a\x00\x00\x00HEAPCCDR", _RAW.format("Canon CRW")),
        (rb"II\xbc\x01", "a JPEG XR picture"),
        (rb"v/1\x01", "an OpenEXR picture"),
        (rb"#\?R", "a Radiance HDR picture"),
        (rb"P[1-7][\s#]", "a portable anymap (PNM) picture"),
        (rb"qoif", "a QOI picture"),
        (rb"DDS ", "a DDS texture"),
        (rb".{128}DICM", "a DICOM picture"),
        (rb"RIFF....AVI |RIFX|\x1a\x45\xdf\xa3|\x00\x00\x01\xba", "a video"),
        (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "an archive"),
        (rb"\xef?\xbb?\xbf?\s*(<\?xml[^>]*>)?.{0,2000}?<svg[\s>]", "an SVG drawing"),
        (rb"\xef?\xbb?\xbf?\s*(<!doctype html|<!DOCTYPE html|<html|<HTML)", "a web page, not a picture"),
    )
)
_FRONT_BYTES: Final = 4096


def identify(data: bytes, label: str) -> InputFormat:
    """Identify the format of a file by its first bytes; its name does not matter.

    Args:
        data: the file, or at least its first 4096 bytes.
        label: its name in messages.

    Raises:
        ImageError: if the format is not supported; the message names it.
    """
    front = data[:_FRONT_BYTES]
    for pattern, name in _READABLE:
        if pattern.match(front):
            if name == "tiff" and front[8:10] == b"CR":
                raise ImageError(f"{label} is {_RAW.format('Canon CR2')}", code="camera-raw")
            return name
    if front[4:8] == b"ftyp":
        return _identify_boxes(front, label)
    for pattern, described in _OTHERS:
        if pattern.match(front):
            raise unsupported(described, label)
    raise ImageError(f"{label} is not a picture this program knows", code="unknown-format")


def unsupported(described: str, label: str) -> ImageError:
    """Return the error for a known format that cannot be read."""
    if "not supported" in described:
        return ImageError(f"{label} is {described}", code="camera-raw")
    suffix = "" if described.endswith("not a picture") else ", which is not supported"
    return ImageError(f"{label} is {described}{suffix}", code="unknown-format")


def camera_raw(label: str, maker: str = "") -> ImageError:
    """Return the error for a camera raw file with the structure of a TIFF, of which only the preview could be read."""
    described = _RAW.format(maker or "its first picture is only a preview")
    return ImageError(f"{label} is {described}", code="camera-raw")


def _identify_boxes(front: bytes, label: str) -> InputFormat:
    """Identify a format that begins with an ``ftyp`` box (ISO 14496-12) by its major and compatible brands."""
    size = min(max(int.from_bytes(front[:4], "big"), 16), len(front))
    brands = [front[8:12], *(front[at : at + 4] for at in range(16, size - 3, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            raise unsupported("an AVIF picture", label)
        if brand in _OTHER_BRANDS:
            raise unsupported(_OTHER_BRANDS[brand], label)
    if any(brand in _HEIC_BRANDS for brand in brands):
        return "heic"
    raise unsupported("a video", label)

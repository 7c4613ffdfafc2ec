"""Which metadata of a photo may be kept, and how it is written back.

A whitelist, because a photo's metadata can undo the obfuscation: thumbnails show the face, captions and XMP
name the person, GPS positions, serial numbers and maker notes tell where and with which camera.  Kept are
only:

=================  ==========================  ===================
field              EXIF tag (WebP, TIFF)       PNG text keyword
=================  ==========================  ===================
DateTimeOriginal   0x9003 (a TIFF has 0x0132)  Creation Time
Artist             0x013B                      Author
Copyright          0x8298                      Copyright
=================  ==========================  ===================

ImageDescription and user comments are left out on purpose: they often name who is in the picture.
"""

from __future__ import annotations

import contextlib
from typing import Final

from PIL import Image, PngImagePlugin

from proface_s.types import Picture

MAX_VALUE_LENGTH: Final = 500
NOTE_FIELD: Final = "note"
"""Metadata field that says what reading changed (colours converted, profile dropped); never written to files.
"""

_EXIF_IFD: Final = 0x8769
_EXIF_TAGS: Final = {"Artist": 0x013B, "Copyright": 0x8298}
_EXIF_IFD_TAGS: Final = {"DateTimeOriginal": 0x9003}
_DATE_TIME: Final = 0x0132
_PNG_KEYWORDS: Final = {
    "DateTimeOriginal": "Creation Time",
    "Artist": "Author",
    "Copyright": "Copyright",
}


def extract_metadata(image: Image.Image) -> dict[str, str]:
    """Whitelisted metadata of an opened (and loaded) Pillow image; empty values are left out.

    EXIF wins over PNG text where both have a field.
    """
    exif = image.getexif()
    details = exif.get_ifd(_EXIF_IFD)
    found: dict[str, object] = {name: exif.get(tag) for name, tag in _EXIF_TAGS.items()}
    found |= {name: details.get(tag) for name, tag in _EXIF_IFD_TAGS.items()}
    if image.format == "TIFF" and not found["DateTimeOriginal"]:
        found["DateTimeOriginal"] = exif.get(_DATE_TIME)
    for name, keyword in _PNG_KEYWORDS.items():
        if not found[name] and image.format == "PNG":
            found[name] = image.info.get(keyword)
    cleaned = {name: _clean(value) for name, value in found.items()}
    return {name: value for name, value in cleaned.items() if value}


def png_text(picture: Picture) -> PngImagePlugin.PngInfo:
    """The whitelisted metadata as PNG text chunks (UTF-8 ``iTXt`` where Latin-1 is not enough)."""
    info = PngImagePlugin.PngInfo()
    for name, keyword in _PNG_KEYWORDS.items():
        if name in picture.metadata:
            info.add_text(keyword, _clean(picture.metadata[name]))
    return info


def exif(picture: Picture) -> Image.Exif:
    """The whitelisted metadata as EXIF, for WebP and TIFF; text as UTF-8, as most programs write it."""
    tags = Image.Exif()
    for name, tag in _EXIF_TAGS.items():
        if name in picture.metadata:
            tags[tag] = _clean(picture.metadata[name]).encode("utf-8")
    details = {
        tag: _clean(picture.metadata[name]).encode("utf-8")
        for name, tag in _EXIF_IFD_TAGS.items() if name in picture.metadata
    }
    if details:
        tags.get_ifd(_EXIF_IFD).update(details)
        tags[_DATE_TIME] = details[_EXIF_IFD_TAGS["DateTimeOriginal"]]  # Pillow drops that directory in a TIFF
    return tags


def _clean(value: object) -> str:
    """Printable text of bounded length; Pillow reads EXIF text as Latin-1, most programs write UTF-8."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return ""
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    text = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(text.split())[:MAX_VALUE_LENGTH]

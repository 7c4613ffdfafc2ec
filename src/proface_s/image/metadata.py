"""The metadata of a photo that may be kept, read and written back.

A whitelist, because a photo's metadata can defeat its covers: thumbnails show the face, captions and XMP name the
person, and GPS positions, serial numbers and maker notes tell the place and the camera.  Only these fields are kept:

=================  ==========================  ===================
field              EXIF tag (WebP, TIFF)       PNG text keyword
=================  ==========================  ===================
DateTimeOriginal   0x9003 (a TIFF has 0x0132)  Creation Time
Artist             0x013B                      Author
Copyright          0x8298                      Copyright
=================  ==========================  ===================

ImageDescription and user comments are left out on purpose: they often name the people in the picture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from PIL import Image, PngImagePlugin

from ..types import Picture
from .structure.directories import Field, TiffStructure

MAX_VALUE_LENGTH: Final = 500
NOTE_FIELD: Final = "note"
"""Metadata field that lists what reading changed (colours converted, profile dropped); never written to files."""

_EXIF_IFD: Final = 0x8769
_ORIENTATION: Final = 0x0112
_COLOUR_SPACE, _UNCALIBRATED, _ADOBE = 0xA001, 0xFFFF, 2
_INTEROPERABILITY, _INTEROPERABILITY_INDEX = 0xA005, 1
_EXIF_TAGS: Final = {"Artist": 0x013B, "Copyright": 0x8298}
_EXIF_IFD_TAGS: Final = {"DateTimeOriginal": 0x9003}
_DATE_TIME: Final = 0x0132
_KEYWORDS: Final = {
    "DateTimeOriginal": "Creation Time",
    "Artist": "Author",
    "Copyright": "Copyright",
}
PNG_KEYWORDS: Final = frozenset(_KEYWORDS.values())


@dataclass(frozen=True, slots=True)
class Exif:
    """The relevant content of an EXIF block.

    Attributes:
        orientation: 1 to 8, as stored.
        texts: whitelisted texts; empty ones are left out.
        adobe_rgb: whether the camera states that colours are Adobe RGB (DCF optional colour space).
    """

    orientation: int = 1
    texts: dict[str, str] = field(default_factory=dict)
    adobe_rgb: bool = False


def read_exif(block: bytes, *, of_tiff: bool = False) -> Exif:
    """Read an EXIF block.  Broken ones are common in good photos and are silently treated as empty.

    Args:
        block: with or without ``Exif\\0\\0`` in front; or a whole TIFF file.
        of_tiff: whether ``block`` is a whole TIFF file, in which DateTime stands in for a missing DateTimeOriginal.
    """
    try:
        structure = TiffStructure(block.removeprefix(b"Exif\0\0"))
        top = structure.directory(structure.first).fields
    except ValueError:
        return Exif()
    details = _below(structure, top.get(_EXIF_IFD))
    orientation = structure.integer(top.get(_ORIENTATION), 1)
    texts = {name: _value(structure, top.get(tag)) for name, tag in _EXIF_TAGS.items()}
    texts |= {name: _value(structure, details.get(tag)) for name, tag in _EXIF_IFD_TAGS.items()}
    if of_tiff and not texts["DateTimeOriginal"]:
        texts["DateTimeOriginal"] = _value(structure, top.get(_DATE_TIME))
    space = structure.integer(details.get(_COLOUR_SPACE), _UNCALIBRATED)
    other = _below(structure, details.get(_INTEROPERABILITY) or top.get(_INTEROPERABILITY))
    index = structure.raw(other.get(_INTEROPERABILITY_INDEX), 4)
    return Exif(
        orientation if 1 <= orientation <= 8 else 1,
        {name: text for name, text in texts.items() if text},
        space == _ADOBE or (space == _UNCALIBRATED and index.startswith(b"R03")),
    )


def _below(structure: TiffStructure, pointer: Field | None) -> dict[int, Field]:
    """Return the fields of the directory that a field points to; empty if there is no such directory."""
    with contextlib.suppress(ValueError):
        return structure.directory(structure.integer(pointer, 0)).fields
    return {}


def _value(structure: TiffStructure, text: Field | None) -> str:
    return _clean(structure.raw(text, 8 * MAX_VALUE_LENGTH).rstrip(b"\0"))


def merge_metadata(exif: Exif, png_texts: Mapping[str, str]) -> dict[str, str]:
    """Return the whitelisted metadata of a picture, field -> text; EXIF wins over PNG text if both have a field.

    Args:
        exif: its EXIF block.
        png_texts: its PNG text chunks, keyword -> text.
    """
    found = {name: _clean(png_texts.get(keyword)) for name, keyword in _KEYWORDS.items()}
    return {name: text for name, text in (found | exif.texts).items() if text}


def write_png_text(picture: Picture) -> PngImagePlugin.PngInfo:
    """Return the whitelisted metadata as PNG text chunks (UTF-8 ``iTXt`` if Latin-1 is not enough)."""
    info = PngImagePlugin.PngInfo()
    for name, keyword in _KEYWORDS.items():
        if name in picture.metadata:
            info.add_text(keyword, _clean(picture.metadata[name]))
    return info


def write_exif(picture: Picture) -> Image.Exif:
    """Return the whitelisted metadata as EXIF for WebP, TIFF and JPEG; text is UTF-8, as most programs write it."""
    tags = Image.Exif()
    for name, tag in _EXIF_TAGS.items():
        if name in picture.metadata:
            tags[tag] = _clean(picture.metadata[name]).encode("utf-8")
    details = {
        tag: _clean(picture.metadata[name]).encode("utf-8")
        for name, tag in _EXIF_IFD_TAGS.items()
        if name in picture.metadata
    }
    if details:
        tags.get_ifd(_EXIF_IFD).update(details)
        tags[_DATE_TIME] = details[_EXIF_IFD_TAGS["DateTimeOriginal"]]  # Pillow drops that directory in a TIFF
    return tags


def kept_exif(picture: Picture, orientation: int) -> bytes:
    """Return the whitelisted metadata as an EXIF block with an orientation; empty if there is none to keep."""
    tags = write_exif(picture)
    if not tags:
        return b""
    if orientation != 1:
        tags[_ORIENTATION] = orientation
    return tags.tobytes()


def _clean(value: object) -> str:
    """Return printable text of bounded length; Pillow reads EXIF text as Latin-1, most programs write UTF-8."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return ""
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    text = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(text.split())[:MAX_VALUE_LENGTH]


def with_note(picture: Picture, note: str) -> Picture:
    """Return a picture with another note for `reading_warnings`, behind the one that it has."""
    notes = [picture.metadata[NOTE_FIELD]] if NOTE_FIELD in picture.metadata else []
    return replace(picture, metadata={**picture.metadata, NOTE_FIELD: "; ".join([*notes, note])})


def reading_warnings(picture: Picture) -> tuple[str, ...]:
    """Return what reading a picture converted or left out."""
    return (picture.metadata[NOTE_FIELD],) if NOTE_FIELD in picture.metadata else ()

"""File names: suffixes of pictures, and names that fit into a folder.

The only list of suffixes, for the command line, engine runs, the page, evaluation and training.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import Final

PICTURES_BY_FORMAT: Final = {
    "PNG": (".png",),
    "WebP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".mpo"),
    "BMP": (".bmp", ".dib"),
    "HEIC": (".heic", ".heif", ".hif"),
}
"""Formats that can be read, each with the lower-case suffixes of its files."""

PICTURES: Final = frozenset(suffix for suffixes in PICTURES_BY_FORMAT.values() for suffix in suffixes)

FOREIGN_BY_FORMAT: Final = {
    "AVIF": (".avif", ".avifs"),
    "GIF": (".gif",),
    "JPEG XL": (".jxl",),
    "JPEG 2000": (".jp2", ".j2k", ".jpf", ".jpx"),
    "HEIC sequence": (".heics", ".heifs"),
    "Photoshop": (".psd", ".psb"),
    "raw camera": (
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw",
        ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    ),
}  # fmt: skip
"""Formats of photos that cannot be read."""

FOREIGN: Final = frozenset(suffix for suffixes in FOREIGN_BY_FORMAT.values() for suffix in suffixes)

MAX_NAME_BYTES: Final = 255  # on nearly all file systems, in UTF-8
_MARK_BYTES: Final = 8
_TEMPORARY_ENDING: Final = 1 + 16 + len(".tmp")


def name_bytes(name: str) -> int:
    """Return the length of a file name as file systems count it, in bytes."""
    return len(name.encode("utf-8", "surrogatepass"))


def fitted_name(stem: str, suffix: str) -> str:
    """Return ``stem + suffix``, shortened if it would be too long for a file system.

    The stem then ends in ``~`` and eight digits of its SHA-256, so that equal names are shortened alike and different
    ones stay different.  No character is cut in half.
    """
    if name_bytes(stem + suffix) <= MAX_NAME_BYTES:
        return stem + suffix
    mark = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_BYTES]
    return f"{_cut(stem, MAX_NAME_BYTES - name_bytes(suffix) - 1 - _MARK_BYTES)}~{mark}{suffix}"


def temporary_name(name: str) -> str:
    """Return a new name for a file that is not yet complete; `is_temporary` recognises it."""
    return f".{_temporary_stem(name)}.{secrets.token_hex(8)}.tmp"


def is_temporary(name: str, final: str) -> bool:
    """Return whether `temporary_name` may have made a name for a file that will be called ``final``."""
    match = re.fullmatch(r"\.(.+)\.[0-9a-f]{16}\.tmp", name, re.DOTALL)
    return match is not None and match[1] == _temporary_stem(final)


def _temporary_stem(name: str) -> str:
    return _cut(name, MAX_NAME_BYTES - 1 - _TEMPORARY_ENDING)


def _cut(text: str, most: int) -> str:
    """Return the longest prefix of a text that takes at most ``most`` bytes."""
    used = 0
    for index, character in enumerate(text):
        used += name_bytes(character)
        if used > most:
            return text[:index]
    return text


def suffix_of(name: str) -> str:
    """Return the suffix of a file name in lower case, with its dot."""
    return os.path.splitext(name)[1].lower()

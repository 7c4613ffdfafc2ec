"""Tell clips by their names, and protected clips by their comment, without the library that decodes them."""

from __future__ import annotations

import os
import struct
from typing import IO, Final

from ..errors import ImageError

CLIP_SUFFIXES: Final = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg",
    ".flv", ".wmv", ".asf", ".ogv", ".mxf",
})  # fmt: skip
"""Endings of the formats that `proface_s.video.clip` reads, in lower case."""

OUTPUT_SUFFIX: Final = ".mp4"
PROTECTED_CLIP: Final = ".protected.mp4"
"""End of the name of a protected clip."""

COMMENT: Final = "PRO-Face S: faces are sealed in a data track of this file"
"""Comment of protected clips, by which one whose data track was removed is recognised."""

SIDECAR_COMMENT: Final = "PRO-Face S: faces are sealed in a file beside this one"
"""Comment of protected clips that hold no data track, because all is in a sidecar."""

_LARGEST_INDEX: Final = 2**26
_HEAD: Final = struct.Struct(">I4s")
_LONG: Final = struct.Struct(">Q")


def is_clip_name(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is named like a clip."""
    return os.path.splitext(os.fspath(path))[1].lower() in CLIP_SUFFIXES


def is_protected_clip(path: str | os.PathLike[str]) -> bool:
    """Return whether an MP4 file has a comment of protected clips; nothing is decoded.

    Raises:
        ImageError: if it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            index = _index(file)
    except OSError as error:
        raise ImageError(f"{os.fspath(path)} cannot be read: {error.strerror or error}") from None
    return any(comment.encode() in index for comment in (COMMENT, SIDECAR_COMMENT))


def _index(file: IO[bytes]) -> bytes:
    """Return the box ``moov`` of an MP4 file (ISO/IEC 14496-12), which holds its comment; empty if there is none."""
    end = os.fstat(file.fileno()).st_size
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        size, kind = _HEAD.unpack(head)
        left = end - file.tell()
        body = size - _HEAD.size if size else left
        if size == 1:
            body = _LONG.unpack(file.read(_LONG.size).rjust(_LONG.size, b"\0"))[0] - _HEAD.size - _LONG.size
        if kind == b"moov":
            return file.read(max(0, min(body, _LARGEST_INDEX)))
        if not 0 <= body <= left:
            break
        file.seek(body, os.SEEK_CUR)
    return b""

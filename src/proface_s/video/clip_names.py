"""Tell clips by their names."""

from __future__ import annotations

import os
from typing import Final

CLIP_SUFFIXES: Final = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg",
    ".flv", ".wmv", ".asf", ".ogv", ".mxf",
})  # fmt: skip
"""Endings of the formats that `proface_s.video.clip` reads, in lower case."""


def is_clip_name(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is named like a clip."""
    return os.path.splitext(os.fspath(path))[1].lower() in CLIP_SUFFIXES

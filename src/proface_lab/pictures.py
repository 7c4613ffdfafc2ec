"""Folders of pictures, and the identity of the person in each, from file names."""

from __future__ import annotations

import re
from pathlib import Path

from proface_s.errors import UsageError
from proface_s.image.names import PICTURES, suffix_of

_NUMBERED = re.compile(r"_\d{4}$")  # as in LFW: Name_Surname_0001


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures in a folder and its subfolders, sorted.

    Raises:
        UsageError: if the folder is missing.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    return sorted(path for path in folder.rglob("*") if suffix_of(path.name) in PICTURES)


def identity_of(path: Path, root: Path) -> str:
    """Return the name of the folder below the root, else the file's stem without a final ``_`` and four digits."""
    inside = path.relative_to(root).parts
    return inside[0] if len(inside) > 1 else _NUMBERED.sub("", path.stem)

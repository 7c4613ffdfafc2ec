"""Identity of the person in a picture, from file names."""

from __future__ import annotations

import re
from pathlib import Path

_NUMBERED = re.compile(r"_\d{4}$")  # as in LFW: Name_Surname_0001


def identity_of(path: Path, root: Path) -> str:
    """Return the name of the folder below the root, else the file's stem without a final ``_`` and four digits."""
    inside = path.relative_to(root).parts
    return inside[0] if len(inside) > 1 else _NUMBERED.sub("", path.stem)

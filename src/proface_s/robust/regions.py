"""Parts of a picture that can carry the layer of a share copy."""

from __future__ import annotations

from typing import Final, Literal

Region = Literal["photo", "halo", "box"]
"""Which blocks carry: all of them, those around the faces, or those in their boxes alone."""

REGIONS: Final[tuple[Region, ...]] = ("photo", "halo", "box")
"""In the order of their numbers in the directory."""

"""Result of `detect`."""

from __future__ import annotations

from dataclasses import dataclass

from ...types import Box, UInt8Image
from . import display as show


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face that would be protected.

    Attributes:
        number: its number in the protected file, from 1.  Faces that overlap so much that they are hidden as one region
            share it.
        box: tight box, inside the picture.
        score: 0..1, how sure the detector is; 1.0 for boxes given by hand.
        found: its number among all detected faces, which `protect` takes to choose some; None if given by hand.
    """

    number: int
    box: Box
    score: float
    found: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Detection:
    """Result of `detect`: the faces and regions that `protect` would hide.

    Attributes:
        faces: in the order of their numbers: left to right, then top to bottom.
        regions: the disjoint reversible regions that would be hidden; face ``n`` is hidden in ``regions[n - 1]``.
        picture: (H, W, 3) uint8 RGB with faces and numbers drawn in.
        size: (width, height).
        warnings: what the user should know.
    """

    faces: tuple[DetectedFace, ...]
    regions: tuple[Box, ...]
    picture: UInt8Image
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        what = f"{show.count(self.faces, 'face')} in {show.count(self.regions, 'region')}"
        return f"<Detection: {what}, {show.size(self.size)}>"

    def _repr_html_(self) -> str:
        rows = [(face.number, face.box, f"{face.score:.2f}") for face in self.faces]
        return show.html_table(repr(self), ("face", "box", "score"), rows)

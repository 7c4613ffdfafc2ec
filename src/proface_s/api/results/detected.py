"""Result of `detect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...types import Box, UInt8Image
from ..face_search import WEAK_SCORE
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
        source: name of the engine or detector that found it; several are joined by ``+``.  Empty if given by hand or
            not known.
    """

    number: int
    box: Box
    score: float
    found: int | None
    source: str = ""

    @property
    def weak(self) -> bool:
        """Whether the detector is so unsure that a person should look at this one first."""
        return self.score < WEAK_SCORE


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Detection:
    """Result of `detect`: the faces and regions that `protect` would hide.

    Attributes:
        faces: in the order of their numbers: left to right, then top to bottom.
        regions: the disjoint reversible regions that would be hidden; face ``n`` is hidden in ``regions[n - 1]``.
        picture: (H, W, 3) uint8 RGB with regions and numbers drawn in; a dashed region holds weak detections alone.
        size: (width, height).
        shown: (H, W, 3) uint8 RGB: the photo without the drawing, on white if it is transparent.
        warnings: what the user should know.
        smallest: longer side in pixels of the smallest face that was looked for, if that is unusually large, because
            the picture is so large that looking closer would take too long; else None.
        fallbacks: if a style was named, the faces that it covers by a blurred oval instead of what it shows: number ->
            why, one of `proface_s.covers.FALLBACKS`.
    """

    faces: tuple[DetectedFace, ...]
    regions: tuple[Box, ...]
    picture: UInt8Image
    size: tuple[int, int]
    shown: UInt8Image
    warnings: tuple[str, ...] = ()
    smallest: float | None = None
    fallbacks: Mapping[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        what = f"{show.count(self.faces, 'face')} in {show.count(self.regions, 'region')}"
        return f"<Detection: {what}, {show.size(self.size)}>"

    def _repr_html_(self) -> str:
        rows = [(face.number, face.box, f"{face.score:.2f}") for face in self.faces]
        return show.html_table(repr(self), ("face", "box", "score"), rows)


def unsure_regions(faces: Sequence[DetectedFace]) -> set[int]:
    """Return the numbers of the regions that hold weak detections alone: those to look at first."""
    return {face.number for face in faces} - {face.number for face in faces if not face.weak}

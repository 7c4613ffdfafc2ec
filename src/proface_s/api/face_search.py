"""Look for the faces of a picture, transparent ones included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..faces import Detector, non_maximum_suppression, reading_order
from ..faces.boxes import HEAD_MARGIN
from ..faces.detection_check import detected_faces
from ..image.transparency import composites
from ..types import Face, Picture

ALWAYS_LOOKED_FOR: Final = 14.5  # longer side in pixels of a face, with room for rounding
_OVERLOOKED: Final = "the picture is so large that faces under {} pixels were not looked for"
WEAK_SCORE: Final = 0.6  # detections below are mistakes more often than others; a person should look at them first


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSearch:
    """How faces are looked for.

    Attributes:
        detector: name of one or several detectors, joined by ``+`` (`proface_s.faces.open_detector`); the session's if
            None.
        threshold: least confidence of a face, 0..1; each engine's own if None.
        margin: growth of a detected face to the region that is hidden, per side, as a share of its width and height,
            0..2.
        thorough: look closer, whatever time it takes.
    """

    detector: str | None = None
    threshold: float | None = None
    margin: float = HEAD_MARGIN
    thorough: bool = False


USUAL_SEARCH: Final = FaceSearch()


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """Detected faces, in any order, and what the user should know about how they were looked for.

    Attributes:
        faces: the faces.
        warnings: what the user should know.
        smallest: longer side in pixels of the smallest face that was looked for, if that is unusually large; else None.
    """

    faces: Sequence[Face] = ()
    warnings: tuple[str, ...] = ()
    smallest: float | None = None


def find_faces(detector: Detector, picture: Picture) -> FoundFaces:
    """Detect faces in the picture's colours, and in what is shown of them on backgrounds where it is transparent.

    A face may be drawn with alpha alone, or be seen only where alpha hides the rest; and colours under full
    transparency are in the file although nobody sees them.

    Raises:
        UsageError: if the detector fails, or finds what cannot be a face of the picture.
    """
    seen = [detected_faces(detector, picture.rgb)]
    seen += [detected_faces(detector, shown) for shown in composites(picture.rgb, picture.alpha)]
    if len(seen) > 1:
        seen = [reading_order(non_maximum_suppression(face for faces in seen for face in faces))]
    smallest = overlooked_size(detector, picture.size)
    return FoundFaces(seen[0], () if smallest is None else (_OVERLOOKED.format(math.ceil(smallest)),), smallest)


def overlooked_size(detector: Detector, size: tuple[int, int]) -> float | None:
    """Return the size in pixels of faces that the detector does not look for in a picture of (width, height).

    None if it looks for all faces that are usually looked for, or cannot tell.
    """
    smallest = getattr(detector, "smallest_face", None)
    pixels = float(smallest(size)) if callable(smallest) else 0.0
    return pixels if pixels > ALWAYS_LOOKED_FOR else None

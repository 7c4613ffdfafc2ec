"""Look for the faces of a picture, transparent ones included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..faces import Detector, non_maximum_suppression, reading_order
from ..faces.detection_check import detected_faces
from ..image.transparency import composites
from ..types import Face, Picture

ALWAYS_LOOKED_FOR = 16.5  # longer side in pixels of a face, with room for rounding


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """Detected faces, in any order, and what the user should know about how they were looked for."""

    faces: Sequence[Face] = ()
    warnings: tuple[str, ...] = ()


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
    return FoundFaces(seen[0], overlooked_faces(detector, picture.size))


def overlooked_faces(detector: Detector, size: tuple[int, int]) -> tuple[str, ...]:
    """Warn of faces that the detector does not look for in a picture of (width, height), if it can tell."""
    smallest = getattr(detector, "smallest_face", None)
    pixels = smallest(size) if callable(smallest) else 0.0
    if pixels <= ALWAYS_LOOKED_FOR:
        return ()
    return (f"the picture is so large that faces under {math.ceil(pixels)} pixels were not looked for",)

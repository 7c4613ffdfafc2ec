"""Look for faces in frames, also for those of which the detector is in doubt."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..faces import Detector, non_maximum_suppression
from ..faces.detection_check import detected_sightings
from ..types import Box, UInt8Image

DOUBTFUL: Final = 0.3  # confidence from which an upright sighting may be a face


class Sighting(NamedTuple):
    """A tight box in which there may be a face, and whether the detector by itself reports it as one."""

    box: Box
    sure: bool = True


def look(detector: Detector, rgb: UInt8Image) -> list[Sighting]:
    """Return what may be faces in a frame, sorted by box.

    Args:
        detector: any.  Those of this package also tell what they are unsure of; whatever others report is sure.
        rgb: (H, W, 3) uint8 RGB.

    Raises:
        UsageError: if the detector fails.
    """
    seen = detected_sightings(detector, rgb)
    doubtful = [face for face in seen.unsure if face.roll is None and face.score >= DOUBTFUL]
    others = non_maximum_suppression(doubtful, kept=seen.sure)[len(seen.sure) :]
    return sorted([Sighting(face.box) for face in seen.sure] + [Sighting(face.box, sure=False) for face in others])

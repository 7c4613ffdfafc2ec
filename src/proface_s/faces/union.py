"""Several detectors as one: a face is found if any of them finds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Final

from ..types import Face, UInt8Image
from .boxes import box_array, iou, non_maximum_suppression, shared_areas
from .detector import Detector, reading_order
from .engine_detector import EngineDetector, Sightings
from .patches import Pyramid
from .second_look import places_to_look_again

_AGREED: Final = 0.85  # sum of the scores of two engines that make one face
_OVERLAP: Final = 0.4  # intersection over union above which two boxes are the same face
_INSIDE: Final = 0.7  # a later box is also the same face if more than this share of it lies in an earlier one


@dataclass(frozen=True, slots=True)
class UnionDetector:
    """Finds what any of several detectors finds.

    Attributes:
        detectors: the first one's boxes are kept as they are; the others add faces.
    """

    detectors: tuple[Detector, ...]

    def detect(self, rgb: UInt8Image) -> list[Face]:
        """Find the faces of an upright picture; see `Detector.detect`, `united` and `agreed`.

        Each engine also looks again at what any engine was not sure of.
        """
        return reading_order(self.sightings(rgb).sure)

    def sightings(self, rgb: UInt8Image) -> Sightings:
        """Return the faces that `detect` finds, and what nothing has confirmed."""
        picture = Pyramid(rgb)
        seen = [
            detector.search(picture) if isinstance(detector, EngineDetector) else Sightings(detector.detect(rgb), [])
            for detector in self.detectors
        ]
        return confirmed(self.detectors, picture, seen)

    def smallest_face(self, size: tuple[int, int]) -> float:
        """Return the longer side in pixels of the smallest face that any detector looks for, as far as they can tell.

        Args:
            size: (width, height) of the picture in pixels.
        """
        tellers = [each.smallest_face for each in self.detectors if hasattr(each, "smallest_face")]
        return float(min((tell(size) for tell in tellers), default=0.0))


def confirmed(detectors: Sequence[Detector], picture: Pyramid, seen: Sequence[Sightings]) -> Sightings:
    """Unite what several detectors see in a picture; each engine looks again at what any engine is not sure of.

    Args:
        detectors: all of them.
        picture: the picture.
        seen: what each of them sees.
    """
    engines = [detector for detector in detectors if isinstance(detector, EngineDetector)]
    found = united(each.sure for each in seen)
    if all(engine.threshold is None for engine in engines):  # else the user has decided
        found += agreed([each.unsure for each in seen], found)
    unsure = [face for each in seen for face in each.unsure]
    for engine in engines:
        found += engine.look_again(picture, unsure, found)
    return Sightings(found, unsure)


def agreed(unsure: Sequence[Iterable[Face]], known: Sequence[Face]) -> list[Face]:
    """Return what two engines, trained apart, see at the same place without being sure of it.

    Args:
        unsure: what each engine is not sure of; only faces that it sees upright count here.
        known: the faces that were found already.

    Returns:
        Faces with the box of the earlier engine, the higher of the scores, and the names of both.
    """
    upright = [[face for face in faces if face.roll is None] for faces in unsure]
    pairs = [
        replace(first, score=max(first.score, second.score), source=f"{first.source}+{second.source}")
        for earlier, later in combinations(upright, 2)
        for first, second in product(places_to_look_again(earlier, known), later)
        if first.score + second.score >= _AGREED and iou(first.box, second.box) > _OVERLAP
    ]
    return non_maximum_suppression(pairs)


def united(found: Iterable[Iterable[Face]]) -> list[Face]:
    """Merge the faces that several detectors found in one picture.

    Args:
        found: the faces of each detector, best detector first.

    Returns:
        Every face once, in no particular order, with its box by the first detector that found it, the highest of the
        scores, and the names of all that found it as source.  A box that holds much more than an earlier one is a face
        of its own: the smaller one may be a part of it that the earlier detector mistook for a face.
    """
    merged: list[Face] = []
    for faces in found:
        boxes = box_array(face.box for face in merged)
        for face in sorted(faces, key=lambda each: (-each.score, each.box)):
            shared, areas = shared_areas(boxes, face.box)
            same = (shared > _INSIDE * face.box.area) | (shared > _OVERLAP * (areas + face.box.area - shared))
            if not same.any():
                merged.append(face)
                continue
            index = int(same.argmax())
            sources = dict.fromkeys(filter(None, (*merged[index].source.split("+"), face.source)))
            score = max(merged[index].score, face.score)
            merged[index] = replace(merged[index], score=score, source="+".join(sources))
    return merged

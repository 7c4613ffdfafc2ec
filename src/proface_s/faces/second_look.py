"""Second looks: a place where an engine is not sure of a face is looked at again, large and alone.

A network is unsure of faces that are small, tilted or half hidden, and of many things that are not faces.  At a size
that it knows well, it tells them apart: on photos and sheets, a closer look confirms nearly every face and next to no
mistake (`docs/evidence/detection.md`).  A coarse search is therefore enough, if it keeps what it is not sure of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from ..types import Face
from .boxes import iou, non_maximum_suppression

MOST_PLACES: Final = 200  # of a picture, the likeliest first; about two seconds of one core
_SAME: Final = 0.3  # least intersection over union of both sightings of a face


def places_to_look_again(unsure: Iterable[Face], known: Sequence[Face]) -> list[Face]:
    """Return the places that are worth a second look: each once upright and once turned, and none in a known face.

    Args:
        unsure: places where there may be a face.
        known: the faces that were found.

    Returns:
        At most `MOST_PLACES`, the likeliest first.
    """
    places = [face for face in unsure if not any(_holds(other, face) for other in known)]
    upright = non_maximum_suppression(face for face in places if face.roll is None)
    turned = non_maximum_suppression(face for face in places if face.roll is not None)
    return sorted([*upright, *turned], key=lambda face: -face.score)[:MOST_PLACES]


def seen_again(place: Face, faces: Iterable[Face]) -> list[Face]:
    """Return the best of the faces that a second look shows at a place, as a list of one; an empty list if none is."""
    same = [face for face in faces if iou(place.box, face.box) >= _SAME]
    best = max(same, key=lambda face: face.score, default=None)
    sources = () if best is None else dict.fromkeys((best.source, place.source))
    return [] if best is None else [replace(best, source="+".join(sources))]


def _holds(face: Face, other: Face) -> bool:
    """Return whether the centre of another face is in the box of this one."""
    x, y = other.box.x + other.box.w / 2, other.box.y + other.box.h / 2
    return face.box.x <= x <= face.box.right and face.box.y <= y <= face.box.bottom

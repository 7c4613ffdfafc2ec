"""Decide which sighting in a frame is of which face that is already known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from .motion import CentredBox, overlap

_SAME: Final = 0.15  # intersection over union from which a sighting may be of the face that is expected there
_NEAR: Final = 0.8  # or: distance of the centres in widths, if the areas are within a factor of `_SIMILAR`; ...
_FURTHER: Final = 0.15  # ... by this share more for each detection in which the face was missed
_SIMILAR: Final = 2.0


def link(expected: Sequence[CentredBox], missed: Sequence[int], sighted: Sequence[CentredBox]) -> dict[int, int]:
    """Link sightings with known faces, the closest first; each is linked once at most.

    Args:
        expected: where the known faces should be.
        missed: for each of them, the number of detections since it was last seen.
        sighted: the boxes in which faces were seen.

    Returns:
        Position in ``sighted`` -> position in ``expected``.
    """
    candidates = sorted(
        (-closeness, j, i)
        for i, (box, count) in enumerate(zip(expected, missed, strict=True))
        for j, other in enumerate(sighted)
        if (closeness := _closeness(box, other, count)) > 0
    )
    linked: dict[int, int] = {}
    taken: set[int] = set()
    for _, j, i in candidates:
        if j not in linked and i not in taken:
            linked[j] = i
            taken.add(i)
    return linked


def _closeness(expected: CentredBox, sighted: CentredBox, missed: int) -> float:
    """Return how likely a sighting is of the face that is expected; more than 0 if it may be."""
    shared = overlap(expected, sighted)
    if shared >= _SAME:
        return 1 + shared
    apart = math.hypot(expected.x - sighted.x, expected.y - sighted.y) / max(expected.w, sighted.w)
    reach = _NEAR * (1 + _FURTHER * missed)
    areas = expected.w * expected.h, sighted.w * sighted.h
    return 1 - apart / reach if max(areas) <= _SIMILAR * min(areas) and apart < reach else 0.0

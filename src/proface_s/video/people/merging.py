"""Decide which tracks follow one face, so that it gets one key.  All tracks are covered nevertheless."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from ...faces.boxes import iou
from ..tracking import TrackedFace

_ALIKE: Final = 0.5  # intersection over union
_OFTEN: Final = 0.5  # share of the frames that two tracks have in common


class TrackOverlaps:
    """Counts, frame by frame, how often any two tracks are in one place."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, int], tuple[int, int]] = {}  # two tracks -> common frames, those in one place
        self._tracks: set[int] = set()

    def add(self, faces: Sequence[TrackedFace]) -> None:
        """Count the faces of a frame."""
        self._tracks.update(face.track for face in faces)
        for a, b in combinations(sorted(faces, key=_by_track), 2):
            common, alike = self._counts.get((a.track, b.track), (0, 0))
            self._counts[a.track, b.track] = common + 1, alike + (iou(a.box, b.box) >= _ALIKE)

    def groups(self) -> list[list[int]]:
        """Return the tracks of each face, ascending; tracks of one face are those that are linked by such pairs."""
        group = {track: {track} for track in self._tracks}
        for (a, b), (common, alike) in sorted(self._counts.items()):
            if alike >= _OFTEN * common and group[a] is not group[b]:
                both = group[a] | group[b]
                group.update(dict.fromkeys(both, both))
        by_first = defaultdict(set)
        for tracks in group.values():
            by_first[min(tracks)] = tracks
        return [sorted(by_first[first]) for first in sorted(by_first)]


def _by_track(face: TrackedFace) -> int:
    return face.track

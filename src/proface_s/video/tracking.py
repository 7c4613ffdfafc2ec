"""Locate the faces of every frame while detecting them only in every N-th.

::

    frames   0 . . . . . . . . . N . . . . . . . . . 2N
    detect   ●                   ●                   ●
    boxes      ◄─ interpolated ─►  ◄─ interpolated ─►

The frames of a segment wait until the detection at its end, so that a box between two detections is interpolated and
never extrapolated.  If in doubt, more is covered: a face seen at only one end is covered there for the whole segment, a
face that the detector loses stays covered for `HOLD` more segments, and a box never shrinks faster than `SHRINK`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..faces import Detector, iou
from ..faces.detection_check import detected_faces
from ..types import Box, UInt8Image

HOLD = 1
SHRINK = 0.7  # least share of its last size that a box has at the next detection
SLACK = 0.1  # growth on every side between detections, for movement that is not straight
_SAME = 0.1  # intersection over union from which two boxes of successive detections are the same face
_NEAR = 1.0  # or: distance of the centres in box sides, if the areas are within a factor of `_ALIKE`
_ALIKE = 2.0


@dataclass(frozen=True, slots=True)
class Track:
    """A face at a detection: its box, and the number of detections since it was last seen."""

    box: Box
    missed: int = 0


def tracked(frames: Iterable[UInt8Image], detector: Detector, every: int) -> Iterator[tuple[UInt8Image, list[Box]]]:
    """Yield the frames with the tight boxes of their faces.

    Args:
        frames: (H, W, 3) uint8 RGB, all of one shape; at most ``every + 1`` of them are held at a time.
        detector: the face detector; applied to the first frame, every N-th and the last.
        every: N, from 1.
    """
    source = iter(frames)
    waiting = next(source, None)
    if waiting is None:
        return
    tracks = [Track(face.box) for face in detected_faces(detector, waiting)]
    while waiting is not None:
        segment = [waiting]
        while len(segment) <= every and (frame := next(source, None)) is not None:
            segment.append(frame)
        if len(segment) == 1:
            yield waiting, [track.box for track in tracks]
            return
        steps = len(segment) - 1
        pairs = paired(tracks, [face.box for face in detected_faces(detector, segment[-1])])
        for step, frame in enumerate(segment[:-1]):
            yield frame, [between(start, end.box, step, steps) for start, end in pairs]
        tracks = [end for _, end in pairs if end.missed <= HOLD]
        waiting = segment[-1]


def paired(tracks: Sequence[Track], found: Sequence[Box]) -> list[tuple[Box, Track]]:
    """Pair the faces of two detections; return each face's box at the first and its track at the second.

    Args:
        tracks: the faces at the first detection.
        found: tight boxes at the second.
    """
    candidates = sorted(
        ((_closeness(track.box, box), i, j) for i, track in enumerate(tracks) for j, box in enumerate(found)),
        reverse=True,
    )
    of_track: dict[int, int] = {}
    for closeness, i, j in candidates:
        if closeness > 0 and i not in of_track and j not in of_track.values():
            of_track[i] = j
    pairs = []
    for i, track in enumerate(tracks):
        end = Track(_kept_large(found[of_track[i]], track.box)) if i in of_track else \
            replace(track, missed=track.missed + 1)  # fmt: skip
        pairs.append((track.box, end))
    new = [box for j, box in enumerate(found) if j not in of_track.values()]
    return pairs + [(box, Track(box)) for box in new]


def between(start: Box, end: Box, step: int, steps: int) -> Box:
    """Interpolate between two boxes, and add some slack at every step but the first.

    Args:
        start: at step 0.
        end: at step ``steps``.
        step: 0 up to ``steps``.
        steps: from 1.
    """
    if step == 0:
        return start
    share = step / steps
    edges = [(1 - share) * a + share * b for a, b in zip(_edges(start), _edges(end), strict=True)]
    dx, dy = SLACK * (edges[2] - edges[0]), SLACK * (edges[3] - edges[1])
    left, top = max(0, int(edges[0] - dx)), max(0, int(edges[1] - dy))
    return Box(left, top, int(edges[2] + dx) + 1 - left, int(edges[3] + dy) + 1 - top)


def _closeness(a: Box, b: Box) -> float:
    """Return how likely two boxes of successive detections are the same face; more than 0 if they may be."""
    shared = iou(a, b)
    if shared >= _SAME:
        return 1 + shared
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    apart = max(abs(ax - bx), abs(ay - by)) / max(a.w, a.h, b.w, b.h)
    alike = max(a.area, b.area) <= _ALIKE * min(a.area, b.area)
    return 1 - apart / (1 + _NEAR) if alike and apart < _NEAR else 0.0


def _kept_large(box: Box, before: Box) -> Box:
    """Return a detection's box, enlarged around its centre if it has shrunk too fast."""
    w, h = max(box.w, int(SHRINK * before.w)), max(box.h, int(SHRINK * before.h))
    left, top = max(0, box.x - (w - box.w) // 2), max(0, box.y - (h - box.h) // 2)
    return Box(left, top, max(w, box.right - left), max(h, box.bottom - top))


def _edges(box: Box) -> tuple[int, int, int, int]:
    return box.x, box.y, box.right, box.bottom


def _centre(box: Box) -> tuple[float, float]:
    return box.x + box.w / 2, box.y + box.h / 2

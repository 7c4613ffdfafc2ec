"""Box algebra: overlap measures, merging of detections, and growing a face box to the whole head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from ..types import Box, Face

SMALLEST_SIDE = 16  # pixels; reversible regions are at least this large if the picture allows it
HEAD_MARGIN = 0.25  # of the face box, on every side; see `reversible_box`


def intersection(a: Box, b: Box) -> int:
    """Return the number of pixels that two boxes share."""
    right, bottom, other_right, other_bottom = a.x + a.w, a.y + a.h, b.x + b.w, b.y + b.h
    if right <= b.x or other_right <= a.x or bottom <= b.y or other_bottom <= a.y:
        return 0  # tested first: most pairs in a crowd do not touch
    return (min(right, other_right) - max(a.x, b.x)) * (min(bottom, other_bottom) - max(a.y, b.y))


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union, 0..1."""
    shared = intersection(a, b)
    return shared / (a.area + b.area - shared) if shared else 0.0


def union(a: Box, b: Box) -> Box:
    """Return the smallest box that holds both."""
    x, y = min(a.x, b.x), min(a.y, b.y)
    return Box(x, y, max(a.right, b.right) - x, max(a.bottom, b.bottom) - y)


def non_maximum_suppression(
    faces: Iterable[Face], overlap: float = 0.4, contained: float = 0.7, kept: Sequence[Face] = ()
) -> list[Face]:
    """Keep the best detection of every face.

    Args:
        faces: detections of one picture, in any order.
        overlap: two boxes with a larger intersection over union (0..1) are the same face.
        contained: two boxes are also the same face if more than this share (0..1) of the smaller lies in the other.
        kept: detections that win against all others, whatever their scores.

    Returns:
        ``kept`` followed by the survivors, best score first.
    """
    survivors, candidates = list(kept), sorted(faces, key=lambda face: (-face.score, face.box))
    boxes = np.concatenate([box_array(face.box for face in survivors), np.empty((len(candidates), 4), np.int64)])
    for face in candidates:
        shared, areas = shared_areas(boxes[: len(survivors)], face.box)
        same = shared > contained * np.minimum(areas, face.box.area)
        same |= shared > overlap * (areas + face.box.area - shared)
        if not same.any():
            boxes[len(survivors)] = face.box.x, face.box.y, face.box.w, face.box.h
            survivors.append(face)
    return survivors


def box_array(boxes: Iterable[Box]) -> npt.NDArray[np.int64]:
    """Return boxes as an array (N, 4) of x, y, w, h in pixels."""
    return np.array([(box.x, box.y, box.w, box.h) for box in boxes], np.int64).reshape(-1, 4)


def shared_areas(boxes: npt.NDArray[np.int64], box: Box) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the number of pixels that each of many boxes shares with one, and that each has.

    Args:
        boxes: (N, 4) x, y, w, h, as `box_array` returns them.
        box: the one.

    Returns:
        Two arrays (N,).
    """
    x, y, w, h = boxes.T
    across = np.minimum(x + w, box.right) - np.maximum(x, box.x)
    down = np.minimum(y + h, box.bottom) - np.maximum(y, box.y)
    return np.maximum(across, 0) * np.maximum(down, 0), w * h


def reversible_box(face_box: Box, picture_size: tuple[int, int], margin: float = HEAD_MARGIN) -> Box:
    """Grow a tight face box to the head region that is hidden and can be recovered.

    A detector's box runs from the brows to the chin.  Recognisers see more: the usual aligned crop (112 pixels for an
    eye distance of 35) is wider than the detector's box, and people recognise each other by hairline, ears and jaw.
    The default margin is a quarter on every side; `docs/evidence/detection.md` has the measurement.

    Args:
        face_box: tight box; parts outside the picture are ignored.
        picture_size: (width, height) in pixels.
        margin: growth per side as a share of the box's own width or height, 0..2.

    Returns:
        A box inside the picture that holds the visible part of ``face_box``, with even sides of at least
        `SMALLEST_SIDE` if the picture is that large, else the largest even side that fits.  If a grown side spans
        an odd picture completely, one column or row is left out, because no even side can hold all of it;
        `open_edges` tells which.

    Raises:
        UsageError: if a side of the picture is 1 pixel, the face lies outside it, or the margin is not 0..2.
    """
    width, height = picture_size
    if width < 2 or height < 2:
        raise UsageError(f"a {width}x{height} picture is too small to hide anything in", code="small-picture")
    if not 0 <= margin <= 2:
        raise UsageError(f"margin {margin} is not between 0 and 2")
    if face_box.w < 1 or face_box.h < 1 or not intersection(face_box, Box(0, 0, width, height)):
        raise UsageError(f"face box {face_box} lies outside the {width}x{height} picture")
    x, w = _grow(face_box.x, face_box.right, margin, width)
    y, h = _grow(face_box.y, face_box.bottom, margin, height)
    return Box(x, y, w, h)


def _grow(start: int, stop: int, margin: float, limit: int) -> tuple[int, int]:
    """Grow ``start..stop`` along one axis; return the start and the even length."""
    extra = margin * (stop - start)
    low, high = max(0, int(start - extra)), min(limit, int(-(-(stop + extra) // 1)))
    length = high - low
    length = min(max(length + length % 2, SMALLEST_SIDE), limit - limit % 2)
    low -= max(0, length - (high - low)) // 2
    return min(max(low, 0), limit - length), length

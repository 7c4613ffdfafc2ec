"""Measure how a face moves from one frame to the next, with optical flow that is checked in both directions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Self

import numpy as np

from ..threads import opencv_threads
from ..types import Box, UInt8Image

SIDE: Final = 96.0  # pixels: larger faces are shrunk to this before their motion is measured; it saves time only
_AROUND: Final = 32.0  # pixels that are seen around a face, besides its own size on each side
_GRID: Final = 6  # points along each side of a face
_INNER: Final = 0.15  # share of a face's side between its edge and the outermost points
_LEAST_POINTS: Final = 6
_RETURN: Final = (1.0, 0.03)  # pixels, and share of the face's width: a point that returns further off is not trusted
_FASTEST: Final = 0.07  # change in size from one frame to the next
_WINDOW: Final = (15, 15)  # pixels
_LEVELS: Final = 3
_STOP: Final = (3, 10, 0.03)  # after ten rounds, or once a point moves by less


class CentredBox(NamedTuple):
    """A box in pixels with fractions: its centre (``x``, ``y``), width and height."""

    x: float
    y: float
    w: float
    h: float

    @classmethod
    def of(cls, box: Box) -> Self:
        """Return a box of whole pixels in this form."""
        return cls(box.x + box.w / 2, box.y + box.h / 2, float(box.w), float(box.h))

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        return self.x - self.w / 2, self.y - self.h / 2, self.x + self.w / 2, self.y + self.h / 2

    def grown(self, share: float) -> CentredBox:
        """Return the box with a share of its width and height added on every side."""
        return self._replace(w=self.w * (1 + 2 * share), h=self.h * (1 + 2 * share))

    def towards(self, other: CentredBox, share: float) -> CentredBox:
        """Return the box on the straight way to another: itself at share 0, the other at 1."""
        return CentredBox(*((1 - share) * a + share * b for a, b in zip(self, other, strict=True)))

    def within(self, width: int, height: int) -> Box | None:
        """Return the smallest box of whole pixels that holds the part in a frame; None if no pixel is left."""
        left, top, right, bottom = self.edges
        x, y = max(0, math.floor(left)), max(0, math.floor(top))
        w, h = min(width, math.ceil(right)) - x, min(height, math.ceil(bottom)) - y
        return Box(x, y, w, h) if w > 0 and h > 0 else None


class Motion(NamedTuple):
    """Movement of a face between two frames: shift of its centre in pixels, and factor of its size."""

    dx: float
    dy: float
    scale: float

    @property
    def reverse(self) -> Motion:
        """The motion from the second frame to the first; inverse of `carry`."""
        return Motion(-self.dx, -self.dy, 1 / self.scale)

    def carry(self, box: CentredBox) -> CentredBox:
        """Return where a face of the first frame is in the second."""
        return CentredBox(box.x + self.dx, box.y + self.dy, box.w * self.scale, box.h * self.scale)


def hull(boxes: Iterable[CentredBox]) -> CentredBox:
    """Return the smallest box that holds all of at least one."""
    left, top, right, bottom = zip(*(box.edges for box in boxes), strict=True)
    x, y, w, h = min(left), min(top), max(right) - min(left), max(bottom) - min(top)
    return CentredBox(x + w / 2, y + h / 2, w, h)


def overlap(a: CentredBox, b: CentredBox) -> float:
    """Return the intersection over union, 0..1."""
    w = min(a.x + a.w / 2, b.x + b.w / 2) - max(a.x - a.w / 2, b.x - b.w / 2)
    h = min(a.y + a.h / 2, b.y + b.h / 2) - max(a.y - a.h / 2, b.y - b.h / 2)
    shared = max(0.0, w) * max(0.0, h)
    return shared / (a.w * a.h + b.w * b.h - shared) if shared else 0.0


def measure_motion(before: UInt8Image, after: UInt8Image, box: CentredBox) -> Motion | None:
    """Measure the motion of a face from one frame to another.

    Points on a grid are followed by pyramidal Lucas-Kanade optical flow (Bouguet, 2000) to the other frame and back;
    only those that return to where they started count (Kalal, Mikolajczyk and Matas, "Forward-Backward Error", 2010).
    The shift is their median, the change in size the median change of the distances between them.

    Args:
        before: (H, W) uint8, grey.
        after: likewise, of the same shape; the earlier or later neighbour of ``before``.
        box: the face in ``before``.

    Returns:
        The motion; None if too few points could be followed: the face is hidden, blurred, flat, or outside the frame.
    """
    height, width = before.shape[:2]
    around = max(box.w, box.h) + _AROUND
    area = CentredBox(box.x, box.y, box.w + 2 * around, box.h + 2 * around).within(width, height)
    scale = min(1.0, SIDE / max(box.w, box.h))
    if area is None or min(area.w, area.h) * scale <= _WINDOW[0]:
        return None
    start = _points(box, width, height)
    if len(start) < _LEAST_POINTS:
        return None
    start = (start - np.array([area.x, area.y])) * scale
    with opencv_threads(1):
        first, second = (_shrunk(frame, area, scale) for frame in (before, after))
        points = start.astype(np.float32).reshape(-1, 1, 2)
        there, found = _follow(first, second, points)
        back, found_back = _follow(second, first, there)
    off = np.linalg.norm(back - points, axis=2).ravel()
    least, share = _RETURN
    good = (found.ravel() == 1) & (found_back.ravel() == 1) & (off < max(least, share * box.w * scale))
    if good.sum() < _LEAST_POINTS:
        return None
    moved = there.reshape(-1, 2)[good].astype(float)
    dx, dy = np.median(moved - start[good], axis=0) / scale
    growth = _growth(start[good], moved, 0.2 * box.w * scale)
    return Motion(float(dx), float(dy), growth) if math.isfinite(dx + dy + growth) else None


def _follow(first: UInt8Image, second: UInt8Image, points: Any) -> tuple[Any, Any]:
    """Follow points, (N, 1, 2) float32, from one picture to another; return where they are, and whether they are."""
    import cv2

    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, points, np.zeros_like(points), winSize=_WINDOW, maxLevel=_LEVELS, criteria=_STOP
    )
    return moved, found


def _points(box: CentredBox, width: int, height: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the points of the grid that lie in the frame: (N, 2) x, y."""
    inner = box.grown(-_INNER).edges
    x, y = np.meshgrid(np.linspace(inner[0], inner[2], _GRID), np.linspace(inner[1], inner[3], _GRID))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    return np.asarray(points[(points >= 0).all(1) & (points[:, 0] < width) & (points[:, 1] < height)], float)


def _shrunk(frame: UInt8Image, area: Box, scale: float) -> UInt8Image:
    """Return a part of a frame, shrunk."""
    import cv2

    part = frame[area.y : area.bottom, area.x : area.right]
    if scale < 1:
        size = max(1, round(area.w * scale)), max(1, round(area.h * scale))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(part)


def _growth(start: np.ndarray[Any, Any], moved: np.ndarray[Any, Any], least: float) -> float:
    """Return the median factor by which distances between points of at least ``least`` pixels have grown."""
    i, j = np.triu_indices(len(start), 1)
    before, after = (np.linalg.norm(points[i] - points[j], axis=1) for points in (start, moved))
    far = before > least
    if not far.any():
        return 1.0
    return float(np.clip(np.median(after[far] / before[far]), 1 - _FASTEST, 1 + _FASTEST))

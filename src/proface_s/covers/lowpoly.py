"""The style ``lowpoly``."""

from __future__ import annotations

from typing import ClassVar, Final

import cv2
import numpy as np
import numpy.typing as npt

from ..types import UInt8Image
from .base import CoverStyle, MatchRates, Unit
from .heads.face_region import FaceRegion
from .registry import register_style
from .smoothing import gaussian_blur

_JITTER: Final = 0.26  # of a cell; from 0.3 on, triangles could fold over
_ROW: Final = 0.87  # height of a row of equilateral triangles
_BLUR: Final = 0.65  # of a cell; a triangle in the colour of its middle alone shows twice the detail of a mosaic
_CANVAS: Final = 480  # pixels; smaller covers are drawn in whole multiples of their size, and averaged
_SHIFT: Final = 4  # fractional bits of cv2's drawing coordinates


@register_style
class LowPoly(CoverStyle):
    """Flat triangles of irregular shape, each in the colour around its middle, as of folded paper.

    The triangles lie alike in every region: they depend on its size alone.
    """

    name: ClassVar[str] = "lowpoly"
    summary: ClassVar[str] = "flat triangles, as of folded paper"
    unit: ClassVar[Unit] = Unit("triangles across the longer side", more_is_stronger=False)
    default_strength: ClassVar[float] = 8.0
    strength_range: ClassVar[tuple[float, float]] = (2.0, 32.0)
    weak_limit: ClassVar[float | None] = 8.0
    rates: ClassVar[MatchRates | None] = MatchRates(box=5.0, oval=16.7, plain=6.7)

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Draw the triangles."""
        height, width = region.size
        cell = max(height, width) / round(strength)
        base = gaussian_blur(region.pixels, _BLUR / round(strength))
        finer = max(1, -(-_CANVAS // max(height, width)))
        drawn = np.empty((height * finer, width * finer, 3), np.uint8)
        for corners in _triangles(height, width, cell):
            x, y = corners.mean(axis=0)
            colour = base[min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)]
            points = np.rint((corners * finer - 0.5) * (1 << _SHIFT)).astype(np.int32)
            cv2.fillConvexPoly(drawn, points, colour.tolist(), cv2.LINE_AA, _SHIFT)
        return np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _triangles(height: int, width: int, cell: float) -> npt.NDArray[np.float64]:
    """Return the triangles of a jittered grid that covers an area: (count, 3, 2), x and y in pixels."""
    columns, rows = int(width / cell) + 4, int(height / (cell * _ROW)) + 4
    x = (np.arange(columns)[None, :] - 1.5 + 0.5 * (np.arange(rows) % 2)[:, None]) * cell
    y = np.broadcast_to((np.arange(rows)[:, None] - 1.5) * cell * _ROW, x.shape)
    raw = np.random.PCG64(0).random_raw(2 * x.size).reshape(*x.shape, 2)  # the same numbers in every numpy
    grid = np.stack([x, y], axis=2) + (raw / 2.0**63 - 1) * _JITTER * cell
    here, right = grid[:-1, :-1], grid[:-1, 1:]
    below, across = grid[1:, :-1], grid[1:, 1:]
    odd = (np.arange(rows - 1) % 2 == 1)[:, None, None]
    first = np.stack([here, right, np.where(odd, across, below)], axis=2)
    second = np.stack([np.where(odd, here, right), below, across], axis=2)
    return np.concatenate([first.reshape(-1, 3, 2), second.reshape(-1, 3, 2)])

"""The style ``pixelate``."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..types import UInt8Image
from .base import CoverStyle, Unit
from .heads.face_region import FaceRegion
from .registry import register_style


@register_style
class Pixelate(CoverStyle):
    """A mosaic of equal cells, each filled with its mean colour.

    The strength is a number of cells, not their size, so that a face is hidden equally well at every size.  Cell
    borders are spread evenly: a remainder at the edge would make narrow cells that show more.
    """

    name: ClassVar[str] = "pixelate"
    summary: ClassVar[str] = "mosaic of square cells"
    unit: ClassVar[Unit] = Unit("cells across the longer side", more_is_stronger=False)
    default_strength: ClassVar[float] = 6.0
    strength_range: ClassVar[tuple[float, float]] = (1.0, 64.0)
    weak_limit: ClassVar[float | None] = 8.0

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Return the mean colour of every cell."""
        height, width = region.size
        cell = max(height, width) / round(strength)
        rows, columns = _borders(height, cell), _borders(width, cell)
        sums = np.add.reduceat(np.asarray(region.pixels, np.uint32), rows[:-1], axis=0)
        sums = np.add.reduceat(sums, columns[:-1], axis=1)
        areas = np.diff(rows)[:, None] * np.diff(columns)[None, :]
        means = np.rint(sums / areas[:, :, None]).astype(np.uint8)
        return np.repeat(np.repeat(means, np.diff(rows), axis=0), np.diff(columns), axis=1)


def _borders(length: int, cell: float) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return the first pixel of every cell along an axis, then ``length``; cells are equal and at least two pixels."""
    count = min(max(round(length / cell), 1), length // 2)
    return np.rint(np.linspace(0, length, count + 1)).astype(np.intp)

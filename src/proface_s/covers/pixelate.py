"""The style ``pixelate``."""

from __future__ import annotations

import math
from typing import ClassVar, Final

import numpy as np

from ..types import UInt8Image
from .base import CoverStyle, MatchRates, Unit
from .heads.face_region import FaceRegion
from .registry import register_style

_SLOW: Final = 0.16  # seconds, time constant of the colours in a clip
_SLOWER: Final = 1.0  # likewise, of the proportions by which cells at the edges come and go


@register_style
class Pixelate(CoverStyle):
    """A mosaic of equal cells, each filled with its mean colour.

    The strength is a number of cells, not their size, so that a face is hidden equally well at every size.  Cell
    borders are spread evenly: a remainder at the edge would make narrow cells that show more.

    In a clip, the cells stay with the face and their colours change slowly.  A grid that slid over the face would
    sample it differently in each frame, and many frames together would show what one does not.
    """

    name: ClassVar[str] = "pixelate"
    summary: ClassVar[str] = "mosaic of square cells"
    unit: ClassVar[Unit] = Unit("cells across the longer side", more_is_stronger=False)
    default_strength: ClassVar[float] = 6.0
    strength_range: ClassVar[tuple[float, float]] = (1.0, 64.0)
    weak_limit: ClassVar[float | None] = 8.0
    rates: ClassVar[MatchRates | None] = MatchRates(box=3.3, oval=16.7, plain=1.7)

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Return the mean colour of every cell."""
        height, width = region.size
        cell = max(height, width) / round(strength)
        memory = region.memory
        if memory is None:
            rows, columns = _borders(height, cell), _borders(width, cell)
        else:
            x, y, w, h = memory.place
            cell, odd = max(cell, max(w, h) / round(strength)), round(strength) % 2
            across, down = map(float, memory.eased("cells across", np.array([w, h]) / cell, _SLOWER))
            rows, columns = _anchored(height, y, down, cell, odd), _anchored(width, x, across, cell, odd)
        sums = np.add.reduceat(np.asarray(region.pixels, np.uint32), rows[:-1], axis=0)
        sums = np.add.reduceat(sums, columns[:-1], axis=1)
        areas = np.diff(rows)[:, None] * np.diff(columns)[None, :]
        exact = sums / areas[:, :, None]
        means = np.rint(exact if memory is None else memory.eased("cells", exact, _SLOW)).astype(np.uint8)
        return np.repeat(np.repeat(means, np.diff(rows), axis=0), np.diff(columns), axis=1)


def _borders(length: int, cell: float) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return the first pixel of every cell along an axis, then ``length``; cells are equal and at least two pixels."""
    count = min(max(round(length / cell), 1), length // 2)
    return np.rint(np.linspace(0, length, count + 1)).astype(np.intp)


def _anchored(
    length: int, middle: float, usual: float, cell: float, odd: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return borders as `_borders`, of equal cells about a middle; those at the ends reach to the ends.

    A cell that would usually be narrower than half of the others is part of its neighbour, so that cells do not come
    and go with each pixel of the length; none is narrower than a quarter, or than two pixels.

    Args:
        length: of the axis.
        middle: a border, or the middle of a cell.
        usual: cells along the axis, with fractions, in the frames before.
        cell: length of a cell.
        odd: 1 if a cell is in the middle, as if there were an odd number of them.
    """
    reach = math.ceil(length / cell) + 1
    apart = np.arange(-reach, reach) + odd / 2
    apart = apart[np.abs(apart) <= (usual - 1) / 2 + 0.01]
    inner = np.floor(middle + cell * apart + 0.5).astype(np.intp)  # `rint` would move every other border
    least = max(2, math.ceil(cell / 4))
    inner = inner[(inner >= least) & (inner <= length - least)]
    return np.concatenate([[0], inner[np.diff(inner, prepend=-least) >= 2], [length]]).astype(np.intp)

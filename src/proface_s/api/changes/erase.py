"""Overwrite a protected region, so that nothing hidden in its pixels is left."""

from __future__ import annotations

import numpy as np

from ...types import UInt8Image

CELL = 8
"""Side in pixels of the cells of which only the mean colour stays; those at the right and lower edge may be larger."""


def blurred_copy(region: UInt8Image) -> UInt8Image:
    """Return a blurred copy of a protected region: the mean colours of its cells, interpolated.

    The plain cover is stored nowhere; this stands in for it.  The result is a function of three bytes per cell of at
    least 8 x 8 pixels, where the hidden code takes more than 300 bits; and of those bytes hardly anything depends on
    the code, because the mean of 64 samples that it moves by one or two levels either way is rounded to whole levels.

    Args:
        region: (H, W, 3) uint8.

    Returns:
        (H, W, 3) uint8.
    """
    import cv2

    height, width = region.shape[:2]
    rows, columns = CELL * np.arange(max(1, height // CELL)), CELL * np.arange(max(1, width // CELL))
    sums = np.add.reduceat(np.add.reduceat(region.astype(np.float64), rows, axis=0), columns, axis=1)
    counts = np.diff([*rows, height])[:, None] * np.diff([*columns, width])[None, :]
    means = np.rint(sums / counts[..., None]).astype(np.uint8)
    smooth: UInt8Image = cv2.resize(means, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    return smooth

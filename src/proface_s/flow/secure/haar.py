"""Opponent colours and the Haar pyramid in the mean domain: low band = mean of four, details = differences / 4.

In the mean domain every level has the range of the picture.  The orthonormal coefficient of level j is 2^j times the
value here, so a quantiser step of D (orthonormal) is D / 2^j at level j.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

# Orthonormal: luma, red against blue, green against magenta.  Computed element by element, never by a matrix
# product, whose order of addition depends on the machine.
ROOTS = (3.0**-0.5, 2.0**-0.5, 6.0**-0.5)
LOW_RANGES = ((0.0, 442.0), (-181.0, 181.0), (-209.0, 209.0))  # of 8-bit pictures in opponent colours
SMALLEST_LOW = 4  # minimum side of the coarsest low band, in samples


def to_opponent(image: npt.NDArray[np.generic]) -> Float64:
    """Convert (H, W, 3) RGB to (3, H, W) opponent colours, grey levels."""
    r, g, b = (image[:, :, i].astype(np.float64) for i in range(3))
    return np.stack([(r + g + b) * ROOTS[0], (r - b) * ROOTS[1], (r - 2 * g + b) * ROOTS[2]])


def from_opponent(planes: Float64) -> Float64:
    """Invert `to_opponent`."""
    y, co, cg = planes[0] * ROOTS[0], planes[1] * ROOTS[1], planes[2] * ROOTS[2]
    return np.stack([y + co + cg, y - 2 * cg, y - co + cg], axis=2)


def depth_for(height: int, width: int) -> int:
    """Return the number of Haar levels of a region, at least one."""
    return max(1, (min(height, width) // SMALLEST_LOW).bit_length() - 1)


def sizes(height: int, width: int, depth: int) -> list[tuple[int, int]]:
    """Return (rows, columns) of the low bands of level 0, the region itself, to ``depth``."""
    found = [(height, width)]
    for _ in range(depth):
        height, width = -(-height // 2), -(-width // 2)
        found.append((height, width))
    return found


def split(low: Float64) -> tuple[Float64, Float64]:
    """Transform one level: (C, H, W) to low (C, ceil(H/2), ceil(W/2)) and details (C, 3, ...).

    Details are horizontal, vertical, diagonal.  Odd sides are extended by repeating the last row or column.
    """
    low = np.pad(low, ((0, 0), (0, low.shape[1] % 2), (0, low.shape[2] % 2)), mode="edge")
    a, b, c, d = low[:, 0::2, 0::2], low[:, 0::2, 1::2], low[:, 1::2, 0::2], low[:, 1::2, 1::2]
    top, bottom, across, below = a + b, c + d, a - b, c - d
    details = np.empty((low.shape[0], 3, *top.shape[1:]))
    np.add(across, below, out=details[:, 0])
    np.subtract(top, bottom, out=details[:, 1])
    np.subtract(across, below, out=details[:, 2])
    details *= 0.25
    top += bottom
    top *= 0.25
    return top, details


def merge(low: Float64, details: Float64, size: tuple[int, int]) -> Float64:
    """Invert `split`, cropped to ``size`` (rows, columns)."""
    h, v, d = details[:, 0], details[:, 1], details[:, 2]
    out = np.empty((low.shape[0], 2 * low.shape[1], 2 * low.shape[2]))
    upper, lower, left, right = low + v, low - v, h + d, h - d
    np.add(upper, left, out=out[:, 0::2, 0::2])
    np.subtract(upper, left, out=out[:, 0::2, 1::2])
    np.add(lower, right, out=out[:, 1::2, 0::2])
    np.subtract(lower, right, out=out[:, 1::2, 1::2])
    return out[:, : size[0], : size[1]]

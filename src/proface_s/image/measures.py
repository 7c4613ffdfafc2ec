"""Measures of the difference between pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..types import UInt8Image


def psnr(
    a: UInt8Image | npt.NDArray[np.floating], b: UInt8Image | npt.NDArray[np.floating], data_range: float = 255.0
) -> float:
    """Return the peak signal-to-noise ratio in dB: 10 log10(data_range² / mean squared error).

    Args:
        a: any shape, uint8 or floating point.
        b: the same shape.
        data_range: value of white: 255 for uint8, 1 for floats in 0..1.

    Returns:
        The ratio; infinite if the pictures are equal.

    Raises:
        ValueError: if the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"pictures must have the same shape, not {a.shape} and {b.shape}")
    error = float(np.square(a.astype(np.float64) - b).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(data_range**2 / error))

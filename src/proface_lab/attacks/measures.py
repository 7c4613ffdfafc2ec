"""Measures that several adversaries share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from proface_s.image.measures import psnr
from proface_s.types import UInt8Image

from ..evaluation.measures.metrics import EQUAL_DB

LEAST_MARGIN: Final = 0.5  # dB


def each_psnr(pictures: Sequence[UInt8Image], originals: Sequence[UInt8Image]) -> npt.NDArray[np.float64]:
    """Return (N,) PSNR in dB; equal pictures count as `EQUAL_DB`."""
    return np.array([min(psnr(a, b), EQUAL_DB) for a, b in zip(pictures, originals, strict=True)])


def margin_above(control: float, right: float, most: float) -> float:
    """Return how many dB above the control count as a leak: half of what the right key gains, if that is little.

    Args:
        control: PSNR in dB without the attack.
        right: with the right key.
        most: what counts for methods that bring back much.
    """
    return min(most, max(LEAST_MARGIN, (right - control) / 2))

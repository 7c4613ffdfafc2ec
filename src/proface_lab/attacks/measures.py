"""Measures that several adversaries share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from proface_s.image.measures import psnr
from proface_s.types import UInt8Image

from ..evaluation.measures.metrics import EQUAL_DB


def each_psnr(pictures: Sequence[UInt8Image], originals: Sequence[UInt8Image]) -> npt.NDArray[np.float64]:
    """Return (N,) PSNR in dB; equal pictures count as `EQUAL_DB`."""
    return np.array([min(psnr(a, b), EQUAL_DB) for a, b in zip(pictures, originals, strict=True)])

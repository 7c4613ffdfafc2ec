"""The style ``median``."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from ..types import UInt8Image
from .base import CoverStyle, MatchRates, Unit
from .heads.face_region import FaceRegion
from .registry import register_style
from .smoothing import enlarge_to, reduce_to

_WORKING_SIDE = 128  # pixels; enough for a window of a few percent to be several pixels wide


@register_style
class Median(CoverStyle):
    """Median over a square window that scales with the face: flat patches with soft outlines."""

    name: ClassVar[str] = "median"
    summary: ClassVar[str] = "median blur; flat patches, like a painting"
    unit: ClassVar[Unit] = Unit("window in percent of the longer side")
    default_strength: ClassVar[float] = 50.0
    strength_range: ClassVar[tuple[float, float]] = (5.0, 100.0)
    weak_limit: ClassVar[float | None] = 35.0
    rates: ClassVar[MatchRates | None] = MatchRates(box=11.7, oval=6.7, plain=3.3)

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Return the median around every pixel."""
        height, width = region.size
        small = reduce_to(region.pixels, _WORKING_SIDE)
        reach = max(1, round(strength / 200 * max(small.shape[:2])))
        mirrored = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_REFLECT)
        filtered = cv2.medianBlur(mirrored, 2 * reach + 1)[reach:-reach, reach:-reach]
        softened = cv2.GaussianBlur(np.asarray(filtered, np.float32), (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
        return enlarge_to(np.asarray(softened, np.float32), width, height)

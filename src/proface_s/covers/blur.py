"""The style ``blur``."""

from __future__ import annotations

from typing import ClassVar

from ..types import UInt8Image
from .base import CoverStyle, MatchRates, Unit
from .heads.face_region import FaceRegion
from .registry import register_style
from .smoothing import gaussian_blur


@register_style
class Blur(CoverStyle):
    """Gaussian blur whose width scales with the face."""

    name: ClassVar[str] = "blur"
    summary: ClassVar[str] = "Gaussian blur"
    unit: ClassVar[Unit] = Unit("standard deviation in percent of the longer side")
    default_strength: ClassVar[float] = 12.0
    strength_range: ClassVar[tuple[float, float]] = (0.5, 50.0)
    weak_limit: ClassVar[float | None] = 8.0
    rates: ClassVar[MatchRates | None] = MatchRates(box=6.7, oval=20.0, plain=0.0)

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Blur the region."""
        return gaussian_blur(region.pixels, strength / 100)

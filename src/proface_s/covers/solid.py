"""The style ``solid``."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..types import UInt8Image
from .base import CoverStyle, MatchRates, Unit
from .heads.face_region import FaceRegion
from .options import StyleOption
from .registry import register_style


@register_style
class Solid(CoverStyle):
    """An area of one colour, the same for every face."""

    name: ClassVar[str] = "solid"
    summary: ClassVar[str] = "one flat colour; shows nothing of the face, not even its colour"
    unit: ClassVar[Unit] = Unit("brightness of the grey in percent", more_is_stronger=None)
    default_strength: ClassVar[float] = 50.0
    strength_range: ClassVar[tuple[float, float]] = (0.0, 100.0)
    rates: ClassVar[MatchRates | None] = MatchRates(box=0.0, oval=8.3, plain=0.0)
    option: ClassVar[StyleOption | None] = StyleOption("colour", colour=True)

    def is_uninformative(self, height: int, width: int, strength: float, option: str | None) -> bool:
        """Return True: every face gets the same rectangle."""
        return True

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Return the colour, or the grey, everywhere."""
        colour = list(bytes.fromhex(option[1:])) if option else [round(strength * 2.55)] * 3
        return np.broadcast_to(np.array(colour, np.uint8), region.pixels.shape).copy()

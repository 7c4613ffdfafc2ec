"""The style ``solid``."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from ..errors import UsageError
from ..types import UInt8Image
from .base import CoverStyle, Unit
from .registry import register_style

_COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


@register_style
class Solid(CoverStyle):
    """A rectangle of one colour, the same for every face."""

    name: ClassVar[str] = "solid"
    summary: ClassVar[str] = "one flat colour; shows nothing of the face, not even its colour"
    unit: ClassVar[Unit] = Unit("brightness of the grey in percent (all hide equally well)")
    default_strength: ClassVar[float] = 50.0
    strength_range: ClassVar[tuple[float, float]] = (0.0, 100.0)
    option_text: ClassVar[str | None] = "a colour as #rrggbb, instead of the grey"

    def is_uninformative(self, height: int, width: int, strength: float, option: str | None) -> bool:
        """Return True: every face gets the same rectangle."""
        return True

    def _check_option(self, option: str | None) -> None:
        if option is not None and not _COLOUR.fullmatch(option):
            raise UsageError(f"{option!r} is not a colour", code="not-a-colour")

    def _cover(self, original: UInt8Image, strength: float, option: str | None) -> UInt8Image:
        match = _COLOUR.fullmatch(option) if option else None
        colour = [int(part, 16) for part in match.groups()] if match else [round(strength * 2.55)] * 3
        return np.broadcast_to(np.array(colour, np.uint8), original.shape).copy()

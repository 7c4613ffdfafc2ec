"""The base class of all cover styles."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from ..errors import UsageError
from ..types import UInt8Image

INTERFACE: Final = (
    "name", "summary", "unit", "default_strength", "strength_range", "weak_limit", "option_text", "describe", "check",
    "is_weak", "is_uninformative", "sticker_file", "apply",
)  # fmt: skip
"""Members that every registered style must have."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Unit of a style's strength.

    Attributes:
        text: the unit in words, e.g. "cells across the longer side".
        more_is_stronger: False if smaller numbers hide more.
    """

    text: str
    more_is_stronger: bool = True


class CoverStyle(ABC):
    """Turns the original pixels of a region into its cover, irreversibly and deterministically.

    A subclass sets the attributes and implements `_cover`; a style that takes an option also overrides
    `_check_option`.

    Attributes:
        name: the style's name, as users type it.
        summary: one line that describes the cover.
        unit: unit of the strength; relative to the region, so that small and large faces are hidden equally well.
        default_strength: strength that hides the face from a recogniser; measured in ``docs/how-to/styles.md``.
        strength_range: (minimum, maximum) accepted strength.
        weak_limit: strengths beyond this limit are weak and cause a warning; None if no strength is weak.
        option_text: description of the option for users; None if the style takes no option.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    unit: ClassVar[Unit]
    default_strength: ClassVar[float]
    strength_range: ClassVar[tuple[float, float]]
    weak_limit: ClassVar[float | None] = None
    option_text: ClassVar[str | None] = None

    def describe(self) -> str:
        """Return a few lines about the style for users: appearance, unit, default, range and option."""
        low, high = self.strength_range
        direction = "more is stronger" if self.unit.more_is_stronger else "fewer is stronger"
        lines = [
            f"{self.name}: {self.summary}",
            f"  strength: {self.unit.text}, {low:g} to {high:g}; {direction}",
            f"  default: {self.default_strength:g}",
        ]
        if self.weak_limit is not None:
            side = "below" if self.unit.more_is_stronger else "above"
            lines.append(f"  weak {side} {self.weak_limit:g}: recognisers start to see through it")
        if self.option_text:
            lines.append(f"  option: {self.option_text}")
        return "\n".join(lines)

    def check(self, strength: float, option: str | None) -> None:
        """Check that `apply` accepts a strength and an option.

        Raises:
            UsageError: if it does not.
        """
        low, high = self.strength_range
        if not (math.isfinite(strength) and low <= strength <= high):
            raise UsageError(
                f"strength {strength:g} is out of range for style {self.name!r}",
                code="strength-range",
                style=self.name,
                lowest=low,
                highest=high,
                unit=self.unit.text,
                default=self.default_strength,
            )
        self._check_option(option)

    def is_weak(self, strength: float) -> bool:
        """Return whether recognisers see through this strength, according to our measurements."""
        if self.weak_limit is None:
            return False
        if self.unit.more_is_stronger:
            return strength < self.weak_limit
        return strength > self.weak_limit

    def is_uninformative(self, height: int, width: int, strength: float, option: str | None) -> bool:
        """Return whether every face gets the same cover in a box of ``height`` by ``width`` pixels."""
        return False

    def sticker_file(self, option: str | None) -> Path | None:
        """Return the file that an option names, if the cover depends on its content; else None."""
        return None

    def apply(self, original: UInt8Image, strength: float, *, option: str | None = None) -> UInt8Image:
        """Make a cover.

        Args:
            original: (h, w, 3) uint8 RGB, h and w at least 2.
            strength: in the style's unit.
            option: style-specific text, or None.

        Returns:
            (h, w, 3) uint8 RGB, a function of the arguments alone.

        Raises:
            UsageError: if the strength, option, shape or dtype is invalid.
        """
        if original.dtype != np.uint8 or original.ndim != 3 or original.shape[2] != 3:
            raise UsageError(f"a face must be (h, w, 3) uint8, not {original.shape} {original.dtype}")
        if min(original.shape[:2]) < 2:
            raise UsageError(f"a face of {original.shape[1]}x{original.shape[0]} pixels is too small to cover")
        self.check(strength, option)
        return self._cover(np.ascontiguousarray(original), strength, option)

    def _check_option(self, option: str | None) -> None:
        """Refuse any option; styles that take one override this."""
        if option is not None:
            raise UsageError(
                f"style {self.name!r} does not understand {option!r}",
                code="style-option",
                style=self.name,
                default=self.default_strength,
            )

    @abstractmethod
    def _cover(self, original: UInt8Image, strength: float, option: str | None) -> UInt8Image:
        """Make a cover; the arguments are valid."""

"""The interface of obfuscators, and a base class with the checks they share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from ..errors import UsageError
from ..types import UInt8Image


@dataclass(frozen=True, slots=True)
class Unit:
    """Unit of a style's strength.

    Attributes:
        text: the unit in words, e.g. "cells across the longer side".
        more_is_stronger: False if smaller numbers hide more.
    """

    text: str
    more_is_stronger: bool = True


@runtime_checkable
class Obfuscator(Protocol):
    """Turns the original pixels of a region into its cover, irreversibly and deterministically.

    Attributes:
        name: the style's name, as users type it.
        summary: one line on what the cover looks like.
        unit: unit of the strength; relative to the region, so that small and large faces are hidden equally well.
        default_strength: strength that hides the face from a recogniser; measured in ``docs/how-to/styles.md``.
        strength_range: (minimum, maximum) accepted strength.
        weak_limit: strengths beyond this limit are weak and call for a warning; None if no strength is weak.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    unit: ClassVar[Unit]
    default_strength: ClassVar[float]
    strength_range: ClassVar[tuple[float, float]]
    weak_limit: ClassVar[float | None]

    def describe(self) -> str:
        """Return a few lines for ``proface styles``: appearance, unit, default, range and options."""
        ...

    def check(self, strength: float, option: str | None) -> None:
        """Raise `UsageError` if `apply` would refuse this strength or option."""
        ...

    def is_weak(self, strength: float) -> bool:
        """Return whether recognisers see through this strength, according to our measurements."""
        ...

    def apply(
        self,
        original: UInt8Image,
        strength: float,
        *,
        option: str | None = None,
        rng: np.random.Generator | None = None,
    ) -> UInt8Image:
        """Make the cover.

        Args:
            original: (h, w, 3) uint8 RGB, h and w at least 2.
            strength: in the style's unit.
            option: style-specific text, or None.
            rng: for styles that choose at random; the styles of this package do not.

        Returns:
            (h, w, 3) uint8 RGB, a function of the arguments alone.

        Raises:
            UsageError: if the strength, option or shape is invalid.
        """
        ...


class StyleBase(ABC):
    """Checks and texts shared by all styles; a style adds its constants and `_cover`."""

    name: ClassVar[str]
    summary: ClassVar[str]
    unit: ClassVar[Unit]
    default_strength: ClassVar[float]
    strength_range: ClassVar[tuple[float, float]]
    weak_limit: ClassVar[float | None] = None
    options_text: ClassVar[str | None] = None

    def describe(self) -> str:
        """See `Obfuscator.describe`."""
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
        if self.options_text:
            lines.append(f"  option: {self.options_text}")
        return "\n".join(lines)

    def check(self, strength: float, option: str | None) -> None:
        """See `Obfuscator.check`."""
        low, high = self.strength_range
        if not (math.isfinite(strength) and low <= strength <= high):
            default = f"the default is {self.default_strength:g}"
            hint = f"{self.name} takes {low:g} to {high:g} ({self.unit.text}); {default}"
            raise UsageError(f"strength {strength:g} is out of range for style {self.name!r}", hint)
        self._check_option(option)

    def is_weak(self, strength: float) -> bool:
        """See `Obfuscator.is_weak`."""
        if self.weak_limit is None:
            return False
        if self.unit.more_is_stronger:
            return strength < self.weak_limit
        return strength > self.weak_limit

    def shows_nothing(self, height: int, width: int, strength: float, option: str | None) -> bool:
        """Return whether every face gets the same cover in a box of this size; False unless a style overrides it."""
        return False

    def apply(
        self,
        original: UInt8Image,
        strength: float,
        *,
        option: str | None = None,
        rng: np.random.Generator | None = None,
    ) -> UInt8Image:
        """See `Obfuscator.apply`."""
        if original.dtype != np.uint8 or original.ndim != 3 or original.shape[2] != 3:
            raise UsageError(f"a face must be (h, w, 3) uint8, not {original.shape} {original.dtype}")
        if min(original.shape[:2]) < 2:
            raise UsageError(f"a face of {original.shape[1]}x{original.shape[0]} pixels is too small to cover")
        self.check(strength, option)
        return self._cover(np.ascontiguousarray(original), strength, option)

    def picture(self, option: str | None) -> Path | None:
        """Return the file that an option names, None where it names none: the cover depends on what the file holds."""
        return None

    def _check_option(self, option: str | None) -> None:
        """Refuse options; styles that take one override this."""
        if option is not None:
            hint = f"write {self.name} or {self.name}:{self.default_strength:g}"
            raise UsageError(f"style {self.name!r} does not understand {option!r}", hint)

    @abstractmethod
    def _cover(self, original: UInt8Image, strength: float, option: str | None) -> UInt8Image:
        """Make the cover; the arguments have been checked."""

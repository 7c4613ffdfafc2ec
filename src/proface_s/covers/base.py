"""The base class of all cover styles."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from ..errors import UsageError
from ..types import Shape, UInt8Image
from .heads.face_region import FaceRegion
from .options import StyleOption

INTERFACE: Final = (
    "name", "summary", "unit", "default_strength", "strength_range", "weak_limit", "default_shape", "option", "steady",
    "synthetic", "rates", "describe", "check", "is_weak", "is_uninformative", "sticker_file", "fallbacks", "apply",
)  # fmt: skip
"""Members that every registered style must have."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Unit of a style's strength.

    Attributes:
        text: the unit in words, e.g. "cells across the longer side".
        more_is_stronger: False if smaller numbers hide more; None if all hide equally well.
    """

    text: str
    more_is_stronger: bool | None = True


@dataclass(frozen=True, slots=True)
class MatchRates:
    """How many of 100 people the best of three recognisers still finds behind the default strength of a style.

    Measured by ``bench/covers/cover_strength.py``: TAR at FAR 1e-2 in percent; chance is 1.

    Attributes:
        box: the rectangle, by an attacker who covers photos of known people in the same way (parrot attack).
        oval: the same for the oval.
        plain: the oval, by an attacker who compares it with photos as they are.
    """

    box: float
    oval: float
    plain: float


FALLBACKS: Final[Mapping[str, str]] = {
    "small": "too small",
    "unsure": "perhaps not a face",
    "landmarks": "not seen clearly",
    "masked": "mouth and chin are covered",
    "turned": "turned too far to one side",
}
"""Why a blurred oval covers a face although the style shows something else: code, as headers record it -> words."""


class CoverStyle(ABC):
    """Turns the original pixels of a region into its cover, irreversibly and deterministically.

    A subclass sets the attributes and implements `fill`.  It overrides `draw` if its oval is more than the fill within
    an outline, and `check_option` if `option` cannot say all about the option.

    Attributes:
        name: the style's name, as users type it.
        summary: one line that describes the cover.
        unit: unit of the strength; relative to the region, so that small and large faces are hidden equally well.
        default_strength: strength that hides the face from a recogniser; measured in ``docs/how-to/styles.md``.
        strength_range: (minimum, maximum) accepted strength.
        weak_limit: strengths beyond this limit are weak and cause a warning; None if no strength is weak.
        default_shape: outline of the cover if the user names none.
        option: what the style's option may be; None if it takes none.
        steady: whether covers of similar pictures are similar, as the frames of a video need it.
        remembers: whether covers are steady at least if the region has a memory.
        synthetic: whether covers look like photos of people, who do not exist.
        rates: what the default strength leaves of people; None if it was not measured.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    unit: ClassVar[Unit]
    default_strength: ClassVar[float]
    strength_range: ClassVar[tuple[float, float]]
    weak_limit: ClassVar[float | None] = None
    default_shape: ClassVar[Shape] = "box"
    option: ClassVar[StyleOption | None] = None
    steady: ClassVar[bool] = True
    remembers: ClassVar[bool] = False
    synthetic: ClassVar[bool] = False
    rates: ClassVar[MatchRates | None] = None

    def describe(self) -> str:
        """Return a few lines about the style for users: appearance, unit, default, range and option."""
        low, high = self.strength_range
        directions = {True: "; more is stronger", False: "; fewer is stronger", None: ""}
        lines = [
            f"{self.name}: {self.summary}",
            f"  strength: {self.unit.text}, {low:g} to {high:g}{directions[self.unit.more_is_stronger]}",
            f"  default: {self.default_strength:g}@{self.default_shape}",
        ]
        if self.weak_limit is not None:
            side = "below" if self.unit.more_is_stronger else "above"
            lines.append(f"  weak {side} {self.weak_limit:g}: recognisers start to see through it")
        if self.option is not None:
            lines.append(f"  option: {self.option.describe()}")
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
        self.check_option(option)

    def is_weak(self, strength: float) -> bool:
        """Return whether recognisers see through this strength, according to our measurements."""
        if self.weak_limit is None:
            return False
        if self.unit.more_is_stronger:
            return strength < self.weak_limit
        return strength > self.weak_limit

    def is_uninformative(self, height: int, width: int, strength: float, option: str | None) -> bool:
        """Return whether the fill of a box of ``height`` by ``width`` pixels is the same for every face."""
        return False

    def sticker_file(self, option: str | None) -> Path | None:
        """Return the file that an option names, if the cover depends on its content; else None."""
        return None

    def fallbacks(self, region: FaceRegion) -> tuple[str | None, ...]:
        """Return why faces of a region get a blurred oval instead of what the style shows.

        Returns:
            For each of the region's `own_faces`, one of `FALLBACKS`, or None if it is covered as usual.
        """
        return (None,) * len(region.own_faces)

    def apply(
        self, region: FaceRegion, strength: float, *, option: str | None = None, shape: Shape | None = None
    ) -> UInt8Image:
        """Make a cover.

        Args:
            region: its pixels are (h, w, 3) uint8 RGB, h and w at least 2; its memory is changed.
            strength: in the style's unit.
            option: style-specific text, or None.
            shape: outline of the cover; `default_shape` if None.

        Returns:
            (h, w, 3) uint8 RGB, a function of the arguments alone.

        Raises:
            UsageError: if the strength, option, shape or dtype is invalid.
        """
        pixels = region.pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise UsageError(f"a face must be (h, w, 3) uint8, not {pixels.shape} {pixels.dtype}")
        if min(pixels.shape[:2]) < 2:
            raise UsageError(f"a face of {pixels.shape[1]}x{pixels.shape[0]} pixels is too small to cover")
        self.check(strength, option)
        contiguous = pixels.flags.c_contiguous
        whole = region if contiguous else FaceRegion(np.ascontiguousarray(pixels), region.faces, region.memory)
        return self.draw(whole, strength, option, shape or self.default_shape)

    def check_option(self, option: str | None) -> None:
        """Check that the style takes an option; None stands for no option.

        Raises:
            UsageError: if it does not.
        """
        if option is None or (self.option is not None and self.option.accepts(option)):
            return
        if self.option is not None and self.option.choices:
            message = f"{option!r} is not a {self.option.label}"
            raise UsageError(message, code="style-choice", known=self.option.describe())
        if self.option is not None and self.option.colour:
            raise UsageError(f"{option!r} is not a colour", code="not-a-colour")
        raise UsageError(
            f"style {self.name!r} does not understand {option!r}",
            code="style-option",
            style=self.name,
            default=self.default_strength,
        )

    @abstractmethod
    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Cover a whole region; the arguments are valid.

        Returns:
            (h, w, 3) uint8 RGB, a function of the arguments alone.
        """

    def draw(self, region: FaceRegion, strength: float, option: str | None, shape: Shape) -> UInt8Image:
        """Make the cover in a shape; the arguments are valid.

        Returns:
            (h, w, 3) uint8 RGB: for a ``box`` the fill; for an ``oval`` the fill within it and the photo around it.
        """
        fill = self.fill(region, strength, option)
        if shape == "box" or not _fits(fill, region):
            return fill
        from .heads.outline import shaped  # loads OpenCV

        return shaped(region, fill)


def _fits(fill: UInt8Image, region: FaceRegion) -> bool:
    """Return whether a fill has the region's shape and type; `apply_style` refuses any other."""
    return isinstance(fill, np.ndarray) and fill.dtype == np.uint8 and fill.shape == region.pixels.shape

"""Covers for training: the shipped styles at random strengths, the user's stickers, and unrelated faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from proface_s.covers import apply_style
from proface_s.types import Style, UInt8Image

KINDS = (
    "blur",
    "median",
    "pixelate",
    "pixelate",
    "mask",
    "mask",
    "solid",
    "other-face",
)  # twice: the hardest to hide in
MASKS = ("smiley", "cat", "robot", "stars", "theatre")


def find_stickers(folder: Path | None) -> list[Path]:
    """Return the RGBA stickers of a folder, for ``mask`` covers in addition to the built-in ones."""
    return sorted(folder.glob("*.png")) if folder is not None and folder.is_dir() else []


class CoverSource:
    """Make random covers: the kinds as often as `KINDS` names them, strengths log-uniform around the default.

    Args:
        other: function that draws another face, for ``other-face``.
        stickers: RGBA files for ``mask``.
    """

    def __init__(self, other: Callable[[np.random.Generator], UInt8Image], stickers: list[Path]) -> None:
        self._other, self._stickers = other, stickers

    def cover(self, original: UInt8Image, rng: np.random.Generator) -> UInt8Image:
        """Return a random (H, W, 3) uint8 cover of an original."""
        kind = KINDS[rng.integers(len(KINDS))]
        if kind == "other-face":
            height, width = original.shape[:2]
            return np.asarray(cv2.resize(self._other(rng), (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        return apply_style(original, self.style(kind, rng))

    def style(self, kind: str, rng: np.random.Generator) -> Style:
        """Return a style of a kind with a random strength or sticker."""
        factor = float(np.exp(rng.uniform(np.log(0.5), np.log(2.0))))
        if kind == "mask":
            choices = [*MASKS, *map(str, self._stickers)]
            return Style("mask", option=choices[rng.integers(len(choices))])
        if kind == "solid":
            return Style("solid")
        default = {"blur": 12.0, "median": 50.0, "pixelate": 6.0}[kind]
        return Style(kind, float(np.clip(default * factor, 4, 95)) if kind != "pixelate" else round(default * factor))

"""Quantiser steps: one number per face, from a grid that is uniform in the logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

OCTAVES: Final = 10
FINEST: Final = -1  # log2 of the finest step, grey levels of orthonormal coefficients
SIXTEENTHS: Final = 16  # the couplings are told the step in sixteenths of an octave


@dataclass(frozen=True, slots=True)
class StepGrid:
    """The steps of a model, numbered from the finest.

    Attributes:
        per_octave: number of steps per octave, a multiple of 16.
    """

    per_octave: int = SIXTEENTHS

    @property
    def count(self) -> int:
        """Number of steps."""
        return OCTAVES * self.per_octave

    def log2(self, index: int) -> float:
        """Return log2 of a step, grey levels of orthonormal coefficients."""
        return index / self.per_octave + FINEST

    def size(self, index: int, level: int) -> float:
        """Return a step on a level in the mean domain, grey levels: a multiple of 2^-26 on every machine."""
        return float(np.rint(2.0 ** self.log2(index) * 2**16) / 2.0 ** (16 + level))

    def log_step(self, index: int, level: int) -> int:
        """Return log2 of a step on a level in the mean domain, in sixteenths of an octave, rounded down."""
        return index * SIXTEENTHS // self.per_octave + SIXTEENTHS * (FINEST - level)

    def sixteenths(self, index: int) -> float:
        """Return the position of a step in sixteenths of an octave from the finest step."""
        return index * SIXTEENTHS / self.per_octave

    def nearest(self, sixteenths: float) -> int:
        """Return the number of the step nearest to a position on the grid of sixteenths, clipped to the grid."""
        return int(np.clip(round(sixteenths * self.per_octave / SIXTEENTHS), 0, self.count - 1))

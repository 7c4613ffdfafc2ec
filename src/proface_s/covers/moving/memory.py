"""What a style remembers of a face that it covers frame after frame, so that the cover stays with the face."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...types import FloatArray


class CoverPlace(NamedTuple):
    """Where a cover belongs in a region: centre, width and height in pixels of the region, with fractions."""

    x: float
    y: float
    w: float
    h: float


@dataclass(slots=True, eq=False)
class PersonChoices:
    """What was chosen for a person, for a whole clip.

    Attributes:
        seed: decides what is drawn at random.
        donor: number of the person whose face is shown instead; None until one was chosen.
    """

    seed: int
    donor: int | None = None


@dataclass(slots=True, eq=False)
class CoverMemory:
    """Memory of one face that is followed through one shot.

    Attributes:
        choices: those for the person.
        place: where the cover belongs in the next region.
        elapsed: seconds since the region before.
    """

    choices: PersonChoices
    place: CoverPlace
    elapsed: float = 0.0
    _values: dict[str, FloatArray] = field(default_factory=dict, repr=False)

    def eased(self, name: str, value: npt.NDArray[Any], seconds: float) -> FloatArray:
        """Return a value that follows another one with a delay: exponential smoothing.

        Args:
            name: of the value; each style has its own names.
            value: any shape; if it changes, the value starts anew.
            seconds: time constant: after a step, two thirds are reached.
        """
        before, now = self._values.get(name), np.asarray(value, np.float32)
        if before is not None and before.shape == now.shape:
            now = np.asarray(before + (1 - math.exp(-self.elapsed / seconds)) * (now - before), np.float32)
        self._values[name] = now
        return now

    def last(self, name: str) -> FloatArray | None:
        """Return what `eased` returned last; None if it was not called or is forgotten."""
        return self._values.get(name)

    def forget(self, name: str) -> None:
        """Let a value start anew."""
        self._values.pop(name, None)

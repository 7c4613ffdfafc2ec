"""Where a face lies in a region: a turned square around it, in numbers of a few bits.

The encoder rounds the pose first and looks at the face through the rounded one.  Coarse numbers therefore move nothing
in the decoded picture; they only leave the face slightly out of line with the faces that the codec knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .integer_code import IntegerReader, IntegerWriter

Matrix = npt.NDArray[np.float64]
"""(2, 3) float64: maps the unit square, x and y in 0..1, to pixels of a region; the first pixel reaches from 0 to 1."""

TEMPLATE: Final = np.array([[0.35, 0.40], [0.65, 0.40], [0.50, 0.57], [0.38, 0.72], [0.62, 0.72]])
"""Places of the eyes, the tip of the nose and the corners of the mouth in the square, in parts of its side."""

_SIDES: Final = (48, 0.30, 2.0)  # steps, least and greatest side of the square over the region's geometric mean side
_ANGLES: Final = 128  # of a full turn
_PLACES: Final = (64, 0.8)  # steps and range of the square's middle, in sides of the region; 0 is the region's middle
_PLAIN: Final = (0.86, 0.01)  # side, and height below the middle, of the square in most regions


def fit_square(points: npt.ArrayLike) -> Matrix | None:
    """Return the square whose template lies nearest to landmarks, in least squares; None if they are not a face's.

    Args:
        points: (5, 2), x and y in pixels of the region: the eye further left on an upright face, the other eye, the
            tip of the nose, and the corners of the mouth in the order of the eyes.
    """
    found = np.asarray(points, np.float64)
    if found.shape != TEMPLATE.shape or not np.isfinite(found).all():
        return None
    wanted, given = TEMPLATE - TEMPLATE.mean(axis=0), found - found.mean(axis=0)
    total = (wanted**2).sum()
    cosine = float((wanted * given).sum() / total)
    sine = float((wanted[:, 0] * given[:, 1] - wanted[:, 1] * given[:, 0]).sum() / total)
    if not math.hypot(cosine, sine) > 0:
        return None
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, found.mean(axis=0) - turn @ TEMPLATE.mean(axis=0)])


@dataclass(frozen=True, slots=True)
class SquarePose:
    """A square in a region, in the numbers of the code.

    Attributes:
        side: 0..47, logarithm of the side.
        angle: 0..127, clockwise from upright.
        across: 0..63, horizontal place of the middle.
        down: 0..63, vertical place of the middle.
    """

    side: int
    angle: int
    across: int
    down: int

    @classmethod
    def from_points(cls, points: npt.ArrayLike, width: int, height: int) -> SquarePose | None:
        """Return the pose of a face with these landmarks.

        Args:
            points: as in `fit_square`.
            width: of the region in pixels; ``height`` likewise.

        Returns:
            The pose, rounded; None if the points are not a face's, or its square has a size or a place that cannot be
            coded.
        """
        square = fit_square(points)
        if square is None:
            return None
        (cosine, _, _), (sine, _, _) = square
        x, y = square @ np.array([0.5, 0.5, 1.0])
        return cls._rounded(math.hypot(cosine, sine), math.atan2(sine, cosine), x, y, width, height)

    @classmethod
    def plain(cls, width: int, height: int) -> SquarePose:
        """Return the pose of an upright face that lies in its region as most faces do."""
        side, drop = _PLAIN
        found = cls._rounded(side * math.sqrt(width * height), 0.0, width / 2, height * (0.5 + drop), width, height)
        assert found is not None  # both numbers lie well inside their ranges
        return found

    @classmethod
    def _rounded(cls, side: float, angle: float, x: float, y: float, width: int, height: int) -> SquarePose | None:
        sides, least, greatest = _SIDES
        places, span = _PLACES
        share = side / math.sqrt(width * height)
        level = round(math.log(share / least) / math.log(greatest / least) * (sides - 1))
        across = math.floor((x / width - 0.5) / span * places + places / 2)
        down = math.floor((y / height - 0.5) / span * places + places / 2)
        if not (0 <= level < sides and 0 <= across < places and 0 <= down < places):
            return None
        return cls(level, round(angle / math.tau * _ANGLES) % _ANGLES, across, down)

    def to_region(self, width: int, height: int) -> Matrix:
        """Return the matrix from the unit square to pixels of the region."""
        sides, least, greatest = _SIDES
        places, span = _PLACES
        side = math.sqrt(width * height) * least * (greatest / least) ** (self.side / (sides - 1))
        angle = self.angle / _ANGLES * math.tau
        cosine, sine = side * math.cos(angle), side * math.sin(angle)
        x = width * (0.5 + ((self.across + 0.5) / places - 0.5) * span)
        y = height * (0.5 + ((self.down + 0.5) / places - 0.5) * span)
        return np.array([[cosine, -sine, x - (cosine - sine) / 2], [sine, cosine, y - (sine + cosine) / 2]], np.float64)

    def write(self, writer: IntegerWriter) -> None:
        """Append the pose to a code; `read` is the inverse."""
        for size, number in zip(_SIZES, (self.side, self.angle, self.across, self.down), strict=True):
            writer.put_number(size, number)

    @classmethod
    def bits(cls) -> float:
        """Return the length of a pose in a code, in bits."""
        return sum(math.log2(size) for size in _SIZES)

    @classmethod
    def read(cls, reader: IntegerReader) -> SquarePose:
        """Read a pose as `write` appended it."""
        return cls(*(reader.take_number(size) for size in _SIZES))


_SIZES: Final = (_SIDES[0], _ANGLES, _PLACES[0], _PLACES[0])

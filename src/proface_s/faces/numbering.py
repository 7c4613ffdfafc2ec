"""One numbering of faces: from 1, in the order of the file, at every surface; from 0 inside, as files store them."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import SupportsIndex

from ..errors import UsageError

FROM_ONE = "faces are counted from 1, left to right"


def number_of(index: int) -> int:
    """The number that surfaces show for the face at a position in the header.  `index_of` is the inverse."""
    return index + 1


def index_of(number: SupportsIndex) -> int:
    """The position in the header of the face with a number.

    Args:
        number: 1 or more; NumPy integers do, too.

    Raises:
        UsageError: if it is not a whole number of at least 1.
    """
    try:
        value = operator.index(number)
    except TypeError:
        raise UsageError(f"{number!r} is not the number of a face", FROM_ONE) from None
    if isinstance(number, bool) or value < 1:
        raise UsageError(f"there is no face {number}", FROM_ONE)
    return value - 1


def indices_of(numbers: SupportsIndex | Iterable[SupportsIndex]) -> tuple[int, ...]:
    """Positions in the header of some faces, ascending, each once.

    Args:
        numbers: one number or several, each 1 or more.

    Raises:
        UsageError: as `index_of`.
    """
    several = numbers if isinstance(numbers, Iterable) else [numbers]
    return tuple(sorted({index_of(number) for number in several}))


def listed(indices: Iterable[int]) -> str:
    """Numbers of faces for a message, given by their positions: ``1, 3``."""
    return ", ".join(str(number_of(index)) for index in indices)

"""The numbering of faces: users see numbers from 1, in the order of the file; files store indices from 0."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import SupportsIndex

from ..errors import UsageError


def number_of(index: int) -> int:
    """Return the number that users see for a face, from its index in the header; the inverse of `index_of`."""
    return index + 1


def index_of(number: SupportsIndex) -> int:
    """Return the index in the header of the face with a number; the inverse of `number_of`.

    Args:
        number: any integer from 1, also of NumPy.

    Raises:
        UsageError: if ``number`` is not an integer of at least 1.
    """
    try:
        value = operator.index(number)
    except TypeError:
        raise UsageError(f"{number!r} is not the number of a face", code="face-numbers") from None
    if isinstance(number, bool) or value < 1:
        raise UsageError(f"there is no face {number}", code="face-numbers")
    return value - 1


def indices_of(numbers: SupportsIndex | Iterable[SupportsIndex]) -> tuple[int, ...]:
    """Return the indices in the header of the faces with some numbers, ascending, each once.

    Args:
        numbers: one or several integers from 1.

    Raises:
        UsageError: as `index_of`.
    """
    several = numbers if isinstance(numbers, Iterable) else [numbers]
    return tuple(sorted({index_of(number) for number in several}))


def parse_selection(faces: str | SupportsIndex | Iterable[SupportsIndex]) -> tuple[int, ...] | None:
    """Read a selection of faces.

    Args:
        faces: ``"all"``, ``"none"``, numbers from 1 as text, such as ``"1,3"``, one number, or several.

    Returns:
        The numbers, ascending, each once; None for all faces.

    Raises:
        UsageError: if the text is malformed, or a number is not an integer of at least 1.
    """
    if not isinstance(faces, str):
        return tuple(map(number_of, indices_of(faces)))
    text = faces.strip().lower()
    if text in ("all", "none"):
        return None if text == "all" else ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise UsageError(f"face selection {faces!r} is not understood", code="face-selection")
    if any(int(part) == 0 for part in parts):
        raise UsageError(f"face selection {faces!r}: there is no face 0", code="face-numbers")
    return tuple(sorted({int(part) for part in parts}))


def format_numbers(indices: Iterable[int]) -> str:
    """Return the numbers of the faces with some indices, as text for messages: ``1, 3``."""
    return ", ".join(str(number_of(index)) for index in indices)

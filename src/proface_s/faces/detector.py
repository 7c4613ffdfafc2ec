"""What every face detector promises, and how its faces are numbered and chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from ..errors import UsageError
from ..types import Face, UInt8Image

Item = TypeVar("Item")


@runtime_checkable
class Detector(Protocol):
    """Finds faces in an upright picture.

    A detector may also have ``smallest_face(size)``: the longer side in pixels of the smallest face that it looks for
    in a picture of (width, height).  Where that is more than about 16, users are warned.
    """

    def detect(self, rgb: UInt8Image) -> list[Face]:
        """Return the faces in *reading order* (see `reading_order`).

        Args:
            rgb: (H, W, 3) uint8 RGB, any size.

        Returns:
            Faces whose tight boxes lie inside the picture; scores are 0..1.  An empty list if there are none.
        """
        ...


def reading_order(faces: Iterable[Face]) -> list[Face]:
    """Sort faces left to right (then top to bottom), so that a user can tell who is number 2 by looking."""
    return sorted(faces, key=lambda face: (face.box, -face.score))


def choose(faces: Sequence[Item], numbers: Iterable[int] | None) -> list[Item]:
    """Pick faces by the numbers that `draw` shows.

    Args:
        faces: one item per number, in order.
        numbers: counted from 1; every face if None.

    Returns:
        The chosen items in their order, each once.

    Raises:
        UsageError: if there is no face of some number.
    """
    if numbers is None:
        return list(faces)
    chosen = sorted(set(numbers))
    for number in chosen:
        if not 1 <= number <= len(faces):
            found = f"there {'is 1 face' if len(faces) == 1 else f'are {len(faces)} faces'} in the picture"
            hint = f"number the faces from 1 to {len(faces)}, for example: 1,3" if faces else "no face was found"
            raise UsageError(f"there is no face {number}; {found}", hint)
    return [faces[number - 1] for number in chosen]

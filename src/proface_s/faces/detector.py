"""The interface of face detectors, and the order and selection of their faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from ..errors import UsageError
from ..types import Face, UInt8Image

_Item = TypeVar("_Item")


@runtime_checkable
class Detector(Protocol):
    """Finds faces in upright pictures.

    A detector may also have a method ``smallest_face(size)`` that returns the longer side, in pixels, of the smallest
    face that it looks for in a picture of (width, height).  If that is more than about 16, users are warned.
    """

    def detect(self, rgb: UInt8Image) -> list[Face]:
        """Return the faces of a picture, sorted by `reading_order`.

        Args:
            rgb: (H, W, 3) uint8 RGB, any size.

        Returns:
            Faces with tight boxes inside the picture and scores in 0..1; an empty list if no face is found.
        """
        ...


def reading_order(faces: Iterable[Face]) -> list[Face]:
    """Sort faces left to right, then top to bottom, so that users can see which face is number 2."""
    return sorted(faces, key=lambda face: (face.box, -face.score))


def select_faces(faces: Sequence[_Item], numbers: Iterable[int] | None) -> list[_Item]:
    """Select faces by the numbers that `draw_regions` shows.

    Args:
        faces: one item per number, in order.
        numbers: counted from 1; every face if None.

    Returns:
        The selected items in order, each once.

    Raises:
        UsageError: if there is no face with one of the numbers.
    """
    if numbers is None:
        return list(faces)
    chosen = sorted(set(numbers))
    for number in chosen:
        if not 1 <= number <= len(faces):
            found = f"there {'is 1 face' if len(faces) == 1 else f'are {len(faces)} faces'} in the picture"
            if not faces:
                raise UsageError(f"there is no face {number}; {found}")
            raise UsageError(f"there is no face {number}; {found}", code="unknown-face", count=len(faces))
    return [faces[number - 1] for number in chosen]

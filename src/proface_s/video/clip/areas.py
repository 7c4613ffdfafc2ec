"""Areas of a frame that are covered and sealed, and which person each pixel belongs to.

A cover's codec smears its edge, so that a ring around each covered box is sealed with it.  Where the areas of people
overlap, every pixel has exactly one owner: the person whose box has its centre nearest, measured in sides of the box.
Everybody can tell from the public boxes, without a key, who owns a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ...faces.boxes import HEAD_MARGIN, reversible_box
from ...types import Box

RING: Final = 8
"""Pixels around a covered box that are sealed too: one half of a macroblock of H.264."""

NOBODY: Final = -1
_UNIT: Final = 1 << 16  # of distances: whole numbers, so that every program finds the same owners


class Area(NamedTuple):
    """A covered box of a frame, as it is stored, and the index of the person in the header; even numbers alone."""

    face: int
    box: Box


def covered_box(face: Box, size: tuple[int, int], margin: float = HEAD_MARGIN) -> Box:
    """Return the box that covers a face: the head around it, on even pixels.

    Args:
        face: tight box, in the stored frame.
        size: (width, height) of the frame; even.
        margin: growth, as in `reversible_box`.
    """
    head = reversible_box(face, size, margin)
    return on_even_pixels(head, size)


def on_even_pixels(box: Box, size: tuple[int, int]) -> Box:
    """Return the smallest box of even position and size that holds another and lies in a frame of even size."""
    left, top = max(0, box.x) // 2 * 2, max(0, box.y) // 2 * 2
    right, bottom = min(size[0], -(-box.right // 2) * 2), min(size[1], -(-box.bottom // 2) * 2)
    return Box(left, top, right - left, bottom - top)


def sealed_box(box: Box, size: tuple[int, int]) -> Box:
    """Return a covered box with its `RING`, inside the frame."""
    return on_even_pixels(Box(box.x - RING, box.y - RING, box.w + 2 * RING, box.h + 2 * RING), size)


def hull_box(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of at least one."""
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    return Box(left, top, max(box.right for box in boxes) - left, max(box.bottom for box in boxes) - top)


def windows(areas: Sequence[Area], size: tuple[int, int]) -> dict[int, Box]:
    """Return for every person in a frame the smallest box that holds what is sealed of it there."""
    sealed: dict[int, list[Box]] = {}
    for area in areas:
        sealed.setdefault(area.face, []).append(sealed_box(area.box, size))
    return {face: hull_box(boxes) for face, boxes in sealed.items()}


class Owners:
    """Owner of each pixel of a frame.

    Args:
        areas: of the frame, in the order of the clip's table.
        size: (width, height) of the frame; even.
    """

    def __init__(self, areas: Sequence[Area], size: tuple[int, int]) -> None:
        self._whole = hull_box([sealed_box(area.box, size) for area in areas]) if areas else Box(0, 0, 0, 0)
        shape = self._whole.h // 2, self._whole.w // 2
        self._owner: npt.NDArray[np.int32] = np.full(shape, NOBODY, np.int32)
        nearest = np.full(shape, np.iinfo(np.int64).max, np.int64)
        for face, box in areas:
            sealed = sealed_box(box, size)
            part = self._part(sealed)
            distance = _distances(box, sealed)
            closer = distance < nearest[part]
            nearest[part][closer] = distance[closer]
            self._owner[part][closer] = face

    def mask(self, face: int, box: Box) -> npt.NDArray[np.bool_]:
        """Return which pairs of rows and columns of a box are a person's.

        Args:
            face: index of the person.
            box: even, inside the hull of all that is sealed.

        Returns:
            (h / 2, w / 2): one value for each sample of chroma, and for four of luma.
        """
        return np.asarray(self._owner[self._part(box)] == face)

    def _part(self, box: Box) -> tuple[slice, slice]:
        x, y = (box.x - self._whole.x) // 2, (box.y - self._whole.y) // 2
        return slice(y, y + box.h // 2), slice(x, x + box.w // 2)


def _distances(box: Box, sealed: Box) -> npt.NDArray[np.int64]:
    """Return the distance of each pair of rows and columns of a sealed box from the centre of its covered box.

    It is the larger of the two distances along the axes, in 65536ths of the box's side.
    """
    down = np.abs(2 * np.arange(sealed.y + 1, sealed.bottom, 2, dtype=np.int64) - (2 * box.y + box.h))
    across = np.abs(2 * np.arange(sealed.x + 1, sealed.right, 2, dtype=np.int64) - (2 * box.x + box.w))
    return np.asarray(np.maximum((down * _UNIT // box.h)[:, None], (across * _UNIT // box.w)[None, :]), np.int64)

"""Turn pictures as an EXIF orientation says, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..types import Picture

Pixels = npt.NDArray[np.uint8]

_TURNS: Final[dict[int, Callable[[Any], Any]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}
_BACK: Final = {6: 8, 8: 6}  # all others are their own inverses


def turn(stored: Pixels, orientation: int) -> Pixels:
    """Return the upright picture of a stored one.

    Args:
        stored: (H, W) or (H, W, channels) uint8.
        orientation: EXIF orientation, 1 to 8.

    Returns:
        A C-contiguous array; sides are exchanged from orientation 5 on.
    """
    return np.ascontiguousarray(_TURNS[orientation](stored))


def turn_back(upright: Pixels, orientation: int) -> Pixels:
    """Return the stored picture of an upright one; inverse of `turn`."""
    return turn(upright, _BACK.get(orientation, orientation))


def with_orientation(picture: Picture, orientation: int) -> Picture:
    """Return a picture as it would have been read with another orientation (1 to 8) than its file says."""
    if picture.turned == orientation:
        return picture

    def other(pixels: Pixels) -> Pixels:
        return turn(turn_back(pixels, picture.turned), orientation)

    alpha = None if picture.alpha is None else other(picture.alpha)
    return replace(picture, rgb=other(picture.rgb), alpha=alpha, turned=orientation)

"""Alpha: whether it is constant, and composites of a picture on the backgrounds it may be shown on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from ..types import Box, UInt8Image

OPAQUE: Final = 255
BACKGROUNDS: Final = (255, 0, 128)
"""Grey levels of the backgrounds that `composites` uses.  A shape drawn in one colour with alpha has at least half of
its contrast on white or on black; the grey between them is for colours and alpha that vary together."""

_STRIP_ROWS: Final = 64


def constant_alpha(alpha: UInt8Image | None, box: Box) -> int | None:
    """Return the one alpha value inside a box, or None if it varies.

    Args:
        alpha: (H, W) uint8; None stands for an opaque picture.
        box: non-empty, inside the picture.
    """
    if alpha is None:
        return OPAQUE
    area = alpha[box.y : box.bottom, box.x : box.right]
    value = int(area[0, 0])
    return value if bool((area == value).all()) else None


def is_opaque(alpha: UInt8Image | None) -> bool:
    """Return whether no pixel is transparent, not even in part.  ``alpha`` is (H, W) uint8, or None for opaque."""
    return alpha is None or bool((alpha == OPAQUE).all())


def composites(rgb: UInt8Image, alpha: UInt8Image | None) -> Iterator[UInt8Image]:
    """Yield a picture as shown on each of `BACKGROUNDS`; nothing for an opaque picture.

    Args:
        rgb: (H, W, 3) uint8.
        alpha: (H, W) uint8, or None.

    Yields:
        (H, W, 3) uint8.
    """
    if alpha is not None and not is_opaque(alpha):
        for background in BACKGROUNDS:
            yield composite(rgb, alpha, background)


def composite(rgb: UInt8Image, alpha: UInt8Image, background: int) -> UInt8Image:
    """Show a picture on a grey background.

    Args:
        rgb: (H, W, 3) uint8.
        alpha: (H, W) uint8.
        background: its grey level, 0..255.

    Returns:
        (H, W, 3) uint8.
    """
    shown = np.empty_like(rgb)
    for top in range(0, len(rgb), _STRIP_ROWS):  # in strips: a whole photo in 16 bits takes twice its memory
        rows = slice(top, top + _STRIP_ROWS)
        weight = alpha[rows, :, None].astype(np.uint16)
        shown[rows] = (rgb[rows] * weight + background * (OPAQUE - weight) + OPAQUE // 2) // OPAQUE
    return shown

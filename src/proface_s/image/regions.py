"""Cut rectangular regions out of pictures, and paste them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from ..types import Box, UInt8Image

_STRIP_ROWS: Final = 64


def cut(rgb: UInt8Image, box: Box) -> UInt8Image:
    """Copy a region out of a picture.

    Args:
        rgb: (H, W, 3) uint8.
        box: a non-empty region inside the picture.

    Returns:
        (box.h, box.w, 3) uint8, C-contiguous, independent of ``rgb``.

    Raises:
        ValueError: if the box is empty or reaches outside.
    """
    _check_box(rgb, box)
    return rgb[box.y : box.bottom, box.x : box.right].copy(order="C")


def paste(rgb: UInt8Image, box: Box, region: UInt8Image) -> UInt8Image:
    """Put a region into a copy of a picture.  The inverse of `cut`: pasting a cut region back changes nothing.

    Args:
        rgb: (H, W, 3) uint8; not modified.
        box: inside the picture.
        region: (box.h, box.w, 3) uint8.

    Returns:
        (H, W, 3) uint8: ``region`` inside the box, bit-identical to ``rgb`` outside.

    Raises:
        ValueError: if the box is empty or reaches outside, or the region has another shape or dtype.
    """
    return paste_all(rgb, [(box, region)])


def paste_all(rgb: UInt8Image, placed: Iterable[tuple[Box, UInt8Image]]) -> UInt8Image:
    """Like `paste`, for any number of boxes and their regions, with one copy of the picture."""
    result = rgb.copy(order="C")
    for box, region in placed:
        _check_box(rgb, box)
        if region.shape != (box.h, box.w, rgb.shape[2]) or region.dtype != np.uint8:
            raise ValueError(f"a {region.shape} {region.dtype} region does not fit box {box}")
        result[box.y : box.bottom, box.x : box.right] = region
    return result


def same_outside(one: UInt8Image, other: UInt8Image, boxes: Sequence[Box]) -> bool:
    """Return whether two pictures are equal outside the given boxes; False if their shapes differ.

    Args:
        one: (H, W, 3) or (H, W) uint8.
        other: likewise.
        boxes: inside the picture.
    """
    if one.shape != other.shape:
        return False
    for top in range(0, len(one), _STRIP_ROWS):  # in strips: a copy of a whole photo costs time and memory
        strip, like = one[top : top + _STRIP_ROWS].copy(), other[top : top + _STRIP_ROWS]
        for box in boxes:
            area = np.s_[max(0, box.y - top) : max(0, box.bottom - top), box.x : box.right]
            strip[area] = like[area]
        if not np.array_equal(strip, like):
            return False
    return True


def _check_box(rgb: UInt8Image, box: Box) -> None:
    height, width = rgb.shape[:2]
    if box.w <= 0 or box.h <= 0 or box.x < 0 or box.y < 0 or box.right > width or box.bottom > height:
        raise ValueError(f"box {box} does not lie inside the {width}x{height} picture")

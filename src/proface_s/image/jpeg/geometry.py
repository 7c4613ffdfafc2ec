"""Boxes of the upright picture and areas of MCUs of the stored one.

::

    upright picture, pixels  ── to_stored ──►  stored picture, pixels  ── mcus_of ──►  MCUs
                             ◄── to_upright ──                         ◄── pixels_of ──

An *area* is a `Box` whose unit is the MCU, in the stored orientation.  The last MCU of a row or column may be partial:
its pixels beyond the edge of the picture are not shown, and belong to it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...types import Box, UInt8Image

_TURNS: Final = {
    1: (False, False, False), 2: (False, False, True), 3: (False, True, True), 4: (False, True, False),
    5: (True, False, False), 6: (True, False, True), 7: (True, True, True), 8: (True, True, False),
}  # fmt: skip
"""EXIF orientation -> whether rows and columns of the stored picture are exchanged, and then its rows and its columns
mirrored, to show it upright."""


def stored_size(upright: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return the (width, height) of the stored picture from that of the upright one, or the reverse."""
    return (upright[1], upright[0]) if _TURNS[orientation][0] else upright


def to_upright(box: Box, upright: tuple[int, int], orientation: int) -> Box:
    """Map a box of the stored picture to the upright one; `to_stored` is the inverse.

    Args:
        box: in pixels.
        upright: (width, height) of the upright picture.
        orientation: EXIF orientation, 1 to 8.
    """
    exchanged, rows, columns = _TURNS[orientation]
    x, y, w, h = (box.y, box.x, box.h, box.w) if exchanged else (box.x, box.y, box.w, box.h)
    return Box(upright[0] - x - w if columns else x, upright[1] - y - h if rows else y, w, h)


def to_stored(box: Box, upright: tuple[int, int], orientation: int) -> Box:
    """Map a box of the upright picture to the stored one; inverse of `to_upright`."""
    exchanged, rows, columns = _TURNS[orientation]
    x = upright[0] - box.right if columns else box.x
    y = upright[1] - box.bottom if rows else box.y
    return Box(y, x, box.h, box.w) if exchanged else Box(x, y, box.w, box.h)


def turned_to_stored(pixels: UInt8Image, orientation: int) -> UInt8Image:
    """Turn (h, w, 3) pixels of the upright picture into the orientation of the stored one."""
    exchanged, rows, columns = _TURNS[orientation]
    turned = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
    return np.ascontiguousarray(turned.swapaxes(0, 1) if exchanged else turned)


def mcus_of(box: Box, mcu: tuple[int, int]) -> Box:
    """Return the smallest area of MCUs that holds a box of the stored picture.

    Args:
        box: in pixels, not empty.
        mcu: (width, height) of an MCU in pixels.
    """
    x, y = box.x // mcu[0], box.y // mcu[1]
    return Box(x, y, -(-box.right // mcu[0]) - x, -(-box.bottom // mcu[1]) - y)


def pixels_of(area: Box, mcu: tuple[int, int], stored: tuple[int, int]) -> Box:
    """Return the pixels of an area that the stored picture shows; inverse of `mcus_of` for whole areas.

    Args:
        area: in MCUs.
        mcu: (width, height) of an MCU in pixels.
        stored: (width, height) of the stored picture in pixels.
    """
    x, y = area.x * mcu[0], area.y * mcu[1]
    return Box(x, y, min(area.right * mcu[0], stored[0]) - x, min(area.bottom * mcu[1], stored[1]) - y)


def upright_pixels(area: Box, mcu: tuple[int, int], upright: tuple[int, int], orientation: int) -> Box:
    """Return the pixels of the upright picture that belong to an area of MCUs."""
    pixels = pixels_of(area, mcu, stored_size(upright, orientation))
    return to_upright(pixels, upright, orientation)


def even_box(box: Box) -> Box:
    """Return a box without its last column and row where its sides are odd; a header's boxes have even sides."""
    return Box(box.x, box.y, box.w - box.w % 2, box.h - box.h % 2)

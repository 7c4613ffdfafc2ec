"""Boxes given by hand, in any of the forms that people use."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from typing import Any, SupportsIndex

from ..errors import UsageError
from ..types import Box

BoxLike = Box | str | Sequence[SupportsIndex]
"""A box as people write it: a `Box`, ``(x, y, w, h)`` of any integers, or the text ``"x,y,w,h"``."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_LARGEST = 10**9  # pixels; beyond any picture


def parse_box(box: BoxLike, picture_size: tuple[int, int] | None = None) -> Box:
    """Read a box (left, top, width and height in pixels of the upright picture), and clip it to the picture.

    Args:
        box: a `Box`, four integers (a tuple, list or array), or four comma-separated integers as text.
        picture_size: (width, height) in pixels; if None, the box is not clipped.

    Returns:
        The part of the box that lies inside the picture; at least one pixel.

    Raises:
        UsageError: if the box is malformed, its size is not positive, or it lies outside the picture.
    """
    size = "" if picture_size is None else f"; the picture is {picture_size[0]}x{picture_size[1]}"
    x, y, w, h = _numbers(box, size)
    shown = repr(box) if isinstance(box, str) else f"{x},{y},{w},{h}"
    if w <= 0 or h <= 0:
        raise UsageError(f"box {shown} has no area: its size is {w}x{h}{size}", code="bad-box")
    if picture_size is None:
        return Box(x, y, w, h)
    width, height = picture_size
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + w, width), min(y + h, height)
    if right <= left or bottom <= top:
        raise UsageError(f"box {shown} lies outside the {width}x{height} picture", code="bad-box")
    return Box(left, top, right - left, bottom - top)


def parse_boxes(boxes: BoxLike | Sequence[BoxLike], picture_size: tuple[int, int] | None = None) -> list[Box]:
    """Read any number of boxes with `parse_box`; a single one need not be in a list.

    Raises:
        UsageError: as `parse_box`, or if ``boxes`` is not a list.
    """
    if isinstance(boxes, (Box, str)):
        return [parse_box(boxes, picture_size)]
    try:
        several: list[Any] = list(boxes)
    except TypeError:
        raise UsageError(f"{boxes!r:.80} is not a list of boxes", code="not-boxes") from None
    if len(several) == 4 and all(map(_is_number, several)):
        return [parse_box(several, picture_size)]
    return [parse_box(each, picture_size) for each in several]


def _is_number(part: Any) -> bool:
    if isinstance(part, str):
        return _INTEGER.fullmatch(part.strip()) is not None
    return hasattr(part, "__index__") and not hasattr(part, "__len__")


def _numbers(box: BoxLike, size: str) -> tuple[int, int, int, int]:
    """Return the four numbers of a box, of any size.

    Raises:
        UsageError: if there are not four, or one is not a whole number.
    """
    if isinstance(box, Box):
        parts: list[Any] = [box.x, box.y, box.w, box.h]
    elif isinstance(box, str):
        parts = [part.strip() for part in box.split(",")]
    else:
        try:
            parts = list(box)
        except TypeError:
            raise UsageError(f"box {box!r:.80} is not four whole numbers{size}", code="bad-box") from None
    if len(parts) != 4:
        raise UsageError(f"box {box!r:.80} has {len(parts)} numbers instead of 4{size}", code="bad-box")
    x, y, w, h = (_number(part, box, size) for part in parts)
    return x, y, w, h


def _number(part: Any, box: BoxLike, size: str) -> int:
    if isinstance(part, str) and _INTEGER.fullmatch(part.strip()):
        return int(part)
    try:
        number = operator.index(part)
    except TypeError:
        raise UsageError(f"box {box!r:.80}: {part!r} is not a whole number{size}", code="bad-box") from None
    if isinstance(part, bool) or abs(number) >= _LARGEST:
        raise UsageError(f"box {box!r:.80}: {part!r} is not a whole number of pixels{size}", code="bad-box")
    return number

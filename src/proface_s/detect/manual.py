"""Boxes that the user gives by hand."""

from __future__ import annotations

import re

from proface_s.errors import UsageError
from proface_s.types import Box

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")


def parse_box(text: str, picture_size: tuple[int, int]) -> Box:
    """Read ``"x,y,w,h"`` (pixels of the upright picture) and clip it to the picture.

    Args:
        text: four comma-separated integers: left, top, width, height.
        picture_size: (width, height) in pixels.

    Returns:
        The part of the box that lies inside the picture; at least one pixel.

    Raises:
        UsageError: if the text is malformed, the size is not positive, or the box lies outside the picture.
    """
    width, height = picture_size
    hint = f"give x,y,w,h in whole pixels, for example 40,30,120,150; the picture is {width}x{height}"
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4:
        raise UsageError(f"box {text!r} has {len(parts)} numbers instead of 4", hint)
    for part in parts:
        if not _INTEGER.fullmatch(part):
            raise UsageError(f"box {text!r}: {part!r} is not a whole number", hint)
    x, y, w, h = (int(part) for part in parts)
    if w <= 0 or h <= 0:
        raise UsageError(f"box {text!r} has no area: its size is {w}x{h}", hint)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + w, width), min(y + h, height)
    if right <= left or bottom <= top:
        raise UsageError(f"box {text!r} lies outside the {width}x{height} picture", hint)
    return Box(left, top, right - left, bottom - top)

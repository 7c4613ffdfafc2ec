"""Numbered regions on a copy of the photo, from which a user selects the faces to protect."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from ..types import Box, UInt8Image

_LINE: Final = (255, 214, 10)
_EDGE: Final = (20, 20, 20)
_DASH: Final = 4  # times the width of a line


def draw_regions(rgb: UInt8Image, regions: Sequence[Box], dashed: Collection[int] = ()) -> UInt8Image:
    """Draw the outline and number of every region.

    Lines are bright with a dark edge, and numbers have a dark background, so that both show on any picture; their width
    follows the size of the picture.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        regions: numbered from 1 in this order.
        dashed: numbers of the regions whose outlines are dashed.

    Returns:
        A new (H, W, 3) uint8 RGB picture.
    """
    canvas = np.array(rgb, dtype=np.uint8, order="C", copy=True)
    line = max(1, round(max(canvas.shape[:2]) / 700))
    for colour, width in ((_EDGE, line + 2 * max(1, line // 2)), (_LINE, line)):
        for number, box in enumerate(regions, 1):
            _outline(canvas, box, colour, width, _DASH * line if number in dashed else 0)
    for number, box in enumerate(regions, 1):
        _plate(canvas, box, str(number), line)
    return canvas


def _outline(canvas: UInt8Image, box: Box, colour: tuple[int, int, int], width: int, dash: int) -> None:
    """Draw the outline of a box, dashed if ``dash`` (the length of a dash in pixels) is not 0."""
    import cv2

    left, top, right, bottom = box.x, box.y, box.right - 1, box.bottom - 1
    if not dash:
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, width)
        return
    for x in range(left, right, 2 * dash):
        for y in (top, bottom):
            cv2.line(canvas, (x, y), (min(x + dash, right), y), colour, width)
    for y in range(top, bottom, 2 * dash):
        for x in (left, right):
            cv2.line(canvas, (x, y), (x, min(y + dash, bottom)), colour, width)


def _plate(canvas: UInt8Image, box: Box, text: str, line: int) -> None:
    """Write a number at the top-left corner of a box, moved inside the picture if necessary."""
    import cv2

    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.45 * max(1.0, line)
    (w, h), base = cv2.getTextSize(text, font, scale, line)
    pad = line + 1
    height, width = canvas.shape[:2]
    left = min(max(box.x, 0), max(width - w - 2 * pad, 0))
    top = min(max(box.y - h - base - 2 * pad, 0), max(height - h - base - 2 * pad, 0))
    cv2.rectangle(canvas, (left, top), (left + w + 2 * pad, top + h + base + 2 * pad), _EDGE, -1)
    cv2.putText(canvas, text, (left + pad, top + pad + h), font, scale, _LINE, line, cv2.LINE_AA)

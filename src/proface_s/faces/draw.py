"""Numbered boxes on a copy of the photo, from which a user selects the faces to protect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..types import Box, UInt8Image

_LINE = (255, 214, 10)
_EDGE = (20, 20, 20)


class _Boxed(Protocol):
    """Anything with a box, such as `proface_s.types.Face`."""

    @property
    def box(self) -> Box: ...


def draw_boxes(rgb: UInt8Image, faces: Sequence[_Boxed], numbers: Sequence[int] | None = None) -> UInt8Image:
    """Draw the box and number of every face.

    Lines are bright with a dark edge, and numbers have a dark background, so that both show on any picture; their width
    follows the size of the picture.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        faces: objects with a ``box``.
        numbers: one per face; counted from 1 if None.

    Returns:
        A new (H, W, 3) uint8 RGB picture.
    """
    import cv2

    canvas = np.array(rgb, dtype=np.uint8, order="C", copy=True)
    boxes = [face.box for face in faces]
    line = max(1, round(max(canvas.shape[:2]) / 700))
    for box in boxes:
        start, stop = (box.x, box.y), (box.right - 1, box.bottom - 1)
        cv2.rectangle(canvas, start, stop, _EDGE, line + 2 * max(1, line // 2))
        cv2.rectangle(canvas, start, stop, _LINE, line)
    for number, box in zip(numbers or range(1, len(boxes) + 1), boxes, strict=True):
        _plate(canvas, box, str(number), line)
    return canvas


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

"""Numbered boxes on a copy of the photo, so that a user can say which faces to protect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proface_s.types import Box, Face, UInt8Image

_LINE = (255, 214, 10)
_EDGE = (20, 20, 20)


def draw(rgb: UInt8Image, faces: Sequence[Face]) -> UInt8Image:
    """Draw every face's box and its number, counted from 0.

    Lines are bright inside a dark edge and numbers stand on a dark plate, so both show on any background;
    their width follows the size of the picture.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        faces: what a detector returned, in its order.

    Returns:
        A new (H, W, 3) uint8 picture; the input is not changed.
    """
    import cv2

    canvas = np.array(rgb, dtype=np.uint8, order="C", copy=True)
    line = max(1, round(max(canvas.shape[:2]) / 700))
    for face in faces:
        start, stop = (face.box.x, face.box.y), (face.box.right - 1, face.box.bottom - 1)
        cv2.rectangle(canvas, start, stop, _EDGE, line + 2 * max(1, line // 2))
        cv2.rectangle(canvas, start, stop, _LINE, line)
    for number, face in enumerate(faces):
        _plate(canvas, face.box, str(number), line)
    return canvas


def _plate(canvas: UInt8Image, box: Box, text: str, line: int) -> None:
    """Write a number at the box's top-left corner, moved inside the picture where it would stick out."""
    import cv2

    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.45 * max(1.0, line)
    (w, h), base = cv2.getTextSize(text, font, scale, line)
    pad = line + 1
    height, width = canvas.shape[:2]
    left = min(max(box.x, 0), max(width - w - 2 * pad, 0))
    top = min(max(box.y - h - base - 2 * pad, 0), max(height - h - base - 2 * pad, 0))
    cv2.rectangle(canvas, (left, top), (left + w + 2 * pad, top + h + base + 2 * pad), _EDGE, -1)
    cv2.putText(canvas, text, (left + pad, top + pad + h), font, scale, _LINE, line, cv2.LINE_AA)

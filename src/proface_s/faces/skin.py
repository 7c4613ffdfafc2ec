"""Large areas that look like skin but belong to no face that was found: a hint for people who check photos.

The range of colours is that of Chai and Ngan, "Face segmentation using skin-color map in videophone applications"
(IEEE Transactions on Circuits and Systems for Video Technology, 1999).  Wood, sand and brick lie in it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..types import Box, UInt8Image

_SIDE: Final = 160  # pixels of the long side that is looked at
_LOWEST: Final = (40, 133, 77)  # luma, red and blue difference, 0..255
_HIGHEST: Final = (250, 173, 127)
_LEAST_SHARE: Final = 0.02  # of the picture's area
_LEAST_FILLED: Final = 0.4  # of the box around it
_AROUND: Final = 0.5  # of a region's size on every side: neck, arms and shoulders of a face that was found


def bare_skin(rgb: UInt8Image, regions: Sequence[Box]) -> Box | None:
    """Return the box around the largest compact area in colours of skin that is not at a region.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        regions: where faces are, in pixels of the picture.

    Returns:
        A box in pixels of the picture; None if there is no such area.
    """
    import cv2

    height, width = rgb.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    mask = cv2.inRange(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb), np.array(_LOWEST), np.array(_HIGHEST))
    for box in regions:
        left, right = box.x - _AROUND * box.w, box.right + _AROUND * box.w
        top, bottom = box.y - _AROUND * box.h, box.bottom + 4 * _AROUND * box.h
        mask[max(0, int(top * scale)) : int(bottom * scale) + 1, max(0, int(left * scale)) : int(right * scale) + 1] = 0
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, _, found, _ = cv2.connectedComponentsWithStats(mask)
    best: Box | None = None
    most = _LEAST_SHARE * size[0] * size[1]
    for x, y, w, h, area in found[1:].tolist():
        if area >= most and area >= _LEAST_FILLED * w * h:
            across, down = width / size[0], height / size[1]
            most, best = area, Box(int(x * across), int(y * down), int(w * across), int(h * down))
    return best

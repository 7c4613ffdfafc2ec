"""Blur at a reduced resolution, so that a large face costs no more than a small one."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import FloatArray, UInt8Image

_WORKING_SIGMA = 6.0  # pixels; the picture is shrunk until the blur is this narrow, without visible loss


def gaussian_blur(original: UInt8Image, share: float) -> UInt8Image:
    """Apply a Gaussian blur with a standard deviation of ``share`` times the longer side (at least one pixel).

    The picture is mirrored at its border: repeated border pixels would weigh so much that the outermost rows would
    show through.

    Args:
        original: (h, w, 3) uint8 RGB.
        share: 0.005..1, of the longer side.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    height, width = original.shape[:2]
    sigma = max(share * max(height, width), 1.0)
    small = reduce_to(original, max(height, width) * min(1.0, _WORKING_SIGMA / sigma))
    values = np.asarray(small, np.float32)
    sigma_y = sigma * small.shape[0] / height
    sigma_x = sigma * small.shape[1] / width
    blurred = cv2.GaussianBlur(values, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REFLECT)
    return enlarge_to(np.asarray(blurred, np.float32), width, height)


def reduce_to(original: UInt8Image, long_side: float) -> UInt8Image:
    """Shrink a (h, w, 3) picture by area averaging to a longer side of about ``long_side`` pixels; never enlarge it."""
    height, width = original.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    if size == (width, height):
        return original
    return np.asarray(cv2.resize(original, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarge_to(small: FloatArray, width: int, height: int) -> UInt8Image:
    """Enlarge a (h, w, 3) float picture in 0..255 to a size by cubic interpolation, and round it to 8 bits."""
    if (small.shape[1], small.shape[0]) != (width, height):
        small = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)

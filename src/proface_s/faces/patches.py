"""Cut the patches of looks out of a picture."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

import numpy as np

from ..types import Box, UInt8Image
from .looks import Look


class Patches:
    """The patches of a picture.

    Looks that differ in their turn alone share the scaled tile.  May be used by several threads at once.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        looks: all looks that will be taken, each once.
    """

    def __init__(self, rgb: UInt8Image, looks: Iterable[Look]) -> None:
        self._rgb, self._lock = rgb, threading.Lock()
        self._uses = Counter((look.tile, look.scaled_size) for look in looks)
        self._scaled: dict[tuple[Box, tuple[int, int]], UInt8Image] = {}

    def cut(self, look: Look) -> UInt8Image:
        """Return the patch of a look, (H, W, 3) uint8 RGB; black where a turned tile does not fill it."""
        scaled = self._tile(look)
        if look.angle == 0:
            return scaled
        if look.angle % 90 == 0:
            return np.ascontiguousarray(np.rot90(scaled, look.angle // 90))
        import cv2

        matrix = np.array(look.turning())
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV's points are those of pixels' centres
        return np.asarray(cv2.warpAffine(scaled, matrix, look.size, flags=cv2.INTER_LINEAR), np.uint8)

    def _tile(self, look: Look) -> UInt8Image:
        """Return a scaled tile, and keep it until the last look at it."""
        key = (look.tile, look.scaled_size)
        with self._lock:
            self._uses[key] -= 1
            last = self._uses[key] <= 0
            known = self._scaled.pop(key, None) if last else self._scaled.get(key)
        if known is not None:
            return known
        box = look.tile
        scaled = _resized(self._rgb[box.y : box.bottom, box.x : box.right], look.scaled_size)
        if not last:
            with self._lock:
                self._scaled[key] = scaled
        return scaled


def _resized(rgb: UInt8Image, size: tuple[int, int]) -> UInt8Image:
    """Resize a picture to (width, height)."""
    import cv2

    while all(side % 2 == 0 and side >= 4 * wanted for side, wanted in zip(rgb.shape[1::-1], size, strict=True)):
        half = rgb.shape[1] // 2, rgb.shape[0] // 2
        rgb = np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_AREA), np.uint8)  # 5 times as fast, if by halves
    if (rgb.shape[1], rgb.shape[0]) == size:
        return rgb
    smaller = size[0] < rgb.shape[1] or size[1] < rgb.shape[0]
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC), np.uint8)

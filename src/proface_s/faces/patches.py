"""Cut the patches of looks out of a picture."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np

from ..errors import UsageError
from ..types import Box, UInt8Image
from .looks import Look

_SPARE: Final = 1.25  # a level of the pyramid has at least so many times the wanted pixels a side


class Pyramid:
    """A picture, and the same halved again and again, each made once for all engines and looks.

    May be used by several threads at once.

    Args:
        rgb: (H, W, 3) uint8 RGB.

    Raises:
        UsageError: if the array is not (H, W, 3) uint8.
    """

    def __init__(self, rgb: UInt8Image) -> None:
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise UsageError(f"a picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        self._levels, self._lock = [rgb], threading.Lock()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture in pixels."""
        return self._levels[0].shape[1], self._levels[0].shape[0]

    def scaled(self, tile: Box, size: tuple[int, int]) -> UInt8Image:
        """Return a part of the picture in another size, made from the smallest level that has clearly more pixels.

        Args:
            tile: the part, in pixels of the picture; its borders are rounded to pixels of the level.
            size: (width, height) wanted.
        """
        level = 0
        while tile.w >= _SPARE * 2 ** (level + 1) * size[0] and tile.h >= _SPARE * 2 ** (level + 1) * size[1]:
            level += 1
        rgb, unit = self._level(level), 2**level
        left, top = round(tile.x / unit), round(tile.y / unit)
        return _resized(rgb[top : round(tile.bottom / unit), left : round(tile.right / unit)], size)

    def _level(self, wanted: int) -> UInt8Image:
        """Return the picture halved so many times; an odd last row or column is left out."""
        import cv2

        with self._lock:
            while len(self._levels) <= wanted:
                rgb = self._levels[-1]
                half = max(1, rgb.shape[1] // 2), max(1, rgb.shape[0] // 2)
                even = rgb[: 2 * half[1], : 2 * half[0]]
                self._levels.append(np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8))
            return self._levels[wanted]


class Patches:
    """The patches of a picture.

    Looks that differ in their turn alone share the scaled tile.  May be used by several threads at once.

    Args:
        picture: the picture.
        looks: all looks that will be taken, each once.
    """

    def __init__(self, picture: Pyramid, looks: Iterable[Look]) -> None:
        self._picture, self._lock = picture, threading.Lock()
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
        scaled = self._picture.scaled(look.tile, look.scaled_size)
        if not last:
            with self._lock:
                self._scaled[key] = scaled
        return scaled


def _resized(rgb: UInt8Image, size: tuple[int, int]) -> UInt8Image:
    """Resize a picture to (width, height)."""
    import cv2

    if (rgb.shape[1], rgb.shape[0]) == size:
        return rgb
    smaller = size[0] < rgb.shape[1] or size[1] < rgb.shape[0]
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC), np.uint8)

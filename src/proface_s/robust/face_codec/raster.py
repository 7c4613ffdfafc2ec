"""A face in a region <-> the planes of an aligned square: luma 64x64 and chroma 16x16, and back at twice that.

::

    region ── warp, area average ──► square 128x128 RGB ──► luma 64, chroma 16            what is coded
    region ◄── warp, oval ────────── square 128x128 RGB ◄── luma 128, chroma 32           what was decoded
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ...types import FloatArray, UInt8Image
from .pose import Matrix

SQUARE: Final = 128  # pixels a side of the square that is looked at and shown
LUMA: Final = 64  # ... of the luma plane that is coded
CHROMA: Final = 16  # ... of both chroma planes

OVAL: Final = (0.5, 0.51, 0.43, 0.51)  # middle and half axes of what is shown, in sides of the square
_SOFT: Final = 0.10  # of the half axes: width of the oval's edge, half of it inside
_KEPT: Final = 1.3  # source pixels per pixel of the square from which on the source is averaged first

Planes = tuple[FloatArray, FloatArray]
"""Luma (n, n) in 0..255, and chroma (2, m, m), blue and red difference in -128..128; float32."""


def look_at(pixels: UInt8Image, square: Matrix) -> Planes:
    """Return the planes of a face, luma 64x64 and chroma 16x16, free of aliasing.

    Args:
        pixels: (h, w, 3) uint8 RGB, the region; its border is repeated around it.
        square: maps the unit square to the region.
    """
    pixels, square = averaged_first(pixels, square)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    matrix = _between_pixels(square, SQUARE)
    seen = cv2.warpAffine(pixels, matrix, (SQUARE, SQUARE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    rgb = np.asarray(seen, np.float32)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    chroma = np.stack([(rgb[:, :, 2] - luma) / 1.772, (rgb[:, :, 0] - luma) / 1.402])
    return _averaged(luma[None], SQUARE // LUMA)[0], _averaged(chroma, SQUARE // CHROMA)


def averaged_first(pixels: UInt8Image, square: Matrix) -> tuple[UInt8Image, Matrix]:
    """Return a region and the matrix of a square in it, reduced if the region has far more pixels than the square.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        square: maps the unit square to the region.
    """
    scale = float(np.hypot(square[0, 0], square[1, 0])) / SQUARE
    if scale <= _KEPT:
        return pixels, square
    height, width = pixels.shape[:2]
    size = max(1, round(width / scale)), max(1, round(height / scale))
    reduced = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return reduced, np.array([[size[0] / width], [size[1] / height]]) * square


def join_planes(planes: Planes) -> UInt8Image:
    """Return the square of these planes, luma 128x128 and chroma of any size, as (128, 128, 3) uint8 RGB."""
    luma, chroma = planes
    blue, red = (enlarge(plane, SQUARE) for plane in chroma)
    r, b = luma + 1.402 * red, luma + 1.772 * blue
    g = (luma - 0.299 * r - 0.114 * b) / 0.587
    return np.asarray(np.clip(np.rint(np.stack([r, g, b], axis=2)), 0, 255), np.uint8)


def enlarge(plane: FloatArray, side: int) -> FloatArray:
    """Return a square plane enlarged to a side by bilinear interpolation."""
    return np.asarray(cv2.resize(plane, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def show(rgb: UInt8Image, square: Matrix, width: int, height: int) -> tuple[UInt8Image, FloatArray]:
    """Return the square put into a region, and where it is seen there.

    Args:
        rgb: (128, 128, 3) uint8.
        square: maps the unit square to the region.
        width: of the region in pixels; ``height`` likewise.

    Returns:
        Region (height, width, 3) uint8, and its opacity (height, width) float32: 1 in the oval, 0 outside.
    """
    side = float(np.hypot(square[0, 0], square[1, 0]))
    seen = SQUARE
    if side < SQUARE / _KEPT:
        seen = max(1, round(side))
        rgb = np.asarray(cv2.resize(rgb, (seen, seen), interpolation=cv2.INTER_AREA), np.uint8)
    matrix = _between_pixels(square, seen)
    region = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(region, np.uint8).reshape(height, width, 3), _oval(square, width, height)


def oval_of_square(side: int) -> FloatArray:
    """Return the opacity of a square of ``side`` pixels, (side, side)."""
    return _oval(np.array([[side, 0.0, 0.0], [0.0, side, 0.0]]), side, side)


def blend(cover: UInt8Image, face: UInt8Image, opacity: FloatArray) -> UInt8Image:
    """Return a face laid over its cover, all (h, w, 3) uint8; ``opacity`` is (h, w), 0..1."""
    share = opacity[:, :, None]
    return np.asarray(np.rint(face * share + cover * (1 - share)), np.uint8)


def _between_pixels(square: Matrix, side: int) -> Matrix:
    """Return the matrix from pixel numbers of a raster over the unit square to pixel numbers of the region."""
    linear = square[:, :2] / side
    return np.column_stack([linear, square[:, 2] + linear @ np.full(2, 0.5) - 0.5])


def _oval(square: Matrix, width: int, height: int) -> FloatArray:
    """Return the opacity of the oval in the square, a smooth step across its edge."""
    inverse = np.linalg.inv(square[:, :2])
    x, y = np.arange(width) + 0.5 - square[0, 2], np.arange(height)[:, None] + 0.5 - square[1, 2]
    across, down = inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y
    middle_x, middle_y, half_x, half_y = OVAL
    distance = np.hypot((across - middle_x) / half_x, (down - middle_y) / half_y)
    step = np.clip((1 - distance) / _SOFT + 0.5, 0, 1)
    return np.asarray(step * step * (3 - 2 * step), np.float32)


def _averaged(planes: npt.NDArray[np.float32], factor: int) -> FloatArray:
    """Return planes (n, s, s) averaged over squares of ``factor`` pixels."""
    count, side = planes.shape[:2]
    blocks = planes.reshape(count, side // factor, factor, side // factor, factor)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32)

"""Drawn photos: as busy as real ones, with faces at known places, and free for everybody to send and to publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from ...types import Box, UInt8Image

SIZES: Final = ((1600, 1200), (1200, 1600), (1600, 900), (1280, 960), (2048, 1536))
"""(width, height) of the photos in turn: what apps leave alone, and what some reduce."""

FACES: Final = (1, 3, 2, 5, 1, 4, 8, 2, 3, 6)
"""Faces on the photos, in turn."""

_STEEPNESS: Final = 1.25  # exponent of the falling spectrum: about 1 in sharp photos
_CONTRAST: Final = 34.0  # standard deviation, grey levels
_MARGIN: Final = 0.2  # of a face's sides, on each side of it


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPhoto:
    """A drawn photo.

    Attributes:
        rgb: (height, width, 3) uint8 sRGB.
        boxes: of its faces, from left to right.
    """

    rgb: UInt8Image
    boxes: tuple[Box, ...]


def draw_photo(number: int) -> DrawnPhoto:
    """Return one of the drawn photos, the same for the same number.

    Args:
        number: from 0.
    """
    width, height = SIZES[number % len(SIZES)]
    count, rng = FACES[number % len(FACES)], np.random.default_rng(number)
    rgb = _background(width, height, rng)
    across = min(count, 4)
    down = -(-count // across)
    boxes = []
    for each in range(count):
        cell_width, cell_height = width // across, height // down
        side = int(min(cell_width, cell_height) * rng.uniform(0.35, 0.55)) // 2 * 2
        tall = min(cell_height, int(side * 1.25) // 2 * 2)
        left = each % across * cell_width + int(rng.integers(0, cell_width - side + 1))
        top = each // across * cell_height + int(rng.integers(0, cell_height - tall + 1))
        boxes.append(Box(left // 2 * 2, top // 2 * 2, side, tall))
        _draw_face(rgb, boxes[-1], rng)
    return DrawnPhoto(rgb, tuple(sorted(boxes, key=lambda box: (box.x, box.y))))


def _background(width: int, height: int, rng: np.random.Generator) -> UInt8Image:
    """Return soft shapes under a texture whose spectrum falls as that of photos does."""
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    falling = np.maximum(np.hypot(down, across), 1 / max(width, height)) ** -_STEEPNESS
    texture = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) * falling, s=(height, width))
    texture *= _CONTRAST / texture.std()
    patches = rng.integers(60, 196, (3, 4, 3)).astype(np.uint8)
    shapes = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    return np.asarray((0.7 * shapes + 40 + texture[:, :, None]).clip(0, 255), np.uint8)


def _draw_face(rgb: UInt8Image, box: Box, rng: np.random.Generator) -> None:
    """Draw a plain face into a box: hair, skin, eyes, nose and mouth."""
    part = np.ascontiguousarray(rgb[box.y : box.bottom, box.x : box.right])
    middle, axes = (box.w // 2, box.h // 2), (int(box.w * (0.5 - _MARGIN / 2)), int(box.h * (0.5 - _MARGIN / 2)))
    skin, hair = (rng.integers(90, 220, 3) * (1.0, 0.82, 0.7), rng.integers(10, 120, 3))
    _ellipse(part, (middle[0], int(box.h * 0.42)), (int(axes[0] * 1.1), int(axes[1] * 1.02)), hair)
    _ellipse(part, (middle[0], int(box.h * 0.52)), (int(axes[0] * 0.9), int(axes[1] * 0.86)), skin)
    for side in (-1, 1):
        eye = int(middle[0] + side * 0.36 * axes[0]), int(box.h * 0.46)
        _ellipse(part, eye, (max(2, axes[0] // 6), max(2, axes[1] // 14)), (245, 245, 245))
        _ellipse(part, eye, (max(1, axes[0] // 16), max(1, axes[1] // 16)), rng.integers(20, 120, 3))
    _ellipse(part, (middle[0], int(box.h * 0.57)), (max(2, axes[0] // 10), max(2, axes[1] // 8)), skin * 0.85)
    mouth = max(3, int(axes[0] * rng.uniform(0.25, 0.42))), max(2, int(axes[1] * rng.uniform(0.04, 0.12)))
    _ellipse(part, (middle[0], int(box.h * 0.69)), mouth, (165, 70, 80))
    rgb[box.y : box.bottom, box.x : box.right] = cv2.GaussianBlur(part, (0, 0), max(0.6, box.w / 160))


def _ellipse(part: UInt8Image, middle: tuple[int, int], axes: tuple[int, int], colour: object) -> None:
    shade = tuple(int(value) for value in np.asarray(colour, np.float64))
    cv2.ellipse(part, middle, axes, 0, 0, 360, shade, -1, cv2.LINE_AA)

"""Pictures of stickers, drawn, shipped or the user's own, and how they are put on a face."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from ...errors import UsageError
from ...types import UInt8Image
from .drawn import DRAWN, draw_sticker

NOTO: Final = ("cool", "fox", "frog", "grin", "hearts", "koala", "lion", "moon", "nerd", "panda")
STICKERS: Final = tuple(sorted((*DRAWN, *NOTO)))
"""Names of the stickers that need no file, sorted."""

_MOST_PIXELS: Final = 64_000_000


def stretched(name: str, width: int, height: int) -> UInt8Image:
    """Return a sticker whose visible part fills a box: premultiplied (height, width, 4) uint8 RGBA.

    Args:
        name: one of `STICKERS`, or the path of a picture.
        width: in pixels, at least 1.
        height: in pixels, at least 1.

    Raises:
        UsageError: as `read_sticker`.
    """
    if name in DRAWN:
        return draw_sticker(name, width, height)
    return _resized(_visible(_picture(name)), width, height)


def placed(name: str, size: tuple[int, int], middle: tuple[float, float], side: float, roll: float) -> UInt8Image:
    """Return a sticker on a transparent canvas, undistorted and turned with a head.

    Args:
        name: one of `STICKERS`, or the path of a picture.
        size: (height, width) of the canvas.
        middle: of the sticker, (x, y) in pixels of the canvas.
        side: longer side of the sticker, in pixels.
        roll: clockwise, in radians.

    Returns:
        Premultiplied (height, width, 4) uint8 RGBA.

    Raises:
        UsageError: as `read_sticker`.
    """
    drawn = max(2, math.ceil(side))
    if name in DRAWN:
        sticker = draw_sticker(name, drawn, drawn)
    else:
        visible = _visible(_picture(name))
        share = drawn / max(visible.shape[:2])
        sticker = _resized(visible, max(1, round(visible.shape[1] * share)), max(1, round(visible.shape[0] * share)))
    scale = side / drawn
    turn = scale * np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    centre = np.array([sticker.shape[1] / 2 - 0.5, sticker.shape[0] / 2 - 0.5])
    shift = np.array(middle) - 0.5 - turn @ centre
    matrix = np.hstack([turn, shift[:, None]])
    canvas = cv2.warpAffine(sticker, matrix, (size[1], size[0]), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
    return np.asarray(canvas, np.uint8)


def read_sticker(path: str) -> UInt8Image:
    """Read the user's sticker as premultiplied (h, w, 4) uint8 RGBA.

    Raises:
        UsageError: if it is not a readable picture, or is fully transparent.
    """
    try:
        with Image.open(Path(path)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise _unusable(f"sticker {path!r} is too large: {image.width}x{image.height}")
            rgba = np.asarray(image.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unusable(f"{path!r} is neither a sticker nor a readable picture") from error
    if not rgba[:, :, 3].any():
        raise _unusable(f"sticker {path!r} is fully transparent")
    return _premultiplied(rgba)


def _unusable(message: str) -> UsageError:
    return UsageError(message, code="unusable-sticker", known=", ".join(STICKERS))


def _picture(name: str) -> UInt8Image:
    """Return a sticker that is not drawn, premultiplied (h, w, 4) uint8 RGBA."""
    return _shipped(name) if name in NOTO else read_sticker(name)


@lru_cache(len(NOTO))
def _shipped(name: str) -> UInt8Image:
    with Image.open(Path(__file__).with_name(f"{name}.webp")) as image:
        return _premultiplied(np.asarray(image.convert("RGBA")))


def _premultiplied(rgba: UInt8Image) -> UInt8Image:
    made = rgba.astype(np.uint16)
    made[:, :, :3] = (made[:, :, :3] * made[:, :, 3:] + 127) // 255
    return np.asarray(made, np.uint8)


def _visible(rgba: UInt8Image) -> UInt8Image:
    """Cut transparent margins off a sticker."""
    rows, columns = (np.flatnonzero(rgba[:, :, 3].any(axis=axis)) for axis in (1, 0))
    return rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(rgba: UInt8Image, width: int, height: int) -> UInt8Image:
    shrinks = rgba.shape[0] >= height and rgba.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgba, (width, height), interpolation=method), np.uint8)

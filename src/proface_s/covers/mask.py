"""The style ``mask``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from PIL import Image

from ..errors import UsageError
from ..types import UInt8Image
from .base import CoverStyle, Unit
from .registry import register_style
from .smoothing import gaussian_blur
from .stickers import STICKERS, draw_sticker

_DEFAULT = "smiley"
_BACKGROUND = 0.2  # standard deviation of the blur behind the sticker, as a share of the longer side
_MOST_PIXELS = 64_000_000


@register_style
class Mask(CoverStyle):
    """A sticker stretched over the box.

    The whole box is first blurred strongly, so that corners that the sticker leaves free, and its transparent parts,
    show no more than the colours around the face.
    """

    name: ClassVar[str] = "mask"
    summary: ClassVar[str] = "sticker over the face, on a blurred background"
    unit: ClassVar[Unit] = Unit("size of the sticker in percent of the box")
    default_strength: ClassVar[float] = 100.0
    strength_range: ClassVar[tuple[float, float]] = (50.0, 150.0)
    option_text: ClassVar[str | None] = (
        f"{', '.join(STICKERS)} (default {_DEFAULT}), or the path of a picture with transparency"
    )

    def is_uninformative(self, height: int, width: int, strength: float, option: str | None) -> bool:
        """Return whether the sticker is opaque everywhere in the box."""
        return bool((_placed(height, width, strength, option)[:, :, 3] == 255).all())

    def sticker_file(self, option: str | None) -> Path | None:
        """Return the path of the user's own sticker; None for a built-in one."""
        return None if option is None or option in STICKERS else Path(option)

    def _check_option(self, option: str | None) -> None:
        if option is not None and option not in STICKERS:
            _read(option)

    def _cover(self, original: UInt8Image, strength: float, option: str | None) -> UInt8Image:
        height, width = original.shape[:2]
        placed = _placed(height, width, strength, option)
        behind = gaussian_blur(original, _BACKGROUND)
        transparency = 255 - placed[:, :, 3:].astype(np.uint16)
        through = (behind * transparency + 127) // 255
        return np.asarray((placed[:, :, :3] + through).clip(0, 255), np.uint8)


def _placed(height: int, width: int, strength: float, option: str | None) -> UInt8Image:
    """Return the sticker placed in a box: premultiplied (height, width, 4) uint8 RGBA."""
    size = (max(1, round(width * strength / 100)), max(1, round(height * strength / 100)))
    name = _DEFAULT if option is None else option
    sticker = draw_sticker(name, *size) if name in STICKERS else _fit(_read(name), *size)
    return _centred(sticker, width, height)


def _centred(sticker: UInt8Image, width: int, height: int) -> UInt8Image:
    """Put a sticker into the middle of a transparent canvas, cutting off any overhang."""
    rows, columns = sticker.shape[:2]
    top, left = (rows - height) // 2, (columns - width) // 2
    part = sticker[max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width]
    canvas = np.zeros((height, width, 4), np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return canvas


def _read(path: str) -> UInt8Image:
    """Read the user's sticker as premultiplied (h, w, 4) uint8 RGBA.

    Raises:
        UsageError: if it is not a readable picture, or is fully transparent.
    """
    try:
        with Image.open(Path(path)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise _unusable(f"sticker {path!r} is too large: {image.width}x{image.height}")
            rgba = np.asarray(image.convert("RGBA"), np.uint16)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unusable(f"{path!r} is neither a sticker nor a readable picture") from error
    if not rgba[:, :, 3].any():
        raise _unusable(f"sticker {path!r} is fully transparent")
    premultiplied = rgba.copy()
    premultiplied[:, :, :3] = (rgba[:, :, :3] * rgba[:, :, 3:] + 127) // 255
    return np.asarray(premultiplied, np.uint8)


def _unusable(message: str) -> UsageError:
    return UsageError(message, code="unusable-sticker", known=", ".join(STICKERS))


def _fit(rgba: UInt8Image, width: int, height: int) -> UInt8Image:
    """Stretch the visible part of a premultiplied sticker to a size."""
    rows, columns = (np.flatnonzero(rgba[:, :, 3].any(axis=axis)) for axis in (1, 0))
    visible = rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    shrinks = visible.shape[0] >= height and visible.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(visible, (width, height), interpolation=method), np.uint8)

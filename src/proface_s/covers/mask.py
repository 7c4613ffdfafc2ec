"""The style ``mask``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from ..types import Face, Shape, UInt8Image
from .base import CoverStyle, MatchRates, Unit
from .heads.face_region import FaceRegion, head_roll
from .heads.landmarks import Mesh
from .heads.outline import blended, oval_mask
from .options import StyleOption
from .registry import register_style
from .smoothing import gaussian_blur
from .stickers.pictures import STICKERS, placed, read_sticker, stretched

_DEFAULT: Final = "smiley"
_BACKGROUND: Final = 0.2  # standard deviation of the blur behind the sticker, as a share of the longer side
_SIZE: Final = 1.25  # side of the sticker over the longer side of the landmarks
_TIGHT: Final = 1.1  # the same where more would be cut off by the borders of the region
_RAISED: Final = 0.05  # of its side: a sticker has a forehead too, where landmarks end
_SLOW: Final = 0.1  # seconds, time constant of its movements relative to the face in a clip
_UNKNOWN: Final = 0.8  # side of the sticker over that of a region whose face is unknown


@register_style
class Mask(CoverStyle):
    """A sticker: upright and turned with the head over an oval, or stretched over the box.

    The area behind it is first blurred strongly, so that corners that the sticker leaves free, and its transparent
    parts, show no more than the colours around the face.
    """

    name: ClassVar[str] = "mask"
    summary: ClassVar[str] = "sticker over the face, on a blurred background"
    unit: ClassVar[Unit] = Unit("size of the sticker in percent of the box or the head")
    default_strength: ClassVar[float] = 100.0
    strength_range: ClassVar[tuple[float, float]] = (50.0, 150.0)
    rates: ClassVar[MatchRates | None] = MatchRates(box=1.7, oval=6.7, plain=0.0)
    option: ClassVar[StyleOption | None] = StyleOption(
        "sticker", STICKERS, _DEFAULT, file="the path of a picture with transparency"
    )

    def is_uninformative(self, height: int, width: int, strength: float, option: str | None) -> bool:
        """Return whether the sticker is opaque everywhere in the box."""
        return bool((_over_box(height, width, strength, option)[:, :, 3] == 255).all())

    def sticker_file(self, option: str | None) -> Path | None:
        """Return the path of the user's own sticker; None for a built-in one."""
        return None if option is None or option in STICKERS else Path(option)

    def check_option(self, option: str | None) -> None:
        """Check that the option names a sticker or a readable picture.

        Raises:
            UsageError: if it does not.
        """
        if option is not None and option not in STICKERS:
            read_sticker(option)

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Stretch the sticker over the blurred box."""
        return _over(gaussian_blur(region.pixels, _BACKGROUND), _over_box(*region.size, strength, option))

    def draw(self, region: FaceRegion, strength: float, option: str | None, shape: Shape) -> UInt8Image:
        """Put a sticker on every face, over a blurred oval."""
        if shape == "box":
            return self.fill(region, strength, option)
        inner = region.inner_faces
        heads: list[tuple[Face | None, Mesh | None]] = [
            (face, region.mesh(face) if face in inner else None) for face in region.faces
        ]
        heads = heads or [(None, region.mesh(None))]
        behind = np.max([oval_mask(region.size, *head) for head in heads], axis=0)
        drawn = blended(region.pixels, gaussian_blur(region.pixels, _BACKGROUND), behind)
        for face, mesh in heads:
            middle, side, roll = _steadied(region, *_place(region.size, face, mesh), known=mesh is not None)
            side *= strength / 100
            drawn = _over(drawn, placed(option or _DEFAULT, region.size, middle, side, roll))
        return drawn


def _place(size: tuple[int, int], face: Face | None, mesh: Mesh | None) -> tuple[tuple[float, float], float, float]:
    """Return middle (x, y), side and roll in radians of a sticker on a head."""
    height, width = size
    if mesh is not None:
        roll, size_of_face = mesh.roll, mesh.upright_side
        x, y = mesh.middle
    elif face is not None:
        box, roll = face.box, head_roll(face)
        x, y, size_of_face = box.x + box.w / 2, box.y + box.h / 2, float(max(box.w, box.h))
    else:
        return (width / 2, height / 2), _UNKNOWN * max(height, width), 0.0
    room = 2 * min(x, y, width - x, height - y)
    side = min(max(room, _TIGHT * size_of_face), _SIZE * size_of_face)
    up = _RAISED * side
    return (float(x + up * np.sin(roll)), float(y - up * np.cos(roll))), side, roll


def _steadied(
    region: FaceRegion, middle: tuple[float, float], side: float, roll: float, *, known: bool
) -> tuple[tuple[float, float], float, float]:
    """Return middle, side and roll of a sticker; in a clip, size and roll change slowly.

    While landmarks are missing, everything stays as it was relative to the place of the cover.

    Args:
        region: with its memory.
        middle: x, y in this frame.
        side: likewise.
        roll: radians, likewise.
        known: whether landmarks tell them.
    """
    memory = region.memory
    if memory is None or len(region.faces) > 1:
        return middle, side, roll
    x, y, w, h = memory.place
    unit = math.sqrt(w * h)
    offset, turned = memory.last("sticker-middle"), memory.last("sticker")
    if known or offset is None or turned is None:
        memory.forget("sticker-middle")
        offset = memory.eased("sticker-middle", np.array([middle[0] - x, middle[1] - y]) / unit, _SLOW)
        turned = memory.eased("sticker", np.array([side / unit, math.cos(roll), math.sin(roll)]), _SLOW)
    across, down, size, cosine, sine = (float(each) for each in (*offset, *turned))
    return (x + across * unit, y + down * unit), size * unit, math.atan2(sine, cosine)


def _over(background: UInt8Image, sticker: UInt8Image) -> UInt8Image:
    """Lay a premultiplied (h, w, 4) RGBA sticker over an (h, w, 3) RGB background."""
    transparency = 255 - sticker[:, :, 3:].astype(np.uint16)
    through = (background * transparency + 127) // 255
    return np.asarray((sticker[:, :, :3] + through).clip(0, 255), np.uint8)


def _over_box(height: int, width: int, strength: float, option: str | None) -> UInt8Image:
    """Return the sticker stretched over a box: premultiplied (height, width, 4) uint8 RGBA."""
    size = (max(1, round(width * strength / 100)), max(1, round(height * strength / 100)))
    return _centred(stretched(option or _DEFAULT, *size), width, height)


def _centred(sticker: UInt8Image, width: int, height: int) -> UInt8Image:
    """Put a sticker into the middle of a transparent canvas, cutting off any overhang."""
    rows, columns = sticker.shape[:2]
    top, left = (rows - height) // 2, (columns - width) // 2
    part = sticker[max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width]
    canvas = np.zeros((height, width, 4), np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return canvas

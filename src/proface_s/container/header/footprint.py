"""Footprints: the pixels, besides the RGB values of a face's box, that its cover replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...errors import DamagedFileError, FileFormatError
from ...types import Box

OPAQUE: Final = 255
FOOTPRINT_BYTES: Final = 2
_VARIED, _RIGHT, _BOTTOM = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Footprint:
    """The alpha and the edges that the cover of one face replaced.

    Attributes:
        alpha: 0..255, the alpha of every pixel of the face's area as published.
        varied: whether the original's alpha differed from pixel to pixel there.  Such an alpha shows something of the
            face, so the published one is opaque, and the seal, if there is one, holds the original's.
        right: whether the column of pixels to the right of the box is covered too: boxes have even sides, but pictures
            may have odd ones.
        bottom: the same for the row below the box.
    """

    alpha: int = OPAQUE
    varied: bool = False
    right: bool = False
    bottom: bool = False

    def area(self, box: Box) -> Box:
        """Return the covered pixels, which a seal holds: the box and the edges beside it."""
        return Box(box.x, box.y, box.w + self.right, box.h + self.bottom)

    def sealed_shape(self, box: Box) -> tuple[int, int, int]:
        """Return the shape of the original in a seal: (h, w, 3) RGB, or (h, w, 4) RGBA if its alpha varied."""
        area = self.area(box)
        return area.h, area.w, 4 if self.varied else 3


PLAIN: Final = Footprint()
"""The footprint of a cover that replaced the RGB values of an opaque box and nothing else."""


def encode_footprint(footprint: Footprint) -> bytes:
    """Serialise a footprint as two bytes, alpha and flags; `decode_footprint` is the inverse."""
    flags = _VARIED * footprint.varied | _RIGHT * footprint.right | _BOTTOM * footprint.bottom
    return bytes([footprint.alpha, flags])


def decode_footprint(data: bytes) -> Footprint:
    """Parse a footprint; inverse of `encode_footprint`.

    Raises:
        FileFormatError: if a flag is unknown.
        DamagedFileError: if there are not two bytes, or a varied alpha was not made opaque.
    """
    if len(data) != FOOTPRINT_BYTES:
        raise DamagedFileError("invalid header: the covered areas are miscounted")
    alpha, flags = data
    if flags & ~(_VARIED | _RIGHT | _BOTTOM):
        raise FileFormatError(f"a face sets unknown flags {flags:#04x} of its area", code="newer-version")
    if flags & _VARIED and alpha != OPAQUE:
        raise DamagedFileError("invalid header: a face whose alpha was covered is not opaque")
    return Footprint(alpha, bool(flags & _VARIED), bool(flags & _RIGHT), bool(flags & _BOTTOM))

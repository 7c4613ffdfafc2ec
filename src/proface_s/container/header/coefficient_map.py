"""Extension 3 of a JPEG file's header: the areas of its faces, and the frame that their coefficients belong to.

::

    orientation u8 | sampling u8: horizontal, vertical (4 bits each) | frame digest (32) | per face: x y w h, u16 each
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ...errors import DamagedFileError
from ...types import Box

FRAME_DIGEST_BYTES: Final = 32
_HEAD: Final = struct.Struct(">BB32s")
_AREA: Final = struct.Struct(">4H")
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class CoefficientMap:
    """What the digests and the seals of a JPEG file are of.

    Attributes:
        orientation: EXIF orientation of the stored picture, 1 to 8.
        sampling: largest horizontal and vertical sampling factor, 1 to 4: an MCU has 8 times as many pixels a side.
        frame_digest: 32 bytes, SHA-256 of what the meaning of coefficients depends on (docs/format.md, section 1.7).
        areas: of each face, in MCUs of the stored picture.
    """

    orientation: int
    sampling: tuple[int, int]
    frame_digest: bytes
    areas: tuple[Box, ...]

    def mcus(self, upright: tuple[int, int]) -> tuple[int, int]:
        """Return the (columns, rows) of MCUs of the stored picture, given the size of the upright one in pixels."""
        width, height = upright if self.orientation < 5 else (upright[1], upright[0])
        return -(-width // (_BLOCK * self.sampling[0])), -(-height // (_BLOCK * self.sampling[1]))

    def seal_context(self, index: int) -> bytes:
        """Return what binds the seal of a face to frame and area: frame digest (32) | x y w h, u16 each."""
        area = self.areas[index]
        return self.frame_digest + _AREA.pack(area.x, area.y, area.w, area.h)


def encode_coefficient_map(described: CoefficientMap) -> bytes:
    """Serialise; `decode_coefficient_map` is the inverse."""
    h, v = described.sampling
    areas = [_AREA.pack(area.x, area.y, area.w, area.h) for area in described.areas]
    return _HEAD.pack(described.orientation, h << 4 | v, described.frame_digest) + b"".join(areas)


def decode_coefficient_map(value: bytes, faces: int) -> CoefficientMap:
    """Parse the extension of a header with so many faces; inverse of `encode_coefficient_map`.

    Raises:
        DamagedFileError: if it has another length, or a value is out of range.
    """
    if len(value) != _HEAD.size + _AREA.size * faces:
        raise DamagedFileError("invalid header: the areas of a JPEG are miscounted")
    orientation, factors, digest = _HEAD.unpack_from(value)
    h, v = factors >> 4, factors & 15
    if not (1 <= orientation <= 8 and 1 <= h <= 4 and 1 <= v <= 4):
        raise DamagedFileError("invalid header: the orientation or sampling of a JPEG is out of range")
    areas = tuple(Box(*fields) for fields in _AREA.iter_unpack(value[_HEAD.size :]))
    return CoefficientMap(orientation, (h, v), digest, areas)

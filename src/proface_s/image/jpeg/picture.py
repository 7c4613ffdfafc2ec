"""A JPEG picture as a file holds it: quantised coefficients, and the parameters that they depend on."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Coefficients = npt.NDArray[np.int16]
Table = npt.NDArray[np.uint16]
Process = Literal["baseline", "extended", "progressive"]
Colours = Literal["grey", "ycc", "rgb"]

BLOCK: Final = 8
"""Samples of a side of a block."""
MAX_SIDE: Final = 65535


@dataclass(frozen=True, slots=True, eq=False)
class JpegComponent:
    """One component (luma, chroma, or a colour).

    Attributes:
        identifier: its number in the file, 0 to 255.
        h: horizontal sampling factor, 1 to 4.
        v: vertical sampling factor, 1 to 4.
        table_number: 0 to 3, where the file keeps its quantisation table.
        table: (8, 8) uint16, quantiser steps; axis 0 is vertical frequency, axis 1 horizontal.
        coefficients: (block rows, block columns, 8, 8) int16, quantised, of whole MCUs; the last two axes as ``table``.
    """

    identifier: int
    h: int
    v: int
    table_number: int
    table: Table
    coefficients: Coefficients


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over the coefficients (T.81, B.2.3).

    Attributes:
        components: positions in `JpegPicture.components`.
        dc_tables: numbers of their Huffman tables for DC, one each.
        ac_tables: the same for AC.
        first: first coefficient, in zigzag order.
        last: last coefficient.
        high: bits that earlier scans left out (0: this is the first).
        low: bits that this scan leaves out.
        restart: MCUs between restart markers; 0 if there are none.
    """

    components: tuple[int, ...]
    dc_tables: tuple[int, ...]
    ac_tables: tuple[int, ...]
    first: int = 0
    last: int = 63
    high: int = 0
    low: int = 0
    restart: int = 0


@dataclass(frozen=True, eq=False)
class JpegPicture:
    """A JPEG file without its metadata; `read_jpeg` and `write_jpeg` are inverses.

    Attributes:
        width: of the stored picture, in pixels.
        height: the same.
        process: coding process.
        components: one or three.
        scans: in the order of the file.
        orientation: EXIF orientation, 1 to 8; the stored picture is turned by it when it is shown.
        icc_profile: colour profile, or None.
        density: the last fields of a JFIF segment (version u16, units u8, x u16, y u16), or None if there is none.
        adobe_transform: colour transform of Adobe's segment (0 none, 1 YCbCr), or None if there is no such segment.
    """

    width: int
    height: int
    process: Process
    components: tuple[JpegComponent, ...]
    scans: tuple[Scan, ...]
    orientation: int = 1
    icc_profile: bytes | None = None
    density: tuple[int, int, int, int] | None = None
    adobe_transform: int | None = None

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) of the picture as it is shown."""
        return (self.width, self.height) if self.orientation < 5 else (self.height, self.width)

    @property
    def sampling(self) -> tuple[int, int]:
        """The largest (h, v) of the components: blocks of an MCU, if there are several components."""
        return max(each.h for each in self.components), max(each.v for each in self.components)

    @property
    def mcu(self) -> tuple[int, int]:
        """(width, height) in pixels of an MCU."""
        h, v = self.sampling
        return BLOCK * h, BLOCK * v

    @property
    def mcus(self) -> tuple[int, int]:
        """(columns, rows) of MCUs."""
        width, height = self.mcu
        return -(-self.width // width), -(-self.height // height)

    def own_blocks(self, component: JpegComponent) -> tuple[int, int]:
        """(across, down): blocks of a component that show a part of the picture; a scan of it alone has no others."""
        most_h, most_v = self.sampling
        across = -(-self.width * component.h // (most_h * BLOCK))
        return across, -(-self.height * component.v // (most_v * BLOCK))

    @property
    def colours(self) -> Colours:
        """How decoders read the components (as in libjpeg; T.872 6.5.3)."""
        if len(self.components) == 1:
            return "grey"
        if self.density is None:
            identifiers = tuple(each.identifier for each in self.components)
            if self.adobe_transform == 0 or (self.adobe_transform is None and identifiers == tuple(b"RGB")):
                return "rgb"
        return "ycc"

    @cached_property
    def frame_digest(self) -> bytes:
        """SHA-256 (32 bytes) of what the meaning of the coefficients depends on: see docs/format.md, section 1.7."""
        colours = ("grey", "ycc", "rgb").index(self.colours)
        parts = [struct.pack(">IIBBB", self.width, self.height, self.orientation, colours, len(self.components))]
        for each in self.components:
            parts += [bytes([each.h, each.v]), np.ascontiguousarray(each.table).astype(">u2").tobytes()]
        return hashlib.sha256(b"".join(parts)).digest()

    def with_coefficients(self, planes: Mapping[int, Coefficients]) -> JpegPicture:
        """Return the picture with other coefficients of some components (position -> array of the same shape)."""
        components = list(self.components)
        for position, plane in planes.items():
            components[position] = replace(components[position], coefficients=plane)
        return replace(self, components=tuple(components))

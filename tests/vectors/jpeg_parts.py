"""A writer of small JPEG files (ITU-T T.81) from coefficients, for the vectors of `make_jpeg`.

Every Huffman table has codes of one length, so that nothing has to be optimised: 4 bits for DC, 8 bits for AC.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Blocks = npt.NDArray[np.int16]

ZIGZAG = sorted(range(64), key=lambda at: (sum(divmod(at, 8)), at // 8 if sum(divmod(at, 8)) % 2 else at % 8))
DC_SYMBOLS = bytes(range(12))
AC_SYMBOLS = bytes([0x00, 0xF0, *(run << 4 | size for run in range(16) for size in range(1, 11))])
IDENTIFIER = b"PRO-Face\0"
PART = 65520


def segment(marker: int, payload: bytes = b"") -> bytes:
    """Return a segment."""
    return struct.pack(">BBH", 0xFF, marker, 2 + len(payload)) + payload


def link(number: int, count: int, part: bytes) -> bytes:
    """Return one APP11 segment of a chain."""
    return segment(0xEB, IDENTIFIER + struct.pack(">HH", number, count) + part)


def links(joined: bytes) -> list[bytes]:
    """Return the segments of a chain."""
    parts = [joined[at : at + PART] for at in range(0, len(joined), PART)]
    return [link(number, len(parts), part) for number, part in enumerate(parts, 1)]


def exif(orientation: int) -> bytes:
    """Return an Exif block with nothing but an orientation, little-endian."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


@dataclass(frozen=True)
class Component:
    """One component: sampling factors, steps, and (rows, columns, 8, 8) coefficients of whole MCUs."""

    h: int
    v: int
    steps: npt.NDArray[np.int64]
    blocks: Blocks


@dataclass
class Jpeg:
    """A picture as it is stored, of which the coefficients may be changed.

    Attributes:
        size: (width, height) in pixels, as stored.
        components: grey, or three.
        scans: lists of component positions; in a progressive file, of (positions, first, last).
        frame: 0xC0, 0xC1 or 0xC2.
        orientation: 1 to 8.
        restart: MCUs between restart markers.
        jfif: whether there is a JFIF segment.
        wide: whether steps are stored in 16 bits.
        rgb: whether the components are R, G and B, as Adobe's segment says then; without a JFIF segment.
    """

    size: tuple[int, int]
    components: list[Component]
    scans: list[tuple[tuple[int, ...], int, int]] = field(default_factory=lambda: [((0, 1, 2), 0, 63)])
    frame: int = 0xC0
    orientation: int = 1
    restart: int = 0
    jfif: bool = True
    wide: bool = False
    rgb: bool = False

    @cached_property
    def most(self) -> tuple[int, int]:
        """The largest sampling factors."""
        return max(each.h for each in self.components), max(each.v for each in self.components)

    @cached_property
    def mcus(self) -> tuple[int, int]:
        """(columns, rows) of MCUs."""
        return -(-self.size[0] // (8 * self.most[0])), -(-self.size[1] // (8 * self.most[1]))

    def own(self, component: Component) -> tuple[int, int]:
        """(columns, rows) of blocks that show a part of the picture."""
        width, height = self.size
        return -(-width * component.h // (8 * self.most[0])), -(-height * component.v // (8 * self.most[1]))

    def area(self, area: tuple[int, int, int, int]) -> list[Blocks]:
        """Return the coefficients of an area of MCUs, as views."""
        x, y, w, h = area
        return [each.blocks[y * each.v : (y + h) * each.v, x * each.h : (x + w) * each.h] for each in self.components]

    def copy(self) -> Jpeg:
        """Return a copy whose coefficients can be changed apart."""
        components = [Component(each.h, each.v, each.steps, each.blocks.copy()) for each in self.components]
        return replace(self, components=components)

    def frame_digest(self) -> bytes:
        """Return the frame digest of section 1.7."""
        colours = 0 if len(self.components) == 1 else 1 + self.rgb
        parts = [struct.pack(">IIBBB", *self.size, self.orientation, colours, len(self.components))]
        parts += [bytes([each.h, each.v]) + each.steps.astype(">u2").tobytes() for each in self.components]
        return hashlib.sha256(b"".join(parts)).digest()

    def picture_digest(self) -> bytes:
        """Return the picture digest of section 1.7."""
        return hashlib.sha256(self.frame_digest() + coded([each.blocks for each in self.components])).digest()

    def file(self, chain: Sequence[bytes] = (), *, app: bytes | None = None, end: bytes = b"\xff\xd9") -> bytes:
        """Return the file, with the segments of a chain behind the other APP segments, which ``app`` replaces."""
        parts = [b"\xff\xd8", self.applications() if app is None else app, *chain]
        steps = {id(each.steps): each.steps for each in self.components}
        numbers = {key: number for number, key in enumerate(steps)}
        for key, table in steps.items():
            values = table.reshape(64)[ZIGZAG].astype(">u2" if self.wide else "u1").tobytes()
            parts.append(segment(0xDB, bytes([16 * self.wide + numbers[key]]) + values))
        fields = [bytes([n + 1, c.h << 4 | c.v, numbers[id(c.steps)]]) for n, c in enumerate(self.components)]
        head = struct.pack(">BHHB", 8, self.size[1], self.size[0], len(fields))
        parts.append(segment(self.frame, head + b"".join(fields)))
        for kind, length, symbols in ((0x00, 4, DC_SYMBOLS), (0x10, 8, AC_SYMBOLS)):
            counts = bytes(len(symbols) if number == length else 0 for number in range(1, 17))
            parts.append(segment(0xC4, bytes([kind]) + counts + symbols))
        if self.restart:
            parts.append(segment(0xDD, struct.pack(">H", self.restart)))
        for positions, first, last in self.scans:
            chosen = b"".join(bytes([position + 1, 0]) for position in positions)
            parts.append(segment(0xDA, bytes([len(positions)]) + chosen + bytes([first, last, 0])))
            parts.append(self._scan(positions, first, last))
        return b"".join([*parts, end])

    def applications(self) -> bytes:
        """Return the APP segments that are no chain."""
        jfif = segment(0xE0, b"JFIF\0" + struct.pack(">HBHHBB", 0x0101, 1, 72, 72, 0, 0)) if self.jfif else b""
        adobe = segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)) if self.rgb else b""
        return jfif + (segment(0xE1, exif(self.orientation)) if self.orientation != 1 else b"") + adobe

    def _scan(self, positions: Sequence[int], first: int, last: int) -> bytes:
        data, bits = b"", ""
        before = dict.fromkeys(positions, 0)
        for number, mcu in enumerate(self._mcus(positions)):
            if self.restart and number and number % self.restart == 0:
                data += stuffed(bits) + bytes([0xFF, 0xD0 + (number // self.restart - 1) % 8])
                bits, before = "", dict.fromkeys(positions, 0)
            for position, block in mcu:
                values = [int(block[divmod(ZIGZAG[at], 8)]) for at in range(64)]
                if first == 0:
                    bits += dc_bits(values[0] - before[position])
                    before[position] = values[0]
                if last:
                    bits += ac_bits(values[max(1, first) : last + 1])
        return data + stuffed(bits)

    def _mcus(self, positions: Sequence[int]) -> Iterator[list[tuple[int, Blocks]]]:
        """Yield the blocks of each MCU of a scan; one component alone has MCUs of one block, and no others."""
        if len(positions) == 1:
            component = self.components[positions[0]]
            columns, rows = self.own(component)
            for at in range(rows * columns):
                yield [(positions[0], component.blocks[divmod(at, columns)])]
            return
        for at in range(self.mcus[0] * self.mcus[1]):
            row, column = divmod(at, self.mcus[0])
            found = []
            for position in positions:
                each = self.components[position]
                inside = [(j, i) for j in range(each.v) for i in range(each.h)]
                found += [(position, each.blocks[row * each.v + j, column * each.h + i]) for j, i in inside]
            yield found


def coded(blocks: Sequence[Blocks]) -> bytes:
    """Return coefficients as digests take them."""
    return b"".join(each.astype(">i2").tobytes() for each in blocks)


def dc_bits(difference: int) -> str:
    """Return category and bits of a DC difference (F.1.2.1)."""
    return f"{DC_SYMBOLS.index(abs(difference).bit_length()):04b}" + extra_bits(difference)


def ac_bits(values: Sequence[int]) -> str:
    """Return runs, categories and bits of AC coefficients (F.1.2.2)."""
    bits, run = "", 0
    for at, value in enumerate(values):
        if not any(values[at:]):
            return bits + f"{AC_SYMBOLS.index(0x00):08b}"
        if value == 0:
            run += 1
            continue
        bits += f"{AC_SYMBOLS.index(0xF0):08b}" * (run // 16)
        bits += f"{AC_SYMBOLS.index(run % 16 << 4 | abs(value).bit_length()):08b}" + extra_bits(value)
        run = 0
    return bits


def extra_bits(value: int) -> str:
    """Return the bits that tell a value from others of its category."""
    size = abs(value).bit_length()
    return f"{value if value >= 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def stuffed(bits: str) -> bytes:
    """Return bits as bytes, filled up with ones, with a zero behind each 255."""
    bits += "1" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")


def drawn_jpeg(
    name: str, size: tuple[int, int] = (45, 37), sampling: str = "22 11 11", *, steps: int = 1, **changes: object
) -> Jpeg:
    """Return a picture with coefficients drawn from a name; sizes of steps are the same for all names.

    Args:
        name: of the file.
        size: as stored.
        sampling: factors of each component, such as ``22 11 11``.
        steps: makes other quantiser steps.
        changes: other fields of `Jpeg`.
    """
    factors = [(int(each[0]), int(each[1])) for each in sampling.split()]
    most = max(h for h, _ in factors), max(v for _, v in factors)
    mcus = -(-size[0] // (8 * most[0])), -(-size[1] // (8 * most[1]))
    u, v = np.mgrid[:8, :8]
    tables = [steps + 3 + (u + v) * (3 + kind) // 2 for kind in (0, 1)]
    components = []
    for number, (h, down) in enumerate(factors):
        rows, columns = mcus[1] * down, mcus[0] * h
        raw = hashlib.shake_256(f"proface-s test vector/{name}/{number}".encode()).digest(rows * columns * 64)
        noise = np.frombuffer(raw, np.uint8).reshape(rows, columns, 8, 8).astype(np.int64)
        blocks = np.where(noise % 7 < 2, (noise - 128) // (6 + 9 * (u + v)), 0)
        blocks[..., 0, 0] = (noise[..., 0, 0] - 128) // 2
        components.append(Component(h, down, tables[number > 0], blocks.astype(np.int16)))
    found = Jpeg(size, components)
    if len(components) == 1:
        found.scans = [((0,), 0, 63)]
    for key, value in changes.items():
        setattr(found, key, value)
    for positions, first, last in found.scans:
        if len(positions) == 1:  # such a scan holds no blocks that show nothing of the picture
            each = found.components[positions[0]]
            columns, rows = found.own(each)
            for at in ZIGZAG[first : last + 1]:
                row, column = divmod(at, 8)
                each.blocks[rows:, :, row, column] = each.blocks[:, columns:, row, column] = 0
    return found

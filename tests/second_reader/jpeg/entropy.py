"""Huffman-coded scans, sequential and progressive (ITU-T T.81, annexes F and G)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..outcomes import NotAPicture

# Coefficients in the order of the file, as 8 * vertical + horizontal frequency.
ZIGZAG = tuple(
    8 * u + v
    for total in range(15)
    for u, v in ((k, total - k) if total % 2 else (total - k, k) for k in range(total + 1))
    if u < 8 and v < 8
)

Coefficients = NDArray[np.int32]
HuffmanTable = dict[tuple[int, int], int]  # length and code -> symbol


@dataclass
class Component:
    """A colour component: `blocks` (rows, columns, 64) of whole MCUs, of which the first `rows`, `columns` are its own.

    The 64 coefficients of a block are row by row: 8 * vertical + horizontal frequency.
    """

    name: int
    horizontal: int
    vertical: int
    table: int
    rows: int
    columns: int
    blocks: Coefficients
    steps: tuple[int, ...] = ()
    predicted: int = field(default=0, compare=False)  # DC of the block before


def huffman_table(lengths: bytes, symbols: bytes) -> HuffmanTable:
    """The codes of a DHT segment (annex C)."""
    found: HuffmanTable = {}
    code, taken = 0, iter(symbols)
    for length, count in enumerate(lengths, 1):
        for _ in range(count):
            found[length, code] = next(taken)
            code += 1
        code <<= 1
    return found


class Bits:
    """Bits of one restart interval, first bit highest."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> int:
        """A number of `count` bits."""
        value = 0
        for _ in range(count):
            if self.at >= 8 * len(self.data):
                raise NotAPicture("a scan that ends early")
            value = value << 1 | (self.data[self.at >> 3] >> (7 - (self.at & 7)) & 1)
            self.at += 1
        return value

    def symbol(self, table: HuffmanTable) -> int:
        """The symbol of the next code."""
        code = 0
        for length in range(1, 17):
            code = code << 1 | self.take(1)
            if (length, code) in table:
                return table[length, code]
        raise NotAPicture("a code that its table does not have")

    def extended(self, size: int) -> int:
        """A signed number of a category (RECEIVE and EXTEND)."""
        value = self.take(size)
        return value if size == 0 or value >> (size - 1) else value - (1 << size) + 1


@dataclass
class Scan:
    """Parameters of a scan: components with their tables, spectral selection, successive approximation."""

    parts: list[tuple[Component, HuffmanTable, HuffmanTable]]
    first: int
    last: int
    high: int
    low: int
    progressive: bool
    run: int = 0  # blocks that are still to be skipped, in a progressive AC scan

    def decode(self, coded: tuple[bytes, ...], interval: int, across: int, down: int) -> None:
        """Read the scan; `interval` is the number of MCUs between restart markers or 0, `across` x `down` all MCUs."""
        if len(self.parts) == 1:
            component, dc, ac = self.parts[0]
            own = ((y, x) for y in range(component.rows) for x in range(component.columns))
            units = [[(component, dc, ac, y, x)] for y, x in own]
        else:
            units = [list(self._unit(y, x)) for y in range(down) for x in range(across)]
        interval = interval or len(units)
        if len(coded) != -(-len(units) // interval):
            raise NotAPicture("another number of restart intervals")
        for number, data in enumerate(coded):
            bits, self.run = Bits(data), 0
            for component, _, _ in self.parts:
                component.predicted = 0
            for component, dc, ac, y, x in chain(*units[number * interval : (number + 1) * interval]):
                self._method()(bits, component, dc, ac, component.blocks[y, x])

    def _unit(self, y: int, x: int) -> Iterator[tuple[Component, HuffmanTable, HuffmanTable, int, int]]:
        """The blocks of one interleaved MCU."""
        for component, dc, ac in self.parts:
            for row in range(component.vertical):
                for column in range(component.horizontal):
                    yield component, dc, ac, y * component.vertical + row, x * component.horizontal + column

    def _method(self) -> Callable[[Bits, Component, HuffmanTable, HuffmanTable, Coefficients], None]:
        if not self.progressive:
            return self._sequential
        if self.first == 0:
            return self._dc_refined if self.high else self._dc_first
        return self._ac_refined if self.high else self._ac_first

    def _sequential(
        self, bits: Bits, component: Component, dc: HuffmanTable, ac: HuffmanTable, block: Coefficients
    ) -> None:
        self._dc_first(bits, component, dc, ac, block)
        at = 1
        while at < 64:
            run, size = divmod(bits.symbol(ac), 16)
            if size == 0 and run < 15:
                return
            at += run
            _set(block, at, bits.extended(size))
            at += 1

    def _dc_first(
        self, bits: Bits, component: Component, dc: HuffmanTable, _: HuffmanTable, block: Coefficients
    ) -> None:
        component.predicted += bits.extended(bits.symbol(dc))
        block[0] = component.predicted << self.low

    def _dc_refined(self, bits: Bits, _: Component, __: HuffmanTable, ___: HuffmanTable, block: Coefficients) -> None:
        block[0] |= bits.take(1) << self.low

    def _ac_first(self, bits: Bits, _: Component, __: HuffmanTable, ac: HuffmanTable, block: Coefficients) -> None:
        if self.run:
            self.run -= 1
            return
        at = self.first
        while at <= self.last:
            run, size = divmod(bits.symbol(ac), 16)
            if size == 0 and run < 15:
                self.run = (1 << run) + bits.take(run) - 1
                return
            at += run
            _set(block, at, bits.extended(size) << self.low)
            at += 1

    def _ac_refined(self, bits: Bits, _: Component, __: HuffmanTable, ac: HuffmanTable, block: Coefficients) -> None:
        at = self.first
        while at <= self.last and not self.run:
            run, size = divmod(bits.symbol(ac), 16)
            if size == 0 and run < 15:
                self.run = (1 << run) + bits.take(run)
                break
            new = 0
            if size:
                new = 1 << self.low if bits.take(1) else -1 << self.low
            at = self._refine(bits, block, at, run)
            if at <= self.last:
                block[ZIGZAG[at]] = new
            at += 1
        if self.run:
            self._refine(bits, block, at, 64)
            self.run -= 1

    def _refine(self, bits: Bits, block: Coefficients, at: int, zeros: int) -> int:
        """Correct coefficients that are not 0, pass over `zeros` others, and return where the next one is."""
        while at <= self.last:
            value = int(block[ZIGZAG[at]])
            if value == 0:
                if zeros == 0:
                    break
                zeros -= 1
            elif bits.take(1) and not abs(value) & 1 << self.low:
                block[ZIGZAG[at]] += 1 << self.low if value > 0 else -1 << self.low
            at += 1
        return at


def _set(block: Coefficients, at: int, value: int) -> None:
    if at > 63:
        raise NotAPicture("a coefficient beyond its block")
    block[ZIGZAG[at]] = value

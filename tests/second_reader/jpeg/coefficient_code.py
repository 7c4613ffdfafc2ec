"""The code of coefficients in a seal (docs/format.md, section 5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..container.fields import require
from ..flow.coder import Decoder

TABLES = Path(__file__).parents[3] / "src/proface_s/image/jpeg/coefficient_tables.txt"
THRESHOLDS = (2, 4, 8, 12, 19, 28, 42, 60, 87, 124, 178, 252, 359, 508, 721, 1020, 1445, 2044, 2893, 4092, 5789, 8188,
              11582)  # fmt: skip
CONTEXTS, SYMBOLS = 24, 30
LARGEST, SMALLEST = 32767, -32768
LATE_DC, EARLY_DC = 7, 6

Integers = NDArray[np.int64]
Site = tuple[int, int]


@cache
def tables() -> list[list[list[int]]]:
    """Cumulative frequencies by set and context."""
    text = TABLES.read_text(encoding="ascii").splitlines()
    lines = [[int(n) for n in line.split()] for line in text if not line.startswith("#")]
    sums = [[256 * sum(line[:k]) for k in range(SYMBOLS + 1)] for line in lines]
    return [sums[start : start + CONTEXTS] for start in range(0, len(sums), CONTEXTS)]


def decode(content: bytes, sizes: Sequence[Site], steps: Sequence[Sequence[int]]) -> list[Integers]:
    """Coefficients (rows, columns, 8, 8) of each component, of the given rows and columns of blocks."""
    require(len(content) % 4 == 0 and len(content) >= 8, "length of the code")
    decoder = Decoder([int(word) for word in np.frombuffer(content, "<u4")])
    found: list[Integers] = []
    before: Integers | None = None  # the magnitudes of component 1
    for number, ((rows, columns), quantisers) in enumerate(zip(sizes, steps, strict=True)):
        q = np.array(quantisers, np.int64).reshape(8, 8)
        component = _Component(decoder, rows, columns, q)
        usable = number == 2 and before is not None and before.shape == component.magnitudes.shape
        component.read_magnitudes(3 * (number > 0), before if usable else None)
        component.read_signs()
        component.read_dc()
        before = component.magnitudes
        found.append(component.values)
    require(decoder.state == (1 << 32) + 1 and not decoder.stack, "a stream that does not end")
    return found


class _Component:
    """One component while it is being read: `values` (rows, columns, 8, 8), `magnitudes` M with a margin of zeros."""

    def __init__(self, decoder: Decoder, rows: int, columns: int, q: Integers) -> None:
        self.decoder, self.rows, self.columns, self.q = decoder, rows, columns, q
        self.values = np.zeros((rows, columns, 8, 8), np.int64)
        self.magnitudes = np.zeros((rows + 2, columns + 2, 10, 10), np.int64)  # a block around, two frequencies behind

    def numbers(self, contexts: list[int], table_set: int) -> list[int]:
        """The numbers of a pass, in its order."""
        order = sorted(range(len(contexts)), key=contexts.__getitem__)
        symbols = {k: self.decoder.table(tables()[table_set][contexts[k]]) for k in order}
        found = [symbols[k] for k in range(len(contexts))]
        for n in range(3, 17):
            for k in order:
                if symbols[k] == 13 + n:
                    found[k] = 8 + (1 << n) + self.decoder.uniform(1 << n)
        return found

    def signs(self, numbers: list[int]) -> list[int]:
        """Numbers with their signs, one symbol for each that is not 0."""
        return [-n if n and self.decoder.uniform(2) else n for n in numbers]

    def read_magnitudes(self, first_set: int, other: Integers | None) -> None:
        """Absolute values of all but DC."""
        blocks = [(i, j) for i in range(self.rows) for j in range(self.columns)]
        for n in range(14, 0, -1):
            for parity in (0, 1):
                sites = [
                    (i, j, u, n - u)
                    for u in range(8)
                    if 0 <= n - u < 8
                    for i, j in blocks
                    if (i + j) % 2 == parity
                ]  # fmt: skip
                contexts = [self._context(*site, parity, other) for site in sites]
                sizes = self.numbers(contexts, first_set + (0 if n == 1 else 1 if n <= 3 else 2))
                for (i, j, u, v), size in zip(sites, sizes, strict=True):
                    require(size <= -SMALLEST, "a coefficient out of range")
                    step = int(self.q[u, v])
                    self.values[i, j, u, v] = size
                    self.magnitudes[i + 1, j + 1, u, v] = min(size, (1 << 20) // step) * step

    def _context(self, i: int, j: int, u: int, v: int, parity: int, other: Integers | None) -> int:
        around = self.magnitudes
        m = around[i + 1, j + 1, u : u + 3, v : v + 3]
        beside = [around[i + 1 + y, j + 1 + x, u : u + 2, v : v + 2] for y, x in ((-1, 0), (1, 0), (0, -1), (0, 1))]
        a = np.sum(beside, axis=0)
        expected = 4 * (m[1, 0] + m[0, 1]) + 3 * (m[1, 1] + m[2, 0] + m[0, 2]) + m[2, 1] + m[1, 2] + a[1, 0] + a[0, 1]
        if parity:
            expected += a[0, 0]
        if other is not None:
            expected = (3 * expected + 28 * other[i + 1, j + 1, u, v]) // 4
        return context_of(int(expected), int(self.q[u, v]))

    def read_signs(self) -> None:
        """Signs of all but DC."""
        for frequency in range(1, 64):
            band = self.values[:, :, frequency // 8, frequency % 8]
            band[:] = np.reshape(self.signs(band.reshape(-1).tolist()), band.shape)

    def read_dc(self) -> None:
        """DC, coarse to fine."""
        self.values[0, 0, 0, 0] = self.decoder.uniform(1 << 16) + SMALLEST
        p = 1
        while 2 * p < max(self.rows, self.columns):
            p *= 2
        while p and max(self.rows, self.columns) > 1:
            self._dc_pass(p, EARLY_DC, crosses=True)
            self._dc_pass(p, LATE_DC if p == 1 else EARLY_DC, crosses=False)
            p //= 2
        require(bool((self.values >= SMALLEST).all() and (self.values <= LARGEST).all()), "a coefficient out of range")

    def _dc_pass(self, p: int, table_set: int, crosses: bool) -> None:
        rests = ((p, p),) if crosses else ((p, 0), (0, p))
        blocks = [(i, j) for i in range(self.rows) for j in range(self.columns) if (i % (2 * p), j % (2 * p)) in rests]
        predictions = [self._predicted(i, j, p, crosses) for i, j in blocks]
        contexts = [context_of(expected, int(self.q[0, 0])) for _, expected in predictions]
        differences = self.signs(self.numbers(contexts, table_set))
        for (i, j), (predicted, _), difference in zip(blocks, predictions, differences, strict=True):
            self.values[i, j, 0, 0] = predicted + difference

    def _predicted(self, i: int, j: int, p: int, crosses: bool) -> tuple[int, int]:
        """The predicted DC of a block, and E."""
        q, own = self.q, self.values[i, j]
        step = int(q[0, 0])
        across, down = int(own[0, 1] * q[0, 1]), int(own[1, 0] * q[1, 0])
        around = [(-1, -1), (-1, 1), (1, -1), (1, 1)] if crosses else [(-1, 0), (1, 0), (0, -1), (0, 1)]
        levels = []
        for a, b in around:
            y, x = i + a * p, j + b * p
            if 0 <= y < self.rows and 0 <= x < self.columns:
                there = self.values[y, x]
                level = int(there[0, 0]) * step
                if p == 1:
                    h, v = int(there[0, 1] * q[0, 1]), int(there[1, 0] * q[1, 0])
                    level += 11 * (b * (h + across) + a * (v + down)) // 8
                levels.append(level)
        k, total = len(levels), sum(levels)
        predicted = min(max((2 * total + k * step) // (2 * k * step), SMALLEST), LARGEST)
        spread = sum(abs(level - total // k) for level in levels) // k
        rest = sum(abs(int(own[u, v] * q[u, v])) for u, v in ((1, 1), (0, 2), (2, 0)))
        activity = abs(across) + abs(down) + rest // 2
        return predicted, 4 * spread + (activity if p == 1 else 2 * activity)


def context_of(expected: int, step: int) -> int:
    """The context of an expected magnitude, in 16ths, and a step."""
    ratio = 4 * expected // step
    return sum(threshold <= ratio for threshold in THRESHOLDS)

"""A second reader of the code of coefficients, written from docs/format.md, section 5.1, with numbers one at a time.

It shares nothing with the program but the file of distributions, which is part of the format.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from flow_reader import END, Stack

Block = list[list[int]]
Grid = list[list[Block]]
Steps = Sequence[Sequence[int]]

LIMITS = [
    2,
    4,
    8,
    12,
    19,
    28,
    42,
    60,
    87,
    124,
    178,
    252,
    359,
    508,
    721,
    1020,
    1445,
    2044,
    2893,
    4092,
    5789,
    8188,
    11582,
]


class CoefficientReader:
    """Reads one stream.

    Args:
        code: the stream.
        tables: the lines of the file of distributions, as numbers.
    """

    def __init__(self, code: bytes, tables: Sequence[Sequence[int]]) -> None:
        self.stack = Stack([int.from_bytes(code[at : at + 4], "little") for at in range(0, len(code), 4)])
        self.cumulative = [[0, *accumulate(256 * count for count in line)] for line in tables]

    def components(self, shapes: Sequence[tuple[int, int]], steps: Sequence[Steps]) -> list[Grid]:
        """Return the coefficients of components of (rows, columns) blocks."""
        found: list[Grid] = []
        before: Grid | None = None
        for number, ((rows, columns), q) in enumerate(zip(shapes, steps, strict=True)):
            grid = [[[[0] * 8 for _ in range(8)] for _ in range(columns)] for _ in range(rows)]
            usable = number == 2 and shapes[1] == shapes[2]
            magnitudes = self._ac(grid, q, before if usable else None, number)
            self._dc(grid, q)
            found.append(grid)
            before = magnitudes
        assert self.stack.state == END
        assert not self.stack.words
        return found

    def _numbers(self, kind: int, contexts: Sequence[int]) -> list[int]:
        order = sorted(range(len(contexts)), key=lambda place: contexts[place])
        symbols = [self.stack.read(self.cumulative[24 * kind + contexts[place]]) for place in order]
        numbers = list(symbols)
        for octave in range(3, 17):
            for place, symbol in enumerate(symbols):
                if symbol == octave + 13:
                    numbers[place] = 8 + (1 << octave) + self.stack.read_uniform(1 << octave)
        result = [0] * len(contexts)
        for place, number in zip(order, numbers, strict=True):
            result[place] = number
        return result

    def _ac(self, grid: Grid, q: Steps, other: Grid | None, component: int) -> Grid:
        rows, columns = len(grid), len(grid[0])
        known = [[[[0] * 8 for _ in range(8)] for _ in range(columns)] for _ in range(rows)]

        def m(i: int, j: int, u: int, v: int) -> int:
            inside = 0 <= i < rows and 0 <= j < columns and u < 8 and v < 8
            return known[i][j][u][v] if inside else 0

        def a(i: int, j: int, u: int, v: int) -> int:
            return m(i - 1, j, u, v) + m(i + 1, j, u, v) + m(i, j - 1, u, v) + m(i, j + 1, u, v)

        for n in range(14, 0, -1):
            kind = (3 if component else 0) + (0 if n == 1 else 1 if n < 4 else 2)
            for odd in (0, 1):
                places = [
                    (i, j, u, n - u)
                    for u in range(max(0, n - 7), min(7, n) + 1)
                    for i in range(rows)
                    for j in range(columns)
                    if (i + j) % 2 == odd
                ]
                contexts = []
                for i, j, u, v in places:
                    e = 4 * (m(i, j, u + 1, v) + m(i, j, u, v + 1))
                    e += 3 * (m(i, j, u + 1, v + 1) + m(i, j, u + 2, v) + m(i, j, u, v + 2))
                    e += m(i, j, u + 2, v + 1) + m(i, j, u + 1, v + 2) + a(i, j, u + 1, v) + a(i, j, u, v + 1)
                    e += a(i, j, u, v) if odd else 0
                    if other is not None:
                        e = (3 * e + 28 * other[i][j][u][v]) // 4
                    contexts.append(context(e, q[u][v]))
                for (i, j, u, v), number in zip(places, self._numbers(kind, contexts), strict=True):
                    grid[i][j][u][v] = number
                    known[i][j][u][v] = min(number, (1 << 20) // q[u][v]) * q[u][v]
        for frequency in range(1, 64):
            u, v = divmod(frequency, 8)
            for row in grid:
                for block in row:
                    if block[u][v] and self.stack.read_uniform(2):
                        block[u][v] = -block[u][v]
        return known

    def _dc(self, grid: Grid, q: Steps) -> None:
        grid[0][0][0][0] = self.stack.read_uniform(1 << 16) - 32768
        for p, sides, places in passes(len(grid), len(grid[0])):
            guessed = [predicted(grid, q, p, sides, place) for place in places]
            kind = 7 if sides and p == 1 else 6
            sizes = self._numbers(kind, [found for _, found in guessed])
            signs = [-1 if size and self.stack.read_uniform(2) else 1 for size in sizes]
            for (i, j), (guess, _), size, sign in zip(places, guessed, sizes, signs, strict=True):
                grid[i][j][0][0] = guess + sign * size


def context(expected: int, step: int) -> int:
    """Return the context of an expected magnitude."""
    return bisect_right(LIMITS, 4 * expected // step)


def passes(rows: int, columns: int) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """Yield (p, whether it is a pass of sides, its blocks)."""
    p = 1
    while 2 * p < max(rows, columns):
        p *= 2
    while p and max(rows, columns) > 1:
        residues = [(i, j, i % (2 * p), j % (2 * p)) for i in range(rows) for j in range(columns)]
        yield p, False, [(i, j) for i, j, a, b in residues if a == b == p]
        yield p, True, [(i, j) for i, j, a, b in residues if {a, b} == {0, p}]
        p //= 2


def predicted(grid: Grid, q: Steps, p: int, sides: bool, place: tuple[int, int]) -> tuple[int, int]:
    """Return what is predicted for a DC coefficient, and the context of the difference."""
    i, j = place
    step = q[0][0]
    directions = ((-1, 0), (1, 0), (0, -1), (0, 1)) if sides else ((-1, -1), (-1, 1), (1, -1), (1, 1))
    block, guesses = grid[i][j], []
    h, v = block[0][1] * q[0][1], block[1][0] * q[1][0]
    for a, b in directions:
        if not (0 <= i + a * p < len(grid) and 0 <= j + b * p < len(grid[0])):
            continue
        beside = grid[i + a * p][j + b * p]
        guess = beside[0][0] * step
        if p == 1:
            guess += 11 * (b * (beside[0][1] * q[0][1] + h) + a * (beside[1][0] * q[1][0] + v)) // 8
        guesses.append(guess)
    k, total = len(guesses), sum(guesses)
    guess = max(-32768, min(32767, (2 * total + k * step) // (2 * k * step)))
    spread = sum(abs(each - total // k) for each in guesses) // k
    second = abs(block[1][1]) * q[1][1] + abs(block[0][2]) * q[0][2] + abs(block[2][0]) * q[2][0]
    activity = abs(h) + abs(v) + second // 2
    return guess, context(4 * spread + (activity if p == 1 else 2 * activity), step)

"""What is expected of a coefficient, from those that are already known: the contexts of `coefficient_code`.

A *magnitude* is the absolute value of a coefficient times its quantiser step, at most 2^20.  A context is the
logarithm of an expected magnitude, in units of the step, by which tables are looked up: two contexts an octave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int32]
Wide = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]

KINDS: Final = 8
"""Sets of distributions: luma and chroma with three ranges of frequencies each, and two for DC."""
CONTEXTS: Final = 24
THRESHOLDS: Final = (
    2, 4, 8, 12, 19, 28, 42, 60, 87, 124, 178, 252, 359, 508, 721, 1020, 1445, 2044, 2893, 4092, 5789, 8188, 11582,
)  # fmt: skip
"""Least expected magnitudes, in 64ths of a step, of contexts 1 to 23: 4 (2^(c / 2) - 1), rounded up."""
_LOG: Final = np.searchsorted(np.array(THRESHOLDS), np.arange(THRESHOLDS[-1] + 1), side="right").astype(np.uint8)

_PAD: Final = 11  # frequencies 8 to 10 do not exist, and count as 0
_MOST: Final = 1 << 20
_SLOPE: Final = 11  # eighths; measured best: 10 to 12.  A linear ramp has 14


@dataclass(frozen=True, slots=True)
class Band:
    """The frequencies of one anti-diagonal of a block: row + column is the same.

    Attributes:
        order: row + column, 1 to 14.
        top: row of the first of them; the others follow downwards.
        count: how many there are.
    """

    order: int
    top: int
    count: int

    @property
    def places(self) -> slice:
        """Positions in a block of 64 coefficients, row by row."""
        start = 8 * self.top + self.order - self.top
        return slice(start, start + 7 * self.count - 6, 7)

    def shifted(self, down: int, right: int) -> slice:
        """Return positions among padded frequencies, ``down`` rows and ``right`` columns away from the band's own."""
        start = _PAD * (self.top + down) + self.order - self.top + right
        return slice(start, start + (_PAD - 1) * (self.count - 1) + 1, _PAD - 1)

    def kind(self, chroma: bool) -> int:
        """Return the set of distributions."""
        return 3 * chroma + (0 if self.order == 1 else 1 if self.order < 4 else 2)


BANDS: Final = tuple(Band(n, max(0, n - 7), min(7, n) - max(0, n - 7) + 1) for n in range(14, 0, -1))
"""In the order in which they are coded."""


class KnownBlocks:
    """The AC magnitudes of a component that are already coded.

    Args:
        shape: rows and columns of blocks.
        beside: the component before, if its magnitudes say something about this one's.
    """

    def __init__(self, shape: tuple[int, int], beside: KnownBlocks | None) -> None:
        rows, columns = self.shape = shape
        self._blocks = np.zeros((_PAD * _PAD, rows + 2, columns + 2), np.int32)  # with a border of empty blocks
        self._around = np.zeros((_PAD * _PAD, rows, columns), np.int32)  # sums over the four blocks beside each
        self._beside = beside

    def add(self, band: Band, values: Integers, steps: Integers) -> None:
        """Note the coefficients of a band.

        Args:
            band: the frequencies.
            values: (frequencies, blocks) absolute values; in blocks that are not coded yet, they have no influence on
                the contexts of these blocks.
            steps: (frequencies,) quantiser steps.
        """
        own = band.shifted(0, 0)
        steps = steps[:, None]
        magnitudes = np.minimum(values, _MOST // steps) * steps
        inner = self._blocks[own, 1:-1, 1:-1]
        inner[:] = magnitudes.reshape(inner.shape)
        self._around[own] = self._sums(own)

    def _sums(self, own: slice) -> Integers:
        blocks = self._blocks[own]
        sums: Integers = blocks[:, :-2, 1:-1] + blocks[:, 2:, 1:-1]
        sums += blocks[:, 1:-1, :-2]
        sums += blocks[:, 1:-1, 2:]
        return sums

    def expected(self, band: Band) -> Integers:
        """Return what the higher frequencies let expect of a band: (frequencies, blocks), 16ths of a magnitude."""
        inner = self._blocks[:, 1:-1, 1:-1]
        found: Integers = inner[band.shifted(1, 1)] + inner[band.shifted(2, 0)]
        found += inner[band.shifted(0, 2)]
        found *= 3
        nearest = inner[band.shifted(1, 0)] + inner[band.shifted(0, 1)]
        nearest *= 4
        for more in (
            nearest, inner[band.shifted(2, 1)], inner[band.shifted(1, 2)],
            self._around[band.shifted(1, 0)], self._around[band.shifted(0, 1)],
        ):  # fmt: skip
            found += more
        return found.reshape(band.count, -1)

    def contexts(
        self, band: Band, expected: Integers, steps: Integers, places: Places, *, odd: bool
    ) -> npt.NDArray[np.uint8]:
        """Return the contexts of a band in some blocks: (frequencies x blocks,).

        Args:
            band: the frequencies.
            expected: as `expected` returns it.
            steps: (frequencies,) quantiser steps.
            places: numbers of the blocks.
            odd: whether the band is already known in the blocks beside them.
        """
        own = band.shifted(0, 0)
        found = expected.take(places, axis=1)
        if odd:
            found += self._around[own].reshape(band.count, -1).take(places, axis=1)
        if self._beside is not None:
            beside = self._beside._blocks[own, 1:-1, 1:-1].reshape(band.count, -1).take(places, axis=1)
            found = (3 * found + 28 * beside) >> 2
        return contexts_of(found, steps[:, None]).reshape(-1)


def contexts_of(expected: npt.NDArray[np.integer], steps: npt.NDArray[np.integer] | int) -> npt.NDArray[np.uint8]:
    """Return contexts, 0 to 23, of expected magnitudes in 16ths."""
    found: npt.NDArray[np.uint8] = _LOG.take(np.minimum((expected << 2) // steps, THRESHOLDS[-1]))
    return found


@dataclass(frozen=True, slots=True)
class DcPass:
    """The DC coefficients that one pass codes, row by row.

    Attributes:
        rows: (n,) of the blocks.
        columns: (n,) of the blocks.
        predicted: (n,) int32, quantised.
        contexts: (n,) of the differences from what is predicted.
        last: whether it is the last pass, whose blocks have all their four neighbours.
    """

    rows: Places
    columns: Places
    predicted: Integers
    contexts: npt.NDArray[np.uint8]
    last: bool

    @property
    def kind(self) -> int:
        """The set of distributions."""
        return KINDS - 1 if self.last else KINDS - 2


def dc_passes(blocks: Integers, steps: Wide) -> Iterator[DcPass]:
    """Yield the passes over the DC coefficients of a component, each between those of the passes before it.

    Args:
        blocks: (rows, columns, 8, 8), AC coefficients and the first DC coefficient known; those of a pass have to be
            set before the next one is asked for.
        steps: (8, 8) quantiser steps.
    """
    rows, columns = blocks.shape[:2]
    texture = _Texture.of(blocks, steps)
    stride = 1 << max(max(rows, columns) - 1, 0).bit_length() >> 1
    down, right = np.arange(rows)[:, None], np.arange(columns)
    while stride:
        odd_row, odd_column = down % (2 * stride) == stride, right % (2 * stride) == stride
        even_row, even_column = down % (2 * stride) == 0, right % (2 * stride) == 0
        crosses = ((-1, -1), (-1, 1), (1, -1), (1, 1)), odd_row & odd_column
        sides = ((-1, 0), (1, 0), (0, -1), (0, 1)), (odd_row & even_column) | (even_row & odd_column)
        for neighbours, chosen in (crosses, sides):
            at, beside = np.nonzero(chosen)
            if at.size:
                last = stride == 1 and neighbours is sides[0]
                yield _dc_pass(blocks, int(steps[0, 0]), texture, (at, beside), stride, neighbours, last=last)
        stride >>= 1


@dataclass(frozen=True, slots=True)
class _Texture:
    """The AC coefficients of all blocks that say something about DC, times their steps: (rows, columns) each.

    Attributes:
        across: slope from left to right; positive if the left half is brighter.
        down: slope from top to bottom; positive if the upper half is brighter.
        activity: size of the lowest frequencies.
    """

    across: Wide
    down: Wide
    activity: Wide

    @classmethod
    def of(cls, blocks: Integers, steps: Wide) -> _Texture:
        across, down = blocks[..., 0, 1] * steps[0, 1], blocks[..., 1, 0] * steps[1, 0]
        second = sum((np.abs(blocks[..., u, v] * steps[u, v]) for u, v in ((1, 1), (0, 2), (2, 0))), np.int64(0))
        return cls(across, down, np.abs(across) + np.abs(down) + (second >> 1))


def _dc_pass(
    blocks: Integers,
    step: int,
    texture: _Texture,
    places: tuple[Places, Places],
    stride: int,
    neighbours: tuple[tuple[int, int], ...],
    *,
    last: bool,
) -> DcPass:
    """Predict each block from its neighbours: their mean, moved along the slopes if they are adjacent."""
    rows, columns = places
    guesses, known = [], []
    for below, beside in neighbours:
        there, across = rows + below * stride, columns + beside * stride
        known.append((there >= 0) & (there < blocks.shape[0]) & (across >= 0) & (across < blocks.shape[1]))
        there, across = there.clip(0, blocks.shape[0] - 1), across.clip(0, blocks.shape[1] - 1)
        guess = blocks[there, across, 0, 0] * np.int64(step)
        if stride == 1:
            slope = beside * (texture.across[there, across] + texture.across[places])
            slope += below * (texture.down[there, across] + texture.down[places])
            guess += (_SLOPE * slope) >> 3
        guesses.append(guess)
    inside, guessed = np.array(known), np.array(guesses)
    count, total = inside.sum(axis=0), (guessed * inside).sum(axis=0)
    predicted = ((2 * total + count * step) // (2 * count * step)).clip(-32768, 32767).astype(np.int32)
    spread = (np.abs(guessed - total // count) * inside).sum(axis=0) // count
    activity = texture.activity[places]
    contexts = contexts_of(4 * spread + activity * (1 if stride == 1 else 2), step)
    return DcPass(rows, columns, predicted, contexts, last)

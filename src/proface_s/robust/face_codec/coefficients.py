"""Numbers of a face <-> symbols: rounding that knows what a bit is worth, and tables that both sides share.

Every component has a level, the logarithm of its deviation; the step has one too; their difference chooses the table.
Levels and tables are whole numbers, so a code means the same symbols on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from .integer_code import PRECISION, IntegerReader, IntegerWriter, SymbolTable

Numbers = npt.NDArray[np.int32]
Values = npt.NDArray[np.float32]

OCTAVE: Final = 16  # levels of a doubling
STEPS: Final = 96  # step levels that a code can name
LEAST_STEP: Final = 8.0  # grey levels in the metric of the bases
LARGEST: Final = 63  # magnitude that a table knows; larger numbers are clipped

_LOWEST: Final = -5 * OCTAVE  # level of a deviation of 1/32 step, which the first table is for
_WIDEST: Final = 3 * OCTAVE - 1  # ... of almost 8 steps, the last table's; beyond it, low bits are coded as they are


def step_of(level: int) -> float:
    """Return the step of a step level 0..`STEPS`-1."""
    return float(LEAST_STEP * 2.0 ** (level / OCTAVE))


@dataclass(frozen=True, eq=False)
class CoefficientCode:
    """The code of a vector of components in the order of their deviations.

    Attributes:
        levels: (n,) int, descending: `OCTAVE` times the binary logarithm of the deviation over `LEAST_STEP`, rounded.
        frequencies: (tables, 2 * LARGEST + 1) of the numbers 0, 1, -1, 2, -2 ...; each row adds up to `TOTAL`.
    """

    levels: npt.NDArray[np.int32]
    frequencies: npt.NDArray[np.int64]

    @cached_property
    def tables(self) -> list[SymbolTable]:
        """The tables, from narrow to wide."""
        return [SymbolTable.of(row) for row in self.frequencies.tolist()]

    @cached_property
    def _costs(self) -> npt.NDArray[np.float32]:
        """Bits of each magnitude 0..LARGEST in each table, the sign included."""
        bits = PRECISION - np.log2(self.frequencies.astype(np.float64))
        return np.concatenate([bits[:, :1], (bits[:, 1::2] + bits[:, 2::2]) / 2], axis=1).astype(np.float32)

    def tables_of(self, step_level: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return each component's table, and how many of its low bits are coded as they are."""
        level = self.levels - step_level
        shift = np.maximum(0, -(-(level - _WIDEST) // OCTAVE))
        return np.clip(level - shift * OCTAVE - _LOWEST, 0, len(self.frequencies) - 1), shift

    def quantise(self, values: Values, step_level: int, worth: float) -> tuple[Numbers, float, float]:
        """Round values so that squared error and length are least together.

        Args:
            values: (n,) components in the unit of `step_of`.
            step_level: 0..`STEPS`-1.
            worth: squared steps that a bit is worth.

        Returns:
            Numbers of steps, (n,); their length in bits; their squared error, in the unit of the values.
        """
        table, shift = self.tables_of(step_level)
        sign = np.sign(values)
        scaled = np.abs(values) / np.float32(step_of(step_level))
        most = (LARGEST << shift).astype(np.float32)
        below = np.minimum(np.floor(scaled), most)
        best, least, length = np.zeros_like(scaled), np.full_like(scaled, np.inf), np.zeros_like(scaled)
        for tried in (np.zeros_like(scaled), below, np.minimum(below + 1, most)):
            magnitude = np.abs((sign * tried).astype(np.int32) >> shift)
            bits = self._costs[table, magnitude] + shift
            cost = (scaled - tried) ** 2 + np.float32(worth) * bits
            better = cost < least
            best, least, length = (
                np.where(better, tried, best), np.where(better, cost, least), np.where(better, bits, length)
            )  # fmt: skip
        error = float(((scaled - best) ** 2).sum()) * step_of(step_level) ** 2
        return (sign * best).astype(np.int32), float(length.sum()), error

    def dequantise(self, numbers: Numbers, step_level: int) -> Values:
        """Return the values of these numbers of steps."""
        return numbers.astype(np.float32) * np.float32(step_of(step_level))

    def write(self, writer: IntegerWriter, numbers: Numbers, step_level: int) -> None:
        """Append numbers to a code; `read` is the inverse."""
        tables = self.tables
        for number, table, shift in zip(numbers.tolist(), *map(list, self._lists(step_level)), strict=True):
            high = number >> shift
            writer.put(tables[table], 2 * high - 1 if high > 0 else -2 * high)
            if shift:
                writer.put_number(1 << shift, number & ((1 << shift) - 1))

    def read(self, reader: IntegerReader, step_level: int) -> Numbers:
        """Read numbers as `write` appended them."""
        tables, found = self.tables, []
        for table, shift in zip(*self._lists(step_level), strict=True):
            symbol = reader.take(tables[table])
            high = (symbol + 1) // 2 if symbol % 2 else -(symbol // 2)
            found.append((high << shift) + (reader.take_number(1 << shift) if shift else 0))
        return np.array(found, np.int32)

    def _lists(self, step_level: int) -> tuple[list[int], list[int]]:
        table, shift = self.tables_of(step_level)
        return table.tolist(), shift.tolist()

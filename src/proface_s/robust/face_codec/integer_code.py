"""Symbols <-> one integer of a fixed number of bytes: asymmetric numeral systems (Duda 2013) without renormalisation.

The state of the coder is a Python integer as long as the code, so nothing is lost to rounding at its ends, a code has
exactly the length that was asked for, and *every* string of bytes can be decoded.  `proface_s.ans` codes in 32-bit
words and spends two of them on its start, which would be 8 % of a code of 100 bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

PRECISION: Final = 16
TOTAL: Final = 1 << PRECISION  # sum of the frequencies of a table


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """Frequencies of the symbols 0, 1, 2 ..., all positive, whose sum is `TOTAL`.

    The most frequent symbol should be the first: at the end of a code it then costs nothing.

    Attributes:
        frequencies: of each symbol.
        starts: sum of the frequencies before each symbol.
    """

    frequencies: tuple[int, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, frequencies: Sequence[int]) -> SymbolTable:
        """Return the table of these frequencies.

        Raises:
            ValueError: if one is not positive, or their sum is not `TOTAL`.
        """
        if sum(frequencies) != TOTAL or min(frequencies) < 1:
            raise ValueError(f"frequencies must be positive and add up to {TOTAL}")
        return cls(tuple(frequencies), tuple(accumulate(frequencies, initial=0))[:-1])


class IntegerWriter:
    """Collects symbols, and writes them so that `IntegerReader` returns them in the same order."""

    def __init__(self) -> None:
        self._steps: list[tuple[SymbolTable | int, int]] = []

    def put(self, table: SymbolTable, symbol: int) -> None:
        """Append a symbol of a table."""
        self._steps.append((table, symbol))

    def put_number(self, size: int, number: int) -> None:
        """Append a number 0..size-1, all equally likely."""
        self._steps.append((size, number))

    def to_bytes(self, length: int) -> bytes | None:
        """Return the code in exactly ``length`` bytes, or None if it needs more."""
        state = 0
        for table, symbol in reversed(self._steps):
            if isinstance(table, int):
                state = state * table + symbol
                continue
            frequency = table.frequencies[symbol]
            whole, rest = divmod(state, frequency)
            state = (whole << PRECISION) + table.starts[symbol] + rest
        return None if state.bit_length() > 8 * length else state.to_bytes(length, "big")


class IntegerReader:
    """Reads the symbols of a code in the order in which they were put."""

    def __init__(self, code: bytes) -> None:
        self._state = int.from_bytes(code, "big")

    def take(self, table: SymbolTable) -> int:
        """Return the next symbol, which was put with this table."""
        slot = self._state & (TOTAL - 1)
        symbol = bisect_right(table.starts, slot) - 1
        self._state = (self._state >> PRECISION) * table.frequencies[symbol] + slot - table.starts[symbol]
        return symbol

    def take_number(self, size: int) -> int:
        """Return the next number, which was put with this size."""
        self._state, number = divmod(self._state, size)
        return number

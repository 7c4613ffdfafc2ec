"""Asymmetric numeral systems, from words to symbols (docs/reference/flow.md, section 2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

TOTAL = 1 << 24


class Decoder:
    """Reads symbols from a stack of words.  `state` and `stack` are what is left."""

    def __init__(self, words: Sequence[int]) -> None:
        self.stack = list(words)
        top = self.stack.pop() or 1
        self.state = top << 32 | self.stack.pop()

    def _advance(self, start: int, frequency: int, quantile: int) -> None:
        self.state = frequency * (self.state >> 24) + quantile - start
        if self.state < 1 << 32 and self.stack:
            self.state = self.state << 32 | self.stack.pop()

    def uniform(self, size: int) -> int:
        """A symbol in ``0 .. size - 1``, each equally probable but the last, which gets the rest."""
        quantile = self.state % TOTAL
        share = TOTAL // size
        symbol = min(quantile // share, size - 1)
        end = TOTAL if symbol == size - 1 else (symbol + 1) * share
        self._advance(symbol * share, end - symbol * share, quantile)
        return symbol

    def table(self, cumulative: Sequence[int]) -> int:
        """A symbol under a table: cumulative frequencies from 0 to 2^24."""
        quantile = self.state % TOTAL
        symbol = bisect_right(cumulative, quantile) - 1
        self._advance(cumulative[symbol], cumulative[symbol + 1] - cumulative[symbol], quantile)
        return symbol

    @property
    def intact(self) -> bool:
        """Whether the stream ended as writers end it; call it after the last symbol."""
        return self.state == (1 << 32) + 1 and all(word == 1 for word in self.stack)

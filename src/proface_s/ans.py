"""Symbols <-> 32-bit words: asymmetric numeral systems (Duda 2013), as docs/reference/flow.md, section 2, defines them.

Everything here is integer arithmetic or table look-up, and *any* words can be decoded: damage gives other symbols,
never an error.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import constriction
import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]
Coder = constriction.stream.stack.AnsCoder

TOTAL: Final = 1 << 24  # sum of the frequencies of a model


class Chunk(NamedTuple):
    """Symbols that are coded with one model of the coder: a table's, or a uniform one."""

    symbols: npt.NDArray[np.int32]
    model: object


def encode_symbols(chunks: list[Chunk], words: int | None = None) -> Words | None:
    """Encode chunks so that they are read in the given order, padded to exactly ``words`` words.

    Args:
        chunks: what to encode.
        words: how many words to write; as many as it takes, if None.

    Returns:
        The words; None if the chunks need more than ``words``.
    """
    # Two words make a full coder state, so the words below them are never read: any padding will do.
    coder = Coder(np.ones(2, np.uint32))
    for chunk in reversed(chunks):
        coder.encode_reverse(chunk.symbols, chunk.model)
    coded = np.asarray(coder.get_compressed(), np.uint32)
    if words is None or coded.size == words:
        return coded
    return None if coded.size > words else np.concatenate([np.ones(words - coded.size, np.uint32), coded])


class SymbolReader:
    """Decodes symbols in the order in which `encode_symbols` was given them."""

    def __init__(self, words: Words) -> None:
        words = words.copy()
        if words.size and words[-1] == 0:  # the coder needs a non-zero top; only damage or a wrong key leads to this
            words[-1] = 1
        self._coder = Coder(words)

    def take(self, model: object, count: int) -> npt.NDArray[np.int32]:
        """Decode ``count`` symbols with a model."""
        return self._coder.decode(model, count) if count else np.zeros(0, np.int32)

    def at_start(self) -> bool:
        """Return whether the coder is back where `encode_symbols` began, and only padding is left.

        After the last symbol this holds for words as `encode_symbols` made them, and for changed words by chance at
        most (docs/reference/flow.md, section 2).
        """
        left = self.left()
        return left.size >= 2 and bool((left == 1).all())

    def left(self) -> Words:
        """Return the words that would encode what was not decoded: two of value 1 after all of an unpadded stream."""
        return np.asarray(self._coder.get_compressed(), np.uint32)


def uniform(size: int) -> object:
    """Return the coder's model of a plain number 0..size-1."""
    return constriction.stream.model.Uniform(size)


def with_frequencies(frequencies: npt.NDArray[np.int64]) -> object:
    """Return the coder's model of symbols with these frequencies, on which the code depends and on nothing else.

    The coder library gives every symbol a frequency of 1 and shares the rest out in proportion to weights.  So the
    frequencies less 1, whose sum is that rest, pass through it unchanged.

    Args:
        frequencies: (n,), all positive; their sum is `TOTAL`.
    """
    return constriction.stream.model.Categorical((frequencies - 1).astype(np.float64), perfect=False, lazy=False)


def grouped(labels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], list[tuple[int, int, int]]]:
    """Return positions ordered by label, then ascending, and (label, start, stop) of each label among them."""
    if labels.size == 0:
        return np.zeros(0, np.intp), []
    order = np.argsort(labels, kind="stable")  # a radix sort, for numbers this small
    ordered = labels.take(order)
    edges = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), ordered.size]
    return order, [(int(ordered[start]), start, stop) for start, stop in pairwise(edges)]

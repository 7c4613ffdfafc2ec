"""Quantised values <-> 32-bit words: asymmetric numeral systems (Duda 2013) with one table per scale.

A value far larger than its step is split: its low bits are stored plainly, the rest is coded with a table.  Everything
here is integer arithmetic or table look-up, and *any* words can be decoded: a wrong key gives values, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import constriction
import numpy as np
import numpy.typing as npt

from ...errors import ModelError
from .lattice import Words

Integers = npt.NDArray[np.int64]
Coder = constriction.stream.stack.AnsCoder

BINS_PER_OCTAVE = 8
SMALLEST, LARGEST = -4, 3  # log2 of scale over step: the range of the tables
BINS = (LARGEST - SMALLEST) * BINS_PER_OCTAVE + 1
REACH = 64  # largest magnitude with a symbol of its own
ESCAPE = 2 * REACH + 1  # the last symbol: the value follows plainly
TOTAL = 1 << 24  # sum of the frequencies of a table
RAW = 1 << 20  # number of values that can follow an escape
LARGEST_SHIFT = 20
LOWEST, HIGHEST = SMALLEST * BINS_PER_OCTAVE, (LARGEST + LARGEST_SHIFT) * BINS_PER_OCTAVE  # of log2(scale / step)


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Probabilities of the symbols for each scale, and the bias with which values are reconstructed.

    Attributes:
        models: the coder's, one per bin.
        biases: (BINS,) float64: how far non-zero values are moved towards zero when they are decoded, in steps.
    """

    models: tuple[object, ...]
    biases: npt.NDArray[np.float64]
    _biases_by_ratio: npt.NDArray[np.float64]
    _costs: npt.NDArray[np.float32]

    @classmethod
    def of_counts(cls, counts: npt.NDArray[np.uint32], biases: npt.NDArray[np.float64]) -> Tables:
        """Prepare tables whose counts the coder library turns into frequencies, as `secure-2` has them.

        Args:
            counts: (BINS, ESCAPE + 1), all positive.
            biases: see the class.

        Raises:
            ModelError: if a shape is wrong, or a symbol has no probability.
        """
        _check(counts, biases)
        shares = counts / counts.sum(axis=1, keepdims=True, dtype=np.float64)
        return cls._of(shares, shares, biases)

    @classmethod
    def of_frequencies(cls, frequencies: npt.NDArray[np.int64], biases: npt.NDArray[np.float64]) -> Tables:
        """Prepare tables of integer frequencies, on which the code depends and on nothing else.

        The coder library gives every symbol a frequency of 1 and shares the rest out in proportion to weights.  So the
        frequencies less 1, whose sum is that rest, pass through it unchanged.

        Args:
            frequencies: (BINS, ESCAPE + 1), all positive; each row sums to `TOTAL`.
            biases: see the class.

        Raises:
            ModelError: if a shape or a sum is wrong, or a symbol has no probability.
        """
        _check(frequencies, biases)
        if (frequencies.sum(axis=1) != TOTAL).any():
            raise ModelError("the frequencies of a symbol table have another sum", "reinstall the package")
        return cls._of((frequencies - 1).astype(np.float64), frequencies / TOTAL, biases)

    @classmethod
    def _of(
        cls, weights: npt.NDArray[np.float64], shares: npt.NDArray[np.float64], biases: npt.NDArray[np.float64]
    ) -> Tables:
        make = constriction.stream.model.Categorical
        models = tuple(make(row, perfect=False, lazy=False) for row in weights)
        bins, shifts = bins_and_shifts(np.arange(LOWEST, HIGHEST + 1))
        costs = -np.log2(shares)
        costs[:, ESCAPE] += np.log2(RAW)
        return cls(models, biases, np.where(shifts == 0, biases[bins], 0.0), costs.astype(np.float32))

    def bits(self, coded: Coded) -> float:
        """Return the bits that values take, except for the coder's own few."""
        places = coded.symbols + np.int32(ESCAPE + 1) * coded.bins
        plain = 0 if coded.shifts is None else int(coded.shifts.sum(dtype=np.int64))
        return float(self._costs.take(places).sum(dtype=np.float64)) + plain

    def bias_of(self, log_ratio: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.float64]:
        """Return how far non-zero values of these scales are moved towards zero, in steps; 0 for split values."""
        found: npt.NDArray[np.float64] = self._biases_by_ratio.take(np.clip(log_ratio, LOWEST, HIGHEST) - LOWEST)
        return found


def _check(table: npt.NDArray[np.generic], biases: npt.NDArray[np.float64]) -> None:
    if table.shape != (BINS, ESCAPE + 1) or biases.shape != (BINS,) or int(table.min()) < 1:
        raise ModelError(f"the symbol tables are not usable: {table.shape}", "reinstall the package")


def bins_and_shifts(log_ratio: npt.NDArray[np.signedinteger]) -> tuple[Integers, Integers]:
    """Return table and number of plain low bits for scales, given as log2(scale / step) in eighths of an octave."""
    clipped = np.clip(log_ratio, LOWEST, HIGHEST).astype(np.int64)
    shifts = np.maximum(0, -((LARGEST * BINS_PER_OCTAVE - clipped) // BINS_PER_OCTAVE))
    return clipped - shifts * BINS_PER_OCTAVE - LOWEST, shifts


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Values, split into what the coder stores.

    Attributes:
        bins: (n,) uint8, tables to use.
        symbols: (n,) int32, symbols of these tables.
        escaped: values that are too large for a table.
        shifts: (n,) numbers of plain low bits; None if no value has any.
        low: (n,) plain low bits; None if no value has any.
    """

    bins: npt.NDArray[np.uint8]
    symbols: npt.NDArray[np.int32]
    escaped: npt.NDArray[np.int32]
    shifts: npt.NDArray[np.uint8] | None
    low: npt.NDArray[np.int32] | None

    @classmethod
    def of(cls, values: npt.NDArray[np.int32], log_ratio: npt.NDArray[np.signedinteger]) -> Coded:
        """Split (n,) values of these scales."""
        bins, shifts, plain = _split_scales(log_ratio)
        high = values if plain else values >> shifts
        symbols = high + np.int32(REACH)
        beyond = np.flatnonzero(symbols.view(np.uint32) > 2 * REACH)  # below zero is far above, unsigned
        escaped = np.clip(high.take(beyond) + RAW // 2, 0, RAW - 1).astype(np.int32)
        symbols[beyond] = ESCAPE
        return cls(bins, symbols, escaped, None if plain else shifts, None if plain else values - (high << shifts))


class Chunk(NamedTuple):
    """Symbols that are coded with one model of the coder: a table's, or a uniform one."""

    symbols: npt.NDArray[np.int32]
    model: object


def encode_symbols(chunks: list[Chunk], words: int) -> Words | None:
    """Encode chunks so that they are read in the given order, padded to exactly ``words`` words.

    Returns:
        The words; None if the chunks need more.
    """
    # Two words make a full coder state, so the words below them are never read: any padding will do.
    coder = Coder(np.ones(2, np.uint32))
    for chunk in reversed(chunks):
        coder.encode_reverse(chunk.symbols, chunk.model)
    coded = np.asarray(coder.get_compressed(), np.uint32)
    if coded.size > words:
        return None
    return np.concatenate([np.ones(words - coded.size, np.uint32), coded])


class SymbolReader:
    """Decodes symbols in the order in which `encode_symbols` was given them."""

    def __init__(self, words: Words) -> None:
        words = words.copy()
        if words.size and words[-1] == 0:  # the coder needs a non-zero top; only a wrong key leads to this
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
        return bool((np.asarray(self._coder.get_compressed(), np.uint32) == 1).all())


def uniform(size: int) -> object:
    """Return the coder's model of a plain number 0..size-1."""
    return constriction.stream.model.Uniform(size)


def chunks_of(coded: Coded, tables: Tables) -> list[Chunk]:
    """Return the chunks of values: table by table, then escapes, then plain low bits."""
    order, groups = _groups(coded.bins)
    ordered = coded.symbols.take(order)
    chunks = [Chunk(ordered[start:stop], tables.models[b]) for b, start, stop in groups]
    if coded.escaped.size:
        chunks.append(Chunk(coded.escaped, uniform(RAW)))
    if coded.shifts is not None and coded.low is not None:
        order, groups = _groups(coded.shifts)
        ordered = coded.low.take(order)
        chunks += [Chunk(ordered[start:stop], uniform(1 << shift)) for shift, start, stop in groups if shift]
    return chunks


def decode_values(
    reader: SymbolReader, log_ratio: npt.NDArray[np.signedinteger], tables: Tables
) -> npt.NDArray[np.signedinteger]:
    """Decode values with these scales: the inverse of `Coded.of` and `chunks_of`."""
    bins, shifts, plain = _split_scales(log_ratio)
    order, groups = _groups(bins)
    ordered, high = np.empty(bins.size, np.int32), np.empty(bins.size, np.int32)
    for b, start, stop in groups:
        ordered[start:stop] = reader.take(tables.models[b], stop - start)
    high[order] = ordered
    escaped = np.flatnonzero(high == ESCAPE)
    high -= REACH
    high[escaped] = reader.take(uniform(RAW), escaped.size) - RAW // 2
    if plain:
        return high
    values = high.astype(np.int64) << shifts  # after a wrong key, any number is possible
    order, groups = _groups(shifts)
    for shift, start, stop in groups:
        if shift:
            values[order[start:stop]] += reader.take(uniform(1 << shift), stop - start)
    return values


def _split_scales(
    log_ratio: npt.NDArray[np.signedinteger],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], bool]:
    """Return `bins_and_shifts` by look-up, and whether all shifts are zero."""
    places = np.clip(log_ratio, LOWEST, HIGHEST) - LOWEST
    plain = places.size == 0 or int(places.max()) <= (LARGEST - SMALLEST) * BINS_PER_OCTAVE
    return _BINS.take(places), _SHIFTS.take(places), plain


_BINS, _SHIFTS = (found.astype(np.uint8) for found in bins_and_shifts(np.arange(LOWEST, HIGHEST + 1)))


def _groups(labels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], list[tuple[int, int, int]]]:
    """Return positions ordered by label, then ascending, and (label, start, stop) of each label among them."""
    if labels.size == 0:
        return np.zeros(0, np.intp), []
    order = np.argsort(labels, kind="stable")  # a radix sort, for numbers this small
    ordered = labels.take(order)
    edges = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), ordered.size]
    return order, [(int(ordered[start]), start, stop) for start, stop in pairwise(edges)]

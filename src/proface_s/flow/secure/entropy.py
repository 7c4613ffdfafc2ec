"""Quantised values <-> 32-bit words: asymmetric numeral systems (Duda 2013) with one table per scale.

A value far larger than its step is split: its low bits are stored plainly, the rest is coded with a table.  Everything
here is integer arithmetic or table look-up, and *any* words can be decoded: a wrong key gives values, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import constriction
import numpy as np
import numpy.typing as npt

from ...ans import TOTAL, Chunk, SymbolReader, grouped, uniform
from ...errors import ModelError

Integers = npt.NDArray[np.int64]

BINS_PER_OCTAVE = 8
SMALLEST, LARGEST = -4, 3  # log2 of scale over step: the range of the tables
BINS = (LARGEST - SMALLEST) * BINS_PER_OCTAVE + 1
REACH = 64  # largest magnitude with a symbol of its own
ESCAPE = 2 * REACH + 1  # the last symbol: the value follows plainly
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
            raise ModelError("the frequencies of a symbol table have another sum", code="damaged-model")
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
        raise ModelError(f"the symbol tables are not usable: {table.shape}", code="damaged-model")


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


def chunks_of(coded: Coded, tables: Tables) -> list[Chunk]:
    """Return the chunks of values: table by table, then escapes, then plain low bits."""
    order, groups = grouped(coded.bins)
    ordered = coded.symbols.take(order)
    chunks = [Chunk(ordered[start:stop], tables.models[b]) for b, start, stop in groups]
    if coded.escaped.size:
        chunks.append(Chunk(coded.escaped, uniform(RAW)))
    if coded.shifts is not None and coded.low is not None:
        order, groups = grouped(coded.shifts)
        ordered = coded.low.take(order)
        chunks += [Chunk(ordered[start:stop], uniform(1 << shift)) for shift, start, stop in groups if shift]
    return chunks


def decode_values(
    reader: SymbolReader, log_ratio: npt.NDArray[np.signedinteger], tables: Tables
) -> npt.NDArray[np.signedinteger]:
    """Decode values with these scales: the inverse of `Coded.of` and `chunks_of`."""
    bins, shifts, plain = _split_scales(log_ratio)
    order, groups = grouped(bins)
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
    order, groups = grouped(shifts)
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

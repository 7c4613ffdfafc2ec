"""The face as words: a conditional flow over Haar bands, coarse to fine, and back.

::

    original ─ opponent colours ─ Haar pyramid ─► coarsest low band, plain
                                               └► details, level by level, stage by stage:
                                                    value = (detail - shift) / step, rounded;
                                                    shift, scale = coupling(known)
                                                    coded with as many bits as the scale makes it cost

The step is one number for the whole face, chosen so that the code just fills the room it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..types import UInt8Image
from .digits import Words
from .haar import LOW_RANGES, Float64, depth_for, from_opponent, merge, sizes, split, to_opponent
from .prior import STAGES, Prior, stage_bands, stage_sites
from .symbols import Chunk, Reader, Tables, bins_and_shifts, chunks_of, push_all, take_values, uniform

STEPS = 160  # log2 of the step in sixteenths of an octave, from FINEST on
FINEST = -16
GRID = 1024.0  # decoded bands are multiples of 1/GRID of a grey level: sums of them are exact
SLACK = 0.03  # bits per sample that may stay unused before a finer step is tried
COARSE_BITS = 480  # what the coarsest band takes, for a first guess
SAMPLE = 1500  # residuals of a stage that the forecast of another step is made from
TRIES = 6

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """Compresses a region into exactly the words it is given, and expands any words into a region."""

    prior: Prior
    tables: Tables
    lean: float = 0.06  # how far the writer's rounding leans towards zero, in steps

    def compress(self, original: UInt8Image, words: int) -> Words:
        """(H, W, 3) uint8 RGB -> ``words`` 32-bit words; more words give a better picture.

        Raises:
            ValueError: too few words for the coarsest possible picture of that size.
        """
        return self._fitted(_Source.of(original), words)

    def step_of(self, words: Words) -> float:
        """Log2 of the quantiser step that words were coded with, grey levels of orthonormal coefficients."""
        return (int(Reader(words).take(uniform(STEPS), 1)[0]) + FINEST) / 16

    def residuals(self, original: UInt8Image, words: int) -> list[tuple[Float64, Integers]]:
        """What `compress` rounds and codes, stage by stage: residuals in steps, and their log2 scales in eighths."""
        source = _Source.of(original)
        index = round(16 * self.step_of(self._fitted(source, words))) - FINEST
        return self._trace(source, index, sample=1 << 60).parts

    def _fitted(self, source: _Source, words: int) -> Words:
        """The finest code that fits the words, by forecasts from one try to the next."""
        index, low, high = _first_guess(source, words), -1, STEPS
        best: Words | None = None
        height, width = source.shapes[0]
        for _ in range(TRIES):
            trace = self._trace(source, index)
            packed = push_all(trace.chunks, words)
            if packed is not None:
                high, best = index, packed
                if trace.bits > 32 * words - SLACK * 3 * height * width or high - low <= 1:
                    break
            else:
                low = index
                if high - low <= 1 and best is not None:
                    break
            index = int(np.clip(trace.step_for(32.0 * words - 64), low + 1, high - 1))
        while best is None:  # hardly ever: the guesses were all too fine
            high = min(STEPS - 1, high + 8) if high < STEPS else min(STEPS - 1, index + 8)
            best = push_all(self._trace(source, high).chunks, words)
            if best is None and high == STEPS - 1:
                raise ValueError(f"{words} words are too few for {width}x{height} pixels")
        return best

    def expand(self, words: Words, height: int, width: int) -> Float64:
        """Inverse of `compress`: (H, W, 3) RGB in grey levels, neither rounded nor clipped."""
        reader = Reader(words)
        index = int(reader.take(uniform(STEPS), 1)[0])
        depth = depth_for(height, width)
        shapes = sizes(height, width, depth)
        step = _step(index, depth)
        known = np.stack([
            reader.take(uniform(_low_symbols(span, step)), shapes[depth][0] * shapes[depth][1]) * step + span[0]
            for span in LOW_RANGES
        ]).reshape(3, *shapes[depth])
        known = _on_grid(known)
        for level in range(depth, 0, -1):
            decoded = np.zeros((9, *shapes[level]))
            for stage in range(STAGES):
                shift, ratio, sites = self._predict(stage, known, decoded, index, level)
                values = take_values(reader, ratio[sites], self.tables)
                self._place(decoded, stage, sites, shift[sites], ratio[sites], values, _step(index, level))
            known = merge(known, decoded.reshape(3, 3, *shapes[level]), shapes[level - 1])
        return from_opponent(known)

    def _trace(self, source: _Source, index: int, sample: int = SAMPLE) -> _Trace:
        """Quantise a source at a step: what `expand` will read, in its order; ``sample`` residuals are kept a stage."""
        depth = len(source.details)
        step = _step(index, depth)
        trace = _Trace(index, [Chunk(np.array([index], np.int32), uniform(STEPS))])
        planes = []
        for plane, span in zip(source.low, LOW_RANGES, strict=True):
            count = _low_symbols(span, step)
            symbols = np.clip(np.rint((plane - span[0]) / step), 0, count - 1)
            trace.add_plain(Chunk(symbols.ravel().astype(np.int32), uniform(count)), count)
            planes.append(symbols * step + span[0])
        known = _on_grid(np.stack(planes))
        for level in range(depth, 0, -1):
            details = source.details[level - 1].reshape(9, *known.shape[1:])
            step, decoded = _step(index, level), np.zeros_like(details)
            for stage in range(STAGES):
                shift, ratio, sites = self._predict(stage, known, decoded, index, level)
                residual = (details[stage_bands(stage)] - shift)[sites] / step
                values = (np.sign(residual) * np.floor(np.abs(residual) + (0.5 - self.lean))).astype(np.int64)
                trace.chunks += chunks_of(values, ratio[sites], self.tables)
                trace.keep(residual, ratio[sites], sample)
                self._place(decoded, stage, sites, shift[sites], ratio[sites], values, step)
            known = merge(known, decoded.reshape(3, 3, *known.shape[1:]), source.shapes[level - 1])
        return trace

    def _predict(
        self, stage: int, known: Float64, decoded: Float64, index: int, level: int
    ) -> tuple[Float64, Integers, npt.NDArray[np.bool_]]:
        """Shifts, log2(scale / step) in eighths of an octave, and the sites of a stage."""
        log_step = index + FINEST - 16 * level
        shift, scale = self.prior.predict(stage, known, decoded, log_step)
        return shift, scale - (log_step >> 1), stage_sites(stage, *known.shape[1:])

    def _place(
        self, decoded: Float64, stage: int, sites: npt.NDArray[np.bool_], shift: Float64, ratio: Integers,
        values: Integers, step: float,
    ) -> None:
        """Put decoded values at their sites, each drawn towards its shift by what its table has learned."""
        bins, shifts = bins_and_shifts(ratio)
        pull = np.where(shifts == 0, self.tables.pulls[bins], 0.0)
        decoded[stage_bands(stage)][sites] = _on_grid(shift + (values - np.sign(values) * pull) * step)


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """The Haar pyramid of an original: sizes and details by level, finest first, and the coarsest low band."""

    shapes: list[tuple[int, int]]
    details: list[Float64]
    low: Float64

    @classmethod
    def of(cls, original: UInt8Image) -> _Source:
        height, width = original.shape[:2]
        depth, details, low = depth_for(height, width), [], to_opponent(original)
        for _ in range(depth):
            low, fine = split(low)
            details.append(fine)
        return cls(sizes(height, width, depth), details, low)


@dataclass(slots=True, eq=False)
class _Trace:
    """Everything a source costs at one step, and a forecast of what it would cost at another."""

    index: int
    chunks: list[Chunk]
    plain: float = 0.0
    parts: list[tuple[Float64, Integers]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def add_plain(self, chunk: Chunk, alphabet: int) -> None:
        self.chunks.append(chunk)
        self.plain += chunk.symbols.size * float(np.log2(alphabet))

    def keep(self, residual: Float64, ratio: Integers, sample: int) -> None:
        """Remember a stage's residuals, or a regular sample of them, for the forecast."""
        stride = max(1, residual.size // sample)
        self.parts.append((residual[::stride].copy(), ratio[::stride].copy()))
        self.sizes.append(residual.size)

    @property
    def bits(self) -> float:
        """What it costs at its own step, nearly."""
        return self._cost(0)

    def step_for(self, bits: float) -> int:
        """The finest step at which it should cost no more, other things being equal."""
        moves = np.arange(-48, 49)
        low, high = 0, moves.size - 1
        while low < high:
            middle = (low + high) // 2
            if self._cost(int(moves[middle])) <= bits:
                high = middle
            else:
                low = middle + 1
        return self.index + int(moves[low])

    def _cost(self, move: int) -> float:
        """Bits if the step were ``move`` sixteenths of an octave larger, every table taken for a logistic one."""
        total, factor = self.plain, 2.0 ** (-move / 16)
        for (residual, ratio), size in zip(self.parts, self.sizes, strict=True):
            if not size:
                continue
            r, inverse = residual * factor, 2.0 ** -(np.clip(ratio / 8 - move / 16, -4, 23))
            upper, lower = (np.abs(r) - 0.5) * inverse, (np.abs(r) + 0.5) * inverse
            nats = np.logaddexp(0, upper) + np.logaddexp(0, -lower) - np.log(-np.expm1(-inverse))
            total += float(nats.sum()) / np.log(2) * (size / r.size)
        return total


def _first_guess(source: _Source, words: int) -> int:
    """A step from the mean size of the details alone."""
    spread = [np.log2(np.abs(d).mean() * 2.0 ** (level + 1) + 0.05) * d.size for level, d in enumerate(source.details)]
    mean = sum(spread) / sum(d.size for d in source.details)
    rate = (32 * words - COARSE_BITS) / sum(d.size for d in source.details)
    return int(np.clip(round(16 * (mean + 0.7 - rate)) - FINEST, 0, STEPS - 1))


def _step(index: int, level: int) -> float:
    """Quantiser step of a level in the mean domain, grey levels; a multiple of 2^-26 on every machine."""
    return float(np.rint(2.0 ** ((index + FINEST) / 16) * 2**16) / 2.0 ** (16 + level))


def _low_symbols(span: tuple[float, float], step: float) -> int:
    return int((span[1] - span[0]) / step) + 2


def _on_grid(values: Float64) -> Float64:
    return np.rint(values * GRID) / GRID

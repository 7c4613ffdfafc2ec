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

from ...types import FloatArray, UInt8Image
from . import rate_forecast
from .couplings import STAGES, Level, Prior, Sites, stage_bands
from .entropy import Chunk, Coded, Reader, Tables, chunks_of, push_all, take_values, uniform
from .haar import LOW_RANGES, Float64, depth_for, from_opponent, merge, sizes, split, to_opponent
from .lattice import Words

STEPS = 160  # log2 of the step in sixteenths of an octave, from FINEST on
FINEST = -16
GRID = 1024.0  # decoded bands are multiples of 1/GRID of a grey level: sums of them are exact
SPARE_BITS = 40  # what the coder takes for itself, at least
SAMPLE = 1500  # residuals of a stage that the forecast of another step is made from
TRIES = 6
AIM = 1.5  # sixteenths of an octave that the first try is coarser than foretold: too fine fits never, too coarse often

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """Compresses a region into exactly the words it is given, and expands any words into a region."""

    prior: Prior
    tables: Tables
    first: rate_forecast.Weights = field(default_factory=rate_forecast.anywhere)
    lean: float = 0.06  # how far the writer's rounding leans towards zero, in steps
    slack: float = 0.12  # bits per sample that may stay unused before a finer step is tried

    def compress(self, original: UInt8Image, words: int) -> Words:
        """(H, W, 3) uint8 RGB -> ``words`` 32-bit words; more words give a better picture.

        Raises:
            ValueError: too few words for the coarsest possible picture of that size.
        """
        return self._fitted(_Source.of(original), words)

    def step_of(self, words: Words) -> float:
        """Log2 of the quantiser step that words were coded with, grey levels of orthonormal coefficients."""
        return (int(Reader(words).take(uniform(STEPS), 1)[0]) + FINEST) / 16

    def foretold_by(self, original: UInt8Image, words: int) -> tuple[rate_forecast.Weights, int]:
        """What the first step is foretold from, and the step, as its number, that it took."""
        source = _Source.of(original)
        index = round(16 * self.step_of(self._fitted(source, words))) - FINEST
        return source.features(words), index

    def residuals(self, original: UInt8Image, words: int) -> list[tuple[Float64, Integers]]:
        """What `compress` rounds and codes, stage by stage: residuals in steps, and their log2 scales in eighths."""
        source = _Source.of(original)
        index = round(16 * self.step_of(self._fitted(source, words))) - FINEST
        parts = self._trace(source, index, sample=1 << 60).parts
        return [(residual.astype(np.float64), ratio.astype(np.int32)) for residual, ratio, _ in parts]

    def _fitted(self, source: _Source, words: int) -> Words:
        """The finest code that fits the words, by forecasts from one try to the next."""
        index = int(np.clip(round(float(source.features(words) @ self.first) + AIM), 0, STEPS - 1))
        low, high = -1, STEPS
        height, width = source.shapes[0]
        room, slack = 32.0 * words - SPARE_BITS, self.slack * 3 * height * width
        best: _Trace | None = None
        for _ in range(TRIES):
            trace = self._trace(source, index)
            bits = trace.bits(self.tables)
            if bits > room:
                low = index
            else:
                high, best = index, trace
            if room - slack < bits <= room or high - low <= 1:
                break
            index = int(np.clip(trace.step_for(room, bits), low + 1, high - 1))
        packed = push_all(best.chunks(self.tables), words) if best else None
        coarser = 1
        while packed is None:  # hardly ever: it was a few bits too much, or the guesses were all too fine
            index = min(STEPS - 1, max(index, low) + coarser)
            packed = push_all(self._trace(source, index).chunks(self.tables), words)
            coarser *= 2
            if packed is None and index == STEPS - 1:
                raise ValueError(f"{words} words are too few for {width}x{height} pixels")
        return packed

    def expand(self, words: Words, height: int, width: int) -> Float64:
        """Inverse of `compress`: (H, W, 3) RGB in grey levels, neither rounded nor clipped."""
        return self.expand_checked(words, height, width)[0]

    def expand_checked(self, words: Words, height: int, width: int) -> tuple[Float64, bool]:
        """Return what `expand` returns, and whether the words are as `compress` made them."""
        reader = Reader(words)
        index = int(reader.take(uniform(STEPS), 1)[0])
        depth = depth_for(height, width)
        shapes = sizes(height, width, depth)
        step = _step(index, depth)
        known = np.stack(
            [
                reader.take(uniform(_low_symbols(span, step)), shapes[depth][0] * shapes[depth][1]) * step + span[0]
                for span in LOW_RANGES
            ]
        ).reshape(3, *shapes[depth])
        known = _on_grid(known)
        for number in range(depth, 0, -1):
            level = self.prior.level(known, _log_step(index, number))
            decoded = np.zeros((9, *shapes[number]))
            for stage in range(STAGES):
                sites, shift, ratio = self._predict(level, stage, decoded, _log_step(index, number))
                values = take_values(reader, ratio, self.tables)
                self._place(decoded, stage, sites, shift, ratio, values, _step(index, number))
            known = merge(known, decoded.reshape(3, 3, *shapes[number]), shapes[number - 1])
        return from_opponent(known), reader.at_start()

    def _trace(self, source: _Source, index: int, sample: int = SAMPLE) -> _Trace:
        """Quantise a source at a step: what `expand` will read, in its order; ``sample`` residuals are kept a stage."""
        depth = len(source.details)
        step = _step(index, depth)
        trace = _Trace(index, sample)
        planes = []
        for plane, span in zip(source.lows[-1], LOW_RANGES, strict=True):
            count = _low_symbols(span, step)
            symbols = np.clip(np.rint((plane - span[0]) / step), 0, count - 1)
            trace.add_plain(symbols.ravel().astype(np.int32), count)
            planes.append(symbols * step + span[0])
        known = _on_grid(np.stack(planes))
        for number in range(depth, 0, -1):
            level = self.prior.level(known, _log_step(index, number))
            details = source.details[number - 1].reshape(9, *known.shape[1:])
            step, decoded = _step(index, number), np.zeros_like(details)
            for stage in range(STAGES):
                sites, shift, ratio = self._predict(level, stage, decoded, _log_step(index, number))
                residual = (details[stage_bands(stage)].ravel().take(sites) - shift) / step
                values = np.copysign(np.floor(np.abs(residual) + (0.5 - self.lean)), residual).astype(np.int32)
                trace.add(residual, ratio, values)
                self._place(decoded, stage, sites, shift, ratio, values, step)
            known = merge(known, decoded.reshape(3, 3, *known.shape[1:]), source.shapes[number - 1])
        return trace

    def _predict(self, level: Level, stage: int, decoded: Float64, log_step: int) -> tuple[Sites, Float64, Integers]:
        """The sites of a stage, their shifts, and log2(scale / step) in eighths of an octave."""
        sites = level.sites(stage)
        shift, scale = level.predict(stage, decoded, sites)
        return sites, shift, scale - (log_step >> 1)

    def _place(
        self, decoded: Float64, stage: int, sites: Sites, shift: Float64, ratio: Integers, values: Integers, step: float
    ) -> None:
        """Put decoded values at their sites, each drawn towards its shift by what its table has learned."""
        places = decoded[stage_bands(stage)].reshape(-1)  # a view: bands are contiguous
        pull = self.tables.pull(ratio)
        pull *= np.sign(values)
        found = values - pull
        found *= step
        found += shift
        places[sites] = _on_grid(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """The Haar pyramid of an original: sizes, low bands and details by level, finest first."""

    shapes: list[tuple[int, int]]
    lows: list[Float64]
    details: list[Float64]

    @classmethod
    def of(cls, original: UInt8Image) -> _Source:
        height, width = original.shape[:2]
        depth, lows, details = depth_for(height, width), [], []
        low = to_opponent(original)
        for _ in range(depth):
            low, fine = split(low)
            lows.append(low)
            details.append(fine)
        return cls(sizes(height, width, depth), lows, details)

    def features(self, words: int) -> rate_forecast.Weights:
        height, width = self.shapes[0]
        rate = (32.0 * words - SPARE_BITS) / (3 * height * width)
        return rate_forecast.features(self.lows[0], self.details[0], rate)


@dataclass(slots=True, eq=False)
class _Trace:
    """What a source becomes at one step, what that costs, and a forecast of what it would cost at another.

    Attributes:
        index: the step.
        sample: residuals of a stage that the forecast is made from.
    """

    index: int
    sample: int
    plain: list[Chunk] = field(default_factory=list)
    plain_bits: float = 0.0
    coded: list[Coded] = field(default_factory=list)
    parts: list[tuple[FloatArray, FloatArray, FloatArray]] = field(default_factory=list)
    samples: int = 0

    def add_plain(self, symbols: npt.NDArray[np.int32], alphabet: int) -> None:
        self.plain.append(Chunk(symbols, uniform(alphabet)))
        self.plain_bits += symbols.size * float(np.log2(alphabet))

    def add(self, residual: Float64, ratio: Integers, values: Integers) -> None:
        """A stage: what is to be coded, and a regular sample of its residuals for the forecast."""
        self.coded.append(Coded.of(values, ratio))
        stride = max(1, residual.size // self.sample)
        kept = residual[::stride].astype(np.float32)
        weight = np.full(kept.size, residual.size / max(1, kept.size), np.float32)
        self.parts.append((kept, ratio[::stride].astype(np.float32), weight))
        self.samples += residual.size

    def chunks(self, tables: Tables) -> list[Chunk]:
        """For the coder, in the reader's order."""
        found = [Chunk(np.array([self.index], np.int32), uniform(STEPS)), *self.plain]
        for coded in self.coded:
            found += chunks_of(coded, tables)
        return found

    def bits(self, tables: Tables) -> float:
        """What it costs at its own step, but for the coder's own few bits."""
        return self.plain_bits + sum(tables.bits(coded) for coded in self.coded)

    def step_for(self, room: float, bits: float) -> int:
        """The finest step at which it should cost no more than ``room``, given what it costs at its own."""
        own = self._logistic_bits(0)
        room += own - bits
        move = int(np.clip(round(16 * (own - room) / self.samples), -48, 48))
        while move < 48 and self._logistic_bits(move) > room:
            move += 1
        while move > -48 and self._logistic_bits(move - 1) <= room:
            move -= 1
        return self.index + move

    def _logistic_bits(self, move: int) -> float:
        """Bits if the step were ``move`` sixteenths of an octave larger, every table taken for a logistic one."""
        residual, ratio, weight = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        r = np.abs(residual) * np.float32(2.0 ** (-move / 16))
        inverse = np.exp2(-np.clip(ratio / 8 - np.float32(move / 16), -4, 23))
        nats = np.logaddexp(0, (r - 0.5) * inverse) + np.logaddexp(0, (r + 0.5) * -inverse)
        nats -= np.log(-np.expm1(-inverse))
        return float(np.dot(nats, weight)) / float(np.log(2))


def _step(index: int, level: int) -> float:
    """Quantiser step of a level in the mean domain, grey levels; a multiple of 2^-26 on every machine."""
    return float(np.rint(2.0 ** ((index + FINEST) / 16) * 2**16) / 2.0 ** (16 + level))


def _log_step(index: int, level: int) -> int:
    """Log2 of the quantiser step of a level in the mean domain, sixteenths of an octave."""
    return index + FINEST - 16 * level


def _low_symbols(span: tuple[float, float], step: float) -> int:
    return int((span[1] - span[0]) / step) + 2


def _on_grid(values: Float64) -> Float64:
    scaled = values * GRID
    np.rint(scaled, out=scaled)
    scaled *= 1 / GRID  # a power of two: exact
    return scaled

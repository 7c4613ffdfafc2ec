"""Faces <-> words: a conditional flow over Haar bands, coarse to fine.

::

    original ─ opponent colours ─ Haar pyramid ─► coarsest low band, plain
                                               └► details, level by level, stage by stage:
                                                    value = (detail - shift) / step, rounded;
                                                    shift, scale = coupling(known)
                                                    coded with the table for scale / step

The step is one number for the whole face, chosen so that the code just fills the words it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...types import FloatArray, UInt8Image
from . import rate_forecast
from .couplings import STAGES, Couplings, Level, Sites, stage_bands
from .entropy import Chunk, Coded, SymbolReader, Tables, chunks_of, decode_values, encode_symbols, uniform
from .haar import LOW_RANGES, Float64, depth_for, from_opponent, merge, sizes, split, to_opponent
from .lattice import Words

ROUNDING_BIAS = 0.06  # of the writer's rounding, towards zero, in steps
STEPS = 160  # log2 of the step in sixteenths of an octave, from FINEST on
FINEST = -16
GRID = 1024.0  # decoded bands are multiples of 1/GRID of a grey level: sums of them are exact
SPARE_BITS = 40  # bits that the coder takes for itself, at least
SAMPLE = 1500  # residuals per stage from which the cost of another step is predicted
TRIES = 6
MARGIN = 1.5  # steps that the first try is coarser than predicted: too fine never fits, too coarse often does

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class FaceCoder:
    """Compresses a region into exactly the words it is given, and expands any words into a region."""

    couplings: Couplings
    tables: Tables
    forecast: rate_forecast.ForecastWeights = field(default_factory=rate_forecast.middle_forecast)
    rounding_bias: float = ROUNDING_BIAS
    slack: float = 0.12  # bits per sample that may stay unused before a finer step is tried

    def compress(self, original: UInt8Image, words: int) -> Words:
        """Compress (H, W, 3) uint8 RGB into ``words`` 32-bit words; more words give a better picture.

        Raises:
            ValueError: if the words are too few for the coarsest picture of that size.
        """
        return self._fitted(_Source.of(original), words)

    def step_of(self, words: Words) -> float:
        """Return log2 of the quantiser step of words, in grey levels of orthonormal coefficients."""
        return (int(SymbolReader(words).take(uniform(STEPS), 1)[0]) + FINEST) / 16

    def forecast_case(self, original: UInt8Image, words: int) -> tuple[rate_forecast.ForecastWeights, int]:
        """Return a case for fitting the rate forecast: its features, and the number of the step that was used."""
        source = _Source.of(original)
        index = round(16 * self.step_of(self._fitted(source, words))) - FINEST
        return source.features(words), index

    def residuals(self, original: UInt8Image, words: int) -> list[tuple[Float64, Integers]]:
        """Return the residuals that `compress` rounds, in steps, and their log2 scales in eighths, stage by stage."""
        source = _Source.of(original)
        index = round(16 * self.step_of(self._fitted(source, words))) - FINEST
        parts = self._trace(source, index, sample=1 << 60).parts
        return [(residual.astype(np.float64), ratio.astype(np.int32)) for residual, ratio, _ in parts]

    def _fitted(self, source: _Source, words: int) -> Words:
        """Return the finest code that fits the words; each try predicts the step of the next."""
        index = int(np.clip(round(float(source.features(words) @ self.forecast) + MARGIN), 0, STEPS - 1))
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
        packed = encode_symbols(best.chunks(self.tables), words) if best else None
        coarser = 1
        while packed is None:  # rarely: it was a few bits too long, or all tries were too fine
            index = min(STEPS - 1, max(index, low) + coarser)
            packed = encode_symbols(self._trace(source, index).chunks(self.tables), words)
            coarser *= 2
            if packed is None and index == STEPS - 1:
                raise ValueError(f"{words} words are too few for {width}x{height} pixels")
        return packed

    def expand(self, words: Words, height: int, width: int) -> Float64:
        """Invert `compress`: return (H, W, 3) RGB in grey levels, neither rounded nor clipped."""
        return self.expand_checked(words, height, width)[0]

    def expand_checked(self, words: Words, height: int, width: int) -> tuple[Float64, bool]:
        """Return the region as `expand` does, and whether the words are as `compress` made them."""
        reader = SymbolReader(words)
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
            level = self.couplings.level(known, _log_step(index, number))
            decoded = np.zeros((9, *shapes[number]))
            for stage in range(STAGES):
                sites, shift, ratio = self._predict(level, stage, decoded, _log_step(index, number))
                values = decode_values(reader, ratio, self.tables)
                self._place(decoded, stage, sites, shift, ratio, values, _step(index, number))
            known = merge(known, decoded.reshape(3, 3, *shapes[number]), shapes[number - 1])
        return from_opponent(known), reader.at_start()

    def _trace(self, source: _Source, index: int, sample: int = SAMPLE) -> _Trace:
        """Quantise a source with a step, in the order of `expand`; keep ``sample`` residuals per stage."""
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
            level = self.couplings.level(known, _log_step(index, number))
            details = source.details[number - 1].reshape(9, *known.shape[1:])
            step, decoded = _step(index, number), np.zeros_like(details)
            for stage in range(STAGES):
                sites, shift, ratio = self._predict(level, stage, decoded, _log_step(index, number))
                residual = (details[stage_bands(stage)].ravel().take(sites) - shift) / step
                values = np.copysign(np.floor(np.abs(residual) + (0.5 - self.rounding_bias)), residual).astype(np.int32)
                trace.add(residual, ratio, values)
                self._place(decoded, stage, sites, shift, ratio, values, step)
            known = merge(known, decoded.reshape(3, 3, *known.shape[1:]), source.shapes[number - 1])
        return trace

    def _predict(self, level: Level, stage: int, decoded: Float64, log_step: int) -> tuple[Sites, Float64, Integers]:
        """Return the sites of a stage, their shifts, and log2(scale / step) in eighths of an octave."""
        sites = level.sites(stage)
        shift, scale = level.predict(stage, decoded, sites)
        return sites, shift, scale - (log_step >> 1)

    def _place(
        self, decoded: Float64, stage: int, sites: Sites, shift: Float64, ratio: Integers, values: Integers, step: float
    ) -> None:
        """Put decoded values at their sites, each moved towards its shift by its table's bias."""
        places = decoded[stage_bands(stage)].reshape(-1)  # a view: bands are contiguous
        bias = self.tables.bias_of(ratio)
        bias *= np.sign(values)
        found = values - bias
        found *= step
        found += shift
        places[sites] = _on_grid(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """Haar pyramid of an original: sizes, low bands and details by level, finest first."""

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

    def features(self, words: int) -> rate_forecast.ForecastWeights:
        height, width = self.shapes[0]
        rate = (32.0 * words - SPARE_BITS) / (3 * height * width)
        return rate_forecast.rate_features(self.lows[0], self.details[0], rate)


@dataclass(slots=True, eq=False)
class _Trace:
    """A source quantised with one step: its code, its cost, and a prediction of the cost with another step.

    Attributes:
        index: number of the step.
        sample: residuals per stage that the prediction is made from.
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
        """Add a stage: its values, and a regular sample of its residuals for the prediction."""
        self.coded.append(Coded.of(values, ratio))
        stride = max(1, residual.size // self.sample)
        kept = residual[::stride].astype(np.float32)
        weight = np.full(kept.size, residual.size / max(1, kept.size), np.float32)
        self.parts.append((kept, ratio[::stride].astype(np.float32), weight))
        self.samples += residual.size

    def chunks(self, tables: Tables) -> list[Chunk]:
        """Return the chunks for the coder, in the order of `FaceCoder.expand`."""
        found = [Chunk(np.array([self.index], np.int32), uniform(STEPS)), *self.plain]
        for coded in self.coded:
            found += chunks_of(coded, tables)
        return found

    def bits(self, tables: Tables) -> float:
        """Return the bits that the code takes, except for the coder's own few."""
        return self.plain_bits + sum(tables.bits(coded) for coded in self.coded)

    def step_for(self, room: float, bits: float) -> int:
        """Predict the finest step whose code fits into ``room`` bits, given the bits at this step."""
        own = self._logistic_bits(0)
        room += own - bits
        move = int(np.clip(round(16 * (own - room) / self.samples), -48, 48))
        while move < 48 and self._logistic_bits(move) > room:
            move += 1
        while move > -48 and self._logistic_bits(move - 1) <= room:
            move -= 1
        return self.index + move

    def _logistic_bits(self, move: int) -> float:
        """Predict the bits if the step were ``move`` sixteenths of an octave larger, as if all tables were logistic."""
        residual, ratio, weight = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        r = np.abs(residual) * np.float32(2.0 ** (-move / 16))
        inverse = np.exp2(-np.clip(ratio / 8 - np.float32(move / 16), -4, 23))
        nats = np.logaddexp(0, (r - 0.5) * inverse) + np.logaddexp(0, (r + 0.5) * -inverse)
        nats -= np.log(-np.expm1(-inverse))
        return float(np.dot(nats, weight)) / float(np.log(2))


def _step(index: int, level: int) -> float:
    """Return the quantiser step of a level in the mean domain, grey levels; a multiple of 2^-26 on every machine."""
    return float(np.rint(2.0 ** ((index + FINEST) / 16) * 2**16) / 2.0 ** (16 + level))


def _log_step(index: int, level: int) -> int:
    """Return log2 of the quantiser step of a level in the mean domain, sixteenths of an octave."""
    return index + FINEST - 16 * level


def _low_symbols(span: tuple[float, float], step: float) -> int:
    return int((span[1] - span[0]) / step) + 2


def _on_grid(values: Float64) -> Float64:
    scaled = values * GRID
    np.rint(scaled, out=scaled)
    scaled *= 1 / GRID  # a power of two: exact
    return scaled

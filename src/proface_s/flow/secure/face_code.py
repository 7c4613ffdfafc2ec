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
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...ans import Chunk, SymbolReader, encode_symbols, uniform
from ...types import FloatArray, UInt8Image
from . import rate_forecast
from .couplings import STAGES, Couplings, Level, Sites, stage_bands
from .entropy import Coded, Tables, chunks_of, decode_values
from .haar import LOW_RANGES, Float64, depth_for, from_opponent, merge, sizes, split, to_opponent
from .lattice import Words
from .steps import StepGrid

ROUNDING_BIAS = 0.06  # of the writer's rounding, towards zero, in steps
GRID = 1024.0  # decoded bands are multiples of 1/GRID of a grey level: sums of them are exact
SPARE_BITS = 40  # bits that the coder takes for itself, at least
SAMPLE = 1500  # residuals per stage from which the cost of another step is predicted
TRIES = 6
FARTHEST = 3  # octaves from a try within which the next one is looked for
SECANTS = 3  # steps of the secant rule that come close to it

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class FaceCoder:
    """Compresses a region into exactly the words it is given, and expands any words into a region.

    Attributes:
        slack: bits per sample that may stay unused before a finer step is tried.
        aim: bits per sample that a further try means to leave unused, so that it fits.
        spread: error of a prediction in bits, divided by the square root of the number of samples.  Once of it is added
            to what is left on purpose, three times to what may stay unused.
        margin: sixteenths of an octave that the first try is coarser than predicted: too coarse often fits.
    """

    couplings: Couplings
    tables: Tables
    forecast: rate_forecast.ForecastWeights = field(default_factory=rate_forecast.middle_forecast)
    grid: StepGrid = field(default_factory=StepGrid)
    rounding_bias: float = ROUNDING_BIAS
    slack: float = 0.12
    aim: float = 0.0
    spread: float = 0.0
    margin: float = 1.5

    def compress(self, original: UInt8Image, words: int) -> Words:
        """Compress (H, W, 3) uint8 RGB into ``words`` 32-bit words; more words give a better picture.

        Raises:
            ValueError: if the words are too few for the coarsest picture of that size.
        """
        return self._fitted(_Source.of(original), words)

    def step_of(self, words: Words) -> float:
        """Return log2 of the quantiser step of words, in grey levels of orthonormal coefficients."""
        return self.grid.log2(self._step_in(SymbolReader(words)))

    def forecast_case(self, original: UInt8Image, words: int) -> tuple[rate_forecast.ForecastWeights, float]:
        """Return a case for fitting the rate forecast: its features, and the step used in sixteenths of an octave."""
        source = _Source.of(original)
        return source.features(words), self.grid.sixteenths(self._step_in(SymbolReader(self._fitted(source, words))))

    def residuals(self, original: UInt8Image, words: int) -> list[tuple[Float64, Integers]]:
        """Return the residuals that `compress` rounds, in steps, and their log2 scales in eighths, stage by stage."""
        source = _Source.of(original)
        index = self._step_in(SymbolReader(self._fitted(source, words)))
        parts = self._trace(source, index, sample=1 << 60).parts
        return [(residual.astype(np.float64), ratio.astype(np.int32)) for residual, ratio, _ in parts]

    def _fitted(self, source: _Source, words: int) -> Words:
        """Return the finest code that fits the words; each try predicts the step of the next."""
        index = self.grid.nearest(float(source.features(words) @ self.forecast) + self.margin)
        low, high, last = -1, self.grid.count, self.grid.count - 1
        height, width = source.shapes[0]
        samples = 3 * height * width
        room, spread = 32.0 * words - SPARE_BITS, self.spread * samples**0.5
        slack, aim = self.slack * samples + 3 * spread, self.aim * samples + spread
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
            index = int(np.clip(trace.step_for(room - aim, bits), low + 1, high - 1))
        packed = encode_symbols(best.chunks(self.tables), words) if best else None
        coarser = 1
        while packed is None:  # rarely: it was a few bits too long, or all tries were too fine
            index = min(last, max(index, low) + coarser)
            packed = encode_symbols(self._trace(source, index).chunks(self.tables), words)
            coarser *= 2
            if packed is None and index == last:
                raise ValueError(f"{words} words are too few for {width}x{height} pixels")
        return packed

    def expand(self, words: Words, height: int, width: int) -> Float64:
        """Invert `compress`: return (H, W, 3) RGB in grey levels, neither rounded nor clipped."""
        return self.expand_checked(words, height, width)[0]

    def expand_checked(self, words: Words, height: int, width: int) -> tuple[Float64, bool]:
        """Return the region as `expand` does, and whether the words are as `compress` made them."""
        reader = SymbolReader(words)
        index = self._step_in(reader)
        depth = depth_for(height, width)
        shapes = sizes(height, width, depth)
        step = self.grid.size(index, depth)
        known = np.stack(
            [
                reader.take(uniform(_low_symbols(span, step)), shapes[depth][0] * shapes[depth][1]) * step + span[0]
                for span in LOW_RANGES
            ]
        ).reshape(3, *shapes[depth])
        known = _on_grid(known)
        for number in range(depth, 0, -1):
            log_step, step = self.grid.log_step(index, number), self.grid.size(index, number)
            level = self.couplings.level(known, log_step)
            decoded = np.zeros((9, *shapes[number]))
            for stage in range(STAGES):
                sites, shift, ratio = self._predict(level, stage, decoded, log_step)
                values = decode_values(reader, ratio, self.tables)
                self._place(decoded, stage, sites, shift, ratio, values, step)
            known = merge(known, decoded.reshape(3, 3, *shapes[number]), shapes[number - 1])
        return from_opponent(known), reader.at_start()

    def _step_in(self, reader: SymbolReader) -> int:
        """Read the number of the step, which comes first."""
        return int(reader.take(uniform(self.grid.count), 1)[0])

    def _trace(self, source: _Source, index: int, sample: int = SAMPLE) -> _Trace:
        """Quantise a source with a step, in the order of `expand`; keep ``sample`` residuals per stage."""
        depth = len(source.details)
        step = self.grid.size(index, depth)
        trace = _Trace(self.grid, index, sample)
        planes = []
        for plane, span in zip(source.lows[-1], LOW_RANGES, strict=True):
            count = _low_symbols(span, step)
            symbols = np.clip(np.rint((plane - span[0]) / step), 0, count - 1)
            trace.add_plain(symbols.ravel().astype(np.int32), count)
            planes.append(symbols * step + span[0])
        known = _on_grid(np.stack(planes))
        for number in range(depth, 0, -1):
            log_step = self.grid.log_step(index, number)
            level = self.couplings.level(known, log_step)
            details = source.details[number - 1].reshape(9, *known.shape[1:])
            step, decoded = self.grid.size(index, number), np.zeros_like(details)
            for stage in range(STAGES):
                sites, shift, ratio = self._predict(level, stage, decoded, log_step)
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
        grid: of the steps.
        index: number of the step.
        sample: residuals per stage that the prediction is made from.
    """

    grid: StepGrid
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
        found = [Chunk(np.array([self.index], np.int32), uniform(self.grid.count)), *self.plain]
        for coded in self.coded:
            found += chunks_of(coded, tables)
        return found

    def bits(self, tables: Tables) -> float:
        """Return the bits that the code takes, except for the coder's own few."""
        return self.plain_bits + sum(tables.bits(coded) for coded in self.coded)

    def step_for(self, room: float, bits: float) -> int:
        """Predict the finest step whose code fits into ``room`` bits, given the bits at this step."""
        sample = _Sample(*(np.concatenate(column) for column in zip(*self.parts, strict=True)))
        found = sample.bits(0)
        room += found - bits
        octaves, slope = 0.0, -float(self.samples)
        for _ in range(SECANTS):
            before, last = octaves, found
            octaves = float(np.clip(octaves + (room - found) / slope, -FARTHEST, FARTHEST))
            if abs(octaves - before) * self.grid.per_octave < 1:
                break
            found = sample.bits(octaves)
            slope = min((found - last) / (octaves - before), -1.0)  # a coarser step never takes more bits
        move = round(octaves * self.grid.per_octave)
        while move < FARTHEST * self.grid.per_octave and sample.bits(move / self.grid.per_octave) > room:
            move += 1
        while move > -FARTHEST * self.grid.per_octave and sample.bits((move - 1) / self.grid.per_octave) <= room:
            move -= 1
        return self.index + move


class _Sample(NamedTuple):
    """Residuals in steps, log2 of their scales in eighths of an octave, and the number of values each stands for."""

    residual: FloatArray
    ratio: FloatArray
    weight: FloatArray

    def bits(self, octaves: float) -> float:
        """Predict the bits if the step were ``octaves`` coarser, as if all tables were logistic."""
        r = np.abs(self.residual) * np.float32(2.0**-octaves)
        inverse = np.exp2(-np.clip(self.ratio / 8 - np.float32(octaves), -4, 23))
        nats = np.logaddexp(0, (r - 0.5) * inverse) + np.logaddexp(0, (r + 0.5) * -inverse)
        nats -= np.log(-np.expm1(-inverse))
        return float(np.dot(nats, self.weight)) / float(np.log(2))


def _low_symbols(span: tuple[float, float], step: float) -> int:
    return int((span[1] - span[0]) / step) + 2


def _on_grid(values: Float64) -> Float64:
    scaled = values * GRID
    np.rint(scaled, out=scaled)
    scaled *= 1 / GRID  # a power of two: exact
    return scaled

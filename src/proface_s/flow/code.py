"""From coefficients to values fit for hiding, and back: a hybrid of digits and analog values.

A region of H x W pixels has N = 3HW coefficients and the flow can hide N values of unit variance with a noise of
about a sixth.  How those are spent decides the quality of the recovery:

* A *mode* fits the code to the channel: a cover with texture lets less through, and gets fewer, coarser, larger digits.
* A *profile* tells the expected size (standard deviation) of each of the 768 bands.  The best fitting of the shipped
  profiles is chosen; both numbers are sent with heavy repetition: the *preamble*.
* Large coefficients (mostly the blocks' means) would drown the rest.  They are quantised; the index is sent as binary
  *digits*, encrypted with the key's pad; what is left is of the size of one step and goes the analog way.
* Every *analog* value gets the power that minimises the error under a given total: in proportion to the band's size
  (linear coding for a Gaussian channel), less the noise it will meet.
* Preamble and digits take the places of the smallest coefficients, which are dropped.

Finally everything is scaled to a norm of exactly sqrt(N): not even the energy of the face shows.  The reader learns
that factor, and the noise, from the digits, whose size is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from ..types import FloatArray
from .mixing import Mixing
from .spectrum import band_map

RANGE = 4.0  # digits cover this many standard deviations to either side
PROFILE_BITS, MODE_BITS = 5, 2
PREAMBLE_BITS = PROFILE_BITS + MODE_BITS


@dataclass(frozen=True, slots=True)
class Mode:
    """How the values are spent for a channel of a certain quality.

    Attributes:
        step: quantiser step of large coefficients, grey levels.
        digits_above: bands whose standard deviation exceeds this many grey levels are sent with digits.
        amplitude: size of the least significant digit, relative to the root mean square of all values.
        slope: added for every more significant digit, whose errors are larger.
        noise: standard deviation of the channel noise that the analog power is planned for.
        noise_limit: largest noise for which this mode is the best choice.
    """

    step: float
    digits_above: float
    amplitude: float
    slope: float
    noise: float
    noise_limit: float


MODES = (
    Mode(72.0, 112.0, 1.1, 0.14, 0.18, 0.38),
    Mode(112.0, 200.0, 1.5, 0.25, 0.3, 0.7),
    Mode(192.0, 340.0, 2.2, 0.4, 0.5, 0.95),
    Mode(320.0, 500.0, 3.0, 0.6, 0.8, float("inf")),
)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Where everything goes for one region size, profile and mode.  All index arrays refer to flattened coefficients.

    Attributes:
        mode: how the values are spent.
        repeat: how often each preamble bit is sent.
        kept: (A,) indices of coefficients sent the analog way, in order of position.
        gains: (A,) float32 factors from grey levels to values.
        coarse: (C,) positions within `kept` that also have digits.
        bits: (C,) digits of each of them.
    """

    mode: Mode
    repeat: int
    kept: npt.NDArray[np.intp]
    gains: FloatArray
    coarse: npt.NDArray[np.intp]
    bits: npt.NDArray[np.intp]

    @property
    def preamble(self) -> int:
        """Number of values that carry the numbers of profile and mode."""
        return self.repeat * PREAMBLE_BITS

    @property
    def known(self) -> int:
        """Number of values of known size: preamble and digits of large coefficients."""
        return self.preamble + int(self.bits.sum())

    def amplitudes(self) -> FloatArray:
        """(known,) float32 size of each of those."""
        return _amplitudes(self.mode, self.preamble, self.bits)


class Codebook:
    """The shipped profiles.

    Args:
        profiles: (32, 768) float32, expected standard deviation of every band in grey levels; bands as in
            `spectrum.band_map`.
    """

    def __init__(self, profiles: FloatArray) -> None:
        if profiles.shape != (1 << PROFILE_BITS, 768) or not np.isfinite(profiles).all() or profiles.min() <= 0:
            raise ModelError(f"profiles must be (32, 768), finite and positive, got {profiles.shape}")
        self.profiles = profiles.astype(np.float32)

    def choose(self, coefficients: FloatArray) -> int:
        """Number of the profile under which (H, W, 3) ``coefficients`` are most likely (Laplacian model)."""
        bands = band_map(*coefficients.shape[:2]).ravel()
        count = np.bincount(bands, minlength=768)
        size = np.bincount(bands, weights=np.abs(coefficients).ravel(), minlength=768)
        scale = self.profiles.astype(np.float64) / np.sqrt(2.0)
        return int(np.argmin((count * np.log(scale) + size / scale).sum(axis=1)))

    def plan(self, height: int, width: int, profile: int, mode: Mode) -> Plan:
        """Lay out a region of ``height`` x ``width`` pixels; deterministic."""
        n = 3 * height * width
        sigma = self.profiles[profile][band_map(height, width).ravel()]
        all_bits = np.zeros(n, dtype=np.intp)
        large = sigma > mode.digits_above
        all_bits[large] = np.ceil(np.log2(2 * RANGE * sigma[large] / mode.step)).astype(np.intp)
        repeat = preamble_repeat(n)
        kept = _largest(sigma, all_bits, n - repeat * PREAMBLE_BITS)
        size = np.where(all_bits[kept] > 0, np.float32(mode.step / np.sqrt(12.0)), sigma[kept])
        coarse = np.flatnonzero(all_bits[kept])
        digits = _amplitudes(mode, repeat * PREAMBLE_BITS, all_bits[kept][coarse])
        power = _allocate(size, mode.noise, n - float(np.square(digits, dtype=np.float64).sum()))
        return Plan(mode, repeat, kept, (np.sqrt(power) / size).astype(np.float32), coarse, all_bits[kept][coarse])


def message_gain(height: int, width: int) -> float:
    """Gain of the message before the network: more for small faces, whose coefficients are hard to gather.

    A choice of the writer alone: the reader measures it.
    """
    side = np.sqrt(float(height * width))
    return float(np.clip(1.3 * (256.0 / side) ** 0.15, 1.0, 1.9))


def preamble_repeat(n: int) -> int:
    """Odd number of times each preamble bit is sent among ``n`` values."""
    return min(63, max(7, n // 256 | 1))


def mode_for(noise: float) -> int:
    """Number of the mode to use where the channel's noise has this standard deviation."""
    return next(number for number, mode in enumerate(MODES) if noise <= mode.noise_limit)


def _amplitudes(mode: Mode, preamble: int, bits: npt.NDArray[np.intp]) -> FloatArray:
    steps = np.concatenate([np.ones(preamble, np.intp), _shifts(bits)]).astype(np.float32)
    return np.float32(mode.amplitude) + np.float32(mode.slope) * steps


def _largest(sigma: FloatArray, bits: npt.NDArray[np.intp], room: int) -> npt.NDArray[np.intp]:
    """Coefficients to keep so that they and their digits fit into ``room`` values, in order of position."""
    order = np.argsort(-sigma, kind="stable")
    used = np.cumsum(1 + bits[order])
    return np.sort(order[: int(np.searchsorted(used, room, side="right"))])


def _allocate(size: FloatArray, deviation: float, total: float) -> FloatArray:
    """Power of each analog value: max(lambda size - noise, small), summing to ``total``."""
    noise = np.float32(deviation**2)
    order = np.sort(size)[::-1].astype(np.float64)
    counts = np.arange(1, order.size + 1)
    levels = (total + noise * counts) / np.cumsum(order)
    active = np.flatnonzero(levels * order > noise)
    level = np.float32(levels[active[-1]] if active.size else levels[-1])
    power: FloatArray = np.maximum(level * size - noise, np.float32(1e-4)).astype(np.float32)
    return power


def _index_levels(bits: npt.NDArray[np.intp]) -> FloatArray:
    return np.asarray(((1 << bits) - 1) / 2, dtype=np.float32)


def encode(coefficients: FloatArray, codebook: Codebook, mixing: Mixing, mode: int = 0) -> FloatArray:
    """Values to hide for (H, W, 3) ``coefficients``: (3HW,) float32 of norm sqrt(3HW), not yet mixed.

    Args:
        coefficients: as `spectrum.analyse` returns them.
        codebook: the shipped profiles.
        mixing: the key's expansion; its pad encrypts preamble and digits.
        mode: number of the mode, see `mode_for`.
    """
    height, width = coefficients.shape[:2]
    profile = codebook.choose(coefficients)
    plan = codebook.plan(height, width, profile, MODES[mode])
    step = np.float32(plan.mode.step)
    rest = coefficients.ravel()[plan.kept]
    offset = _index_levels(plan.bits)
    index = np.clip(np.round(rest[plan.coarse] / step + offset), 0, 2 * offset)
    rest[plan.coarse] -= (index - offset) * step
    number = profile | mode << PROFILE_BITS
    header = np.repeat((number >> np.arange(PREAMBLE_BITS)) & 1, plan.repeat)
    plain = np.concatenate([header, _to_bits(index.astype(np.intp), plan.bits)]).astype(np.uint8)
    digits = (plain ^ mixing.pad[: plain.size]).astype(np.float32) * 2 - 1
    values = np.zeros(coefficients.size, np.float32)
    values[: digits.size] = digits * plan.amplitudes()
    values[digits.size : digits.size + rest.size] = rest * plan.gains
    return values * np.float32(np.sqrt(values.size / np.square(values, dtype=np.float64).sum()))


def decode(values: FloatArray, height: int, width: int, codebook: Codebook, mixing: Mixing) -> FloatArray:
    """Estimate of what `encode` was given, from (3HW,) noisy values: (H, W, 3) float32 coefficients."""
    preamble = preamble_repeat(values.size) * PREAMBLE_BITS
    # Without its pad a value is negative for a plain bit of 1: see `encode`, where sign = 2 (plain ^ pad) - 1.
    votes = values[:preamble] * (mixing.pad[:preamble] * np.float32(2) - 1)
    number = int(((votes.reshape(PREAMBLE_BITS, -1).sum(axis=1) < 0) << np.arange(PREAMBLE_BITS)).sum())
    profile, mode = number & ((1 << PROFILE_BITS) - 1), MODES[number >> PROFILE_BITS]
    plan = codebook.plan(height, width, profile, mode)
    known = plan.known
    gain, noise = _channel(values[:known], plan.amplitudes())
    index = _from_bits((values[plan.preamble : known] > 0) ^ mixing.pad[plan.preamble : known].astype(bool), plan.bits)
    analog = values[known : known + plan.kept.size] / np.float32(gain)
    size_power = plan.gains * plan.gains
    spread = np.full(plan.kept.size, np.float32(mode.step**2 / 12))
    fine = np.ones(plan.kept.size, bool)
    fine[plan.coarse] = False
    sigma = codebook.profiles[profile][band_map(height, width).ravel()[plan.kept]]
    spread[fine] = np.square(sigma[fine])
    power = size_power * spread
    rest = analog / plan.gains * (power / (power + np.float32(noise)))
    rest[plan.coarse] += (index - _index_levels(plan.bits)) * np.float32(mode.step)
    coefficients = np.zeros(values.size, np.float32)
    coefficients[plan.kept] = rest
    return coefficients.reshape(height, width, 3)


def _channel(digits: FloatArray, amplitudes: FloatArray) -> tuple[float, float]:
    """Gain and noise variance (after removing the gain) of the channel, from values of known size."""
    size, sent = np.abs(digits, dtype=np.float64), amplitudes.astype(np.float64)
    gain = max(float((size * sent).sum() / np.square(sent).sum()), 1e-3)
    return gain, float(np.square(size / gain - sent).mean())


def _to_bits(index: npt.NDArray[np.intp], bits: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
    """Most significant bit first, ``bits[i]`` of them for ``index[i]``, Gray-coded: a lone error moves one step."""
    gray = index ^ (index >> 1)
    return (np.repeat(gray, bits) >> _shifts(bits) & 1).astype(np.uint8)


def _from_bits(flags: npt.NDArray[np.bool_], bits: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Inverse of `_to_bits`."""
    owner = np.repeat(np.arange(bits.size), bits)
    gray = np.bincount(owner, weights=flags.astype(np.float64) * (1 << _shifts(bits)), minlength=bits.size)
    index = gray.astype(np.intp)
    for shift in (1, 2, 4, 8):
        index ^= index >> shift
    return index


def _shifts(bits: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    ends = np.cumsum(bits)
    return np.repeat(ends, bits) - 1 - np.arange(int(bits.sum()))

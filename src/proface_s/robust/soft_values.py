"""Log-likelihood ratios of the hidden bits, from the received coefficients alone.

What a channel did to a band is estimated blind: phases that were hidden in lie near 0 or 1/2, so their doubles show how
far the channel has spread them, whatever the bits are.  The phase of a hidden 0 is modelled as a wrapped normal
distribution mixed with a uniform one (blocks that lost everything, or never carried anything).  Its density is the mean
over all models of a grid, weighted by how well each explains the phases: weak evidence gives cautious ratios, where the
single best model would often be far off.  Bands differ, and so do flat and busy blocks, which a codec treats
differently: each band has its own density in each class of blocks, to which other classes and neighbouring bands
contribute a little.  Where bits are known already (pilots), the phases themselves count instead of their doubles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ..types import FloatArray
from .lattice import BANDS, BASE_BANDS, STEPS, dither, phases

SPREADS: Final = (
    *(0.015, 0.03, 0.045, 0.06, 0.075, 0.09, 0.105, 0.12, 0.135, 0.15, 0.165, 0.18, 0.2, 0.22, 0.245, 0.27, 0.3, 0.34),
)
"""Standard deviations of the phase, in steps."""

LOST: Final = (0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85)
"""Shares of the blocks that show nothing."""

_LOST_PRIOR: Final = (0.0, -1.5, -3.0, -5.0, -7.0, -9.0, -11.0)
"""Log weights of these before anything is seen: codecs spread phases, and destroy few altogether."""

_NOTHING_PRIOR: Final = 1.0  # log weight of the model that hides nothing; more of it would cost weak channels most

BINS: Final = 256
CLASSES: Final = 6
OTHER_CLASSES: Final = 0.2
OTHER_BANDS: Final = 0.2
"""Weights of what other classes and neighbouring bands show, beside 1 for a band and class itself.  Measured: two
thirds more capacity after a crop and JPEG 75 than by the best model of each band and class alone."""

GAINS: Final = np.arange(0.80, 1.0501, 0.005)
_SAMPLES: Final = 4000
_NEAR: Final = 5  # blocks


@dataclass(frozen=True, slots=True, eq=False)
class Pilots:
    """Carriers whose bits are known.

    Attributes:
        where: (rows, columns, bands).
        bits: (rows, columns, bands) of 0 and 1; anything at other carriers.
    """

    where: npt.NDArray[np.bool_]
    bits: npt.NDArray[np.uint8]


def bit_ratios(
    coefficients: FloatArray,
    present: npt.NDArray[np.bool_],
    pilots: Pilots | None = None,
    steps: FloatArray = STEPS,
) -> FloatArray:
    """Return the log-likelihood ratio of every hidden bit, positive for 0.

    Args:
        coefficients: (rows, columns, bands) of the received picture at canonical size.
        present: (rows, columns) of the blocks to look at; all others get ratios of 0.
        pilots: carriers whose bits are known.
        steps: (bands,) of the lattice.

    Returns:
        (rows, columns, bands) float32; near 0 where little can be told.
    """
    bins = np.floor((phases(coefficients, steps) + 0.5) * BINS).astype(np.int32).clip(0, BINS - 1)
    classes = _activity_classes(coefficients, present)
    if pilots is None:
        evidence = _histograms(bins, classes, None) @ _log_densities().T
    else:
        turned = (bins + BINS // 2 * pilots.bits) % BINS  # as if every known bit were a 0
        known = _histograms(turned, classes, pilots.where) @ np.log(_densities()[0]).T
        evidence = known + _histograms(bins, classes, ~pilots.where) @ _log_densities().T
    evidence += _priors()
    weights = np.exp(evidence - evidence.max(axis=2, keepdims=True))
    zero, one = _densities()
    tables = np.log(weights @ zero) - np.log(weights @ one)  # (classes, bands, bins)
    ratios = tables[np.maximum(classes, 0)[:, :, None], np.arange(bins.shape[2]), bins]
    return np.where(present[:, :, None], ratios, 0).astype(np.float32)


def information(ratios: FloatArray) -> float:
    """Return how many bits each carrier tells on average, 0..1, if the ratios are right.

    Args:
        ratios: of any shape, not empty.
    """
    size = np.abs(ratios)
    lost = np.log1p(np.exp(-size)) + size / (1 + np.exp(size))  # entropy of a bit, in nats
    return float(1 - lost.mean() / np.log(2))


def estimate_gains(coefficients: FloatArray, present: npt.NDArray[np.bool_], steps: FloatArray = STEPS) -> FloatArray:
    """Estimate by which factor resizing has weakened or raised each band.

    Args:
        coefficients: (rows, columns, bands).
        present: (rows, columns) of the blocks to look at.
        steps: (bands,) of the lattice.

    Returns:
        (bands,) factors; 1 where no other one explains the phases clearly better, and for the mean of a block.
    """
    rows, columns, bands = coefficients.shape
    stride = max(1, int(present.sum()) // _SAMPLES)
    host = (coefficients / steps)[present][::stride]
    turn = dither(rows, columns)[present][::stride]
    scores = np.stack([np.cos(4 * np.pi * (host / np.float32(gain) - turn)).sum(axis=0) for gain in GAINS])
    unchanged = int(np.abs(GAINS - 1).argmin())
    margin = 3 * np.sqrt(len(host) / 2)
    best = np.where(scores.max(axis=0) > scores[unchanged] + margin, scores.argmax(axis=0), unchanged)
    best[BANDS.index((0, 0))] = unchanged  # resizing keeps means
    return GAINS[best].astype(np.float32).reshape(bands)


def agreement(coefficients: FloatArray, bands: int) -> FloatArray:
    """Return for each block how well its first bands fit the lattice: mean 0 and variance 1 if nothing is hidden.

    Args:
        coefficients: (rows, columns, bands or more).
        bands: how many to look at.
    """
    rows, columns, _ = coefficients.shape
    turns = coefficients[:, :, :bands] / STEPS[:bands] - dither(rows, columns)[:, :, :bands]
    total: FloatArray = np.cos(np.float32(4 * np.pi) * turns).sum(axis=2) * np.float32(np.sqrt(2 / bands))
    return total


def likely_blocks(coefficients: FloatArray, share: float) -> npt.NDArray[np.bool_]:
    """Return the blocks around which the base bands fit the lattice nearly as well as anywhere.

    Args:
        coefficients: (rows, columns, bands).
        share: of the best fit.

    Returns:
        (rows, columns): the carrying blocks of halos or boxes, roughly.
    """
    near = cv2.blur(agreement(coefficients, len(BASE_BANDS)), (_NEAR, _NEAR), borderType=cv2.BORDER_REFLECT)
    return np.asarray(near > near.max() * share)


def _activity_classes(coefficients: FloatArray, present: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the class of each block, 0 for the flattest ones; -1 for those not to look at; (rows, columns)."""
    activity = np.abs(coefficients[:, :, 1:]).sum(axis=2)
    values = activity[present]
    if len(values) < 64 * CLASSES:
        return np.where(present, 0, -1)
    bounds = np.quantile(values, np.arange(1, CLASSES) / CLASSES)
    return np.where(present, np.searchsorted(bounds, activity), -1)


def _histograms(
    bins: npt.NDArray[np.int32], classes: npt.NDArray[np.intp], where: npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.float64]:
    """Count phases in each class of blocks and each band, (classes, bands, bins), with those of their neighbours."""
    bands = bins.shape[2]
    counted = np.broadcast_to((classes >= 0)[:, :, None], bins.shape)
    if where is not None:
        counted = counted & where
    places = (classes[:, :, None] * bands + np.arange(bands)) * BINS + bins
    counts = np.bincount(places[counted], minlength=CLASSES * bands * BINS).reshape(CLASSES, bands, BINS)
    shared = (1 - OTHER_CLASSES) * counts + OTHER_CLASSES * counts.sum(axis=0)
    return np.asarray(np.einsum("ij,kjb->kib", _neighbours()[:bands, :bands], shared))


@cache
def _neighbours() -> npt.NDArray[np.float64]:
    """Return the weight of each band for each band, (bands, bands): of its own layer, but for the mean of a block."""
    weights = np.eye(len(BANDS))
    for i, (v, u) in enumerate(BANDS):
        for j, other in enumerate(BANDS):
            near = abs(v - other[0]) + abs(u - other[1]) == 1 or (v, u) == other[::-1]
            if i != j and i * j and near and (i < len(BASE_BANDS)) == (j < len(BASE_BANDS)):
                weights[i, j] = OTHER_BANDS
    return weights


def _wrapped_normal(turns: npt.NDArray[np.float64], spread: float) -> npt.NDArray[np.float64]:
    """Return the density on a circle of circumference 1 of a normal distribution around 0."""
    total = sum(np.exp(-((turns - turn) ** 2) / (2 * spread**2)) for turn in range(-2, 3))
    return np.asarray(total / (spread * np.sqrt(2 * np.pi)))


@cache
def _densities() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Densities of the phase of a 0 and of a 1 under each model, (models, bins) each; the last one hides nothing."""
    turns = (np.arange(BINS) + 0.5) / BINS - 0.5
    both = [
        np.array([(1 - lost) * _wrapped_normal(turns - at, spread) + lost for spread in SPREADS for lost in LOST])
        for at in (0.0, 0.5)
    ]
    zero, one = (np.concatenate([each, np.ones((1, BINS))]) for each in both)
    return zero, one


@cache
def _log_densities() -> npt.NDArray[np.float64]:
    """Log density of the phase under each model if both bits are equally likely, (models, bins)."""
    zero, one = _densities()
    return np.asarray(np.log((zero + one) / 2))


@cache
def _priors() -> npt.NDArray[np.float64]:
    """Log weights of the models before anything is seen, (models,)."""
    return np.array([*(weight for _ in SPREADS for weight in _LOST_PRIOR), _NOTHING_PRIOR])

"""Log-likelihood ratios of the hidden bits, from the received coefficients alone.

What a channel did to a band is estimated blind: phases that were hidden in lie near 0 or 1/2, so their doubles show how
far the channel has spread them, whatever the bits are.  Each band is a mixture of a wrapped normal distribution and a
uniform one (blocks that lost everything, or never carried anything); both parameters are the most likely ones of a
grid, separately for flat, middling and busy blocks, which a codec treats differently.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ..types import FloatArray
from .lattice import BASE_BANDS, STEPS, dither, phases

SPREADS: Final = (0.015, 0.03, 0.045, 0.06, 0.075, 0.09, 0.105, 0.125, 0.15, 0.18, 0.22)  # of a step
LOST: Final = (0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.94)  # share of the blocks
BINS: Final = 256
CLASSES: Final = 3
EVIDENCE: Final = 2.0  # least gain in log-likelihood over "nothing is hidden"
GAINS: Final = np.arange(0.80, 1.0501, 0.005)
_SAMPLES: Final = 4000
_NEAR: Final = 5  # blocks


def bit_ratios(coefficients: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the log-likelihood ratio of every hidden bit, positive for 0.

    Args:
        coefficients: (rows, columns, bands) of the received picture at canonical size.
        present: (rows, columns) of the blocks to look at; all others get ratios of 0.

    Returns:
        (rows, columns, bands) float32; 0 where nothing can be told.
    """
    bins = np.floor((phases(coefficients) + 0.5) * BINS).astype(np.int32).clip(0, BINS - 1)
    ratios = np.zeros(coefficients.shape, np.float32)
    for blocks in _activity_classes(coefficients, present):
        found = bins[blocks]  # (n, bands)
        bands = found.shape[1]
        flat = found + BINS * np.arange(bands)
        counts = np.bincount(flat.ravel(), minlength=bands * BINS).reshape(bands, BINS)
        likely = counts @ _log_densities().T  # (bands, models)
        best = likely.argmax(axis=1)
        tables = np.where(likely.max(axis=1)[:, None] > EVIDENCE, _ratio_tables()[best], np.float32(0))
        ratios[blocks] = np.take_along_axis(tables, found.T, axis=1).T
    return ratios


def estimate_gains(coefficients: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray:
    """Estimate by which factor resizing has weakened or raised each band.

    Args:
        coefficients: (rows, columns, bands).
        present: (rows, columns) of the blocks to look at.

    Returns:
        (bands,) factors; 1 where no other one explains the phases clearly better.
    """
    rows, columns, bands = coefficients.shape
    stride = max(1, int(present.sum()) // _SAMPLES)
    host = (coefficients / STEPS)[present][::stride]
    turn = dither(rows, columns)[present][::stride]
    scores = np.stack([np.cos(4 * np.pi * (host / np.float32(gain) - turn)).sum(axis=0) for gain in GAINS])
    unchanged = int(np.abs(GAINS - 1).argmin())
    margin = 3 * np.sqrt(len(host) / 2)
    best = np.where(scores.max(axis=0) > scores[unchanged] + margin, scores.argmax(axis=0), unchanged)
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


def likely_blocks(coefficients: FloatArray) -> npt.NDArray[np.bool_]:
    """Return the blocks around which the base bands fit the lattice at least a third as well as anywhere.

    Args:
        coefficients: (rows, columns, bands).

    Returns:
        (rows, columns): the carrying blocks of a halo, roughly.
    """
    near = cv2.blur(agreement(coefficients, len(BASE_BANDS)), (_NEAR, _NEAR), borderType=cv2.BORDER_REFLECT)
    return np.asarray(near > near.max() / 3)


def _activity_classes(coefficients: FloatArray, present: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.bool_]]:
    """Return masks of the flattest, the middling and the busiest third of the blocks."""
    activity = np.abs(coefficients[:, :, 1:]).sum(axis=2)
    values = activity[present]
    if len(values) < 64 * CLASSES:
        return [present] if len(values) else []
    bounds = np.quantile(values, np.arange(1, CLASSES) / CLASSES)
    number = np.searchsorted(bounds, activity)
    return [present & (number == each) for each in range(CLASSES)]


def _wrapped_normal(turns: npt.NDArray[np.float64], spread: float) -> npt.NDArray[np.float64]:
    """Return the density on a circle of circumference 1 of a normal distribution around 0."""
    total = sum(np.exp(-((turns - turn) ** 2) / (2 * spread**2)) for turn in range(-2, 3))
    return np.asarray(total / (spread * np.sqrt(2 * np.pi)))


def _models() -> list[tuple[float, float]]:
    return [(spread, lost) for spread in SPREADS for lost in LOST]


def _bin_phases() -> npt.NDArray[np.float64]:
    return (np.arange(BINS) + 0.5) / BINS - 0.5


@cache
def _log_densities() -> npt.NDArray[np.float64]:
    """Log density of the phase under each model if both bits are equally likely, (models, bins)."""
    turns = _bin_phases()
    densities = [
        (1 - lost) * (_wrapped_normal(turns, spread) + _wrapped_normal(turns - 0.5, spread)) / 2 + lost
        for spread, lost in _models()
    ]
    return np.asarray(np.log(densities))


@cache
def _ratio_tables() -> FloatArray:
    """Log-likelihood ratio of the bit for each phase under each model, (models, bins)."""
    turns = _bin_phases()
    tables = [
        np.log((1 - lost) * _wrapped_normal(turns, spread) + lost)
        - np.log((1 - lost) * _wrapped_normal(turns - 0.5, spread) + lost)
        for spread, lost in _models()
    ]
    return np.stack(tables).astype(np.float32)

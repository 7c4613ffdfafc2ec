"""Rate forecast: predict the quantiser step that just fills the capacity, from the finest details.

Only the writer uses it, and only its speed depends on it: a bad forecast costs another try.  The forecast is a
polynomial of second order in six numbers, fitted together with the symbol tables to faces of many sizes.  The numbers
are, for luma and for chroma, the mean, the mean logarithm and the spread of the logarithm of the finest details less
the slope of the low band.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...types import FloatArray
from .haar import Float64

ROWS = 32  # about this many rows are looked at
FLOOR = 0.1  # grey levels added to details before the logarithm
SIDES = (32.0, 256.0)  # range of shorter sides that the weights were fitted to
FEATURES = 16

ForecastWeights = npt.NDArray[np.float64]


def rate_features(low: Float64, details: Float64, rate: float) -> ForecastWeights:
    """Return the features of a face for the forecast.

    Args:
        low: (3, H, W) the finest level's low band, grey levels.
        details: (3, 3, H, W) its details.
        rate: bits per sample that the code may take.

    Returns:
        (FEATURES,) float64.
    """
    found = []
    stride = max(1, low.shape[1] // ROWS)
    left = details[:, :, ::stride] - _slopes(low)[:, :, ::stride]
    for planes in (left[:1], left[1:]):
        size: FloatArray = (2 * np.abs(planes)).astype(np.float32)  # orthonormal
        log = np.log2(size + np.float32(FLOOR))
        found += [np.log2(size.mean() + FLOOR), log.mean(), log.std()]
    side = np.log2(np.clip(2 * min(low.shape[1:]), *SIDES))
    return np.array([*found, *np.square(found), rate, rate * rate, side, 1.0], np.float64)


def _slopes(low: Float64) -> Float64:
    """Return the details of planes with the slopes of the low band at every site: (3, 3, H, W)."""
    p = np.pad(low, ((0, 0), (1, 1), (1, 1)), mode="edge")
    right, down = p[:, 1:-1, 2:] - p[:, 1:-1, :-2], p[:, 2:, 1:-1] - p[:, :-2, 1:-1]
    both = p[:, 2:, 2:] - p[:, 2:, :-2] - p[:, :-2, 2:] + p[:, :-2, :-2]
    return np.stack([right / -8, down / -8, both / 64], axis=1)


def middle_forecast() -> ForecastWeights:
    """Return weights to start from: a step in the middle for every face."""
    return np.append(np.zeros(FEATURES - 1), 60.0)


def solve_rate_forecast(rows: list[ForecastWeights], steps: list[float]) -> ForecastWeights:
    """Fit the weights to features and best steps of many faces.

    Ridge regression, reweighted in rounds so that outliers count less.
    """
    x, y = np.stack(rows), np.array(steps, np.float64)
    mean, spread = x[:, :-1].mean(axis=0), x[:, :-1].std(axis=0) + 1e-9
    z = np.column_stack([(x[:, :-1] - mean) / spread, np.ones(len(y))])
    trust, solved = np.ones(len(y)), np.zeros(z.shape[1])
    for _ in range(10):
        weighted = z * trust[:, None]
        solved = np.linalg.solve(weighted.T @ z + np.eye(z.shape[1]), weighted.T @ y)
        trust = 1 / np.maximum(1, np.abs(z @ solved - y))
    weights = solved[:-1] / spread
    return np.append(weights, solved[-1] - float(weights @ mean))

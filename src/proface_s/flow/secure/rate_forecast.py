"""The step to try first: where a face will just fill its room, foretold from its finest details.

Only the writer needs it, and only its time depends on it: a bad forecast costs one more try.  It is a polynomial of
second order in six numbers (the mean, the mean logarithm and its spread of what is left of the finest details when the
low band's slope is taken off, for luma and for chroma), fitted with the symbol tables to faces of many sizes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...types import FloatArray
from .haar import Float64

ROWS = 32  # so many rows are looked at, nearly
FLOOR = 0.1  # grey levels: smaller details are all alike
SIDES = (32.0, 256.0)  # shorter sides that the weights were fitted between
FEATURES = 16

Weights = npt.NDArray[np.float64]


def features(low: Float64, details: Float64, rate: float) -> Weights:
    """What the forecast is made from.

    Args:
        low: (3, H, W) the finest level's low band, grey levels.
        details: (3, 3, H, W) its details.
        rate: bits a sample that the code may take.

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
    """What the details would be if the picture were a plane around every site: (3, 3, H, W)."""
    p = np.pad(low, ((0, 0), (1, 1), (1, 1)), mode="edge")
    right, down = p[:, 1:-1, 2:] - p[:, 1:-1, :-2], p[:, 2:, 1:-1] - p[:, :-2, 1:-1]
    both = p[:, 2:, 2:] - p[:, 2:, :-2] - p[:, :-2, 2:] + p[:, :-2, :-2]
    return np.stack([right / -8, down / -8, both / 64], axis=1)


def anywhere() -> Weights:
    """Weights before any were fitted: a step in the middle, whatever the face."""
    return np.append(np.zeros(FEATURES - 1), 60.0)


def fit(rows: list[Weights], steps: list[int]) -> Weights:
    """Weights from the features of many faces and the steps that suited them.

    Least squares with a slight pull to zero, in rounds that give far outliers less say.
    """
    x, y = np.stack(rows), np.array(steps, np.float64)
    mean, spread = x[:, :-1].mean(axis=0), x[:, :-1].std(axis=0) + 1e-9
    z = np.column_stack([(x[:, :-1] - mean) / spread, np.ones(len(y))])
    say, solved = np.ones(len(y)), np.zeros(z.shape[1])
    for _ in range(10):
        weighted = z * say[:, None]
        solved = np.linalg.solve(weighted.T @ z + np.eye(z.shape[1]), weighted.T @ y)
        say = 1 / np.maximum(1, np.abs(z @ solved - y))
    weights = solved[:-1] / spread
    return np.append(weights, solved[-1] - float(weights @ mean))

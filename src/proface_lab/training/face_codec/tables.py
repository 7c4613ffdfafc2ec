"""Tables of the face codec: how often each number of steps occurs, for deviations from 1/32 of a step to 8 steps."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from proface_s.robust.face_codec.coefficients import LARGEST, OCTAVE
from proface_s.robust.face_codec.integer_code import TOTAL

Floats = npt.NDArray[np.float64]

TABLES: Final = 8 * OCTAVE  # from 1/32 of a step up to 8 steps
_LOWEST: Final = -5  # octaves
_WORTH: Final = 0.1  # squared steps that a bit is worth to the quantiser
_TRUST: Final = 400.0  # numbers that the formula counts as, beside those that were counted


def expected_shares(deviation: float) -> Floats:
    """Return the shares of the magnitudes 0..LARGEST of a Laplacian's values, quantised as `CoefficientCode` does.

    Args:
        deviation: in steps.
    """
    scale = deviation / np.sqrt(2)
    plain = np.diff(np.exp(-np.array([0.0, 0.5, 1.5]) / scale), prepend=1) * -1
    zero_from = 0.5 + 0.5 * _WORTH * max(0.0, np.log2(max(plain[1], 1e-9) / max(plain[2] / 2, 1e-9)))
    onward = min(0.9, 0.5 + 0.5 * _WORTH / (scale * np.log(2)))
    edges = np.arange(1, LARGEST + 1) + onward
    edges = np.concatenate([[0.0], [zero_from], np.maximum(edges, zero_from)])
    shares = np.exp(-edges[:-1] / scale) - np.exp(-edges[1:] / scale)
    shares[-1] = np.exp(-edges[-2] / scale)
    return np.asarray(shares / shares.sum())


def make_frequencies(counts: Floats | None = None) -> npt.NDArray[np.uint16]:
    """Return the frequencies (TABLES, 2 * LARGEST + 1) of the numbers 0, 1, -1, 2, -2 ... in every table.

    Args:
        counts: (TABLES, LARGEST + 1), how often each magnitude was met; the formula alone if None.
    """
    rows = []
    for number in range(TABLES):
        shares = expected_shares(2.0 ** (_LOWEST + (number + 0.5) / OCTAVE)) * _TRUST
        shares = shares + (0 if counts is None else counts[number])
        rows.append(_whole(shares / shares.sum()))
    return np.array(rows, np.uint16)


def _whole(shares: Floats) -> npt.NDArray[np.int64]:
    """Return frequencies of signed numbers, all positive, from the shares of magnitudes."""
    signed = np.empty(2 * LARGEST + 1)
    signed[0], signed[1::2], signed[2::2] = shares[0], shares[1:] / 2, shares[1:] / 2
    found = 1 + np.floor(signed * (TOTAL - len(signed))).astype(np.int64)
    found[0] += TOTAL - found.sum()
    return found

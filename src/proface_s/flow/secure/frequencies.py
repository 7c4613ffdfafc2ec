"""The frequency file of a model: integer frequencies of all symbols, and the biases of reconstruction.

::

    "PFSFREQ1" | per table: bias u8, in 64ths of a step | frequencies of 0, 1, ..., 64 and of the escape, u16 each

All numbers are little-endian.  A value and its negative are equally frequent, so only one of them is stored.
Frequencies come in units of `UNIT`; those of a table sum to `TOTAL`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ...ans import TOTAL
from ...errors import ModelError
from .entropy import BINS, ESCAPE, REACH, Tables

MAGIC: Final = b"PFSFREQ1"
UNIT: Final = 1 << 8
BIAS_STEPS: Final = 64.0
_ROW: Final = np.dtype([("bias", "u1"), ("frequencies", "<u2", (REACH + 2,))])


def encode_frequencies(counts: npt.NDArray[np.integer], biases: npt.NDArray[np.float64]) -> bytes:
    """Return the frequency file for counted symbols; in integers, so that any machine makes the same file.

    Args:
        counts: (BINS, ESCAPE + 1), all positive; those of a value and its negative are equal.
        biases: (BINS,), multiples of 1/64 of a step below 4.

    Raises:
        ValueError: if counts or biases cannot be stored, as when the value 0 is rare.
    """
    counts = counts.astype(np.int64)
    values, mirrored = counts[:, REACH:ESCAPE], counts[:, REACH::-1]
    scaled = biases * BIAS_STEPS
    if counts.shape != (BINS, ESCAPE + 1) or counts.min() < 1 or (values != mirrored).any():
        raise ValueError("counts must be positive, and equal for a value and its negative")
    if (scaled != scaled.astype(np.uint8)).any():
        raise ValueError("biases must be multiples of 1/64 from 0 to 255/64")
    rows = np.zeros(BINS, _ROW)
    rows["bias"] = scaled
    for row, count in zip(rows, counts, strict=True):
        row["frequencies"] = _rounded(count)
    return MAGIC + rows.tobytes()


def decode_frequencies(data: bytes) -> Tables:
    """Read a frequency file: the inverse of `encode_frequencies`.

    Raises:
        ModelError: if it is malformed.
    """
    if not data.startswith(MAGIC) or len(data) != len(MAGIC) + BINS * _ROW.itemsize:
        raise ModelError("the model's frequencies cannot be read", code="damaged-model")
    rows = np.frombuffer(data, _ROW, offset=len(MAGIC))
    stored = rows["frequencies"].astype(np.int64) * UNIT
    frequencies = np.concatenate([stored[:, REACH:0:-1], stored], axis=1)
    return Tables.of_frequencies(frequencies, rows["bias"] / BIAS_STEPS)


def _rounded(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Scale the counts of a table to `TOTAL` / `UNIT` by the method of largest remainders; return the stored half.

    No frequency falls below 1.  A remainder counts for a value and its negative at once; what is left is given to the
    value 0, or taken from it.
    """
    total, units = int(counts.sum()), TOTAL // UNIT
    half = counts[REACH:]
    quotients, remainders = np.divmod(half * units, total)
    remainders[quotients == 0] = -1  # raised to 1, these have their share
    quotients = np.maximum(quotients, 1)
    left = units - int(quotients.sum() + quotients[1:-1].sum())
    order = np.argsort(-remainders[1:-1], kind="stable")[: max(0, left // 2)]
    quotients[1 + order] += 1
    quotients[0] += left - 2 * order.size
    if quotients[0] < 1:
        raise ValueError("the counts of the value 0 are too few beside the others")
    return quotients

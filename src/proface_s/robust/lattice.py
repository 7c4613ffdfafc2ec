"""Dithered quantiser-index modulation of luma: one bit in each low frequency of each block of 16 x 16 pixels.

::

    c      coefficient of the block's orthonormal DCT
    bit b  c moves to the nearest point of  step (Z + dither + b / 2)
    phase  (c / step - dither) mod 1:  0 for a 0, 1/2 for a 1, and uniform where nothing is hidden

The dither is public and differs from block to block.  B. Chen, G. Wornell, "Quantization index modulation", IEEE Trans.
Inf. Theory 47(4), 2001.  Blocks of 16 pixels lose 15 % of the capacity of blocks of 8 where a JPEG has the same grid,
and win 30 to 60 % where the picture was resized; chroma would add less than 3 %.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from ..types import FloatArray, UInt8Image

BLOCK: Final = 16
MOST_BLOCKS: Final = 256
"""Blocks along a side of the largest picture, 4096 pixels."""

BASE_BANDS: Final = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
FINE_BANDS: Final = tuple(
    sorted(
        ((v, u) for v in range(8) for u in range(8) if v + u <= 7 and (v, u) not in BASE_BANDS),
        key=lambda band: (band[0] ** 2 + band[1] ** 2, band),
    )[:28]
)
"""(vertical, horizontal) frequencies of the base layer and of the fine layer, in the order of their carriers."""

BANDS: Final = BASE_BANDS + FINE_BANDS
STEPS: Final = np.array([27.0] * len(BASE_BANDS) + [13.5] * len(FINE_BANDS), np.float32)
FLAT: Final = 3.0
BUSY: Final = 9.0
"""Root mean square of a block's coefficients in the fine bands, up to and from which it is flat or busy."""

LEAST_STRENGTHS: Final = (0.8, 0.65)
"""Of the base and the fine bands in flat blocks: bands that outlive more must not lose as much."""

BOX_STEPS: Final = np.array([27.0] * len(BASE_BANDS) + [30.0] * len(FINE_BANDS), np.float32)
"""Steps where only the boxes of the faces carry: 38 dB there.  Those of the base bands are the same: a reader searches
for the lattice once."""

FULL: Final = (1.0, 1.0)
KEPT: Final = 8  # frequencies per direction that any band uses
_DITHER_LABEL: Final = b"proface-s/share/v1/dither"

_COLUMNS: Final = tuple(KEPT * v + u for v, u in BANDS)
_ROWS: Final = 512  # of a picture, converted at a time


def luma_of(rgb: UInt8Image) -> FloatArray:
    """Return the luma (H, W) of (H, W, 3) sRGB samples, 0..255: ITU-R BT.601, as in JPEG."""
    luma = np.empty(rgb.shape[:2], np.float32)
    for top in range(0, len(rgb), _ROWS):
        cv2.cvtColor(rgb[top : top + _ROWS].astype(np.float32), cv2.COLOR_RGB2GRAY, luma[top : top + _ROWS])
    return luma


def grid_of(width: int, height: int) -> tuple[int, int]:
    """Return the rows and columns of whole blocks of a picture."""
    return height // BLOCK, width // BLOCK


@cache
def basis() -> FloatArray:
    """Return the 8 lowest vectors of the orthonormal DCT-II of 16 samples, (8, 16)."""
    n = np.arange(BLOCK)
    rows = np.cos(np.pi * (2 * n + 1) * np.arange(KEPT)[:, None] / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, np.float32)


def analyse(luma: FloatArray, bands: Sequence[tuple[int, int]] = BANDS) -> FloatArray:
    """Return the coefficients of bands of all whole blocks; `synthesise` is the inverse on all `BANDS`.

    Args:
        luma: (H, W), any range.
        bands: (vertical, horizontal) frequencies.

    Returns:
        (rows, columns, bands).
    """
    rows, columns = grid_of(luma.shape[1], luma.shape[0])
    lowest = basis()[: 1 + max(map(max, bands))]
    blocks = luma[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns * BLOCK)
    half = np.matmul(lowest, blocks).reshape(rows, len(lowest), columns, BLOCK)
    low = np.matmul(half, lowest.T)  # (rows, v, columns, u)
    flat = np.ascontiguousarray(low.transpose(0, 2, 1, 3)).reshape(rows, columns, -1)
    return flat[:, :, [len(lowest) * v + u for v, u in bands]]


def synthesise(coefficients: FloatArray) -> FloatArray:
    """Return the luma (16 rows, 16 columns) of coefficients (rows, columns, bands); inverse of `analyse`."""
    rows, columns, _ = coefficients.shape
    low = np.zeros((rows, columns, KEPT * KEPT), np.float32)
    low[:, :, _COLUMNS] = coefficients
    half = np.matmul(low.reshape(rows, columns, KEPT, KEPT).transpose(0, 2, 1, 3), basis())  # (rows, v, columns, 16)
    luma: FloatArray = np.matmul(basis().T, half.reshape(rows, KEPT, columns * BLOCK))
    return luma.reshape(rows * BLOCK, columns * BLOCK)


@cache
def _dither_of_largest() -> FloatArray:
    key = hashlib.sha256(_DITHER_LABEL).digest()
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(MOST_BLOCKS**2 * 64))
    values = np.frombuffer(stream, np.uint8).reshape(MOST_BLOCKS, MOST_BLOCKS, 64)[:, :, : len(BANDS)]
    return values.astype(np.float32) / np.float32(256)


def dither(rows: int, columns: int) -> FloatArray:
    """Return the public dither of the blocks of a picture, (rows, columns, bands) in 0..1.

    Byte 64 (256 row + column) + band of the ChaCha20 keystream under SHA-256("proface-s/share/v1/dither"), over 256.
    """
    return _dither_of_largest()[:rows, :columns]


def embed(
    rgb: UInt8Image,
    bits: npt.NDArray[np.uint8],
    carrying: npt.NDArray[np.bool_],
    steps: FloatArray = STEPS,
    least: tuple[float, float] = LEAST_STRENGTHS,
) -> UInt8Image:
    """Write bits into a picture; `phases` shows them again.

    In flat blocks coefficients move only a part of the way, see `strengths`.

    Args:
        rgb: (H, W, 3) sRGB.
        bits: (rows, columns, bands) of 0 and 1.
        carrying: (rows, columns) of the blocks that carry; all others stay as they are.
        steps: (bands,) of the lattice.
        least: strengths of the base and the fine bands in flat blocks, `FULL` for no difference.

    Returns:
        The picture, (H, W, 3); luma alone changes, by the same amount in all three samples of a pixel.
    """
    rows, columns = carrying.shape
    coefficients = analyse(luma_of(rgb))
    target = dither(rows, columns) + bits * np.float32(0.5)
    scaled = coefficients / steps - target
    change = (np.round(scaled) - scaled) * steps * strengths(coefficients, least) * carrying[:, :, None]
    changed = rgb.copy()
    part = changed[: rows * BLOCK, : columns * BLOCK]
    moved = np.rint(part + synthesise(change)[:, :, None]).clip(0, 255)
    changed[: rows * BLOCK, : columns * BLOCK] = moved
    return changed


def strengths(coefficients: FloatArray, least: tuple[float, float] = LEAST_STRENGTHS) -> FloatArray:
    """Return how far each coefficient of a picture is moved towards its point, 1 for all the way.

    Less in flat blocks, where grain shows most: on a wall or in the sky it is 3 dB weaker, for a sixth of the capacity
    after JPEG 75 of a photo that is flat by half.

    Args:
        coefficients: (rows, columns, bands).
        least: of the base and the fine bands.

    Returns:
        The same shape, ``least`` to 1.
    """
    fine = slice(len(BASE_BANDS), None)
    texture = np.sqrt((coefficients[:, :, fine] ** 2).mean(axis=2, keepdims=True))
    busy = ((texture - FLAT) / (BUSY - FLAT)).clip(0, 1)
    lowest = np.repeat(np.array(least, np.float32), (len(BASE_BANDS), len(FINE_BANDS)))
    return np.asarray(lowest + (1 - lowest) * busy, np.float32)


def phases(coefficients: FloatArray, steps: FloatArray = STEPS) -> FloatArray:
    """Return the phase of every coefficient, -1/2..1/2: near 0 for a 0, near 1/2 or -1/2 for a 1.

    Args:
        coefficients: (rows, columns, bands).
        steps: (bands,) of the lattice.
    """
    rows, columns, _ = coefficients.shape
    turns = coefficients / steps - dither(rows, columns)
    return turns - np.round(turns)

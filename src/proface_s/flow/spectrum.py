"""Decorrelated colour and blockwise DCT: an orthonormal change of basis of an RGB region of any even size.

The published flow sees the face as one level of Haar sub-bands.  Before the key scrambles it we go further: 16 x 16
blocks of the orthonormal DCT-II gather three to four decibels more energy in few coefficients than five Haar levels
do (docs/model.md), and only gathered energy can be hidden well.  Sides that are not multiples of 16 end in one block
of another size, so that no pixel is padded, resized or left out.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ..types import FloatArray, UInt8Image

BLOCK = 16
COLOURS = 3

_RGB_TO_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=np.float32)
_RGB_TO_OPPONENT /= np.linalg.norm(_RGB_TO_OPPONENT, axis=1, keepdims=True)


def block_sizes(length: int) -> list[int]:
    """Sizes of the blocks that a side of ``length`` pixels is cut into; the last one absorbs a remainder below 8.

    >>> block_sizes(32), block_sizes(44), block_sizes(38), block_sizes(10)
    ([16, 16], [16, 16, 12], [16, 22], [10])
    """
    whole, rest = divmod(length, BLOCK)
    if whole == 0:
        return [length]
    if rest == 0:
        return [BLOCK] * whole
    if rest < BLOCK // 2:
        return [BLOCK] * (whole - 1) + [BLOCK + rest]
    return [BLOCK] * whole + [rest]


def _runs(length: int) -> list[tuple[int, int, int]]:
    """(start, count, size) of the runs of equal blocks."""
    sizes = block_sizes(length)
    if len(set(sizes)) == 1:
        return [(0, len(sizes), sizes[0])]
    return [(0, len(sizes) - 1, sizes[0]), (sizes[0] * (len(sizes) - 1), 1, sizes[-1])]


@lru_cache(maxsize=32)
def _dct_matrix(size: int) -> FloatArray:
    k = np.arange(size)[:, None]
    matrix: npt.NDArray[np.float64] = np.sqrt(2.0 / size) * np.cos(np.pi * (np.arange(size)[None, :] + 0.5) * k / size)
    matrix[0] /= np.sqrt(2.0)
    return matrix.astype(np.float32)


def _along(values: FloatArray, axis: int, *, inverse: bool) -> FloatArray:
    """Blockwise DCT-II (or its inverse) of a (H, W, C) array along axis 0 or 1."""
    out = np.empty_like(values)
    for start, count, size in _runs(values.shape[axis]):
        matrix = _dct_matrix(size).T if inverse else _dct_matrix(size)
        stop = start + count * size
        cut = np.s_[start:stop] if axis == 0 else np.s_[:, start:stop]
        blocks = (count, size, -1) if axis == 0 else (values.shape[0], count, size, -1)
        out[cut] = np.matmul(matrix, values[cut].reshape(blocks)).reshape(values[cut].shape)
    return out


def analyse(region: UInt8Image) -> FloatArray:
    """Coefficients of an RGB region.

    Args:
        region: (H, W, 3) uint8.

    Returns:
        (H, W, 3) float32: opponent colours of ``region - 128`` under blockwise DCT-II; an isometry.
    """
    opponent = np.asarray(cv2.transform(region.astype(np.float32) - 128.0, _RGB_TO_OPPONENT), dtype=np.float32)
    return _along(_along(opponent, 0, inverse=False), 1, inverse=False)


def synthesise(coefficients: FloatArray) -> FloatArray:
    """Inverse of `analyse`: (H, W, 3) coefficients -> (H, W, 3) float32 RGB, neither clamped nor rounded."""
    opponent = _along(_along(coefficients, 0, inverse=True), 1, inverse=True)
    return cv2.transform(opponent, np.ascontiguousarray(_RGB_TO_OPPONENT.T)) + np.float32(128.0)


def _frequencies(length: int) -> npt.NDArray[np.intp]:
    """Frequency class 0..15 of every position along a side, in cycles per 32 pixels, by integer arithmetic."""
    parts = [np.minimum(BLOCK - 1, (np.arange(size) * BLOCK + size // 2) // size) for size in block_sizes(length)]
    return np.concatenate(parts)


def band_map(height: int, width: int) -> npt.NDArray[np.intp]:
    """Band of every coefficient: (H, W, 3) indices into the 3 x 16 x 16 table [colour, vertical, horizontal]."""
    grid = _frequencies(height)[:, None] * BLOCK + _frequencies(width)[None, :]
    return grid[:, :, None] + np.arange(COLOURS) * (BLOCK * BLOCK)

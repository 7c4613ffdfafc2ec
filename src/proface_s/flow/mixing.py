"""Secure mixing Pi_K: a key-derived signed permutation followed by a randomised Hadamard rotation.

`mix` and `unmix` are exact inverses and isometries.  Every output depends on 64 inputs chosen by the key, with signs
chosen by the key, so that the message looks like white noise of unit variance and one wrong key bit, which changes
the whole keystream, gives white noise back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..types import FloatArray

BLOCK = 64
TAIL_BLOCK = 4  # a region of even sides has 3 H W values, a multiple of 12


class KeyStreams(Protocol):
    """The two pseudo-random streams that the flow needs of a face key."""

    def key_map_stream(self, nbytes: int) -> bytes:
        """First ``nbytes`` of the key-map stream."""

    def mixing_stream(self, nbytes: int) -> bytes:
        """First ``nbytes`` of the secure-mixing stream."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mixing:
    """Everything the key decides for ``n`` values; contains key-equivalent material, so it has no repr.

    Attributes:
        order: (n,) permutation.
        signs_before, signs_after: (n,) float32 in {-1, +1}.
        pad: (n,) uint8 in {0, 1}; encrypts the digits of `code`.
    """

    order: npt.NDArray[np.intp]
    signs_before: FloatArray
    signs_after: FloatArray
    pad: npt.NDArray[np.uint8]


def derive_mixing(streams: KeyStreams, n: int) -> Mixing:
    """Expand a face key for ``n`` values: n 64-bit sort keys, then three times n bits, each padded to whole bytes."""
    bit_bytes = -(-n // 8)
    stream = streams.mixing_stream(8 * n + 3 * bit_bytes)
    order = np.argsort(np.frombuffer(stream, dtype="<u8", count=n))
    bits = [
        np.unpackbits(np.frombuffer(stream, np.uint8, bit_bytes, 8 * n + i * bit_bytes), count=n) for i in range(3)
    ]
    signs = [np.where(b, np.float32(-1), np.float32(1)) for b in bits[:2]]
    return Mixing(order, signs[0], signs[1], bits[2])


def derive_key_map(streams: KeyStreams, height: int, width: int) -> FloatArray:
    """Key map of a face: (1, height, width) float32 in {-1, +1}, one bit per pixel, row-major."""
    n = height * width
    bits = np.unpackbits(np.frombuffer(streams.key_map_stream(-(-n // 8)), np.uint8), count=n)
    return (bits.astype(np.float32) * 2 - 1).reshape(1, height, width)


@lru_cache(maxsize=2)
def _hadamard(size: int) -> FloatArray:
    matrix: npt.NDArray[np.float64] = np.ones((1, 1))
    while matrix.shape[0] < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return np.asarray(matrix / np.sqrt(size), dtype=np.float32)


def _rotate(values: FloatArray) -> FloatArray:
    """Orthonormal and symmetric, hence its own inverse: Hadamard blocks over strided positions."""
    count = values.size // BLOCK
    cut = count * BLOCK
    out = np.empty_like(values)
    out[:cut] = (_hadamard(BLOCK) @ values[:cut].reshape(BLOCK, count)).ravel()
    if cut < values.size:
        out[cut:] = (_hadamard(TAIL_BLOCK) @ values[cut:].reshape(TAIL_BLOCK, -1)).ravel()
    return out


def mix(values: FloatArray, mixing: Mixing) -> FloatArray:
    """Pi_K: (n,) float32 -> (n,) float32 of the same norm."""
    return _rotate(values[mixing.order] * mixing.signs_before) * mixing.signs_after


def unmix(message: FloatArray, mixing: Mixing) -> FloatArray:
    """Inverse of `mix`."""
    values = np.empty_like(message)
    values[mixing.order] = _rotate(message * mixing.signs_after) * mixing.signs_before
    return values

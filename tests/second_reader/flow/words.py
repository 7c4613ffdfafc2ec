"""From the samples of a protected region to 32-bit words (docs/reference/flow.md, section 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..keys.derivations import key_stream, stream_key

DIGITS_AND_BITS = {3: (12, 19), 5: (22, 51)}


def modulus(height: int, width: int) -> int:
    """5 for small regions, 3 for others."""
    return 5 if min(height, width) < 96 else 3


def shifts(face_key: bytes, count: int, base: int) -> NDArray[np.int64]:
    """The first `count` shifts, each in ``0 .. base - 1``."""
    key = stream_key(face_key, "mixing")
    length = count + count // 64 + 64
    while True:
        stream = np.frombuffer(key_stream(key, length), np.uint8)
        usable = stream[stream != 255]
        if len(usable) >= count:
            return np.asarray(usable[:count].astype(np.int64) % base)
        length *= 2


def digits(region: NDArray[np.uint8], reserved: int, face_key: bytes) -> NDArray[np.int64]:
    """Digits of a region (h, w, 3), one for each sample behind the reserved ones."""
    base = modulus(region.shape[0], region.shape[1])
    samples = region.reshape(-1)[reserved:].astype(np.int64)
    return (samples - shifts(face_key, len(samples), base)) % base


def words(code: NDArray[np.int64], base: int) -> list[int]:
    """The 32-bit words that digits spell; the last one is the top of the coder's stack."""
    size, bits = DIGITS_AND_BITS[base]
    groups = code[: len(code) // size * size].reshape(-1, size)
    # The largest value, 5^22 - 1, is below 2^52: int64 holds every sum.
    values = groups @ np.array([base**k for k in range(size)], dtype=np.int64) & ((1 << bits) - 1)
    string = (values[:, None] >> np.arange(bits) & 1).astype(np.uint8).reshape(-1)
    string = string[: len(string) // 32 * 32]
    return [int(word) for word in np.packbits(string, bitorder="little").view("<u4")]

"""Words <-> digits in base m <-> residues of 8-bit samples: the lattice that carries the message."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ...types import UInt8Image

Digits = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]

# modulus -> (bits, digits) of a group: 2^bits <= modulus^digits, with at most 0.2 % of a digit's capacity lost
GROUPS = {3: (19, 12), 5: (51, 22)}
WORD_BITS = 32


def capacity_words(samples: int, modulus: int) -> int:
    """Return the number of 32-bit words that the residues of ``samples`` samples carry."""
    bits, digits = GROUPS[modulus]
    return samples // digits * bits // WORD_BITS


def to_digits(words: Words, samples: int, modulus: int) -> Digits:
    """Convert words, at most `capacity_words`, to ``samples`` digits 0..modulus-1; unused digits are zero."""
    bits, digits = GROUPS[modulus]
    stream = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
    groups = samples // digits
    padded = np.zeros(groups * bits, np.uint8)
    padded[: stream.size] = stream
    value = np.zeros(groups, np.uint64)
    for place, column in enumerate(padded.reshape(groups, bits).T):
        value |= column.astype(np.uint64) << np.uint64(place)
    out = np.zeros(samples, np.uint8)
    grouped = out[: groups * digits].reshape(groups, digits)
    for place in range(digits):
        value, grouped[:, place] = np.divmod(value, np.uint64(modulus))
    return out


def from_digits(found: Digits, modulus: int) -> Words:
    """Invert `to_digits`: return all `capacity_words` words."""
    bits, digits = GROUPS[modulus]
    groups = found.size // digits
    grouped = found[: groups * digits].reshape(groups, digits)
    value = np.zeros(groups, np.uint64)
    for place in reversed(range(digits)):
        value = value * np.uint64(modulus) + grouped[:, place]
    stream = np.empty((groups, bits), np.uint8)
    for place in range(bits):
        stream[:, place] = (value >> np.uint64(place)) & np.uint64(1)
    words = capacity_words(found.size, modulus)
    return np.packbits(stream.ravel()[: words * WORD_BITS], bitorder="little").view("<u4").astype(np.uint32)


def write_residues(cover: UInt8Image, digits: Digits, modulus: int) -> UInt8Image:
    """Return the samples nearest to the cover's whose residues are the digits: the modular coupling.

    Args:
        cover: uint8, any shape.
        digits: one per sample, in row-major order.
        modulus: odd, so that the nearest sample is unique.  It is at most (modulus - 1) / 2 grey levels away, or
            further near black and white, where only the other side is left.

    Returns:
        The protected samples, shaped like the cover.
    """
    places = digits.reshape(cover.shape).astype(np.intp)
    places <<= 8
    places |= cover
    return _nearest(modulus).take(places)


@lru_cache
def _nearest(modulus: int) -> npt.NDArray[np.uint8]:
    """Return the sample nearest to each cover sample for each residue: (modulus, 256)."""
    half, cover = modulus // 2, np.arange(256)
    offset = (np.arange(modulus)[:, None] - cover % modulus + half) % modulus - half
    protected = cover + offset
    protected += modulus * (protected < 0)
    protected -= modulus * (protected > 255)
    return protected.astype(np.uint8)


def read_residues(protected: UInt8Image, modulus: int) -> Digits:
    """Invert `write_residues`: return one digit per sample, row-major."""
    return (protected % np.uint8(modulus)).ravel()

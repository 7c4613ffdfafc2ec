"""Secure mixing: a key-derived translation of the digit lattice, the one-time pad over base-m digits.

With truly random shifts the mixed digits are uniform whatever was mixed (Shannon 1949); the shifts here are the face
key's ChaCha20 keystream.  Translations are isometries of the lattice (Lee metric) and invert exactly; another key
changes every digit with probability (m - 1) / m, independently, everywhere.
"""

from __future__ import annotations

import numpy as np

from ..model import KeyStreams
from .lattice import Digits


def derive_shifts(key: KeyStreams, count: int, modulus: int) -> Digits:
    """``count`` uniform digits: bytes below the largest multiple of the modulus, reduced; the others are skipped."""
    limit = 256 - 256 % modulus
    nbytes = count + count // 16 + 256
    while True:
        stream = np.frombuffer(key.mixing_stream(nbytes), np.uint8)
        usable = stream[stream < limit]
        if usable.size >= count:
            return usable[:count] % np.uint8(modulus)
        nbytes *= 2


def mix(digits: Digits, shifts: Digits, modulus: int) -> Digits:
    """Translate: (digits + shifts) mod m."""
    return _reduced(digits + shifts, modulus)


def unmix(mixed: Digits, shifts: Digits, modulus: int) -> Digits:
    """Inverse of `mix`."""
    return _reduced(mixed + np.uint8(modulus) - shifts, modulus)


def _reduced(sums: Digits, modulus: int) -> Digits:
    """Numbers below twice the modulus, in place; without the division that makes a remainder slow."""
    sums -= np.uint8(modulus) * (sums >= modulus)
    return sums

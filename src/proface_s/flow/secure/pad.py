"""Secure mixing: a key-derived translation of the digit lattice, the one-time pad for base-m digits.

With truly random shifts the mixed digits are uniform, whatever was mixed (Shannon 1949); the shifts here come from the
face key's ChaCha20 keystream.  Translations are isometries of the lattice (Lee metric) and invert exactly.  Another key
changes every digit independently with probability (m - 1) / m.
"""

from __future__ import annotations

import numpy as np

from ..model import KeyStreams
from .lattice import Digits


def derive_shifts(key: KeyStreams, count: int, modulus: int) -> Digits:
    """Return ``count`` uniform digits: bytes below the largest multiple of the modulus, reduced; others are skipped."""
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
    """Invert `mix`."""
    return _reduced(mixed + np.uint8(modulus) - shifts, modulus)


def _reduced(sums: Digits, modulus: int) -> Digits:
    """Reduce numbers below twice the modulus in place, without a division."""
    sums -= np.uint8(modulus) * (sums >= modulus)
    return sums

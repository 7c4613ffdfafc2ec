"""Reed-Solomon code words over GF(256), polynomial 11d, generator 2, first root 2^0 (docs/format.md, section 1.5)."""

from __future__ import annotations

POWERS = [1] * 510
for _k in range(1, 510):
    POWERS[_k] = POWERS[_k - 1] << 1 ^ (0x11D if POWERS[_k - 1] & 128 else 0)
LOGS = {POWERS[_k]: _k for _k in range(255)}


def _times(a: int, b: int) -> int:
    return POWERS[LOGS[a] + LOGS[b]] if a and b else 0


def _over(a: int, b: int) -> int:
    return POWERS[LOGS[a] - LOGS[b] + 255] if a else 0


def _value(polynomial: list[int], x: int) -> int:
    """A polynomial at x, its highest coefficient last."""
    result = 0
    for coefficient in reversed(polynomial):
        result = _times(result, x) ^ coefficient
    return result


def _syndromes(word: bytes, parity: int) -> list[int]:
    return [_value(list(reversed(word)), POWERS[k]) for k in range(parity)]


def corrected(word: bytes, parity: int) -> bytes | None:
    """The data of a code word with up to ``parity // 2`` wrong bytes, or None."""
    syndromes = _syndromes(word, parity)
    if any(syndromes):
        locator = _locator(syndromes)
        places = [place for place in range(len(word)) if _value(locator, POWERS[(255 - place) % 255]) == 0]
        if len(places) != len(locator) - 1 or 2 * len(places) > parity:
            return None
        word = _mended(word, syndromes, locator, places)
        if any(_syndromes(word, parity)):
            return None
    return word[:-parity]


def _locator(syndromes: list[int]) -> list[int]:
    """The error locator (Berlekamp and Massey), lowest coefficient first."""
    current, previous, errors, gap, last = [1], [1], 0, 1, 1
    for k, syndrome in enumerate(syndromes):
        discrepancy = syndrome
        for i in range(1, min(errors, len(current) - 1) + 1):
            discrepancy ^= _times(current[i], syndromes[k - i])
        if discrepancy == 0:
            gap += 1
            continue
        factor = _over(discrepancy, last)
        shifted = [0] * gap + [_times(factor, c) for c in previous]
        size = max(len(current), len(shifted))
        updated = [a ^ b for a, b in zip(_padded(current, size), _padded(shifted, size), strict=True)]
        if 2 * errors <= k:
            previous, last, errors, gap = current, discrepancy, k + 1 - errors, 1
        else:
            gap += 1
        current = updated
    while current[-1] == 0:
        current.pop()
    return current


def _padded(polynomial: list[int], size: int) -> list[int]:
    return polynomial + [0] * (size - len(polynomial))


def _mended(word: bytes, syndromes: list[int], locator: list[int], places: list[int]) -> bytes:
    """The word with the errors at `places` (counted from its end) taken out (Forney)."""
    evaluator = [0] * len(syndromes)
    for i, a in enumerate(syndromes):
        for j, b in enumerate(locator[: len(syndromes) - i]):
            evaluator[i + j] ^= _times(a, b)
    slope = [c if k % 2 == 0 else 0 for k, c in enumerate(locator[1:])]
    mended = bytearray(word)
    for place in places:
        x, inverse = POWERS[place], POWERS[(255 - place) % 255]
        mended[len(word) - 1 - place] ^= _over(_times(x, _value(evaluator, inverse)), _value(slope, inverse))
    return bytes(mended)

"""Decoding of lifted LDPC graphs: normalised min-sum with layered scheduling, over a batch of words at once.

J. Chen, A. Dholakia, E. Eleftheriou, M. Fossorier, X. Hu, "Reduced-complexity decoding of LDPC codes", IEEE Trans.
Comm. 53(8), 2005; layers: D. Hocevar, "A reduced complexity decoder architecture via layered decoding", SiPS 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ..types import FloatArray

Rows = Sequence[Sequence[tuple[int, int]]]

NORMALISATION: Final = 0.8  # min-sum overrates messages; the best of 0.7 to 1 at rates 1/5 to 2/3
LARGEST: Final = 60.0


def decode_words(
    values: FloatArray, rows: Rows, lift: int, iterations: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Decode words whose bits are shifted blocks of a base graph.

    Args:
        values: (columns x Z, B) log-likelihood ratios, positive for 0; infinite for bits known to be 0.
        rows: of the lifted graph: pairs of a column and a shift.
        lift: Z.
        iterations: at most.

    Returns:
        (columns x Z, B) bits, and for each word whether all parity checks hold.
    """
    belief = np.clip(values, -LARGEST, LARGEST)
    circle = np.arange(lift)
    places = [np.stack([column * lift + (circle + shift) % lift for column, shift in row]) for row in rows]
    hard = np.zeros(values.shape, np.uint8)
    sound = np.zeros(values.shape[1], bool)
    active = np.arange(values.shape[1])
    messages = [np.zeros((*place.shape, len(active)), np.float32) for place in places]
    for _ in range(iterations):
        for number, place in enumerate(places):
            extrinsic = belief[place] - messages[number]
            messages[number] = _check_messages(extrinsic)
            belief[place] = np.clip(extrinsic + messages[number], -LARGEST, LARGEST)
        bits = belief < 0
        odd = np.zeros(len(active), bool)
        for place in places:
            odd |= np.logical_xor.reduce(bits[place], axis=0).any(axis=0)
        hard[:, active], sound[active] = bits, ~odd
        if not odd.all():  # finished words need no more work
            active, belief = active[odd], belief[:, odd]
            messages = [each[:, :, odd] for each in messages]
        if not len(active):
            break
    return hard, sound


def _check_messages(extrinsic: FloatArray) -> FloatArray:
    """Return what a check tells each of its bits: sign and smallest magnitude of the others; (degree, Z, B)."""
    size = np.abs(extrinsic)
    negative = extrinsic < 0
    weakest = size.argmin(axis=0)[None]
    smallest = np.take_along_axis(size, weakest, axis=0)
    np.put_along_axis(size, weakest, np.inf, axis=0)
    second = size.min(axis=0, keepdims=True)
    told = np.broadcast_to(smallest, size.shape).copy()
    np.put_along_axis(told, weakest, second, axis=0)
    flip = negative ^ np.logical_xor.reduce(negative, axis=0, keepdims=True)
    told *= NORMALISATION
    np.negative(told, out=told, where=flip)
    return told

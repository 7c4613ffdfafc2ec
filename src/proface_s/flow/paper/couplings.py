"""The secure affine coupling blocks of the published network, and their inverses (arXiv 2307.09146, section 3.2).

::

    original ─ Haar ─► X ─┐   Y' = e(omega(X|K)) * Y + phi(X|K)    ┌─► X' ─► ... ─► byproduct (discarded)
    cover    ─ Haar ─► Y ─┴─► X' = e(rho(Y'|K)) * X + eta(Y'|K)  ──┴─► Y' ─► ... ─ inverse Haar ─► protected

Each of omega, phi, rho and eta is a dense block of five 3x3 convolutions at half resolution.  Two of them always read
the same bands, so that one ONNX graph holds such a pair: its first 12 answers are the logarithm of the scale before
`scale` bounds it, its last 12 the translation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from ...types import FloatArray
from ..network import Graph

CLAMP: Final = 2.0  # the paper's c: scales lie between exp(-2) and exp(2)
IMAGE_BANDS, KEY_BANDS = 12, 4  # channels at half resolution
HALO: Final = 5  # rows beyond a strip that five 3x3 convolutions see
STRIP_SITES: Final = 1 << 16  # sites of one call: wider networks than the secure flow's, about 50 MB of features


class PaperCoupling(NamedTuple):
    """One secure affine coupling block (SACB).

    Attributes:
        to_cover: omega and phi, from the bands of X and K: (1, 16, h, w) to (1, 24, h, w) float32.
        to_original: rho and eta, from the bands of Y' and K.
    """

    to_cover: Graph
    to_original: Graph

    def forward(self, x: FloatArray, y: FloatArray, key: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return X', Y' of X, Y, (1, 12, h, w), and K, (1, 4, h, w)."""
        factor, translation = _answer(self.to_cover, x, key)
        y = factor * y + translation
        factor, translation = _answer(self.to_original, y, key)
        return factor * x + translation, y

    def inverse(self, x: FloatArray, y: FloatArray, key: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return X, Y of X', Y' and K."""
        factor, translation = _answer(self.to_original, y, key)
        x = (x - translation) / factor
        factor, translation = _answer(self.to_cover, x, key)
        return x, (y - translation) / factor


def protect_bands(
    couplings: Sequence[PaperCoupling], original: FloatArray, cover: FloatArray, key: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the bands of the byproduct and of the protected image, each (1, 12, h, w)."""
    x, y = original, cover
    for coupling in couplings:
        x, y = coupling.forward(x, y, key)
    return x, y


def recover_bands(
    couplings: Sequence[PaperCoupling], byproduct: FloatArray, protected: FloatArray, key: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the bands of the original and of the cover; inverse of `protect_bands`."""
    x, y = byproduct, protected
    for coupling in reversed(couplings):
        x, y = coupling.inverse(x, y, key)
    return x, y


def scale(logarithm: FloatArray) -> FloatArray:
    """Return the paper's e(s) = exp(2c(sigmoid(s) - 1/2)): sigmoid(s) - 1/2 = tanh(s / 2) / 2."""
    return np.asarray(np.exp(np.float32(CLAMP) * np.tanh(logarithm / 2)), np.float32)


def haar(image: FloatArray) -> FloatArray:
    """Return the orthonormal Haar bands LL, HL, LH, HH, each of all channels: (1, C, H, W) to (1, 4C, H/2, W/2)."""
    a, b = image[..., 0::2, 0::2], image[..., 0::2, 1::2]
    c, d = image[..., 1::2, 0::2], image[..., 1::2, 1::2]
    return np.asarray(np.concatenate([a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2, image.dtype)


def inverse_haar(bands: FloatArray) -> FloatArray:
    """Return the image that has these bands; inverse of `haar`."""
    ll, hl, lh, hh = np.split(bands, 4, 1)
    image = np.empty((*ll.shape[:2], 2 * ll.shape[2], 2 * ll.shape[3]), bands.dtype)
    image[..., 0::2, 0::2], image[..., 0::2, 1::2] = (ll + hl + lh + hh) / 2, (ll - hl + lh - hh) / 2
    image[..., 1::2, 0::2], image[..., 1::2, 1::2] = (ll + hl - lh - hh) / 2, (ll - hl - lh + hh) / 2
    return image


def _answer(graph: Graph, half: FloatArray, key: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return factor and translation, each (1, 12, h, w)."""
    found = _in_strips(graph, np.concatenate([half, key], 1))
    return scale(found[:, :IMAGE_BANDS]), found[:, IMAGE_BANDS:]


def _in_strips(graph: Graph, planes: FloatArray) -> FloatArray:
    """Run a graph on strips of rows with a halo, which bounds memory and changes no result."""
    height, width = planes.shape[2:]
    rows = max(4 * HALO, STRIP_SITES // width)
    if rows >= height:
        return graph(planes)
    found = []
    for top in range(0, height, rows):
        first, end = max(0, top - HALO), min(height, top + rows + HALO)
        strip = graph(np.ascontiguousarray(planes[:, :, first:end]))
        found.append(strip[:, :, top - first : min(height, top + rows) - first])
    return np.concatenate(found, 2)

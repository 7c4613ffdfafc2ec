"""Capacity of an 8-bit picture, and the rate that a face needs: the bound in the PSNR-PSNR plot.

Integer changes of variance v per sample carry at most the entropy of the discrete Gaussian of that variance: no other
integer distribution with this variance has more.  The receiver is assumed to know the cover, so no method on a
lossless 8-bit channel exceeds the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from proface_s.flow.secure.haar import Float64
from proface_s.flow.secure.lattice import capacity_words
from proface_s.flow.secure.model import SecureFlow
from proface_s.image.measures import psnr
from proface_s.types import UInt8Image

from .metrics import EQUAL_DB

_REACH: Final = 60  # integers considered on either side
_LEVELS: Final = 6


def bits_per_sample(protected_psnr: float) -> float:
    """Return the most bits per sample that a change of this PSNR (dB, data range 255) can carry."""
    variance = 255.0**2 / 10 ** (protected_psnr / 10)
    low, high = 1e-3, 1e4  # the parameter whose discrete Gaussian has this variance
    for _ in range(80):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _discrete_gaussian(middle)[0] < variance else (low, middle)
    return _discrete_gaussian(low)[1]


def recovered_by_coder(model: SecureFlow, faces: Sequence[UInt8Image], bits: float) -> float:
    """Return the mean PSNR in dB of faces that our coder compresses to ``bits`` bits per sample."""
    found = []
    for face in faces:
        words = model.coder.compress(face, max(8, int(bits * face.size / 32)))
        read = np.clip(np.rint(model.coder.expand(words, *face.shape[:2])), 0, 255).astype(np.uint8)
        found.append(min(psnr(read, face), EQUAL_DB))
    return float(np.mean(found))


def recovered_gaussian(original: UInt8Image, cover: UInt8Image, bits: float) -> float:
    """Return the PSNR in dB of reverse water-filling over the residual's Haar bands, each modelled as one Gaussian.

    This is a reference from the literature, not a bound: real coders adapt to the variance within a band and beat it.
    """
    variances, sizes = _band_variances(original.astype(np.float64) - cover)
    low, high = 1e-9, float(variances.max()) + 1e-9
    for _ in range(100):
        level = (low * high) ** 0.5
        rate = (sizes * np.maximum(0.5 * np.log2(variances / level), 0)).sum() / sizes.sum()
        low, high = (level, high) if rate > bits else (low, level)
    error = (sizes * np.minimum(variances, high)).sum() / sizes.sum()
    return float(10 * np.log10(255.0**2 / error))


def capacity_curves(
    model: SecureFlow, originals: Sequence[UInt8Image], covers: Sequence[UInt8Image], at: Sequence[float]
) -> dict[str, list[list[float]]]:
    """Return (protected PSNR, recovered PSNR) at full use of the bound: with our coder, and with Gaussian bands."""
    coder, gaussian = [], []
    for protected in at:
        bits = bits_per_sample(protected)
        coder.append([protected, round(recovered_by_coder(model, originals, bits), 3)])
        each = [recovered_gaussian(x, y, bits) for x, y in zip(originals, covers, strict=True)]
        gaussian.append([protected, round(float(np.mean(each)), 3)])
    return {"coder": coder, "gaussian": gaussian}


def carried_bits(samples: int, modulus: int) -> float:
    """Return the bits per sample that our residues carry."""
    return 32 * capacity_words(samples, modulus) / samples


def _discrete_gaussian(variance: float) -> tuple[float, float]:
    """Return variance and entropy (bits) of the integers weighted by exp(-n^2 / 2 variance)."""
    n = np.arange(-_REACH, _REACH + 1)
    weights = np.exp(-(n**2) / (2 * variance))
    p = weights / weights.sum()
    return float((p * n**2).sum()), float(-(p * np.log2(np.maximum(p, 1e-300))).sum())


def _band_variances(residual: Float64) -> tuple[Float64, Float64]:
    """Return mean square and size of every Haar band of the three decorrelated colour planes."""
    r, g, b = (residual[:, :, i] for i in range(3))
    planes = np.stack([(r + g + b) / 3**0.5, (r - b) / 2**0.5, (r - 2 * g + b) / 6**0.5])
    variances, sizes = [], []
    for level in range(_LEVELS):
        if level == _LEVELS - 1 or any(side % 2 for side in planes.shape[1:]):
            break
        a, c = planes[:, 0::2, 0::2], planes[:, 0::2, 1::2]
        d, e = planes[:, 1::2, 0::2], planes[:, 1::2, 1::2]
        for band in ((a - c + d - e) / 2, (a + c - d - e) / 2, (a - c - d + e) / 2):
            variances += [float(np.square(plane).mean()) for plane in band]
            sizes += [plane.size for plane in band]
        planes = (a + c + d + e) / 2
    variances += [float(np.square(plane).mean()) for plane in planes]
    sizes += [plane.size for plane in planes]
    return np.maximum(np.array(variances), 1e-9), np.array(sizes, np.float64)

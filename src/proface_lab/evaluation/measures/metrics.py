"""Measures of picture quality and of verification, on arrays; each is tested against an independent implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8] | npt.NDArray[np.float32] | npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]

EQUAL_DB: Final = 100.0  # PSNR of equal pictures in means; an error of one grey level in 155,000 samples is 100 dB
SCALES: Final = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # weights of MS-SSIM's five scales (Wang et al. 2003)
_SIGMA, _RADIUS = 1.5, 5
_C1, _C2 = 0.01**2, 0.03**2
SMALLEST_MS_SSIM: Final = 2 * _RADIUS * 2 ** (len(SCALES) - 1) + 1  # 161 pixels


def ssim(a: Image, b: Image, data_range: float = 255.0) -> float:
    """Return the structural similarity (Wang et al. 2004), averaged over the channels.

    The window is a Gaussian of sigma 1.5, 11 pixels wide.

    Args:
        a: (H, W, C), sides of at least 11.
        b: the same shape.
        data_range: value of white: 255 for uint8, 1 for floats.

    Raises:
        ValueError: if the shapes differ or are too small.
    """
    _same_shape(a, b)
    if min(a.shape[:2]) <= 2 * _RADIUS:
        raise ValueError(f"SSIM needs sides of at least {2 * _RADIUS + 1} pixels, not {a.shape[:2]}")
    return float(np.mean(_ssim_terms(_unit(a, data_range), _unit(b, data_range))[0]))


def ms_ssim(a: Image, b: Image, data_range: float = 255.0) -> float | None:
    """Return the multi-scale structural similarity over five scales, averaged over the channels.

    Returns:
        The similarity, or None if a side is below 161 pixels, too small for the fifth scale.

    Raises:
        ValueError: if the shapes differ.
    """
    _same_shape(a, b)
    if min(a.shape[:2]) < SMALLEST_MS_SSIM:
        return None
    first, second = _unit(a, data_range), _unit(b, data_range)
    product = np.ones(first.shape[2])
    for scale, weight in enumerate(SCALES):
        full, contrast = _ssim_terms(first, second)
        last = scale == len(SCALES) - 1
        product *= np.maximum(full if last else contrast, 0) ** weight
        first, second = _halved(first), _halved(second)
    return float(product.mean())


def roc(same: Floats, different: Floats) -> tuple[Floats, Floats, Floats]:
    """Compute the receiver operating characteristic of similarity scores.

    Args:
        same: (N,) scores of genuine pairs.
        different: (M,) scores of impostor pairs.

    Returns:
        Thresholds, descending from infinity; false and true accept rates if scores at or above them are accepted.
    """
    _scores(same, different)
    thresholds = np.concatenate([[np.inf], np.unique(np.concatenate([same, different]))[::-1]])
    false = 1 - np.searchsorted(np.sort(different), thresholds, side="left") / len(different)
    true = 1 - np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    return thresholds, false, true


def auc(same: Floats, different: Floats) -> float:
    """Return the area under `roc`: the chance that a genuine score beats an impostor's; ties count half."""
    _scores(same, different)
    ordered = np.sort(different)
    below = np.searchsorted(ordered, same, side="left")
    ties = np.searchsorted(ordered, same, side="right") - below
    return float((below + ties / 2).mean() / len(different))


def threshold_at_far(different: Floats, far: float) -> float:
    """Return the lowest threshold that at most a share ``far`` of the impostor scores reach or exceed.

    Raises:
        ValueError: if there are fewer than ``1 / far`` scores, too few to tell the rate from zero.
    """
    if len(different) * far < 1:
        raise ValueError(f"a false accept rate of {far:g} needs at least {1 / far:.0f} impostor pairs")
    allowed = int(np.floor(far * len(different) + 1e-9))
    ordered = np.sort(different)[::-1]
    return float(np.nextafter(ordered[allowed], np.inf)) if allowed < len(ordered) else float(ordered[-1])


def tar_at_far(same: Floats, different: Floats, far: float) -> float:
    """Return the true accept rate at the threshold of `threshold_at_far`."""
    _scores(same, different)
    return float((same >= threshold_at_far(different, far)).mean())


def best_threshold(same: Floats, different: Floats) -> float:
    """Return the threshold with the best mean of genuine and impostor accuracy."""
    thresholds, false, true = roc(same, different)
    return float(thresholds[np.argmax(true - false)])


def bootstrap_interval(
    values: Floats,
    statistic: Callable[[Floats], float] = lambda v: float(v.mean()),
    *,
    seed: int = 0,
    repeats: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic.

    Args:
        values: (N, ...), resampled along the first axis with replacement.
        statistic: function of one resample.
        seed: for the resampling.
        repeats: number of resamples.
        level: confidence level.

    Raises:
        ValueError: if there are no values.
    """
    if len(values) == 0:
        raise ValueError("there is nothing to resample")
    rng = np.random.default_rng(seed)
    found = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(repeats)]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of successes (Wilson 1927), 0..1.

    Raises:
        ValueError: if nothing was tried, or more succeeded.
    """
    if not 0 <= right <= count or not count:
        raise ValueError(f"{right} of {count} is no share")
    z = 1.96
    centre = (right + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * float(np.sqrt(right * (count - right) / count + z * z / 4))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_and_p5(values: list[float]) -> dict[str, float]:
    """Return mean and 5th percentile; infinite PSNR counts as `EQUAL_DB`."""
    capped = np.minimum(np.asarray(values, np.float64), EQUAL_DB)
    return {"mean": round(float(capped.mean()), 4), "p5": round(float(np.percentile(capped, 5)), 4)}


def _ssim_terms(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return (channels,) means of SSIM and of its contrast-structure term, over windows inside the picture."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a = _blurred(a * a) - mean_a * mean_a
    var_b = _blurred(b * b) - mean_b * mean_b
    both = _blurred(a * b) - mean_a * mean_b
    contrast = (2 * both + _C2) / (var_a + var_b + _C2)
    full = (2 * mean_a * mean_b + _C1) / (mean_a * mean_a + mean_b * mean_b + _C1) * contrast
    return full.mean(axis=(0, 1)), contrast.mean(axis=(0, 1))


def _blurred(image: Floats) -> Floats:
    size = 2 * _RADIUS + 1
    found = cv2.GaussianBlur(image, (size, size), _SIGMA, borderType=cv2.BORDER_REFLECT)
    inside = slice(_RADIUS, -_RADIUS)
    return np.asarray(found.reshape(image.shape)[inside, inside], np.float64)


def _halved(image: Floats) -> Floats:
    """Average blocks of 2x2; an odd side is padded with zeros at its start, as in the reference implementation."""
    height, width = image.shape[:2]
    top, left = height % 2, width % 2
    padded = np.pad(image, ((top, top), (left, left), (0, 0)))
    h, w = padded.shape[0] // 2, padded.shape[1] // 2
    return np.asarray(padded[: 2 * h, : 2 * w].reshape(h, 2, w, 2, -1).mean(axis=(1, 3)), np.float64)


def _unit(image: Image, data_range: float) -> Floats:
    return np.asarray(image, np.float64) / data_range


def _same_shape(a: Image, b: Image) -> None:
    if a.shape != b.shape:
        raise ValueError(f"pictures must have the same shape, not {a.shape} and {b.shape}")


def _scores(same: Floats, different: Floats) -> None:
    if len(same) == 0 or len(different) == 0:
        raise ValueError("scores of both genuine and impostor pairs are needed")

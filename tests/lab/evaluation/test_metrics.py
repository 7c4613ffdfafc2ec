"""Every measure against an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest

from proface_lab.evaluation.measures import metrics
from proface_s.image.measures import psnr

RNG = np.random.default_rng(3)


def pictures(height: int = 200, width: int = 187, noise: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    coarse = RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    other = np.clip(smooth + RNG.normal(0, noise, smooth.shape), 0, 255).astype(np.uint8)
    return smooth, other


@pytest.mark.parametrize("noise", [1.0, 12.0, 60.0])
def test_psnr_and_ssim_are_scikit_images(noise: float) -> None:
    skimage = pytest.importorskip("skimage.metrics")
    a, b = pictures(noise=noise)
    assert psnr(a, b) == pytest.approx(skimage.peak_signal_noise_ratio(a, b, data_range=255), abs=1e-9)
    theirs = skimage.structural_similarity(
        a, b, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert metrics.ssim(a, b) == pytest.approx(theirs, abs=1e-6)


def test_floats_are_measured_like_the_same_bytes() -> None:
    a, b = pictures()
    x, y = (image.astype(np.float32) / 255 for image in (a, b))
    assert psnr(x, y, 1.0) == pytest.approx(psnr(a, b), abs=1e-4)
    assert metrics.ssim(x, y, 1.0) == pytest.approx(metrics.ssim(a, b), abs=1e-5)


@pytest.mark.parametrize("size", [(161, 200), (200, 187), (256, 256), (175, 163)])
def test_ms_ssim_is_pytorch_msssims(size: tuple[int, int]) -> None:
    theirs = pytest.importorskip("pytorch_msssim")
    import torch

    a, b = pictures(*size, noise=25)
    x, y = (torch.from_numpy(image).permute(2, 0, 1)[None].double() for image in (a, b))
    expected = float(theirs.ms_ssim(x, y, data_range=255))
    assert metrics.ms_ssim(a, b) == pytest.approx(expected, abs=1e-5)


def test_small_pictures_have_no_ms_ssim() -> None:
    assert metrics.ms_ssim(*pictures(160, 300)) is None
    assert metrics.ms_ssim(*pictures(161, 300)) is not None


def test_equal_pictures() -> None:
    a, _ = pictures()
    assert psnr(a, a) == float("inf")
    assert metrics.ssim(a, a) == pytest.approx(1)
    assert metrics.ms_ssim(a, a) == pytest.approx(1)
    assert metrics.mean_and_p5([float("inf"), 40.0])["mean"] == (metrics.EQUAL_DB + 40) / 2


@pytest.mark.parametrize("measure", [psnr, metrics.ssim, metrics.ms_ssim])
def test_shapes_must_agree(measure) -> None:
    a, b = pictures()
    with pytest.raises(ValueError, match="the same shape"):
        measure(a, b[1:])


def test_ssim_refuses_pictures_smaller_than_its_window() -> None:
    with pytest.raises(ValueError, match="11"):
        metrics.ssim(*pictures(10, 50))


def scores(ties: bool) -> tuple[np.ndarray, np.ndarray]:
    same, different = RNG.normal(0.6, 0.2, 400), RNG.normal(0.2, 0.2, 1500)
    return (np.round(same, 1), np.round(different, 1)) if ties else (same, different)


@pytest.mark.parametrize("ties", [False, True])
def test_roc_and_auc_are_scikit_learns(ties: bool) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    same, different = scores(ties)
    labels = np.r_[np.ones(len(same)), np.zeros(len(different))]
    both = np.r_[same, different]
    assert metrics.auc(same, different) == pytest.approx(sklearn.roc_auc_score(labels, both), abs=1e-12)
    false, true, thresholds = sklearn.roc_curve(labels, both, drop_intermediate=False)
    ours = metrics.roc(same, different)
    np.testing.assert_array_equal(ours[0], thresholds)
    np.testing.assert_allclose(ours[1], false, atol=1e-12)
    np.testing.assert_allclose(ours[2], true, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("far", [1e-3, 1e-2, 0.1])
def test_tar_at_far_is_the_best_point_of_scikit_learns_curve(ties: bool, far: float) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    same, different = scores(ties)
    labels = np.r_[np.ones(len(same)), np.zeros(len(different))]
    false, true, _ = sklearn.roc_curve(labels, np.r_[same, different], drop_intermediate=False)
    assert metrics.tar_at_far(same, different, far) == pytest.approx(true[false <= far + 1e-12].max(), abs=1e-12)
    assert (different >= metrics.threshold_at_far(different, far)).mean() <= far


def test_a_rate_that_the_pairs_cannot_resolve_is_refused() -> None:
    same, different = scores(False)
    with pytest.raises(ValueError, match="at least 10000 impostor pairs"):
        metrics.tar_at_far(same, different, 1e-4)
    with pytest.raises(ValueError, match="needed"):
        metrics.auc(same, different[:0])


def test_the_best_threshold_separates_what_can_be_separated() -> None:
    same, different = np.array([0.7, 0.8, 0.9]), np.array([0.1, 0.2, 0.3])
    threshold = metrics.best_threshold(same, different)
    assert (same >= threshold).all()
    assert not (different >= threshold).any()


def test_the_bootstrap_interval_is_scipys() -> None:
    scipy = pytest.importorskip("scipy.stats")
    values = RNG.random(200)
    low, high = metrics.bootstrap_interval(values, repeats=4000)
    theirs = scipy.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.004)
    assert metrics.bootstrap_interval(values) == metrics.bootstrap_interval(values)


@pytest.mark.parametrize(("right", "count"), [(0, 7), (3, 10), (53, 53), (1, 2), (190, 1000)])
def test_the_interval_of_a_share_is_scipys(right: int, count: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(right, count).proportion_ci(0.95, "wilson")
    assert metrics.wilson_interval(right, count) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_an_interval_needs_tries() -> None:
    for right, count in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="no share"):
            metrics.wilson_interval(right, count)

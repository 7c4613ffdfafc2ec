"""Every pair of inverses of the flow room, over sizes and keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.flow import code, mixing, model, spectrum
from proface_s.types import FloatArray


class Streams:
    """Stand-in for a face key: reproducible, and different for every seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def mixing_stream(self, nbytes: int) -> bytes:
        return np.random.default_rng([self.seed, 1]).bytes(nbytes)

    def key_map_stream(self, nbytes: int) -> bytes:
        return np.random.default_rng([self.seed, 2]).bytes(nbytes)


even = st.integers(4, 40).map(lambda n: 2 * n)


def picture(height: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 20.0
    smooth = 128 + 90 * np.sin(x[:, :, None] + rng.uniform(0, 6, 3)) * np.cos(
        y[:, :, None] + rng.uniform(0, 6, 3)
    )
    return np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def codebook() -> code.Codebook:
    colour, vertical, horizontal = np.mgrid[0:3, 0:16, 0:16]
    base = 300.0 / (1 + colour) / (1 + vertical + horizontal) ** 2 + 0.5
    return code.Codebook(np.stack([base.ravel() * 1.12**i for i in range(-16, 16)]).astype(np.float32))


@settings(max_examples=40, deadline=None)
@given(even, even, st.integers(0, 99))
def test_spectrum_is_an_isometry_and_inverts(height: int, width: int, seed: int) -> None:
    region = picture(height, width, seed)
    coefficients = spectrum.analyse(region)
    energy = np.square(region.astype(np.float64) - 128).sum()
    assert np.square(coefficients, dtype=np.float64).sum() == pytest.approx(energy, rel=1e-4)
    np.testing.assert_array_equal(np.rint(spectrum.synthesise(coefficients)), region)


@given(st.integers(2, 4000))
def test_blocks_fill_a_side(length: int) -> None:
    sizes = spectrum.block_sizes(length)
    assert sum(sizes) == length
    assert length < 16 or min(sizes) >= 8
    assert max(sizes) < 24


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700).map(lambda n: 12 * n), st.integers(0, 2**31))
def test_mixing_is_an_isometry_and_inverts(n: int, seed: int) -> None:
    values = np.random.default_rng(seed).laplace(size=n).astype(np.float32) ** 3
    mixed = mixing.derive_mixing(Streams(seed), n)
    message = mixing.mix(values, mixed)
    assert np.linalg.norm(message) == pytest.approx(np.linalg.norm(values), rel=1e-4)
    np.testing.assert_allclose(mixing.unmix(message, mixed), values, atol=1e-4 * float(np.abs(values).max()))


def test_another_key_changes_everything_everywhere() -> None:
    values = np.random.default_rng(0).laplace(size=12 * 64 * 64).astype(np.float32)
    messages = [mixing.mix(values, mixing.derive_mixing(Streams(seed), values.size)) for seed in (1, 2)]
    regions = [m.reshape(16, -1) for m in messages]
    for a, b in zip(*regions, strict=True):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.06


@settings(max_examples=30, deadline=None)
@given(even, even, st.integers(0, 99))
def test_code_has_constant_energy_and_decodes(height: int, width: int, seed: int) -> None:
    colour, vertical, horizontal = np.mgrid[0:3, 0:16, 0:16]
    base = 300.0 / (1 + colour) / (1 + vertical + horizontal) ** 2 + 0.5
    book = code.Codebook(np.stack([base.ravel() * 1.12**i for i in range(-16, 16)]).astype(np.float32))
    coefficients = spectrum.analyse(picture(height, width, seed))
    mixed = mixing.derive_mixing(Streams(seed), coefficients.size)
    values = code.encode(coefficients, book, mixed)
    assert np.linalg.norm(values) == pytest.approx(np.sqrt(values.size), rel=1e-5)
    noise = np.random.default_rng(seed).normal(0, 0.1, values.size).astype(np.float32)
    for gain in (0.6, 1.5):
        decoded = code.decode((values + noise) * np.float32(gain), height, width, book, mixed)
        error = np.sqrt(np.square(decoded - coefficients, dtype=np.float64).mean())
        assert error < 0.45 * coefficients.std()


def test_digits_are_gray_coded_pairs() -> None:
    bits = np.array([1, 3, 6, 10])
    for index in ([0, 0, 0, 0], [1, 7, 63, 1023], [1, 5, 40, 700]):
        flags = code._to_bits(np.array(index), bits).astype(bool)
        np.testing.assert_array_equal(code._from_bits(flags, bits), index)


def test_the_smallest_region_has_a_plan(codebook: code.Codebook) -> None:
    for profile in range(32):
        for mode in code.MODES:
            plan = codebook.plan(8, 8, profile, mode)
            assert plan.known + plan.kept.size <= 192
            assert np.isfinite(plan.gains).all()
            assert plan.kept.size > 0


def test_tiles_cover_the_region_once() -> None:
    seen = np.zeros((700, 530), int)
    for core, grown in model.tiles(700, 530, 256, 60):
        seen[core.y : core.bottom, core.x : core.right] += 1
        assert grown.x % 2 == grown.y % 2 == grown.w % 2 == grown.h % 2 == 0
        assert grown.x == 0 or core.x - grown.x == 60
    assert (seen == 1).all()


def test_profiles_are_checked() -> None:
    from proface_s.errors import ModelError

    bad: FloatArray = np.zeros((32, 768), np.float32)
    with pytest.raises(ModelError):
        code.Codebook(bad)

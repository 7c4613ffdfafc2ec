"""The lattice: a transform and its inverse, bits that show again, blocks that stay, and noise measured blind."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
from robust_kit import photo

from proface_lab.channels import through_jpeg
from proface_s.image.measures import psnr
from proface_s.robust.lattice import (
    BANDS,
    BUSY,
    FLAT,
    LEAST_STRENGTHS,
    STEPS,
    analyse,
    dither,
    embed,
    grid_of,
    luma_of,
    phases,
    strengths,
    synthesise,
)
from proface_s.robust.soft_values import GAINS, Pilots, agreement, bit_ratios, estimate_gains, information


def hidden(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a photo, random bits for all of its blocks, and the photo with them."""
    picture = photo()
    rows, columns = grid_of(picture.shape[1], picture.shape[0])
    bits = np.random.default_rng(seed).integers(0, 2, (rows, columns, len(BANDS)), dtype=np.uint8)
    return picture, bits, embed(picture, bits, np.ones((rows, columns), bool))


def test_analysis_and_synthesis_are_inverses_on_the_bands() -> None:
    coefficients = np.random.default_rng(0).normal(0, 20, (5, 7, len(BANDS))).astype(np.float32)
    assert np.allclose(analyse(synthesise(coefficients)), coefficients, atol=1e-3)


def test_the_transform_is_orthonormal() -> None:
    luma = np.full((32, 48), 100, np.float32)
    assert np.allclose(analyse(luma)[:, :, 0], 1600)
    assert np.allclose(analyse(luma)[:, :, 1:], 0, atol=1e-3)


def test_bands_are_distinct_and_low() -> None:
    assert len(set(BANDS)) == len(BANDS) == len(STEPS) == 34
    assert all(v + u <= 7 for v, u in BANDS)


def test_bits_show_again() -> None:
    _, bits, shown = hidden()
    far = np.abs(phases(analyse(luma_of(shown))))
    assert np.mean((far > 0.25) == bits) > 0.9999


def test_the_grain_is_that_of_the_design() -> None:
    picture, _, shown = hidden()
    assert psnr(shown, picture) >= 43


def test_flat_blocks_have_less_grain() -> None:
    """A plain wall has 2 dB less than the photo of coffee, and still all bits."""
    plain = np.full((480, 640, 3), 170, np.uint8)
    bits = np.random.default_rng(2).integers(0, 2, (30, 40, len(BANDS)), dtype=np.uint8)
    wall = embed(plain, bits, np.ones((30, 40), bool))
    assert psnr(wall, plain) > 45.5
    assert np.mean((np.abs(phases(analyse(luma_of(wall)))) > 0.25) == bits) > 0.999


def test_strengths_are_full_in_busy_blocks_and_least_in_flat_ones() -> None:
    flat = np.zeros((2, 3, len(BANDS)), np.float32)
    assert np.allclose(strengths(flat)[0, 0, [0, 5, 6, 33]], np.repeat(LEAST_STRENGTHS, 2))
    assert (strengths(flat + BUSY) == 1).all()
    between = strengths(flat + (FLAT + BUSY) / 2)
    assert np.allclose(between, (strengths(flat) + 1) / 2)


def test_blocks_that_do_not_carry_stay() -> None:
    picture = photo()
    rows, columns = grid_of(picture.shape[1], picture.shape[0])
    carrying = np.zeros((rows, columns), bool)
    carrying[3:6, 2:9] = True
    shown = embed(picture, np.ones((rows, columns, len(BANDS)), np.uint8), carrying)
    changed = (shown != picture).any(axis=2)
    assert changed[48:96, 32:144].any()
    changed[48:96, 32:144] = False
    assert not changed.any()


def test_the_dither_is_what_the_format_says() -> None:
    """Bytes of the keystream as RFC 8439, section 2.3, defines them."""
    values = dither(2, 2) * 256
    assert values[0, 0, :4].tolist() == pytest.approx(reference_dither(0, 4), abs=0)
    assert values[1, 1, :3].tolist() == pytest.approx(reference_dither(64 * 257, 3), abs=0)


def reference_dither(at: int, count: int) -> list[int]:
    """Return bytes of the keystream, by the definition."""
    key = hashlib.sha256(b"proface-s/share/v1/dither").digest()
    state = [*struct.unpack("<12I", b"expand 32-byte k" + key), at // 64, 0, 0, 0]
    work = list(state)
    columns = [(n, 4 + n, 8 + n, 12 + n) for n in range(4)]
    diagonals = [(n, 4 + (n + 1) % 4, 8 + (n + 2) % 4, 12 + (n + 3) % 4) for n in range(4)]
    for a, b, c, d in 10 * (columns + diagonals):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            work[x] = (work[x] + work[y]) % 2**32
            mixed = work[z] ^ work[x]
            work[z] = (mixed << turn | mixed >> 32 - turn) % 2**32
    block = struct.pack("<16I", *((one + two) % 2**32 for one, two in zip(work, state, strict=True)))
    return list(block[at % 64 : at % 64 + count])


def test_ratios_agree_with_the_bits_and_are_never_too_sure() -> None:
    """Bits of ratios near r are wrong at most as often as a ratio of r says (the noise of JPEG has no tails)."""
    _, bits, shown = hidden()
    coefficients = analyse(luma_of(through_jpeg(75)(shown)))
    ratios = bit_ratios(coefficients, np.ones(bits.shape[:2], bool))
    wrong = (ratios < 0) != bits
    assert 0.001 < wrong[ratios != 0].mean() < 0.2
    for low, high in ((0.5, 1.5), (1.5, 2.5), (2.5, 3.5)):
        near = (np.abs(ratios) > low) & (np.abs(ratios) < high)
        expected = float(np.mean(1 / (1 + np.exp(np.abs(ratios[near])))))
        assert near.sum() > 1000
        assert wrong[near].mean() < expected + 0.02


def test_nothing_hidden_tells_next_to_nothing() -> None:
    """Weak ratios of all carriers alike: a twentieth of a bit each, where a hidden layer tells half a bit and more."""
    picture, bits, shown = hidden()
    every = np.ones(bits.shape[:2], bool)
    assert information(bit_ratios(analyse(luma_of(picture)), every)) < 0.05
    assert information(bit_ratios(analyse(luma_of(through_jpeg(75)(shown))), every)) > 0.5
    assert information(bit_ratios(analyse(luma_of(shown)), every)) > 0.8


def test_pilots_say_what_doubled_phases_cannot() -> None:
    """After noise that hides the lattice from doubled phases, known bits still show how much each band tells."""
    _, bits, shown = hidden()
    noise = np.random.default_rng(3).normal(0, 0.3, bits.shape).astype(np.float32) * STEPS
    coefficients = analyse(luma_of(shown)) + noise
    every = np.ones(bits.shape[:2], bool)
    known = np.zeros(bits.shape, bool)
    known[::2, :, 6:] = True
    noise_only = coefficients + np.random.default_rng(4).normal(0, 9, bits.shape).astype(np.float32) * STEPS
    right = (1 - 2 * bits.astype(np.float32))[1::2, :, 6:]
    told = bit_ratios(coefficients, every, Pilots(known, bits))[1::2, :, 6:]
    assert (told * right).mean() > 0.1
    nothing = bit_ratios(noise_only, every, Pilots(known, bits))[1::2, :, 6:]
    assert np.abs(nothing).mean() < 0.1 < np.abs(bit_ratios(noise_only, every)[1::2, :, 6:]).mean()


def test_agreement_is_standard_where_nothing_is_hidden_and_large_where_something_is() -> None:
    empty = agreement(analyse(luma_of(photo())), 6)
    full = agreement(analyse(luma_of(hidden()[2])), 6)
    assert abs(empty.mean()) < 4 / np.sqrt(empty.size)
    assert 0.8 < empty.std() < 1.2
    assert full.mean() > 3


def test_a_gain_is_noticed() -> None:
    coefficients = analyse(luma_of(hidden()[2]))
    weaker = coefficients.copy()
    weaker[:, :, 20:] *= GAINS[20]
    gains = estimate_gains(weaker, np.ones(weaker.shape[:2], bool))
    assert np.allclose(gains[:20], 1)
    assert np.allclose(gains[20:], GAINS[20], atol=0.006)

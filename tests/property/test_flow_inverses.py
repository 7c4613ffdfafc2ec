"""Every pair of inverses in the flow package, over sizes, values and keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s import ans
from proface_s.flow.cards import shipped_models
from proface_s.flow.secure import entropy, haar, lattice, pad
from proface_s.flow.secure.model import SecureFlow, read_tables

moduli = st.sampled_from(sorted(lattice.GROUPS))


class Streams:
    """Stand-in for a face key: reproducible, and different for each seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def mixing_stream(self, nbytes: int) -> bytes:
        return np.random.default_rng(self.seed).bytes(nbytes)


@pytest.fixture(scope="module")
def tables() -> entropy.Tables:
    return read_tables((shipped_models() / "secure-2" / "tables.npz").read_bytes())[0]


@given(st.integers(8, 60), st.integers(8, 60), st.integers(0, 99))
def test_opponent_colours_are_an_isometry_and_invert(height: int, width: int, seed: int) -> None:
    region = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    planes = haar.to_opponent(region)
    assert np.square(planes).sum() == pytest.approx(np.square(region.astype(float)).sum())
    np.testing.assert_array_equal(np.rint(haar.from_opponent(planes)), region)
    for plane, (low, high) in zip(planes, haar.LOW_RANGES, strict=True):
        assert low <= plane.min() <= plane.max() <= high


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 99))
def test_haar_inverts_and_keeps_energy(height: int, width: int, seed: int) -> None:
    band = np.random.default_rng(seed).integers(-4000, 4000, (3, height, width)) / 16.0
    low, details = haar.split(band)
    np.testing.assert_array_equal(haar.merge(low, details, (height, width)), band)
    if height % 2 == width % 2 == 0:
        energy = 4 * (np.square(low).sum() + np.square(details).sum())
        assert energy == pytest.approx(np.square(band).sum())


@given(moduli, st.integers(0, 3000), st.data())
def test_words_and_digits(modulus: int, samples: int, data: st.DataObject) -> None:
    room = lattice.capacity_words(samples, modulus)
    used = data.draw(st.integers(0, room))
    words = np.random.default_rng(samples).integers(0, 2**32, used, dtype=np.uint32)
    found = lattice.to_digits(words, samples, modulus)
    assert found.size == samples
    assert samples == 0 or found.max() < modulus
    back = lattice.from_digits(found, modulus)
    np.testing.assert_array_equal(back[:used], words)
    assert back.size == room
    assert not back[used:].any()


@pytest.mark.parametrize("modulus", sorted(lattice.GROUPS))
def test_a_group_of_digits_loses_next_to_nothing(modulus: int) -> None:
    bits, count = lattice.GROUPS[modulus]
    assert 0.998 < bits / (count * np.log2(modulus)) <= 1


@given(moduli, st.integers(0, 2**32 - 1))
def test_residues_are_read_back_and_the_cover_is_met(modulus: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cover = rng.choice(np.array([0, 1, 2, 3, 127, 252, 253, 254, 255], np.uint8), (6, 8, 3))
    message = rng.integers(0, modulus, cover.size).astype(np.uint8)
    protected = lattice.write_residues(cover, message, modulus)
    np.testing.assert_array_equal(lattice.read_residues(protected, modulus), message)
    distance = np.abs(protected.astype(int) - cover)
    inside = (cover >= modulus // 2) & (cover <= 255 - modulus // 2)
    assert distance[inside].max(initial=0) <= modulus // 2
    assert distance.max() < modulus


@given(moduli, st.integers(1, 5000), st.integers(0, 2**31))
def test_mixing_inverts_and_is_an_isometry(modulus: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, modulus, count).astype(np.uint8) for _ in range(2))
    shifts = pad.derive_shifts(Streams(seed), count, modulus)
    mixed = pad.mix(first, shifts, modulus)
    np.testing.assert_array_equal(pad.unmix(mixed, shifts, modulus), first)

    def lee(a: np.ndarray, b: np.ndarray) -> int:
        apart = (a.astype(int) - b) % modulus
        return int(np.minimum(apart, modulus - apart).sum())

    assert lee(mixed, pad.mix(second, shifts, modulus)) == lee(first, second)


@pytest.mark.parametrize("modulus", sorted(lattice.GROUPS))
def test_mixed_digits_are_uniform_and_another_key_changes_them_everywhere(modulus: int) -> None:
    message = np.zeros(60_000, np.uint8)
    first, second = (
        pad.mix(message, pad.derive_shifts(Streams(seed), message.size, modulus), modulus) for seed in (1, 2)
    )
    counts = np.bincount(first, minlength=modulus)
    expected = message.size / modulus
    assert np.square(counts - expected).sum() / expected < 25  # chi-square, 2 or 4 degrees of freedom
    for part in np.split(first != second, 20):
        assert part.mean() == pytest.approx(1 - 1 / modulus, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 900))
def test_any_values_are_coded_and_read(tables: entropy.Tables, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    ratio = rng.integers(-60, 120, count)
    values = np.rint(rng.standard_cauchy(count) * 2.0 ** (ratio / 8)).clip(-(2**18), 2**18).astype(np.int32)
    chunks = entropy.chunks_of(entropy.Coded.of(values, ratio), tables)
    chunks.append(ans.Chunk(np.array([5], np.int32), ans.uniform(9)))
    words = ans.encode_symbols(chunks, 4 * count + 16)
    assert words is not None
    assert words.size == 4 * count + 16
    reader = ans.SymbolReader(words)
    np.testing.assert_array_equal(entropy.decode_values(reader, ratio, tables), values)
    assert reader.take(ans.uniform(9), 1)[0] == 5


def test_words_that_are_too_few_are_refused(tables: entropy.Tables) -> None:
    values = np.arange(-50, 50, dtype=np.int32)
    chunks = entropy.chunks_of(entropy.Coded.of(values, np.full(100, 16)), tables)
    needed = next(n for n in range(100) if ans.encode_symbols(chunks, n) is not None)
    assert needed > 10
    assert ans.encode_symbols(chunks, needed - 1) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 24).map(lambda n: 2 * n), st.integers(4, 24).map(lambda n: 2 * n), st.integers(0, 2**31))
def test_any_words_expand_to_a_region(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for words in (rng.integers(0, 2**32, rng.integers(0, 200), dtype=np.uint32), np.zeros(9, np.uint32)):
        region = MODEL.coder.expand(words, height, width)
        assert region.shape == (height, width, 3)
        assert np.isfinite(region).all()


MODEL = SecureFlow(threads=1)

"""The code of coefficients: any blocks come back, damage is refused, and it is shorter than a general compressor's."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.errors import DamagedFileError
from proface_s.image.jpeg.coefficient_code import (
    SYMBOLS,
    decode_coefficients,
    encode_coefficients,
    frequency_tables,
)
from proface_s.image.jpeg.coefficient_contexts import BANDS, CONTEXTS, KINDS, THRESHOLDS

Blocks = list[np.ndarray[tuple[int, ...], np.dtype[np.int16]]]
STEPS = np.clip(np.add.outer(np.arange(8), np.arange(8)) * 3 + 4, 1, 255).astype(np.uint16)


def photo_like(rng: np.random.Generator, rows: int, columns: int, size: float = 300.0) -> np.ndarray:
    """Blocks whose coefficients fall off with frequency, in patches of different contrast."""
    contrast = np.exp(rng.normal(0, 1.2, (rows, columns, 1, 1)))
    spectrum = size / (1 + np.add.outer(np.arange(8), np.arange(8))) ** 2
    return np.clip(np.rint(rng.laplace(0, 1, (rows, columns, 8, 8)) * contrast * spectrum / STEPS), -1023, 1023).astype(
        np.int16
    )


@st.composite
def regions(draw: st.DrawFn) -> tuple[Blocks, list[np.ndarray]]:
    """One or three components of a region, with steps; values of every size that 16 bits hold."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    down, across = draw(st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2), (1, 4)]))
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    shapes = [(rows * down, columns * across), (rows, columns), (rows, columns)][: draw(st.sampled_from([1, 3]))]
    kind = draw(st.sampled_from(["photo", "extreme", "zero", "sparse"]))
    blocks: Blocks = []
    for shape in shapes:
        if kind == "photo":
            blocks.append(photo_like(rng, *shape))
        elif kind == "zero":
            blocks.append(np.zeros((*shape, 8, 8), np.int16))
        else:
            values = rng.integers(-32768, 32768, (*shape, 8, 8)).astype(np.int16)
            blocks.append(
                values if kind == "extreme" else np.where(rng.random(values.shape) < 0.02, values, np.int16(0))
            )
    most = draw(st.sampled_from([1, 255, 65535]))
    return blocks, [rng.integers(1, most + 1, (8, 8)).astype(np.uint16) for _ in shapes]


@given(regions())
@settings(max_examples=60, deadline=None)
def test_any_coefficients_come_back(region: tuple[Blocks, list[np.ndarray]]) -> None:
    blocks, steps = region
    code = encode_coefficients(blocks, steps)
    found = decode_coefficients(code, [each.shape for each in blocks], steps)
    assert [each.dtype for each in found] == [np.int16] * len(blocks)
    for back, given_ in zip(found, blocks, strict=True):
        np.testing.assert_array_equal(back, given_)


@given(st.integers(0, 2**32), st.binary(min_size=0, max_size=400))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_coefficients_or_refused(seed: int, data: bytes) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 6)), 8, 8)
    try:
        (found,) = decode_coefficients(data, [shape], [STEPS])
    except DamagedFileError:
        return
    assert found.shape == shape
    assert encode_coefficients([found], [STEPS]) == data, "every code has one reading, and every reading one code"


@pytest.mark.parametrize("change", ["cut", "longer", "front", "flip"])
def test_a_changed_code_is_refused_or_reads_otherwise(change: str) -> None:
    blocks = photo_like(np.random.default_rng(3), 6, 7)
    code = encode_coefficients([blocks], [STEPS])
    changed = {
        "cut": code[:-4],
        "longer": code + bytes([7, 0, 0, 1]),
        "front": bytes([9, 0, 0, 0]) + code,
        "flip": code[:40] + bytes([code[40] ^ 1]) + code[41:],
    }[change]
    with pytest.raises(DamagedFileError):
        decode_coefficients(changed, [blocks.shape], [STEPS])
    with pytest.raises(DamagedFileError, match="bytes"):
        decode_coefficients(code[:-1], [blocks.shape], [STEPS])


def test_other_steps_or_another_shape_do_not_open_it() -> None:
    blocks = photo_like(np.random.default_rng(4), 6, 7)
    code = encode_coefficients([blocks], [STEPS])
    for shape, steps in ((blocks.shape, STEPS + 9), ((7, 6, 8, 8), STEPS), ((6, 8, 8, 8), STEPS)):
        try:
            (found,) = decode_coefficients(code, [shape], [steps])
        except DamagedFileError:
            continue
        assert not np.array_equal(found, blocks)


def test_it_is_shorter_than_a_general_compressor() -> None:
    blocks = photo_like(np.random.default_rng(5), 30, 30)
    packed = zlib.compress(np.moveaxis(blocks.reshape(-1, 64), 0, 1).astype("<i2").tobytes(), 9)
    assert len(encode_coefficients([blocks], [STEPS])) < 0.9 * len(packed)


def test_the_tables_are_distributions() -> None:
    tables = frequency_tables()
    assert tables.shape == (KINDS, CONTEXTS, SYMBOLS)
    assert tables.min() >= 1
    assert (tables.sum(axis=2) == 1 << 16).all()


def test_thresholds_are_those_of_the_document() -> None:
    # t is the least integer with (t + 4)^2 >= 16 * 2^c
    assert [next(t for t in range(20000) if (t + 4) ** 2 >= 16 << c) for c in range(1, CONTEXTS)] == list(THRESHOLDS)


def test_bands_are_every_frequency_once() -> None:
    found = np.concatenate([np.arange(64)[band.places] for band in BANDS])
    assert sorted(found.tolist()) == list(range(1, 64))

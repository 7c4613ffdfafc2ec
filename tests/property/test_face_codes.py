"""A face code has exactly the length that was asked for, and any bytes of any length decode to a picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.robust.face_codec import SMALLEST_CODE, Kind, decode_face, encode_face
from proface_s.robust.face_codec.coefficients import LARGEST, OCTAVE, STEPS, CoefficientCode
from proface_s.robust.face_codec.integer_code import PRECISION, TOTAL, IntegerReader, IntegerWriter, SymbolTable
from proface_s.robust.face_codec.pose import TEMPLATE, SquarePose
from proface_s.robust.face_codec.weights import face_basis
from proface_s.types import UInt8Image


@st.composite
def tables(draw: st.DrawFn) -> SymbolTable:
    """Draw a table of 1 to 40 symbols."""
    weights = np.array(draw(st.lists(st.integers(1, 1000), min_size=1, max_size=40)))
    frequencies = 1 + (weights * (TOTAL - len(weights)) // weights.sum())
    frequencies[0] += TOTAL - frequencies.sum()
    return SymbolTable.of(frequencies.tolist())


Step = tuple[SymbolTable | int, int]


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Draw what may be put into a code: symbols of tables, and numbers."""
    found: list[Step] = []
    for kind in draw(st.lists(tables() | st.integers(1, 1 << 20), max_size=30)):
        size = kind if isinstance(kind, int) else len(kind.frequencies)
        found.append((kind, draw(st.integers(0, size - 1))))
    return found


def written(found: list[Step], length: int) -> bytes | None:
    writer = IntegerWriter()
    for kind, symbol in found:
        if isinstance(kind, int):
            writer.put_number(kind, symbol)
        else:
            writer.put(kind, symbol)
    return writer.to_bytes(length)


def read(code: bytes, kinds: list[SymbolTable | int]) -> list[int]:
    reader = IntegerReader(code)
    return [reader.take_number(kind) if isinstance(kind, int) else reader.take(kind) for kind in kinds]


@given(steps())
def test_symbols_come_back_in_order_from_no_more_bits_than_they_are_worth(found: list[Step]) -> None:
    worth = sum(
        math.log2(kind) if isinstance(kind, int) else PRECISION - math.log2(kind.frequencies[symbol])
        for kind, symbol in found
    )
    # The first symbol of a table is coded in an empty state, which costs up to its whole precision.
    length = math.ceil((worth + PRECISION + 1) / 8)
    code = written(found, length)
    assert code is not None
    assert len(code) == length
    assert read(code, [kind for kind, _ in found]) == [symbol for _, symbol in found]


@given(steps(), st.integers(0, 40))
def test_a_code_that_does_not_fit_is_refused_rather_than_cut(found: list[Step], length: int) -> None:
    long = written(found, 400)
    assert long is not None
    fits = not any(long[: 400 - length])
    assert written(found, length) == (long[400 - length :] if fits else None)


@given(st.binary(max_size=60), st.lists(tables() | st.integers(1, 1 << 20), max_size=30))
def test_any_bytes_are_symbols(code: bytes, kinds: list[SymbolTable | int]) -> None:
    for kind, symbol in zip(kinds, read(code, kinds), strict=True):
        assert 0 <= symbol < (kind if isinstance(kind, int) else len(kind.frequencies))


@given(
    st.floats(-math.pi, math.pi),
    st.floats(0.35, 1.8),
    st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)),
    st.tuples(st.integers(20, 900), st.integers(20, 900)),
)
def test_a_pose_is_near_its_landmarks_and_survives_its_code(
    angle: float, share: float, middle: tuple[float, float], size: tuple[int, int]
) -> None:
    width, height = size
    side = share * math.sqrt(width * height)
    turn = side * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = (TEMPLATE - 0.5) @ turn.T + np.array(middle) * size
    pose = SquarePose.from_points(points, width, height)
    assert pose is not None
    square = pose.to_region(width, height)
    found = TEMPLATE @ square[:, :2].T + square[:, 2]
    # Half a level of side (2 %) and angle (1.4 degrees) at most, and half a step of either place (0.8 / 128).
    assert np.abs(found - points).max() < 0.05 * side + 0.0071 * max(size)
    writer = IntegerWriter()
    pose.write(writer)
    code = writer.to_bytes(math.ceil(SquarePose.bits() / 8))
    assert code is not None
    assert SquarePose.read(IntegerReader(code)) == pose


@given(st.integers(0, STEPS - 1), st.integers(0, 2**32 - 1), st.floats(0.1, 3000))
def test_numbers_come_back_from_their_code_and_their_bits_are_told(step: int, seed: int, size: float) -> None:
    code = face_basis().code
    rng = np.random.default_rng(seed)
    values = (rng.laplace(size=len(code.levels)) * size).astype(np.float32)
    numbers, bits, error = code.quantise(values, step, 0.1)
    writer = IntegerWriter()
    code.write(writer, numbers, step)
    length = math.ceil((bits + PRECISION + 1) / 8)
    written_code = writer.to_bytes(length)
    assert written_code is not None
    assert np.array_equal(code.read(IntegerReader(written_code), step), numbers)
    assert error == pytest.approx(float(((code.dequantise(numbers, step) - values) ** 2).sum()), rel=1e-3, abs=1e-3)


def test_tables_cover_deviations_from_a_32nd_of_a_step_to_eight_steps() -> None:
    code = face_basis().code
    assert isinstance(code, CoefficientCode)
    assert code.frequencies.shape == (8 * OCTAVE, 2 * LARGEST + 1)
    assert (np.diff(code.levels) <= 0).all()


def drawn(width: int, height: int, seed: int) -> UInt8Image:
    """A smooth picture with some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(-0.2, 0.2, (3, 3))]
    return np.clip(128 + 90 * np.stack(waves, 2) + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(SMALLEST_CODE, 700), st.integers(0, 99), st.booleans())
@settings(max_examples=25)
def test_any_face_fits_any_number_of_bytes_and_comes_back_in_its_size(
    width: int, height: int, length: int, seed: int, placed: bool
) -> None:
    pixels = drawn(width, height, seed)
    code = encode_face(pixels, length, TEMPLATE * (width, height) if placed else None)
    assert len(code) == length
    found = decode_face(code, width, height)
    assert found.pixels.shape == pixels.shape
    assert found.pixels.dtype == np.uint8
    assert found.opacity.shape == pixels.shape[:2]
    assert 0 <= found.opacity.min() <= found.opacity.max() <= 1
    assert found.over(pixels).shape == pixels.shape
    assert found.kind is not Kind.ALIGNED or placed
    assert np.array_equal(decode_face(code, width, height).pixels, found.pixels)


@given(st.binary(min_size=SMALLEST_CODE, max_size=900), st.integers(1, 90), st.integers(1, 90), st.sampled_from(Kind))
@settings(max_examples=40)
def test_any_bytes_are_a_picture(code: bytes, width: int, height: int, kind: Kind) -> None:
    mark = 0 if kind is Kind.ALIGNED else TOTAL - 256 * (len(Kind) - kind)
    for garbage in (code, code[:-2] + mark.to_bytes(2, "big")):
        found = decode_face(garbage, width, height)
        assert found.pixels.shape == (height, width, 3)
        assert np.isfinite(found.opacity).all()

"""A style survives being written as text and read back, and its cover keeps its promises at any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.covers import (
    SHAPES,
    apply_style,
    format_style,
    get_style,
    is_uninformative,
    parse_style,
    ready_style_names,
)
from proface_s.covers.face_swap.donors import POOLS
from proface_s.covers.stickers.pictures import STICKERS
from proface_s.types import Style

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
OPTIONS = {
    "mask": st.none() | st.sampled_from(STICKERS),
    "solid": st.none() | COLOURS,
    "swap": st.none() | st.sampled_from(POOLS),
}


@st.composite
def styles(draw: st.DrawFn) -> Style:
    """Draw any style of this package, with a strength of at most six significant digits."""
    name = draw(st.sampled_from(ready_style_names()))
    strength = draw(st.none() | st.floats(*get_style(name).strength_range))
    low, high = get_style(name).strength_range
    rounded = None if strength is None else min(max(float(f"{strength:g}"), low), high)
    return Style(name, rounded, draw(OPTIONS.get(name, st.none())), draw(st.sampled_from((None, *SHAPES))))


@given(styles())
def test_parsing_is_the_inverse_of_formatting(style: Style) -> None:
    assert parse_style(format_style(style)) == style


@given(styles(), st.integers(2, 48), st.integers(2, 48), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_cover_has_the_size_of_its_face_and_depends_on_nothing_else(
    style: Style, height: int, width: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    one, other = generator.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    before = one.copy()
    cover = apply_style(one, style)
    assert cover.shape == one.shape
    assert cover.dtype == np.uint8
    assert np.array_equal(one, before)
    assert np.array_equal(apply_style(one, style), cover)
    if is_uninformative(style, height, width):
        assert np.array_equal(apply_style(other, style), cover)


@pytest.mark.parametrize("name", ["blur", "lowpoly", "mask", "median", "pixelate", "solid", "swap"])
def test_every_style_is_known_in_capitals(name: str) -> None:
    assert parse_style(name.upper()) == Style(name)

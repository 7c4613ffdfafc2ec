"""Inverses of the image and face rooms: cut and paste, encode and read, write and read metadata, turn and turn back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.faces.looks import Look
from proface_s.faces.numbering import index_of, indices_of, number_of, parse_selection
from proface_s.image.metadata import MAX_VALUE_LENGTH, merge_metadata, read_exif, write_exif
from proface_s.image.names import MAX_NAME_BYTES, fitted_name, is_temporary, name_bytes, temporary_name
from proface_s.image.read import picture_size, read_picture
from proface_s.image.regions import cut, paste, same_outside
from proface_s.image.structure.png import complete_png
from proface_s.image.write import FORMATS, Format, encode_picture, format_of_bytes
from proface_s.types import Box, Picture, UInt8Image

SIDES = st.integers(1, 40)
SEEDS = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("äß中文é"), min_size=1)
FIELDS = st.dictionaries(st.sampled_from(["DateTimeOriginal", "Artist", "Copyright"]), TEXTS)


def noise(seed: int, *shape: int) -> UInt8Image:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@st.composite
def placed_boxes(draw: st.DrawFn) -> tuple[int, int, Box]:
    """Draw height and width of a picture, and a box inside it."""
    height, width = draw(SIDES), draw(SIDES)
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return height, width, Box(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@given(placed_boxes(), SEEDS)
def test_paste_is_the_inverse_of_cut(placed: tuple[int, int, Box], seed: int) -> None:
    height, width, box = placed
    picture, region = noise(seed, height, width, 3), noise(seed + 1, box.h, box.w, 3)
    assert np.array_equal(paste(picture, box, cut(picture, box)), picture)
    pasted = paste(picture, box, region)
    assert np.array_equal(cut(pasted, box), region)
    assert same_outside(pasted, picture, [box])
    assert np.array_equal(pasted, picture) == same_outside(pasted, picture, [])


@given(SIDES, SIDES, st.booleans(), SEEDS, st.sampled_from(sorted(FORMATS)))
@settings(deadline=None)
def test_reading_is_the_inverse_of_encoding(height: int, width: int, has_alpha: bool, seed: int, kind: Format) -> None:
    rgb, alpha = noise(seed, height, width, 3), noise(seed + 1, height, width) if has_alpha else None
    data = encode_picture(Picture(rgb, alpha), kind)
    back = read_picture(data)
    assert format_of_bytes(data) == kind
    assert picture_size(data) == (width, height)
    assert np.array_equal(back.rgb, rgb)
    if alpha is None or (alpha == 255).all():
        assert back.alpha is None or (back.alpha == 255).all()
    else:
        assert np.array_equal(back.alpha, alpha)


@given(SIDES, SIDES, SEEDS, st.integers(1, 12))
@settings(deadline=None)
def test_a_png_without_its_end_is_completed(height: int, width: int, seed: int, missing: int) -> None:
    whole = encode_picture(Picture(noise(seed, height, width, 3)))
    assert complete_png(whole[:-missing]) == whole
    assert complete_png(whole) == whole


@given(FIELDS)
def test_reading_is_the_inverse_of_writing_exif(fields: dict[str, str]) -> None:
    wanted = {name: " ".join(text.split())[:MAX_VALUE_LENGTH] for name, text in fields.items()}
    picture = Picture(noise(0, 1, 1, 3), metadata=fields)
    found = read_exif(write_exif(picture).tobytes())
    assert merge_metadata(found, {}) == {name: text for name, text in wanted.items() if text}


@given(st.text(min_size=1, max_size=300).filter(lambda text: "/" not in text and "\0" not in text))
def test_temporary_names_are_recognised(name: str) -> None:
    made = temporary_name(name)
    assert name_bytes(made) <= MAX_NAME_BYTES
    assert is_temporary(made, name)
    assert not is_temporary(name, name)


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from([".png", ".protected.png"]))
def test_shortened_names_fit_and_stay_different(one: str, other: str, suffix: str) -> None:
    names = [fitted_name(stem, suffix) for stem in (one, other)]
    assert all(name_bytes(name) <= MAX_NAME_BYTES and name.endswith(suffix) for name in names)
    assert (names[0] == names[1]) == (one == other)


@given(placed_boxes(), st.integers(0, 3))
def test_a_box_of_a_turned_picture_is_turned_back(placed: tuple[int, int, Box], turns: int) -> None:
    height, width, box = placed
    marked = np.zeros((height, width), np.uint8)
    marked[box.y : box.bottom, box.x : box.right] = 1
    rows, columns = np.nonzero(np.rot90(marked, turns))
    x, y = float(columns.min()), float(rows.min())
    look = Look(Box(0, 0, width, height), 1.0, 90 * turns, (False,) * 4, (0.0, 1e9))
    corners = look.to_picture(x, y, float(columns.max()) + 1 - x, float(rows.max()) + 1 - y)
    assert corners == (box.x, box.y, box.right, box.bottom)


@given(st.sets(st.integers(0, 10**6)))
def test_numbers_and_indices_are_inverse(indices: set[int]) -> None:
    numbers = [number_of(index) for index in indices]
    assert [index_of(number) for number in numbers] == list(indices)
    assert indices_of(numbers) == tuple(sorted(indices))
    if numbers:
        assert parse_selection(",".join(map(str, numbers))) == tuple(sorted(numbers))


@pytest.mark.parametrize(("text", "selected"), [("all", None), ("none", ()), (" 3, 1 ,3", (1, 3))])
def test_selections_are_read(text: str, selected: tuple[int, ...] | None) -> None:
    assert parse_selection(text) == selected

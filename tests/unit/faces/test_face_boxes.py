"""Boxes by hand, choosing faces, growing boxes, drawing."""

from __future__ import annotations

import re

import numpy as np
import pytest

from proface_s.cli.hints import command_line_hint
from proface_s.errors import UsageError
from proface_s.faces import (
    draw_regions,
    non_maximum_suppression,
    parse_box,
    protectable_regions,
    reading_order,
    reversible_box,
    select_faces,
)
from proface_s.faces.numbering import parse_selection
from proface_s.types import Box, Face

SIZE = (200, 100)


def test_a_box_is_read() -> None:
    assert parse_box(" 10, 20,30 ,40", SIZE) == Box(10, 20, 30, 40)


def test_a_box_that_sticks_out_is_clipped() -> None:
    assert parse_box("-10,90,30,40", SIZE) == Box(0, 90, 20, 10)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 numbers"),
        ("1,2,3", "3 numbers"),
        ("1,2,3,4,5", "5 numbers"),
        ("1,2,3,x", "'x' is not a whole number"),
        ("1,2,3.5,4", "'3.5'"),
        ("1,2,nan,4", "'nan'"),
        ("1,2,٣,4", "not a whole number"),
        ("1,2,99999999999999999999,4", "not a whole number"),
        ("1,2,0,4", "no area"),
        ("1,2,5,-4", "no area"),
        ("200,0,10,10", "outside"),
        ("-10,0,10,10", "outside"),
        ("0,100,10,10", "outside"),
    ],
)
def test_a_bad_box_is_refused_with_its_text_and_a_hint(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_box(text, SIZE)
    assert repr(text) in caught.value.message
    assert reason in caught.value.message
    assert "200x100" in caught.value.message
    assert "x,y,w,h" in str(command_line_hint(caught.value))


def test_faces_are_numbered_from_left_to_right() -> None:
    faces = [Face(Box(50, 0, 10, 10), 0.9), Face(Box(5, 70, 10, 10), 0.5), Face(Box(5, 10, 10, 10), 0.6)]
    assert [face.box.y for face in reading_order(faces)] == [10, 70, 0]


def test_faces_are_chosen_by_number() -> None:
    faces = [Face(Box(x, 0, 10, 10)) for x in (0, 20, 40)]
    assert select_faces(faces, parse_selection("3, 1,3")) == [faces[0], faces[2]]
    assert select_faces(faces, parse_selection("ALL")) == faces


@pytest.mark.parametrize("number", [4, 0, -1])
def test_a_bad_choice_says_how_many_faces_there_are(number: int) -> None:
    with pytest.raises(UsageError, match="there are 3 faces"):
        select_faces([Face(Box(x, 0, 10, 10)) for x in (0, 20, 40)], (1, number))


@pytest.mark.parametrize("selection", ["0", "1,-1", "0,1", "", "0,,1", "one", "1.0", "²"])
def test_a_malformed_choice_is_quoted(selection: str) -> None:
    with pytest.raises(UsageError, match=f"face selection {re.escape(repr(selection))}") as caught:
        parse_selection(selection)
    assert command_line_hint(caught.value) is not None


def test_duplicates_and_contained_boxes_are_merged_and_the_best_survives() -> None:
    faces = [
        Face(Box(0, 0, 100, 100), 0.6),
        Face(Box(5, 5, 100, 100), 0.9),
        Face(Box(40, 40, 30, 30), 0.7),
        Face(Box(150, 0, 50, 50), 0.5),
    ]
    assert non_maximum_suppression(faces) == [faces[1], faces[3]]
    assert non_maximum_suppression(faces, kept=[faces[2]])[0] == faces[2]


def test_a_grown_box_covers_the_head_on_all_sides() -> None:
    assert reversible_box(Box(80, 40, 40, 40), (200, 120), 0.25) == Box(70, 30, 60, 60)


def test_a_tiny_face_grows_to_the_smallest_region() -> None:
    assert reversible_box(Box(50, 50, 3, 3), SIZE, 0.25).w == 16
    assert reversible_box(Box(198, 0, 2, 2), SIZE) == Box(184, 0, 16, 16)


def test_a_tiny_picture_gives_its_largest_even_region() -> None:
    assert reversible_box(Box(0, 0, 3, 3), (7, 5)) == Box(0, 0, 6, 4)
    assert protectable_regions([Box(0, 0, 3, 3)], (7, 5)) == [Box(0, 0, 6, 4)]


@pytest.mark.parametrize("size", [(1, 50), (50, 1), (1, 1)])
def test_a_picture_one_pixel_wide_has_no_region(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"{size[0]}x{size[1]}"):
        reversible_box(Box(0, 0, 1, 1), size)


def test_faces_and_margins_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="outside"):
        reversible_box(Box(300, 0, 10, 10), SIZE)
    with pytest.raises(UsageError, match="margin"):
        reversible_box(Box(0, 0, 10, 10), SIZE, float("nan"))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_drawn_regions_show_on_any_background_and_leave_the_photo_alone(level: int) -> None:
    photo = np.full((300, 400, 3), level, np.uint8)
    drawn = draw_regions(photo, [Box(100, 120, 80, 90), Box(0, 0, 30, 30), Box(390, 290, 10, 10)])
    assert drawn.shape == photo.shape
    assert np.all(photo == level)
    edge = drawn[120, 130:180].astype(int)
    assert np.abs(edge - level).max(axis=1).min() > 60


def test_lines_get_wider_with_the_picture() -> None:
    for side, least in ((300, 1), (4000, 5)):
        photo = np.zeros((side, side, 3), np.uint8)
        drawn = draw_regions(photo, [Box(side // 2, side // 2, side // 4, side // 4)])
        assert np.count_nonzero(drawn[side * 5 // 8, : side * 5 // 8, 0] > 200) >= least


def test_dashes_are_seen_beside_whole_lines() -> None:
    """About half of a dashed outline is there, on every side; the others are whole."""
    photo, boxes = np.zeros((400, 800, 3), np.uint8), [Box(100, 100, 200, 200), Box(450, 100, 200, 200)]
    lit = draw_regions(photo, boxes, dashed={2})[:, :, 0] > 200
    whole, dashed = (
        [lit[box.bottom - 1, box.x + 40 : box.right].mean(), lit[box.y + 40 : box.bottom, box.right - 1].mean()]
        for box in boxes
    )
    assert min(whole) == 1.0
    assert all(0.3 < share < 0.8 for share in dashed)

"""Case U3: boxes as people have them: tuples, lists, arrays, text and `Box` mean the same, and all else is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proface_s import Session
from proface_s.cli.hints import command_line_hint
from proface_s.errors import UsageError
from proface_s.faces import parse_box, parse_boxes
from proface_s.types import Box

SIZE = (256, 256)
WANTED = Box(10, 20, 64, 48)
FORMS = [
    (10, 20, 64, 48),
    [10, 20, 64, 48],
    np.array([10, 20, 64, 48]),
    np.array([10, 20, 64, 48], np.uint16),
    tuple(np.int64(v) for v in (10, 20, 64, 48)),
    (np.uint8(10), 20, np.int32(64), 48),
    "10,20,64,48",
    " 10, 20 ,64,48 ",
    Box(10, 20, 64, 48),
    ("10", "20", "64", "48"),
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_every_form_is_the_same_box(form: Any) -> None:
    assert parse_box(form, SIZE) == WANTED
    assert parse_boxes([form], SIZE) == parse_boxes((form,), SIZE) == [WANTED]
    assert parse_boxes(form, SIZE) == [WANTED], "one box need not be in a list"
    assert all(type(v) is int for v in (parse_box(form, SIZE).x, parse_box(form, SIZE).w))


def test_an_array_of_boxes_and_mixed_lists() -> None:
    assert parse_boxes(np.array([[10, 20, 64, 48], [100, 20, 64, 48]]), SIZE) == [WANTED, Box(100, 20, 64, 48)]
    assert parse_boxes(["10,20,64,48", (10, 20, 64, 48), WANTED], SIZE) == [WANTED] * 3
    assert parse_boxes([], SIZE) == parse_boxes((), SIZE) == parse_boxes(np.zeros((0, 4), int), SIZE) == []
    assert parse_boxes((each for each in [WANTED]), SIZE) == [WANTED]  # type: ignore[arg-type]
    four = [(0, 0, 20, 20), (40, 0, 20, 20), (80, 0, 20, 20), (120, 0, 20, 20)]
    assert len(parse_boxes(four, SIZE)) == 4


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ((10, 20, 64.5, 48), "64.5 is not a whole number"),
        ((10, 20, 64.0, 48), "64.0 is not a whole number"),
        (np.array([1.0, 2, 3, 4]), "is not a whole number"),
        ((1, 2, 3), "3 numbers instead of 4"),
        ((1, 2, 3, 4, 5), "5 numbers instead of 4"),
        ((1, 2, None, 4), "None is not a whole number"),
        ((1, 2, "wide", 4), "'wide' is not a whole number"),
        ((1, 2, True, 4), "True is not a whole number"),
        (((0, 0), (9, 9), 1, 1), "is not a whole number"),
        ({"x": 1}, "1 numbers instead of 4"),
        ((10, 20, 0, 48), "no area"),
        ((10, 20, -3, 48), "no area"),
        ((300, 20, 10, 10), "lies outside"),
        ((1, 2, 10**12, 4), "not a whole number of pixels"),
        (5, "5 is not four whole numbers"),
        (None, "None is not four whole numbers"),
        (b"1,2", "3 numbers instead of 4"),
    ],
)
def test_what_is_no_box_is_named(box: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as refused:
        parse_box(box, SIZE)
    assert "256x256" in refused.value.message
    assert "x,y,w,h" in str(command_line_hint(refused.value))
    with pytest.raises(UsageError):
        parse_boxes([box], SIZE)


def test_what_is_no_list_of_boxes_is_named() -> None:
    for boxes in 5, None, object():
        with pytest.raises(UsageError, match="is not a list of boxes"):
            parse_boxes(boxes, SIZE)  # type: ignore[arg-type]


def test_protect_takes_tuples() -> None:
    """The smallest input of the case."""
    y, x = np.mgrid[0:256, 0:256]
    photo = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
    done = Session().protect(photo, "correct horse battery staple", boxes=[(0, 0, 256, 256)], faces="none")
    assert [face.box for face in done.faces] == [Box(0, 0, 256, 256)]
    found = Session().detect(photo, boxes=np.array([[0, 0, 64, 64], [128, 128, 64, 64]]), faces="none")  # type: ignore[arg-type]
    assert [face.number for face in found.faces] == [1, 2]

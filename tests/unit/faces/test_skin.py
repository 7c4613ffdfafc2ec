"""Areas in colours of skin: found without a face, left alone at a face, and bounded for any picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from proface_s.faces.skin import bare_skin
from proface_s.types import Box, UInt8Image

SKIN = (205, 155, 130)


def scene(width: int = 800, height: int = 600) -> UInt8Image:
    picture = np.full((height, width, 3), (90, 120, 150), np.uint8)
    cv2.ellipse(picture, (300, 250), (90, 120), 0, 0, 360, SKIN, -1)
    return picture


def test_bare_skin_is_found_where_it_is() -> None:
    box = bare_skin(scene(), [])
    assert box is not None
    assert abs(box.x - 210) < 12
    assert abs(box.y - 130) < 12
    assert abs(box.w - 180) < 20
    assert abs(box.h - 240) < 20


def test_skin_at_a_face_needs_no_second_look() -> None:
    assert bare_skin(scene(), [Box(200, 120, 200, 260)]) is None
    assert bare_skin(scene(), [Box(600, 120, 100, 100)]) is not None


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (90, 120, 150), (60, 140, 60), (128, 128, 128)])
def test_other_colours_are_no_skin(colour: tuple[int, int, int]) -> None:
    assert bare_skin(np.full((300, 400, 3), colour, np.uint8), []) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 2), (5, 5)])
def test_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    found = bare_skin(np.full((*shape, 3), SKIN, np.uint8), [Box(0, 0, 1, 1)])
    assert found is None or (found.right <= shape[1] and found.bottom <= shape[0])

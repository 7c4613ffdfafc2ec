"""Reversible regions: for any faces, the regions are disjoint, even, inside the picture, and contain every face."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proface_s.container.header.footprint import Footprint
from proface_s.faces import iou, open_edges, protectable_regions, resolve_overlaps, reversible_box
from proface_s.faces.boxes import SMALLEST_SIDE, intersection
from proface_s.types import Box

Scene = tuple[tuple[int, int], list[Box]]


@st.composite
def scenes(draw: st.DrawFn, most_faces: int = 12) -> Scene:
    """Draw a picture size, and tight face boxes that overlap the picture."""
    width, height = draw(st.integers(2, 300)), draw(st.integers(2, 300))
    faces = []
    for _ in range(draw(st.integers(0, most_faces))):
        w, h = draw(st.integers(1, width)), draw(st.integers(1, height))
        x, y = draw(st.integers(1 - w, width - 1)), draw(st.integers(1 - h, height - 1))
        faces.append(Box(x, y, w, h))
    return (width, height), faces


def coverage(boxes: list[Box], size: tuple[int, int]) -> np.ndarray:
    """Count the boxes that contain each pixel."""
    counts = np.zeros((size[1], size[0]), np.int32)
    for box in boxes:
        counts[max(box.y, 0) : max(box.bottom, 0), max(box.x, 0) : max(box.right, 0)] += 1
    return counts


def check_regions(regions: list[Box], faces: list[Box], size: tuple[int, int]) -> None:
    for box in regions:
        assert box.x >= 0
        assert box.y >= 0
        assert box.right <= size[0]
        assert box.bottom <= size[1]
        assert box.w % 2 == 0
        assert box.h % 2 == 0
        assert box.w >= min(SMALLEST_SIDE, size[0] // 2 * 2)
        assert box.h >= min(SMALLEST_SIDE, size[1] // 2 * 2)
    edges = open_edges(regions, faces, size)
    areas = [Footprint(right=right, bottom=low).area(box) for box, (right, low) in zip(regions, edges, strict=True)]
    held = coverage(areas, size)
    assert held.max(initial=0) <= 1
    assert np.all(held[coverage(faces, size) > 0] == 1), "Case S12: the last column and row of odd pictures, too"


@given(scenes(), st.sampled_from([0.0, 0.15, 0.25, 1.0]))
@example(((41, 3), [Box(0, 0, 23, 1), Box(24, 2, 17, 1)]), 0.0)
@example(((50, 2), [Box(16, 0, 16, 1), Box(0, 0, 1, 1), Box(-17, 0, 33, 1)]), 1.0)
@settings(max_examples=250, deadline=None)
def test_regions_are_disjoint_even_inside_and_hold_every_face(scene: Scene, margin: float) -> None:
    size, faces = scene
    regions = protectable_regions(faces, size, margin)
    check_regions(regions, faces, size)
    assert len(regions) <= len(faces)
    assert bool(regions) == bool(faces)


@given(scenes(most_faces=8), st.booleans())
@settings(max_examples=300, deadline=None)
def test_boxes_at_odd_edges_lose_nothing(scene: Scene, by_hand: bool) -> None:
    """Case S12: boxes up to the last column and row of pictures with odd sides, detected or given by hand."""
    (width, height), faces = scene
    size = width // 2 * 2 + 1, height // 2 * 2 + 1
    faces = [Box(face.x, face.y, size[0] - face.x, size[1] - face.y) for face in faces]
    grown = [reversible_box(face, size, 0.0 if by_hand else 0.25) for face in faces]
    check_regions(resolve_overlaps(grown, size, faces), faces, size)


def test_a_region_at_an_odd_edge_grows_or_moves_where_it_can() -> None:
    """Case S12: only what cannot be held by even sides is left to `open_edges`."""
    size, at_edge = (101, 60), Box(71, 10, 30, 30)
    assert resolve_overlaps([at_edge], size) == [at_edge]
    (grown,) = resolve_overlaps([Box(70, 10, 30, 30)], size, [Box(71, 10, 30, 30)])
    assert (grown.right, grown.w % 2) == (101, 0)
    whole = [Box(0, 0, 100, 60)]
    assert resolve_overlaps(whole, size, [Box(0, 0, 101, 60)]) == whole
    assert open_edges(whole, [Box(0, 0, 101, 60)], size) == [(True, False)]
    assert open_edges(whole, [Box(0, 0, 100, 60)], size) == [(False, False)]


@given(scenes(), st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_faces_does_not_matter(scene: Scene, random: object) -> None:
    size, faces = scene
    shuffled = list(faces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert protectable_regions(faces, size) == protectable_regions(shuffled, size)


@given(scenes())
@settings(max_examples=100, deadline=None)
def test_disjoint_regions_are_left_alone(scene: Scene) -> None:
    size, faces = scene
    once = resolve_overlaps([reversible_box(face, size) for face in faces], size)
    assert resolve_overlaps(once, size) == once


@given(scenes(most_faces=1), st.floats(0, 2))
@settings(max_examples=200, deadline=None)
def test_a_grown_box_is_even_inside_and_holds_the_face(scene: Scene, margin: float) -> None:
    size, faces = scene
    for face in faces:
        box = reversible_box(face, size, margin)
        assert (box.w % 2, box.h % 2) == (0, 0)
        assert intersection(box, Box(0, 0, *size)) == box.area
        seen = intersection(face, Box(0, 0, *size))
        odd_edges = (size[0] % 2) * face.h + (size[1] % 2) * face.w
        assert intersection(box, face) >= seen - odd_edges
        assert box.w >= min(SMALLEST_SIDE, size[0] // 2 * 2)


@given(scenes(most_faces=2))
@settings(max_examples=50, deadline=None)
def test_iou_is_symmetric_and_bounded(scene: Scene) -> None:
    for a in scene[1]:
        assert iou(a, a) == 1.0
        for b in scene[1]:
            assert 0.0 <= iou(a, b) == iou(b, a) <= 1.0


@pytest.mark.parametrize("side", [20, 60, 200])
def test_a_hundred_faces_are_separated_quickly(side: int) -> None:
    rng = np.random.default_rng(side)
    size = (1600, 1201)
    faces = [Box(int(rng.integers(0, 1590)), int(rng.integers(0, 1190)), side, side) for _ in range(100)]
    start = time.process_time()
    regions = protectable_regions(faces, size)
    assert time.process_time() - start < 1.0
    check_regions(regions, faces, size)


def test_a_row_of_touching_faces_does_not_become_one_giant_region() -> None:
    faces = [Box(20 + 36 * index, 50 + 6 * (index % 2), 40, 50) for index in range(20)]
    regions = protectable_regions(faces, (800, 200))
    check_regions(regions, faces, (800, 200))
    assert len(regions) == 20

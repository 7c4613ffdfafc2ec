"""Nobody slips through: faces are covered where the detector misses them, and no longer than they may be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_kit import Eyes, draw, grey, number_of, push, share, stream, texture, visible

from proface_s.types import Box, Face, UInt8Image
from proface_s.video.clock import Clock
from proface_s.video.lookout import Sighting
from proface_s.video.motion import CentredBox, Motion
from proface_s.video.tracked_arrays import tracked
from proface_s.video.tracking import RING_BYTES, TrackedFrame, Tracker
from proface_s.video.tracks import FaceTrack

RATE = 25.0
FOLLOW, BACK, HOLD = 12, 38, 3  # frames, at 25 a second

Boxes = list[list[Box]]


def moving(number: int) -> Box:
    """Return a face that moves to the right."""
    return Box(20 + 3 * number, 40 + number // 2, 40, 48)


def boxes_of(frames: Iterator[UInt8Image], eyes: Eyes, every: int = 1, look_ahead: int = 50) -> Boxes:
    """Track a stream of 25 frames a second; return the boxes of each frame."""
    tracker = Tracker(eyes.look, every / RATE, look_ahead / RATE)
    found = [each for number, frame in enumerate(frames) for each in push(tracker, frame, number / RATE)]
    found += tracker.finish()
    assert [frame.number for frame in found] == list(range(len(found)))
    return [[face.box for face in frame.faces] for frame in found]


def sees(
    face: Callable[[int], Box], when: Callable[[int], bool], sure: Callable[[int], bool] = lambda number: True
) -> Eyes:
    """Return eyes that see one face in some frames."""
    return Eyes(lambda n: [Sighting(part, sure(n))] if when(n) and (part := visible(face(n))) else [])


@pytest.mark.parametrize("every", [1, 4])
def test_a_face_is_covered_while_the_detector_misses_it(every: int) -> None:
    eyes = sees(moving, lambda number: not 12 < number < 28)
    found = boxes_of(stream(45, lambda n: [moving(n)]), eyes, every)
    for number, boxes in enumerate(found):
        assert share(boxes, moving(number)) > 0.98, number
        assert len(boxes) == 1
        assert boxes[0].area < 1.8 * moving(number).area


def test_a_face_that_is_hidden_for_a_while_is_covered_in_between() -> None:
    """A post stands before it, and the flow cannot follow."""

    def drawn(number: int) -> list[Box]:
        return [moving(number)] + [Box(30, 20, 95, 110)] * (10 <= number < 20)

    eyes = sees(moving, lambda number: not 10 <= number < 20)
    found = boxes_of(stream(40, drawn), eyes, every=1)
    for number, boxes in enumerate(found):
        assert share(boxes, moving(number)) > 0.85, number


@pytest.mark.parametrize("sure", [0, 7, 20, 29])
def test_a_doubtful_face_is_covered_from_the_start_if_it_is_sure_once(sure: int) -> None:
    eyes = sees(moving, lambda number: True, lambda number: number == sure)
    found = boxes_of(stream(30, lambda n: [moving(n)]), eyes)
    assert all(share(boxes, moving(number)) > 0.98 for number, boxes in enumerate(found))


def test_a_face_that_is_never_sure_is_none() -> None:
    eyes = sees(moving, lambda number: True, lambda number: False)
    assert boxes_of(stream(30, lambda n: [moving(n)]), eyes) == [[]] * 30


def test_a_face_is_followed_back_to_before_it_was_seen() -> None:
    """Its place may have had no look for a whole round."""

    def slow(number: int) -> Box:
        return Box(20 + 2 * number, 40, 40, 48)

    eyes = sees(slow, lambda number: number >= 48)
    found = boxes_of(stream(60, lambda n: [slow(n)]), eyes)
    for number in range(48 - BACK, 60):
        assert share(found[number], slow(number)) > 0.95, number
    for number in range(48 - BACK - HOLD - 2):
        assert found[number] == []


def test_faces_are_expected_where_the_flow_leads_and_all_is_seen_at_the_ends_of_a_shot() -> None:
    eyes = Eyes(lambda number: [Sighting(moving(number), roll=-90.0)] if number < 20 else [])
    boxes_of(stream(31, lambda n: [moving(n)]), eyes, every=3)
    assert eyes.asked == list(range(0, 31, 3))
    assert [number for number, faces in zip(eyes.asked, eyes.expected, strict=True) if faces is None] == [0, 30]
    for number, faces in zip(eyes.asked[1:-1], eyes.expected[1:-1], strict=True):
        assert faces is not None
        (face,) = faces
        assert share([face.box], moving(number)) > 0.8, number
        assert face.roll == -90


def test_a_face_is_followed_after_it_was_seen_last() -> None:
    eyes = sees(moving, lambda number: number <= 10)
    found = boxes_of(stream(40, lambda n: [moving(n)]), eyes)
    for number in range(10 + FOLLOW + 1):
        assert share(found[number], moving(number)) > 0.95, number
    assert found[10 + FOLLOW + HOLD + 2 :] == [[]] * (40 - 10 - FOLLOW - HOLD - 2)


def test_a_face_that_leaves_is_covered_until_it_is_gone() -> None:
    def leaving(number: int) -> Box:
        return Box(150 + 5 * number, 50, 40, 48)

    eyes = sees(leaving, lambda number: leaving(number).right < 250)
    found = boxes_of(stream(60, lambda n: [leaving(n)]), eyes, every=3)
    for number, boxes in enumerate(found):
        part = visible(leaving(number))
        if part is not None and part.w >= 20:
            assert share(boxes, leaving(number)) > 0.9, number
    assert found[40:] == [[]] * 20


def test_no_track_crosses_a_cut() -> None:
    still = Box(60, 40, 40, 48)

    def frames() -> Iterator[UInt8Image]:
        for number in range(40):
            frame = draw(number, [still]) if number < 18 else draw(number, []) // 2 + 127
            frame[0, 0] = number, 0, 0
            yield frame

    eyes = sees(lambda number: still, lambda number: number < 18)
    found = boxes_of(frames(), eyes, every=5)
    assert {0, 5, 10, 15, 17, 18, 23} <= set(eyes.asked)  # also the last frame of a shot, and the first of the next
    assert all(share(boxes, still) == 1 for boxes in found[:18])
    assert found[18:] == [[]] * 22


def test_a_flash_is_no_cut() -> None:
    def frames() -> Iterator[UInt8Image]:
        for number in range(20):
            frame = draw(number, [moving(number)])
            if number == 7:
                frame = np.full_like(frame, 255)
                frame[0, 0] = number, 0, 0
            yield frame

    eyes = sees(moving, lambda number: number not in (6, 7, 8))
    found = boxes_of(frames(), eyes, every=5)
    assert {6, 7, 8} <= set(eyes.asked)
    assert all(share(boxes, moving(number)) > 0.95 for number, boxes in enumerate(found))


@pytest.mark.parametrize("every", [1, 3])
def test_two_faces_that_cross_are_both_covered(every: int) -> None:
    def behind(number: int) -> Box:
        return Box(180 - 4 * number, 44, 40, 48)

    def front(number: int) -> Box:
        return Box(20 + 4 * number, 40, 40, 48)

    def seen(number: int) -> Sequence[Sighting]:
        apart = abs(front(number).x - behind(number).x) > 30
        return [Sighting(front(number)), *([Sighting(behind(number))] if apart else [])]

    found = boxes_of(stream(40, lambda n: [behind(n), front(n)]), Eyes(seen), every)
    for number, boxes in enumerate(found):
        assert share(boxes, front(number)) > 0.95, number
        assert share([*boxes, front(number)], behind(number)) > 0.85, number  # what is hidden need not be


def test_covers_are_steady_though_detections_are_not() -> None:
    """The boxes that are seen are off by 5 % of a width, standard deviation."""
    rng = np.random.default_rng(4)

    def noisy(number: int) -> Box:
        x, y, w, h = rng.normal(0, 2, 4)
        face = moving(number)
        return Box(round(face.x + x), round(face.y + y), round(face.w + w), round(face.h + h))

    seen = [noisy(number) for number in range(60)]
    eyes = Eyes(lambda number: [Sighting(seen[number])])
    found = [boxes[0] for boxes in boxes_of(stream(60, lambda n: [moving(n)]), eyes)]

    def jitter(boxes: Sequence[Box]) -> float:
        off = np.array([(b.x + b.w / 2 - moving(n).x, b.w) for n, b in enumerate(boxes)]) / moving(0).w
        return float(np.abs(np.diff(off, axis=0)).sum(1).mean())

    assert jitter(seen) > 0.1
    assert jitter(found) < 0.05
    for number, box in enumerate(found):
        assert share([box], moving(number)) > 0.9, number


def test_the_order_of_detections_and_a_longer_look_ahead_change_nothing() -> None:
    faces = [moving, lambda number: Box(200 - 3 * number, 90, 36, 44), lambda number: Box(100, 5 + number, 30, 36)]

    def seen(number: int) -> list[Sighting]:
        parts = [visible(face(number)) for face in faces]
        return [Sighting(part, number % 3 == 0) for k, part in enumerate(parts) if part and (number + k) % 4 < 2]

    frames = list(stream(60, lambda number: [face(number) for face in faces]))
    usual = boxes_of(iter(frames), Eyes(lambda number: sorted(seen(number))), look_ahead=30)
    assert usual == boxes_of(iter(frames), Eyes(lambda number: sorted(seen(number))), look_ahead=400)

    class Detector:
        def __init__(self, turn: int) -> None:
            self.turn = turn

        def detect(self, rgb: UInt8Image) -> list[Face]:
            return [Face(each.box) for each in sorted(seen(number_of(rgb)))][:: self.turn]

    once, reverse = ([boxes for _, boxes in tracked(frames, Detector(turn), 2 / RATE)] for turn in (1, -1))
    assert once == reverse
    assert any(len(boxes) > 1 for boxes in once)


def test_memory_is_bounded() -> None:
    eyes = Eyes(lambda number: [Sighting(Box(5, 5, 20, 24), number % 7 == 0), Sighting(Box(90, 90, 20, 24), False)])
    tracker = Tracker(eyes.look, 2 / RATE, 10 / RATE)
    frame, sizes = draw(0, [Box(5, 5, 20, 24)]), []
    for number in range(200):
        frame = frame.copy()
        frame[0, 0] = number, 0, 0
        push(tracker, frame, number / RATE)
        assert tracker.waiting <= 12
        sizes.append(sum(len(each.seen) + len(each.motions) for each in tracker._tracks))
    assert max(sizes[100:]) <= max(sizes[:100])
    assert len(tracker._tracks) == len(tracker._live) == 2


def test_the_frames_before_a_failure_are_not_lost() -> None:
    def source() -> Iterator[UInt8Image]:
        yield from stream(20, lambda number: [moving(number)])
        raise OSError("the disk is gone")

    class Detector:
        def detect(self, rgb: UInt8Image) -> list[Face]:
            return [Face(moving(number_of(rgb)))]

    found: Boxes = []
    with pytest.raises(OSError, match="gone"):
        found.extend(boxes for _, boxes in tracked(source(), Detector(), 3 / RATE))
    assert len(found) == 20
    assert all(share(boxes, moving(number)) > 0.98 for number, boxes in enumerate(found))


sides = st.floats(8, 60)
centred = st.builds(CentredBox, st.floats(0, 200), st.floats(0, 200), sides, sides)
steps = st.builds(Motion, st.floats(-9, 9), st.floats(-9, 9), st.floats(0.93, 1.07))
tracks = st.builds(
    FaceTrack,
    st.just(0),
    st.dictionaries(st.integers(0, 60), centred, min_size=1),
    st.dictionaries(st.integers(1, 60), steps),
)


def holds(box: CentredBox, other: CentredBox) -> bool:
    outer, inner = box.edges, other.edges
    near = [a - b for a, b in zip(outer, inner, strict=True)]
    return max(near[:2]) < 1e-6 and min(near[2:]) > -1e-6


@settings(max_examples=60)
@given(tracks)
def test_a_track_covers_every_frame_between_its_sightings(track: FaceTrack) -> None:
    for frame in range(min(track.seen), max(track.seen) + 1):
        cover = track.cover(frame)
        assert cover is not None
        assert frame not in track.seen or holds(cover, track.seen[frame])
    assert track.cover(max(track.seen) + 60 + HOLD + 1) is None


@settings(max_examples=60)
@given(tracks, st.integers(0, 60))
def test_what_is_forgotten_does_not_matter(track: FaceTrack, before: int) -> None:
    frames = range(before + FOLLOW, 70)
    covers = [track.cover(frame) for frame in frames]
    track.forget(before)
    assert covers == [track.cover(frame) for frame in frames]


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 25)), st.integers(0, 25), st.integers(1, 4))
def test_no_frame_between_two_detections_is_uncovered(missed: set[int], sure: int, every: int) -> None:
    """Whatever the detector misses, and even where the face has no texture that the flow could follow."""
    blank = [np.full((64, 96, 3), 90, np.uint8) for _ in range(26)]
    for number, frame in enumerate(blank):
        frame[0, 0] = number, 0, 0
    eyes = Eyes(lambda n: [] if n in missed else [Sighting(Box(10 + n, 10, 24, 30), n >= sure)])
    found = boxes_of(iter(blank), eyes, every, look_ahead=30)
    seen = [number for number in eyes.asked if number not in missed]
    if any(number >= sure for number in seen):
        assert all(found[min(seen) : max(seen) + 1])
        assert all(share(found[number], Box(10 + number, 10, 24, 30)) == 1 for number in seen)
    else:
        assert not any(found)


def clocked(times: Sequence[float]) -> Clock:
    clock = Clock()
    for each in times:
        clock.add(each)
    return clock


@given(st.lists(st.floats(0, 3), max_size=30), st.integers(0, 40), st.floats(0, 2))
def test_a_clock_finds_the_frames_of_a_span(steps: list[float], frame: int, seconds: float) -> None:
    clock = clocked(list(np.cumsum(steps)))
    last, first = clock.after(frame, seconds), clock.before(frame, seconds)
    assert first < frame < last
    assert last == frame + 1 or clock[last] - clock[frame] <= seconds + 0.003
    assert first == frame - 1 or clock[frame] - clock[first] <= seconds + 0.003
    assert clock[last + 1] - clock[frame] > seconds
    assert clock[frame] - clock[first - 1] > seconds
    assert 0 <= clock.share(first, frame, last) <= 1


def test_a_clock_forgives_rounding_and_times_that_run_back() -> None:
    rounded = clocked([round(number / 30, 3) for number in range(100)])
    assert [rounded.after(number, 0.1) for number in range(90)] == list(range(3, 93))
    assert [rounded.before(number, 0.1) for number in range(5, 90)] == list(range(2, 87))
    back = clocked([0, 1, 0.5, 2])
    assert [back[number] for number in range(4)] == [0, 1, 1, 2]
    assert back.share(1, 2, 3) == 0
    assert Clock().after(13, 0.12) == 16
    assert Clock().before(13, 0.12) == 10


def timed(times: Sequence[float], eyes: Eyes, face: Callable[[float], Box]) -> list[TrackedFrame]:
    """Track one face that moves with time."""
    tracker, found = Tracker(eyes.look), []
    for number, seconds in enumerate(times):
        found += push(tracker, draw(number, [face(seconds)]), seconds)
    return found + tracker.finish()


def walking(seconds: float) -> Box:
    return Box(20 + round(60 * seconds), 40, 40, 48)


@pytest.mark.parametrize("rate", [1, 5, 24, 25, 29.97, 60, 120, 240])
def test_spans_are_seconds_at_every_rate(rate: float) -> None:
    """The face is seen for one second in the middle of three, and in doubt before; nobody is there at the end."""
    times = [number / rate for number in range(round(3 * rate) + 1)]

    def seen(number: int) -> list[Sighting]:
        now = times[number]
        return [Sighting(walking(now), now >= 1)] if 0.5 < now < 2 else []

    eyes = Eyes(seen)
    found = timed(times, eyes, walking)
    assert [frame.number for frame in found] == list(range(len(times)))
    gaps = np.diff([times[number] for number in eyes.asked])
    assert max(gaps) <= max(0.12 + 1.001 / rate, 1 / rate + 0.001)
    assert len(eyes.asked) <= 3 * 25 / 3 + 4
    for frame in found:
        if 0.5 < frame.seconds < 2:
            assert share([face.box for face in frame.faces], walking(frame.seconds)) > 0.95, frame.seconds
        if frame.seconds > 2 + 0.48 + 0.12 + 0.13 + 2 / rate:
            assert not frame.faces
    if rate >= 24:
        assert all(frame.faces for frame in found if 0.1 < frame.seconds < 2.4)


def test_a_rate_that_varies() -> None:
    """A face is seen before and after a gap in which the frames come irregularly and nothing is found."""
    rng = np.random.default_rng(5)
    times = [0.0, *np.cumsum(rng.choice([0.008, 0.02, 0.04, 0.1], 70))]

    def seen(number: int) -> list[Sighting]:
        return [] if 0.4 < times[number] < 1.4 else [Sighting(walking(times[number]))]

    found = timed(times, Eyes(seen), walking)
    assert times[-1] > 1.6
    for frame in found:
        if visible(walking(frame.seconds)):
            assert share([face.box for face in frame.faces], walking(frame.seconds)) > 0.9, frame.seconds


def test_a_track_keeps_its_number() -> None:
    def seen(number: int) -> list[Sighting]:
        return [Sighting(moving(number)), Sighting(Box(150, 100, 36, 44))]

    tracker, found = Tracker(Eyes(seen).look), []
    for number in range(30):
        found += push(tracker, draw(number, [moving(number), Box(150, 100, 36, 44)]), number / RATE)
    for frame in [*found, *tracker.finish()]:
        places = {face.track: face.box for face in frame.faces}
        assert len(places) == 2
        assert share([places[0]], moving(frame.number)) > 0.9
        assert share([places[1]], Box(150, 100, 36, 44)) > 0.9


def test_large_frames_are_shrunk_and_few_wait() -> None:
    """At 240 frames a second, the ring is full before two seconds have passed."""
    tracker, colours = Tracker(lambda frame, expected: [Sighting(Box(800, 300, 240, 300))]), []

    def colour() -> UInt8Image:
        colours.append(1)
        return np.zeros((1, 1, 3), np.uint8)

    frame = grey(texture(5, 400, 225)).repeat(4, 0).repeat(4, 1)
    found, most = [], 0
    for number in range(150):
        found += tracker.push(frame, number / 240, colour)
        most = max(most, tracker.waiting)
    found += tracker.finish()
    assert most * 1280 * 720 <= RING_BYTES + 2 * 1280 * 720
    assert 90 < most < 120
    assert len(found) == 150
    assert len(colours) <= 150 / 240 / 0.12 + 3
    for each in found:
        (face,) = each.faces
        assert face.box.x <= 800 <= 1040 <= face.box.right
        assert face.box.area < 1.3 * 240 * 300

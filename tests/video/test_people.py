"""People of clips: found, written and read, corrected, and shown on a sheet."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tracking_kit import SIZE, draw, grey, number_of, share, texture

from proface_s.errors import UsageError
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.people.corrections import Corrections, TimedBox, parse_same, parse_timed_box
from proface_s.video.people.file import decode_people, encode_people
from proface_s.video.people.finding import find_people
from proface_s.video.people.merging import TrackOverlaps
from proface_s.video.people.people import People, PersonBox, PersonTrack
from proface_s.video.people.sheet import best_track, cut_tiles, draw_sheet
from proface_s.video.tracking import TrackedFace


@dataclass(frozen=True)
class Drawn:
    """A drawn frame of a clip of 25 frames a second."""

    number: int
    picture: UInt8Image

    @property
    def seconds(self) -> float:
        return self.number / 25

    @property
    def grey(self) -> UInt8Image:
        return grey(self.picture)

    def rgb(self) -> UInt8Image:
        return self.picture


@dataclass
class Knower:
    """A detector that knows where the faces are."""

    at: Callable[[int], Sequence[Box]]

    def detect(self, rgb: UInt8Image) -> list[Face]:
        return [Face(box) for box in self.at(number_of(rgb))]


def left(number: int) -> Box:
    return Box(20 + number // 2, 40, 40, 48)


def right(number: int) -> Box:
    return Box(180, 30 + number // 2, 36, 44 + number // 4)


def clip(count: int, faces: Callable[[int], Sequence[Box]]) -> list[Drawn]:
    return [Drawn(number, draw(number, faces(number))) for number in range(count)]


def test_people_are_found_and_numbered_from_left_to_right() -> None:
    def faces(number: int) -> list[Box]:
        return [right(number), *([left(number)] if number < 25 else [])]

    told: list[float] = []
    frames = clip(40, faces)
    people = find_people(frames, Knower(faces), told=told.append)
    assert told == [frame.seconds for frame in frames]
    assert people.size == SIZE
    assert people.persons == (1, 2)
    assert list(people.times) == told
    assert repr(people) == "<People: 2 in 2 tracks, 40 frames>"
    for frame in frames:
        found = {each.person: each.box for each in people.in_frame(frame.number)}
        if frame.number < 25:
            assert share([found[1]], left(frame.number)) > 0.95
        assert share([found[2]], right(frame.number)) > 0.95
    assert people.spans(2) == [(0, 39 / 25)]
    (start, stop) = people.spans(1)[0]
    assert start == 0
    assert 24 / 25 <= stop < 40 / 25
    assert people.of(2)[0].best >= 36  # the largest
    assert people.of(1)[0].best < 25
    assert people.in_frame(40) == people.in_frame(-1) == []


def test_a_clip_without_people() -> None:
    people = find_people(clip(5, lambda number: []), Knower(lambda number: []))
    assert people.persons == ()
    assert decode_people(encode_people(people)).persons == ()
    assert draw_sheet(people, {})
    assert find_people([], Knower(lambda number: [])).persons == ()


def face(track: int, x: int) -> TrackedFace:
    return TrackedFace(Box(x, 0, 40, 40), track)


def test_tracks_of_one_face_are_found() -> None:
    overlaps = TrackOverlaps()
    for number in range(10):
        faces = [face(0, 0), face(1, 3), face(2, 30), face(5, 200)]
        if number < 4:
            faces.append(face(3, 203))  # is in one place with the track 5, as long as there is one
        faces.append(face(4, 300 if number < 6 else 0))  # is with the others in 4 frames of 10
        overlaps.add(faces)
    assert overlaps.groups() == [[0, 1], [2], [3, 5], [4]]
    assert TrackOverlaps().groups() == []


def test_half_of_the_common_frames_is_enough_and_links_go_on() -> None:
    overlaps = TrackOverlaps()
    for number in range(10):
        overlaps.add([face(7, 10), face(3, 0 if number < 5 else 100), face(1, 100)])
    assert overlaps.groups() == [[1, 3, 7]]


def track(number: int, person: int, start: int, boxes: Sequence[Sequence[int]], **more: Any) -> PersonTrack:
    return PersonTrack(number, person, start, np.array(boxes, np.int32), more.pop("best", start), **more)


def some() -> People:
    """Return four people in a clip of ten frames, one of them twice at a time."""
    one = [[10, 10, 20, 24]] * 4
    return People(
        (160, 120),
        np.arange(10) / 10,
        (
            track(1, 1, 0, one), track(2, 1, 6, one),
            track(3, 2, 2, [[50, 10, 20, 24], [0, 0, 0, 0], [52, 10, 30, 34]]),
            track(4, 3, 0, [[100, 50, 30, 30]] * 10), track(5, 3, 1, [[101, 51, 30, 30]] * 3),
            track(6, 4, 9, [[0, 90, 30, 30]]),
        ),
    )  # fmt: skip


def same(a: People, b: People) -> bool:
    tracks = [
        x.boxes.tolist() == y.boxes.tolist()
        and (x.number, x.person, x.start, x.best, x.by_hand) == (y.number, y.person, y.start, y.best, y.by_hand)
        for x, y in zip(a.tracks, b.tracks, strict=True)
    ]
    return a.size == b.size and all(tracks) and np.allclose(a.times, b.times, atol=1e-6)


def test_who_is_in_a_frame() -> None:
    people = some()
    assert people.in_frame(3) == [
        PersonBox(1, Box(10, 10, 20, 24), 1),
        PersonBox(3, Box(100, 50, 30, 30), 4),
        PersonBox(3, Box(101, 51, 30, 30), 5),
    ]
    assert people.spans(1) == [(0, 0.3), (0.6, 0.9)]
    assert people.spans(3) == [(0, 0.9)]


def test_people_are_joined_and_kept_without_new_numbers() -> None:
    people = some()
    joined = people.joined({4, 2})
    assert joined.persons == (1, 2, 3)
    assert [each.number for each in joined.of(2)] == [3, 6]
    assert joined.kept([2]).persons == (2,)
    assert people.persons == (1, 2, 3, 4)
    with pytest.raises(UsageError, match="at least two"):
        people.joined([2, 2])
    for wrong in (lambda: people.joined([1, 9]), lambda: people.kept([9]), lambda: people.of(0)):
        with pytest.raises(UsageError, match=r"no person [09] in the clip: 1, 2, 3, 4") as caught:
            wrong()
        assert caught.value.code == "unknown-person"


def test_corrections_use_the_numbers_that_were_found() -> None:
    people = some()
    boxes = (TimedBox(0.15, 0.4, Box(150, 100, 40, 40)),)
    corrected = Corrections(((4, 2), (4, 1)), (3, 2), boxes).apply(people)
    assert corrected.persons == (1, 3, 5)
    assert [each.number for each in corrected.of(1)] == [1, 2, 3, 6]
    (by_hand,) = corrected.of(5)
    assert (by_hand.start, by_hand.stop, by_hand.by_hand) == (2, 5, True)
    assert by_hand.box(2) == Box(150, 100, 10, 20)
    assert Corrections(((1, 2), (3, 4), (4, 1))).apply(people).persons == (1,)
    assert same(Corrections().apply(people), people)
    for wrong in (Corrections(((1, 7),)), Corrections(faces=(7,)), Corrections(((1,),))):
        with pytest.raises(UsageError):
            wrong.apply(people)


def test_marks_by_hand_lie_in_the_clip() -> None:
    people = some()
    whole = people.with_box(Box(5, 5, 10, 10), 0, float("inf")).tracks[-1]
    assert (whole.person, whole.number, whole.start, whole.stop) == (5, 7, 0, 10)
    first = People((160, 120), people.times).with_box(Box(5, 5, 10, 10), 0.3, 0.3).tracks[-1]
    assert (first.person, first.start, first.stop) == (1, 3, 4)
    with pytest.raises(UsageError, match="outside the 160x120"):
        people.with_box(Box(160, 5, 10, 10), 0, 1)
    for start, stop in ((0.31, 0.39), (1.2, 3), (0.5, 0.4)):
        with pytest.raises(UsageError, match="no frame is shown"):
            people.with_box(Box(5, 5, 10, 10), start, stop)


def test_frames_of_another_clip_are_noticed() -> None:
    people = some()
    people.check_frame(3, 0.3004, (160, 120))
    for frame, seconds, size in ((3, 0.31, (160, 120)), (10, 1.0, (160, 120)), (3, 0.3, (120, 160))):
        with pytest.raises(UsageError, match="the people were") as caught:
            people.check_frame(frame, seconds, size)
        assert caught.value.code == "other-clip"


sides = st.tuples(st.integers(0, 140), st.integers(0, 100), st.integers(1, 20), st.integers(1, 20))


@st.composite
def peoples(choose: st.DrawFn) -> People:
    count = choose(st.integers(1, 12))
    tracks = []
    for number in range(1, choose(st.integers(0, 5)) + 1):
        start = choose(st.integers(0, count - 1))
        length = choose(st.integers(1, count - start))
        boxes = choose(st.lists(st.one_of(st.just((0, 0, 0, 0)), sides), min_size=length, max_size=length))
        boxes[0] = choose(sides)
        person, best, hand = choose(st.integers(1, 9)), choose(st.integers(0, count - 1)), choose(st.booleans())
        tracks.append(PersonTrack(number, person, start, np.array(boxes, np.int32), best, hand))
    times = np.cumsum(choose(st.lists(st.floats(0, 9), min_size=count, max_size=count)))
    return People((160, 120), times, tuple(tracks))


@given(peoples())
def test_people_survive_being_written(people: People) -> None:
    assert same(decode_people(encode_people(people)), people)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    found = json.loads(encode_people(some()))
    change(found)
    return json.dumps(found).encode()


def test_numbers_may_be_changed_by_hand() -> None:
    def to_two(found: dict[str, Any]) -> None:
        found["tracks"][0]["person"] = 2

    assert [each.number for each in decode_people(changed(to_two)).of(2)] == [1, 3]


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "format": lambda f: f.update(format="other"),
    "no version": lambda f: f.pop("version"),
    "width": lambda f: f.update(width=0),
    "text as height": lambda f: f.update(height="120"),
    "no times": lambda f: f.pop("times"),
    "times that run back": lambda f: f["times"].reverse(),
    "not a number": lambda f: f["times"].__setitem__(0, float("nan")),
    "true as time": lambda f: f["times"].__setitem__(0, True),
    "no tracks": lambda f: f.update(tracks={}),
    "a track that is none": lambda f: f["tracks"].append(3),
    "person 0": lambda f: f["tracks"][0].update(person=0),
    "half a person": lambda f: f["tracks"][0].update(person=1.5),
    "true as person": lambda f: f["tracks"][0].update(person=True),
    "start": lambda f: f["tracks"][0].update(start=-1),
    "too many boxes": lambda f: f["tracks"][3]["boxes"].append([0, 0, 5, 5]),
    "no boxes": lambda f: f["tracks"][0].update(boxes=[]),
    "only gaps": lambda f: f["tracks"][0].update(boxes=[None]),
    "three numbers": lambda f: f["tracks"][0]["boxes"].__setitem__(0, [1, 2, 3]),
    "outside": lambda f: f["tracks"][0]["boxes"].__setitem__(0, [150, 2, 30, 30]),
    "no area": lambda f: f["tracks"][0]["boxes"].__setitem__(0, [150, 2, 0, 30]),
    "hand": lambda f: f["tracks"][0].update(by_hand="yes"),
    "one number twice": lambda f: f["tracks"][0].update(track=2),
    "best": lambda f: f["tracks"][0].update(best=10),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_file_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"people\.json is not a people file: ") as caught:
        decode_people(changed(WRONG[name]), "people.json")
    assert caught.value.code == "bad-people"


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="not a people file"):
        decode_people(data)


def test_later_versions_are_refused() -> None:
    with pytest.raises(UsageError, match="version 2") as caught:
        decode_people(changed(lambda found: found.update(version=2)))
    assert caught.value.code == "newer-version"


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [("1-2.5:5,6,7,8", 1, 2.5), ("0:12-1:02.25:5,6,7,8", 12, 62.25), (" 1:00:00 - 1:00:01 : 5,6,7,8", 3600, 3601)],
)
def test_timed_boxes(text: str, start: float, stop: float) -> None:
    assert parse_timed_box(text) == TimedBox(start, stop, Box(5, 6, 7, 8))
    assert parse_timed_box("5,6,7,8") == TimedBox(0, float("inf"), Box(5, 6, 7, 8))


@pytest.mark.parametrize("text", ["", "1-2", "1:5,6,7,8", "2-1:5,6,7,8", "a-b:5,6,7,8", "1-2:5,6,7", "-1-2:5,6,7,8"])
def test_timed_boxes_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError):
        parse_timed_box(text)


def test_groups_of_people() -> None:
    assert parse_same(["3,7", "1, 2,4"]) == ((3, 7), (1, 2, 4))
    for text in ("", "3", "3,3", "3,", "a,b", "3;7"):
        with pytest.raises(UsageError, match="two or more"):
            parse_same([text])


def test_the_sheet_shows_each_person_where_it_is_seen_best() -> None:
    frames = [Drawn(number, texture(40 + number, 160, 120).copy()) for number in range(10)]
    people = People(some().size, np.arange(10) / 25, some().tracks)
    taken: list[int] = []

    def source() -> Any:
        for frame in frames:
            taken.append(frame.number)
            yield frame

    tiles = cut_tiles(people.kept([1, 2, 3]), source())
    assert set(tiles) == {1, 2, 3}
    assert len(taken) <= 4  # nobody is seen best later
    assert all(tile.shape == (160, 160, 3) for tile in tiles.values())
    assert best_track(people.of(3)).number == 4
    whole = cut_tiles(people, frames)
    sheet = np.asarray(Image.open(io.BytesIO(draw_sheet(people, whole))))
    assert sheet.shape[2] == 3
    for tile in whole.values():
        found = [
            (x, y)
            for y in range(sheet.shape[0] - 160)
            for x in range(0, sheet.shape[1] - 160)
            if (sheet[y, x : x + 160] == tile[0]).all() and (sheet[y : y + 160, x : x + 160] == tile).all()
        ]
        assert len(found) == 1
    missing = draw_sheet(people, {})
    assert Image.open(io.BytesIO(missing)).size == Image.open(io.BytesIO(draw_sheet(people, whole))).size
    with pytest.raises(UsageError, match="frames of 160x120 pixels, not 240x160"):
        cut_tiles(people, clip(3, lambda number: []))

"""Streams of frames: every face is covered and recovered, no pad is used twice, and errors are detected."""

from __future__ import annotations

import hmac
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from proface_s.errors import DamagedFileError, ImageError, UsageError, WrongKeyError
from proface_s.faces.boxes import intersection
from proface_s.flow.secure.model import SecureFlow
from proface_s.image.measures import psnr
from proface_s.image.regions import cut
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.keys import VideoKey, new_stream
from proface_s.video.records import FrameRecord, decode_frame_record, encode_frame_record
from proface_s.video.session import ProtectedFrame, VideoSession
from proface_s.video.tracked_arrays import tracked

SIZE = (240, 160)
FRAMES = 9
RATE = 25.0


@pytest.fixture(scope="module")
def model() -> SecureFlow:
    return SecureFlow(threads=1)


def face_at(number: int) -> Box:
    """Return a face that moves to the right and comes nearer."""
    return Box(20 + 6 * number, 30 + 2 * number, 48 + number, 48 + number)


def frame_of(number: int, box: Box | None = None) -> UInt8Image:
    """Return a frame that encodes its number for `Watcher`, with a bright patch in place of the face."""
    width, height = SIZE
    y, x = np.mgrid[0:height, 0:width]
    frame = np.dstack([x * 200 / width, y * 200 / height, 90 + 60 * np.sin((x + 2 * y) / 25)]).astype(np.uint8)
    box = box or face_at(number)
    frame[box.y : box.bottom, box.x : box.right] = 255 - frame[box.y : box.bottom, box.x : box.right]
    frame[0, 0] = number
    return frame


def in_shots(number: int) -> UInt8Image:
    """Return a frame of a clip with cuts before the frames 2 and 5."""
    frame = frame_of(number, face_at(3)) if 2 <= number < 5 else np.full((SIZE[1], SIZE[0], 3), 250, np.uint8)
    frame[0, 0] = number
    return frame


@dataclass
class Watcher:
    """A detector that knows where the faces are; ``at`` maps frame numbers to boxes."""

    at: dict[int, list[Box]] | None = None
    asked: list[int] = field(default_factory=list)

    def detect(self, rgb: UInt8Image) -> list[Face]:
        number = int(rgb[0, 0, 0])
        self.asked.append(number)
        boxes = [face_at(number)] if self.at is None else self.at.get(number, [])
        return [Face(box) for box in boxes]


def covers(boxes: list[Box], face: Box) -> bool:
    return any(intersection(box, face) == face.area for box in boxes)


@pytest.fixture(scope="module")
def stream(model: SecureFlow) -> tuple[VideoKey, list[ProtectedFrame]]:
    key = VideoKey.generate()
    session = VideoSession(detector=Watcher(), model=model, every=4)
    return key, list(session.protect(map(frame_of, range(FRAMES)), key))


def test_what_comes_back(model: SecureFlow, stream: tuple[VideoKey, list[ProtectedFrame]]) -> None:
    key, frames = stream
    assert [frame.record.index for frame in frames] == list(range(FRAMES))
    back = VideoSession(model=model).recover(
        ((f.rgb, decode_frame_record(encode_frame_record(f.record))) for f in frames), key
    )
    for number, (frame, recovered) in enumerate(zip(frames, back, strict=True)):
        original = frame_of(number)
        (box,) = frame.record.boxes
        assert covers([box], face_at(number))
        assert psnr(cut(recovered, box), cut(original, box)) > 30
        assert psnr(cut(frame.rgb, box), cut(original, box)) < 25
        outside = np.ones(original.shape[:2], bool)
        outside[box.y : box.bottom, box.x : box.right] = False
        assert np.array_equal(frame.rgb[outside], original[outside])
        assert np.array_equal(recovered[outside], original[outside])


def test_no_pad_is_used_twice(model: SecureFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    still, pads = frame_of(0), []
    real = SecureFlow.protect

    def watched(self: SecureFlow, original: Any, cover: Any, key: Any, **more: Any) -> Any:
        pads.append(key.mixing_stream(64))
        return real(self, original, cover, key, **more)

    monkeypatch.setattr(SecureFlow, "protect", watched)
    two = {0: [Box(20, 30, 40, 40), Box(140, 60, 40, 40)]}
    key = VideoKey.generate()
    session = VideoSession(detector=Watcher(two), model=model, every=2)
    for _ in range(2):  # the same frames under the same key: another stream
        list(session.protect([still] * 5, key))
    assert len(pads) == 2 * 2 * 5
    assert len(set(pads)) == len(pads)


def test_a_face_key_is_bound_to_its_place() -> None:
    key, stream, model_id, box = VideoKey.generate(), new_stream(), bytes(16), Box(2, 4, 16, 18)
    places = [
        (stream, 0, 0, box, model_id), (stream, 1, 0, box, model_id), (stream, 0, 1, box, model_id),
        (stream, 256, 0, box, model_id), (new_stream(), 0, 0, box, model_id), (stream, 0, 0, box, b"m" * 16),
        (stream, 0, 0, Box(4, 2, 16, 18), model_id),
    ]  # fmt: skip
    keys = [each.face_key(*place) for each in (key, VideoKey.generate()) for place in places]
    assert all(a != b for a, b in itertools.combinations(keys, 2))
    assert key.face_key(*places[0]) == keys[0]
    for wrong in ((stream, -1, 0), (stream, 2**64, 0), (stream, 0, 65536), (b"short", 0, 0)):
        with pytest.raises(ValueError, match=r"frame|stream"):
            key.face_key(*wrong, box, model_id)


def test_wrong_keys_and_altered_frames_are_refused(
    model: SecureFlow, stream: tuple[VideoKey, list[ProtectedFrame]]
) -> None:
    key, frames = stream
    session = VideoSession(model=model)
    first, second = frames[:2]
    moved = replace(first.record, boxes=(replace(first.record.boxes[0], x=0),))
    for record, opener in ((first.record, VideoKey.generate()), (replace(first.record, index=5), key), (moved, key)):
        with pytest.raises(WrongKeyError, match="does not open frame"):
            next(session.recover([(first.rgb, record)], opener))
    with pytest.raises(DamagedFileError, match="frame 1: the protected pixels of face 1 were changed") as caught:
        next(session.recover([(first.rgb, second.record)], key))
    assert caught.value.code == "altered-frame"
    assert "without loss" in caught.value.message
    with pytest.raises(DamagedFileError, match="too few"):
        next(session.recover([(first.rgb[:50], first.record)], key))


def test_faces_are_looked_for_now_and_then_and_covered_always() -> None:
    watcher = Watcher()
    found = list(tracked(map(frame_of, range(11)), watcher, 4 / RATE))
    assert watcher.asked == [0, 4, 8, 10]
    assert [int(frame[0, 0, 0]) for frame, _ in found] == list(range(11))
    for number, (_, boxes) in enumerate(found):
        assert len(boxes) == 1
        assert covers(boxes, face_at(number))
        assert boxes[0].area < 2.2 * face_at(number).area


@pytest.mark.parametrize(("count", "every", "asked"), [(0, 3, []), (1, 3, [0]), (3, 5, [0, 2]), (4, 1, [0, 1, 2, 3])])
def test_short_streams(count: int, every: int, asked: list[int]) -> None:
    watcher = Watcher()
    assert len(list(tracked(map(frame_of, range(count)), watcher, every / RATE))) == count
    assert watcher.asked == asked


def test_frames_are_read_as_they_are_needed() -> None:
    taken = 0

    def source() -> Iterator[UInt8Image]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield frame_of(number, face_at(0))

    for given_out, _ in enumerate(tracked(source(), Watcher({}), 5 / RATE, 9 / RATE), 1):
        assert taken <= given_out + 11


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([np.zeros((20, 20), np.uint8)], r"frame 0 must be \(H, W, 3\) uint8 RGB, got uint8 \(20, 20\)"),
        ([np.zeros((20, 20, 3))], "got float64"),
        (["frame"], "got str"),
        ([np.zeros((8, 20, 3), np.uint8)], "too few"),
        ([np.zeros((20, 20, 3), np.uint8), np.zeros((20, 22, 3), np.uint8)], "frame 1 has the shape"),
    ],
)
def test_invalid_frames_are_refused(model: SecureFlow, frames: list[Any], message: str) -> None:
    session = VideoSession(detector=Watcher({}), model=model)
    with pytest.raises(ImageError, match=message):
        list(session.protect(frames, VideoKey.generate()))


def test_settings_that_make_no_sense(model: SecureFlow) -> None:
    with pytest.raises(UsageError, match="every 0 frames"):
        VideoSession(every=0)
    with pytest.raises(UsageError, match="-1 seconds ahead"):
        VideoSession(look_ahead=-1)
    for rate in (0, -25, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="frames a second"):
            VideoSession(rate=rate)
    with pytest.raises(UsageError):
        next(VideoSession(model=model).protect([], VideoKey.generate(), style="nosuch"))


boxes = st.builds(Box, *[st.integers(0, 2**31 - 1)] * 4)
records = st.integers(0, 4).flatmap(
    lambda n: st.builds(
        FrameRecord, st.binary(min_size=16, max_size=16), st.integers(0, 2**64 - 1),
        st.binary(min_size=16, max_size=16), st.tuples(*[boxes] * n),
        st.tuples(*[st.binary(min_size=32, max_size=32)] * n), st.binary(min_size=16, max_size=16),
    )
)  # fmt: skip


@given(records)
def test_records_survive_being_written(record: FrameRecord) -> None:
    assert decode_frame_record(encode_frame_record(record)) == record


@given(records, records)
def test_different_records_have_different_bytes(a: FrameRecord, b: FrameRecord) -> None:
    assert (a.covered() == b.covered()) == (replace(a, tag=b"") == replace(b, tag=b""))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"faces": 3}', '{"stream": "00", "faces": []}', "[" * 5000])
def test_invalid_records_are_refused(text: str) -> None:
    with pytest.raises(DamagedFileError, match="record is damaged"):
        decode_frame_record(text)


Frames = list[tuple[UInt8Image, FrameRecord]]


def pairs(frames: list[ProtectedFrame]) -> Frames:
    return [(frame.rgb, frame.record) for frame in frames]


@pytest.fixture(scope="module")
def clips(model: SecureFlow) -> tuple[VideoKey, Frames, Frames]:
    """Protect two clips of three shots under one key; only the middle shot of each shows a face."""
    key = VideoKey.generate()
    session = VideoSession(detector=Watcher({n: [face_at(n)] for n in (3,)}), model=model, every=1)
    one, other = (pairs(list(session.protect(map(in_shots, range(7)), key))) for _ in "ab")
    assert [bool(one[number][1].boxes) for number in (0, 1, 3, 6)] == [False, False, True, False]
    return key, one, other


def moved(frames: Frames, order: list[int]) -> Frames:
    return [frames[number] for number in order]


def with_other_pixels(frames: Frames, number: int, rgb: UInt8Image) -> Frames:
    return [*frames[:number], (rgb, frames[number][1]), *frames[number + 1 :]]


ORDERS = [
    [0, 1, 3, 2, 4, 5, 6], [1, 0, 2, 3, 4, 5, 6], [0, 1, 2, 2, 3, 4, 5, 6], [0, 1, 2, 4, 5, 6], [1, 2, 3, 4, 5, 6],
    [0, 1, 2, 3, 4, 5], [0], [6, 5, 4, 3, 2, 1, 0],
]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_s12_frames_out_of_their_order_are_noticed(
    model: SecureFlow, clips: tuple[VideoKey, Frames, Frames], order: list[int]
) -> None:
    """Case S12: frames swapped, repeated, left out, cut off at either end, or reversed."""
    key, one, _ = clips
    session = VideoSession(model=model)
    assert len(list(session.recover(one, key))) == 7
    with pytest.raises(DamagedFileError, match=r"should be|end is missing"):
        list(session.recover(moved(one, order), key))
    assert len(list(session.recover(moved(one, order), key, whole=False))) == len(order)


@pytest.mark.parametrize("at", range(7))
def test_s12_frames_of_another_clip_are_noticed(
    model: SecureFlow, clips: tuple[VideoKey, Frames, Frames], at: int
) -> None:
    key, one, other = clips
    session = VideoSession(model=model)
    for spliced in ([*one[:at], other[at], *one[at + 1 :]], [*one[:at], *other[at:], *one[:1]], [*one, *other]):
        with pytest.raises(DamagedFileError, match="another clip"):
            list(session.recover(spliced, key))


def test_s12_frames_without_faces_cannot_be_exchanged(
    model: SecureFlow, clips: tuple[VideoKey, Frames, Frames]
) -> None:
    key, one, _ = clips
    session = VideoSession(model=model)
    spotted = one[3][0].copy()
    spotted[-1, -1, 2] ^= 1
    for changed in (
        with_other_pixels(one, 0, one[1][0]), with_other_pixels(with_other_pixels(one, 0, one[1][0]), 1, one[0][0]),
        with_other_pixels(one, 6, np.zeros_like(one[6][0])), with_other_pixels(one, 3, spotted),
    ):  # fmt: skip
        with pytest.raises(DamagedFileError, match="changed outside its faces, or exchanged"):
            list(session.recover(changed, key))
        assert len(list(session.recover(changed, key, whole=False))) == 7


def test_s12_what_a_record_says_of_its_frame_is_vouched_for(
    model: SecureFlow, clips: tuple[VideoKey, Frames, Frames]
) -> None:
    key, one, _ = clips
    rgb, record = one[0]
    other = replace(record, frame_digest=one[1][1].frame_digest)
    for forged in (other, replace(record, last=True), replace(record, frame_digest=b""), replace(record, index=1)):
        with pytest.raises(WrongKeyError):
            list(VideoSession(model=model).recover([(rgb, forged)], key))


def test_s12_clips_of_early_versions_open_with_a_warning(
    model: SecureFlow, clips: tuple[VideoKey, Frames, Frames]
) -> None:
    key, one, _ = clips

    def as_before(record: FrameRecord) -> FrameRecord:
        early = replace(record, frame_digest=b"", last=False)
        kek = HKDF(SHA256(), 32, None, b"proface-s/v1/video-record\0").derive(key.reveal())
        return replace(early, tag=hmac.digest(kek, early.covered(), "sha256")[:16])

    session, early = VideoSession(model=model), [(rgb, as_before(record)) for rgb, record in one]
    assert "last" not in encode_frame_record(early[0][1])
    assert decode_frame_record(encode_frame_record(early[0][1])) == early[0][1]
    with pytest.warns(UserWarning, match="early version") as caught:
        back = list(session.recover(early, key))
    assert len(caught) == 1
    assert all(np.array_equal(a, b) for a, b in zip(back, session.recover(one, key), strict=True))
    for order in [0, 2, 1, 3, 4, 5, 6], [0, 1, 3]:
        with pytest.raises(DamagedFileError, match="should be"), pytest.warns(UserWarning, match="early"):
            list(session.recover(moved(early, order), key))


@pytest.mark.parametrize("change", [{"last": 1}, {"last": None}, {"sha256": "00"}, {"sha256": None}])
def test_s12_damaged_words_about_the_frame(clips: tuple[VideoKey, Frames, Frames], change: dict[str, Any]) -> None:
    text = json.loads(encode_frame_record(clips[1][0][1]))
    with pytest.raises(DamagedFileError, match="record is damaged"):
        decode_frame_record(json.dumps({**text, **change}))
    for name in change:
        del text[name]
    with pytest.raises(DamagedFileError, match="record is damaged"):
        decode_frame_record(json.dumps(text))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("every", [1, 2, 4])
def test_s12_the_last_frame_is_known_as_such(model: SecureFlow, count: int, every: int) -> None:
    session = VideoSession(detector=Watcher({}), model=model, every=every)
    frames = list(session.protect(map(frame_of, range(count)), VideoKey.generate()))
    assert [frame.record.last for frame in frames] == [False] * (count - 1) + [True]

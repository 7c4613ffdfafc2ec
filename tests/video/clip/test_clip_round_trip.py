"""Protected clips play everywhere, and their people come back under their keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cast_kit import ANN, BOB, appearing, options, planes_of, protected, psnr, recovered, two_people
from clip_kit import SIZE, av, write_clip

import proface_s
from proface_s.api.options import RecoverOptions
from proface_s.errors import ImageError, UsageError, WrongKeyError
from proface_s.keys.access import Lock
from proface_s.types import Box, Face
from proface_s.video.clip.areas import Area, Owners, covered_box, sealed_box
from proface_s.video.clip.plane_covers import cut_planes, paste_planes
from proface_s.video.clip.planes import FramePlanes
from proface_s.video.clip.protect import protect_clip
from proface_s.video.clip.read import open_clip
from proface_s.video.clip.recover import open_track_of, recover_clip, recovered_frames
from proface_s.video.clip.track.reading import read_sealed_chunks
from proface_s.video.clip.track.sealing import PicturePlace, TrackEncoder, decode_track, open_track


def test_faces_are_covered_and_come_back(tmp_path: Path) -> None:
    source, target = protected(tmp_path)
    original, hidden, back = planes_of(source), planes_of(target), planes_of(recovered(target))
    assert len(original) == len(hidden) == len(back) == 60
    inside, outside, shown = [], [], []
    for before, covered, after, shown_now in zip(original, hidden, back, appearing(two_people(60)), strict=True):
        mask = np.zeros(before.y.shape, bool)
        for _, box in shown_now:
            area = covered_box(box, before.size)
            mask[area.y : area.bottom, area.x : area.right] = True
        inside.append(psnr(after.y[mask], before.y[mask]))
        outside.append(psnr(after.y[~mask], before.y[~mask]))
        shown.append(psnr(covered.y[mask], before.y[mask]))
    assert min(inside) > 36
    assert np.mean(inside) > 38
    assert min(outside) > 36
    assert max(shown) < 22


def test_a_wrong_key_writes_nothing(tmp_path: Path) -> None:
    _, target = protected(tmp_path, 10)
    with pytest.raises(WrongKeyError):
        recovered(target, "another long passphrase")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "a.protected.mp4"]


def test_one_persons_key_changes_only_that_persons_pixels(tmp_path: Path) -> None:
    _, target = protected(tmp_path, own={2: Lock.of(BOB)})
    hidden = planes_of(target)
    track, opened = open_track_of(target, RecoverOptions.of(BOB))
    assert sorted(opened.face_keys) == [1]
    changed = 0
    with open_clip(target) as clip:
        found = [each for _, each in recovered_frames(clip, track, opened.face_keys) if each is not None]
    for before, each, shown_now in zip(hidden, found, appearing(two_people(60)), strict=True):
        areas = [(n - 1, covered_box(box, before.size)) for n, box in shown_now]
        bobs = np.zeros((before.y.shape[0] // 2, before.y.shape[1] // 2), bool)
        for face, box in areas:
            if face == 1:
                sealed = sealed_box(box, before.size)
                mask = Owners([Area(*area) for area in areas], before.size).mask(1, sealed)
                bobs[sealed.y // 2 : sealed.bottom // 2, sealed.x // 2 : sealed.right // 2] = mask
        four = np.repeat(np.repeat(bobs, 2, axis=0), 2, axis=1)
        for plane, other, mine in zip(before, each.planes, (four, bobs, bobs), strict=True):
            assert np.array_equal(plane[~mine], other[~mine])
            changed += int((plane[mine] != other[mine]).sum())
    assert changed > 10_000
    result = recover_clip(target, tmp_path / "b.mp4", RecoverOptions.of(BOB))
    assert (result.recovered, result.covered) == ((2,), (1,))


def test_a_persons_track_shows_nothing_of_others(tmp_path: Path) -> None:
    """Its windows hold more than the person owns."""
    source, target = protected(tmp_path, own={2: Lock.of(BOB)})
    original, size = planes_of(source), SIZE
    track, opened = open_track_of(target, RecoverOptions.of(BOB))
    shown, others = [], []
    for table, packet in read_sealed_chunks(track):
        if 1 not in packet.sealed:
            continue
        key = opened.face_keys[1]
        payload = open_track(key, packet.sealed[1], track.mark.stream, table.number, 1, packet.table)
        for place, picture in decode_track(av, payload):
            areas = table.frames[place.offset].areas
            (anns,) = [area.box for area in areas if area.face == 0]
            left, top = max(place.x, anns.x), max(place.y, anns.y)
            right, bottom = min(place.x + picture.size[0], anns.right), min(place.y + picture.size[1], anns.bottom)
            if right <= left or bottom <= top:
                continue
            box = Box(left, top, right - left, bottom - top)
            mine = np.repeat(np.repeat(Owners(areas, size).mask(0, box), 2, axis=0), 2, axis=1)
            before = cut_planes(original[table.first + place.offset], box).y
            here = cut_planes(picture, Box(left - place.x, top - place.y, box.w, box.h)).y
            shown += [here[mine]]
            others += [before[mine]]
    assert sum(map(len, others)) > 5_000
    assert psnr(np.concatenate(shown), np.concatenate(others)) < 20


@pytest.mark.parametrize("ten_bits", [False, True])
def test_parts_of_pictures_come_back_and_the_rest_stays_as_it_was(ten_bits: bool) -> None:
    kind, most = (np.uint16, 1023) if ten_bits else (np.uint8, 255)
    encoder = TrackEncoder(av, (48, 40), ten_bits, 12)
    parts = [(48, 40, 0, 0), (32, 20, 4, 6), (16, 40, 32, 0), (24, 24, 0, 16)]
    sent = []
    for number, (width, height, x, y) in enumerate(parts):
        y_plane = np.full((height, width), most * (number + 1) // 6, kind)
        chroma = np.full((height // 2, width // 2), most * (5 - number) // 6, kind)
        sent.append(FramePlanes(y_plane, chroma, chroma))
        encoder.add(PicturePlace(number, 0, 0), sent[-1], (x, y))
    expected = sent[0].copy()
    for (place, picture), part, (width, height, x, y) in zip(
        decode_track(av, encoder.finish()), sent, parts, strict=True
    ):
        paste_planes(expected, Box(x, y, width, height), part)
        for plane, wanted in zip(picture, expected, strict=True):
            assert plane.dtype == kind
            assert np.abs(plane.astype(float) - wanted).mean() < 0.012 * most, place


def test_the_first_picture_of_a_track_has_no_edge() -> None:
    encoder = TrackEncoder(av, (64, 48), False, 12)
    flat = FramePlanes(*(np.full(shape, 140, np.uint8) for shape in ((16, 24), (8, 12), (8, 12))))
    encoder.add(PicturePlace(0, 0, 0), flat, (20, 10))
    ((_, picture),) = decode_track(av, encoder.finish())
    assert all(np.abs(plane.astype(int) - 140).max() <= 3 for plane in picture)


def test_from_python(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", 30)
    told = []
    done = protect_clip(
        source, tmp_path / "b.mp4", options(), people=two_people(30), progress=lambda *step: told.append(step)
    )
    assert repr(done).startswith("<ProtectedClip: 2 people, 160x112 pixels")
    assert told == [("hide", number, 30) for number in range(30)]
    back = recover_clip(done.path, tmp_path / "c.mp4", RecoverOptions.of(ANN))
    assert repr(back).startswith("<RecoveredClip: 2 of 2")
    with pytest.raises(ImageError, match="already exists"):
        protect_clip(source, tmp_path / "b.mp4", options(), people=two_people(30))


class Marked:
    """Finds the bright square of the drawn clips, by its movement."""

    def __init__(self) -> None:
        self.asked = 0

    def detect(self, rgb: np.ndarray) -> list[Face]:
        self.asked += 1
        return [Face(Box(14, 26, 28, 28), 0.9)]


def test_a_session_takes_paths_and_looks_with_its_own_detector(tmp_path: Path) -> None:
    source, told = write_clip(tmp_path / "a.mp4", 20), set()
    detector = Marked()
    session = proface_s.VideoSession(detector=detector, threads=1)
    chosen = proface_s.ProtectOptions.of(ANN, style="solid")

    def progress(stage: str, done: int, total: int) -> None:
        told.add(stage)

    done = session.protect_clip(str(source), tmp_path / "b.mp4", chosen, progress=progress)
    assert detector.asked > 0
    assert [(person.number, person.style) for person in done.people] == [(1, "solid")]
    assert repr(done) == f"<ProtectedClip: 1 person, 160x112 pixels -> {str(tmp_path / 'b.mp4')!r}>"
    found = proface_s.inspect_clip(str(tmp_path / "b.mp4"))
    assert (found.frames, len(found.people)) == (20, 1)
    assert proface_s.verify_clip(str(tmp_path / "b.mp4"), proface_s.Credentials.of(ANN)).opened == (1,)
    back = session.recover_clip(
        tmp_path / "b.mp4", str(tmp_path / "c.mp4"), proface_s.RecoverOptions.of(ANN), progress=progress
    )
    assert back.recovered == (1,)
    assert told == {"find", "hide", "restore"}
    before, hidden, after = (planes_of(path)[5].y for path in (source, tmp_path / "b.mp4", tmp_path / "c.mp4"))
    assert psnr(after, before) > 34 > psnr(hidden, before)


def test_a_session_looks_as_the_options_say_or_refuses(tmp_path: Path) -> None:
    """A detector that is given as an object has its own threshold, as for photos."""
    session = proface_s.VideoSession(detector=Marked(), threads=1)
    chosen = proface_s.ProtectOptions.of(ANN, style="solid", threshold=0.9)
    with pytest.raises(UsageError, match="own threshold"):
        session.protect_clip(write_clip(tmp_path / "a.mp4", 10), tmp_path / "b.mp4", chosen)
    assert not (tmp_path / "b.mp4").exists()
    done = session.protect_clip(tmp_path / "a.mp4", tmp_path / "b.mp4", chosen, people=two_people(10))
    assert len(done.people) == 2

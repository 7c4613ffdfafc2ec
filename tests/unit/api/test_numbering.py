"""Case U2: one numbering of faces, from 1, in the order of the file, whatever detection says and whoever asks."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import proface_s
from proface_s import Credentials, Lock, Session
from proface_s.api.face_search import FoundFaces
from proface_s.api.protection.selection import choose_regions, number_faces
from proface_s.cli.hints import command_line_hint
from proface_s.errors import DamagedFileError, UsageError, WrongKeyError
from proface_s.faces import draw_regions
from proface_s.faces.numbering import index_of, indices_of, number_of
from proface_s.image.regions import cut
from proface_s.keys.recipients import Identity
from proface_s.types import Box, Face, Picture, UInt8Image

PASSPHRASE = "correct horse battery staple"
SIZE = (400, 200)
WIDE, SMALL, LAST = Box(60, 40, 80, 80), Box(50, 140, 20, 20), Box(240, 60, 60, 60)
"""By their tight boxes `SMALL` is first; but the region of `WIDE` grows further to the left."""


class Known:
    """A detector that knows where the faces are, and says so in no order."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes

    def detect(self, rgb: UInt8Image) -> list[Face]:
        return [Face(box, 0.9) for box in self.boxes]


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(detector=Known(LAST, SMALL, WIDE))


@pytest.fixture(scope="module")
def photo() -> bytes:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    pixels = np.stack([x % 256, y, (x * 3 + y) % 256], axis=2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_detect_shows_the_numbers_that_the_file_will_have(session: Session, photo: bytes) -> None:
    found = session.detect(photo)
    assert [(face.number, face.found, face.box) for face in found.faces] == [(1, 1, WIDE), (2, 2, SMALL), (3, 3, LAST)]
    assert list(found.regions) == sorted(found.regions)
    done = session.protect(photo, PASSPHRASE)
    assert [(face.number, face.found, face.box) for face in done.faces] == [
        (number, (number,), region) for number, region in enumerate(found.regions, 1)
    ]
    shown = proface_s.inspect(done.data)
    back = session.recover(done, PASSPHRASE)
    checked = proface_s.verify(done)
    for faces in shown.faces, back.faces, checked.faces:
        assert [(face.number, face.box) for face in faces] == [(face.number, face.box) for face in done.faces]


def test_numbers_with_a_box_by_hand_and_faces_left_out(session: Session, photo: bytes) -> None:
    by_hand = (150, 20, 40, 40)
    found = session.detect(photo, boxes=[by_hand], faces=(1, 3))
    assert [(face.number, face.found) for face in found.faces] == [(1, 1), (2, None), (3, 3)]
    found = session.detect(photo, boxes=[by_hand], faces=(2, 3))
    assert [(face.number, face.found) for face in found.faces] == [(1, 2), (2, None), (3, 3)]
    bob, carol = Lock.of("bobs very own words"), Lock.of("carols very own words")
    own = {1: bob, 2: carol}
    done = session.protect(photo, PASSPHRASE, boxes=[by_hand], faces=(2, 3), own=own)
    assert [face.found for face in done.faces] == [(2,), (), (3,)]
    assert [face.box for face in done.faces] == list(found.regions)
    for number, words in (1, "bobs very own words"), (2, "carols very own words"), (3, PASSPHRASE):
        credentials = Credentials.of(words)
        assert proface_s.face_key(done.data, number, credentials).startswith("pfk1")
        back = session.recover(done, words, faces=number)
        assert [face.number for face in back.faces if face.outcome == "exact"] == [number]
        for other in {1, 2, 3} - {number}:
            with pytest.raises(WrongKeyError, match=f"face {other}"):
                proface_s.face_key(done.data, other, credentials)


def test_boxes_by_hand_are_numbered_by_place_and_not_by_their_order(session: Session, photo: bytes) -> None:
    right, left = (300, 20, 40, 40), (20, 20, 40, 40)
    ann = Identity.generate()
    lock = Lock.of(None, [ann.recipient])
    for own in {2: lock}, {right: lock}, {"300,20,40,40": lock}, {Box(*right): lock}, {np.int64(2): lock}:
        done = session.protect(photo, PASSPHRASE, faces="none", boxes=[right, left], own=own)
        back = session.recover(done, identities=[ann])
        told = [(face.number, face.box.x, face.outcome) for face in back.faces]
        assert told == [(1, 20, "locked"), (2, 300, "exact")]
    with pytest.raises(UsageError, match="no face 3: they are numbered from 1, at 20,20,40,40, to 2, at 300,20,40,40"):
        session.protect(photo, PASSPHRASE, faces="none", boxes=[right, left], own={3: lock})
    with pytest.raises(UsageError, match="no face was given by hand at 1,2,30,40"):
        session.protect(photo, PASSPHRASE, faces="none", boxes=[right, left], own={(1, 2, 30, 40): lock})


def test_forgetting_takes_the_face_that_was_shown(session: Session, photo: bytes, tmp_path: Path) -> None:
    done = session.protect(photo, PASSPHRASE)
    box = done.faces[1].box
    changed = proface_s.forget(done.data, 2, erase=True)
    assert changed.faces == (2,)
    assert proface_s.inspect(changed.data).forgotten == (2,)
    before, after = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in (done.data, changed.data))
    assert not np.array_equal(cut(before, box) & 0xFE, cut(after, box) & 0xFE)
    for face in done.faces[0], done.faces[2]:
        assert np.array_equal(cut(before, face.box), cut(after, face.box))
    outcomes = [face.outcome for face in session.recover(changed.data, PASSPHRASE).faces]
    assert outcomes == ["exact", "forgotten", "exact"]


@pytest.mark.parametrize("number", [0, -1, "2", 1.5, True, None])
def test_what_is_no_number_of_a_face_is_refused_everywhere(session: Session, photo: bytes, number: object) -> None:
    data = session.protect(photo, PASSPHRASE, faces="none", boxes=(20, 20, 40, 40)).data
    calls = (
        lambda: proface_s.face_key(data, number, Credentials.of(PASSPHRASE)),  # type: ignore[arg-type]
        lambda: proface_s.forget(data, [number]),  # type: ignore[list-item]
        lambda: session.recover(data, PASSPHRASE, faces=[number]),  # type: ignore[list-item]
        lambda: session.protect(photo, PASSPHRASE, faces=[number]),  # type: ignore[list-item]
        lambda: session.detect(photo, faces=[number]),  # type: ignore[list-item]
    )
    for call in calls:
        with pytest.raises(UsageError) as refused:
            call()
        assert command_line_hint(refused.value) == "faces are counted from 1, left to right"


@pytest.mark.parametrize("selection", ["0", "1,0", "00"])
def test_no_face_has_the_number_0(session: Session, photo: bytes, selection: str) -> None:
    with pytest.raises(UsageError, match="there is no face 0") as refused:
        session.protect(photo, PASSPHRASE, faces=selection)
    assert "counted from 1" in str(command_line_hint(refused.value))


def test_the_largest_number_is_named(session: Session, photo: bytes) -> None:
    data = session.protect(photo, PASSPHRASE).data
    with pytest.raises(UsageError, match="no face 4: the file has 3") as refused:
        session.recover(data, PASSPHRASE, faces=[4])
    assert "from 1 to 3" in str(command_line_hint(refused.value))


def test_messages_count_from_1(session: Session, photo: bytes) -> None:
    done = session.protect(photo, PASSPHRASE)
    pixels = done.protected.copy()
    box = done.faces[0].box
    pixels[box.y + 9, box.x + 9] ^= 1
    image = Image.fromarray(pixels)
    from proface_s.container.carriers.carrier import read_chunks, write_chunks

    file = io.BytesIO()
    image.save(file, "PNG")
    broken = write_chunks(file.getvalue(), read_chunks(done.data))
    with pytest.raises(DamagedFileError, match="pixels of face 1 were changed"):
        session.recover(broken, PASSPHRASE)
    assert "pixels of face 1 were changed" in proface_s.verify(broken).problems[0]


boxes = st.builds(Box, st.integers(0, 360), st.integers(0, 160), st.integers(4, 120), st.integers(4, 120))


@given(st.lists(boxes, min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_numbering_is_that_of_all_faces_in_any_order(found: list[Box], rng: object) -> None:
    """What `number_faces` says is what a file with all of them has; choosing by number takes just those faces."""
    picture = Picture(rgb=np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    faces = [Face(box) for box in dict.fromkeys(found)]
    groups = number_faces(faces, SIZE)
    whole = choose_regions(picture, lambda _: FoundFaces(faces), None, [])
    assert len(groups) == len(whole.regions)
    assert [(face.number, face.box) for face in whole.faces] == sorted(
        (number, face.box) for number, group in enumerate(groups, 1) for face in group
    )
    assert list(whole.regions) == sorted(whole.regions)
    shuffled = list(faces)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose_regions(picture, lambda _: FoundFaces(shuffled), None, []).faces == whole.faces
    number = len(groups)
    if groups[-1]:
        chosen = choose_regions(picture, lambda _: FoundFaces(shuffled), [number], [])
        assert {face.box for face in chosen.faces} == {face.box for face in groups[-1]}
        assert {face.found for face in chosen.faces} == {number}


@given(st.integers(0, 10_000))
def test_positions_and_numbers_are_inverses(index: int) -> None:
    assert index_of(number_of(index)) == index
    assert indices_of([number_of(index), number_of(index)]) == indices_of(number_of(index)) == (index,)


def test_regions_are_drawn_with_their_numbers() -> None:
    photo = np.zeros((200, 400, 3), np.uint8)
    assert not np.array_equal(draw_regions(photo, [WIDE, LAST]), draw_regions(photo, [LAST, WIDE]))
    found = Session(detector=Known(LAST, WIDE)).detect(photo)
    assert np.array_equal(found.picture, draw_regions(photo, found.regions))

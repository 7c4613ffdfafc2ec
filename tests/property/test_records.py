"""In-pixel records: encode and decode are inverses, records reassemble to headers, and hostile bytes raise nothing but
format errors.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_header import headers

from proface_s.container.header.header import FaceEntry, Group, Header, with_reserved_samples
from proface_s.container.header.key_ring import KeyRing
from proface_s.container.header.lock import FaceDescription, lock_header
from proface_s.container.header.stanzas import PassphraseStanza
from proface_s.container.records.partial_headers import LOST, MAX_PARTIAL_HEADERS, PartialHeader, headers_from_records
from proface_s.container.records.pixel_records import FoundRecord, find_records, record_samples, write_record
from proface_s.container.records.record_message import decode_record_message, face_record, record_agrees
from proface_s.errors import DamagedFileError, FileFormatError
from proface_s.keys.access import Lock
from proface_s.keys.derive import KdfParams
from proface_s.types import Box

PASSPHRASE = "the passphrase"
SIZE = (320, 200)
BOXES = [Box(0, 0, 64, 64), Box(100, 20, 48, 80), Box(200, 100, 40, 60)]
CHEAP = KdfParams(1, 1024, 1)


def locked(groups: list[int] | None = None, passphrases: list[list[str]] | None = None) -> Header:
    ring = KeyRing.generate(bytes(16), BOXES, groups)
    descriptions = [FaceDescription("blur", None, bytes(32))] * len(BOXES)
    locks = [Lock(tuple(texts)) for texts in passphrases or [[PASSPHRASE]]]
    return lock_header(ring, SIZE, descriptions, locks, CHEAP)


HEADER = with_reserved_samples(locked(), [1824, 0, 1840])


def places(header: Header, *indices: int, dx: int = 0) -> list[FoundRecord]:
    """Return the records of some faces as if found at the places in the header, moved right by ``dx``."""
    boxes = [header.faces[i].box for i in indices]
    records = [face_record(header, i) for i in indices]
    return [FoundRecord(b.x + dx, b.y, b.w, r, 0) for b, r in zip(boxes, records, strict=True)]


@settings(max_examples=60, deadline=None)
@given(headers())
def test_decode_is_the_inverse_of_encode(header: Header) -> None:
    for index, face in enumerate(header.faces):
        if face.forgotten:
            with pytest.raises(ValueError, match="forgotten"):
                face_record(header, index)
            continue
        message = decode_record_message(face_record(header, index))
        assert (message.width, message.height, message.model_id) == (header.width, header.height, header.model_id)
        assert (message.index, message.box, message.group) == (index, face.box, face.group)
        assert (message.slot, message.sealed, message.wrong_key) == (face.slot, face.sealed, header.wrong_key)
        assert message.stanzas == header.groups[face.group].stanzas
        assert record_agrees(header, index, face_record(header, index))


def test_one_passphrase_makes_a_short_record() -> None:
    assert 150 < len(face_record(HEADER, 0)) < 200


def test_records_travel_in_pixels_and_become_a_header_again() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (200, 320, 3), dtype=np.uint8)
    for index, box in enumerate(BOXES):
        region = np.s_[box.y : box.bottom, box.x : box.right]
        picture[region] = write_record(picture[region], face_record(HEADER, index))
    (partial,) = headers_from_records(find_records(picture), SIZE)
    assert dict(partial.places) == dict(enumerate(BOXES))
    for index, face in enumerate(HEADER.faces):
        again = partial.header.faces[index]
        assert (again.box, again.slot, again.group) == (face.box, face.slot, face.group)
        assert partial.header.face_context(index) == HEADER.face_context(index)
        assert partial.header.reserved(index) == HEADER.reserved(index)
    assert partial.header.groups[0].stanzas == HEADER.groups[0].stanzas


def test_missing_faces_are_lost_not_renumbered() -> None:
    (partial,) = headers_from_records(places(HEADER, 2), SIZE)
    assert [face.style == LOST for face in partial.header.faces] == [True, True, False]
    assert [face.forgotten for face in partial.header.faces] == [True, True, False]
    assert partial.places == ((2, BOXES[2]),)


def test_groups_keep_their_numbers() -> None:
    header = locked([1, 0, 1], [["one passphrase"], ["another passphrase"]])
    (partial,) = headers_from_records(places(header, 0), SIZE)
    assert [group.stanzas for group in partial.header.groups] == [(), header.groups[1].stanzas]
    (partial,) = headers_from_records(places(header, 2, 1), SIZE)
    assert [group.stanzas for group in partial.header.groups] == [group.stanzas for group in header.groups]


def test_cropped_and_repeated_faces_have_their_own_places() -> None:
    found = places(HEADER, 1, dx=-90) + places(HEADER, 1, dx=30)
    (partial,) = headers_from_records(found, (180, 100))
    assert partial.header.faces[1].box == BOXES[1], "the key is bound to the place it was made for"
    assert partial.places == ((1, Box(10, 20, 48, 80)), (1, Box(130, 20, 48, 80)))


def test_a_face_that_is_cut_off_is_passed_over() -> None:
    assert headers_from_records(places(HEADER, 0), (64, 62)) == []
    wrong_width = [replace(each, width=62) for each in places(HEADER, 0)]
    assert headers_from_records(wrong_width, SIZE) == []


def test_two_pictures_in_one_are_two_headers() -> None:
    other = locked()
    found = places(HEADER, 0, 1, 2) + places(other, 0, 1, 2, dx=320)
    partials = headers_from_records(found, (640, 200))
    assert [len(each.places) for each in partials] == [3, 3]
    assert [each.header.groups[0].stanzas for each in partials] == [
        HEADER.groups[0].stanzas, other.groups[0].stanzas,
    ]  # fmt: skip
    many = [found for _ in range(20) for found in places(locked(), 0)]
    assert len(headers_from_records(many, SIZE)) == MAX_PARTIAL_HEADERS


def test_costly_records_are_refused() -> None:
    def dear(seed: int) -> list[FoundRecord]:
        stanza = PassphraseStanza(bytes([seed]) * 16, KdfParams(16, 1024 * 1024, 1), bytes(60))
        return places(replace(HEADER, groups=(Group((stanza,), bytes(32)),)), 0)

    assert len(headers_from_records(dear(1), SIZE)) == 1
    with pytest.raises(DamagedFileError, match="Argon2id work"):
        headers_from_records(dear(1) + dear(2), SIZE)


def test_same_face() -> None:
    record = face_record(HEADER, 0)
    assert record_agrees(HEADER, 0, record)
    assert not record_agrees(HEADER, 1, record)
    assert not record_agrees(locked(), 0, record)
    assert not record_agrees(HEADER, 0, b"noise")
    rewrapped = replace(HEADER, groups=locked([0, 0, 0]).groups)
    assert record_agrees(rewrapped, 0, record), "stanzas may have been changed since"


def changed(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([value]) + data[at + 1 :]


def test_later_versions_and_broken_rules() -> None:
    record = face_record(HEADER, 0)
    for at, value in ((0, 2), (1, 0x80)):
        with pytest.raises(FileFormatError, match="unknown") as caught:
            decode_record_message(changed(record, at, value))
        assert not isinstance(caught.value, DamagedFileError)
    face: FaceEntry = HEADER.faces[0]
    broken_ones = record[:40], record[:-1], record + b"x", record[:-28], changed(record, 20, 0), changed(record, 1, 2)
    for broken in broken_ones:
        with pytest.raises(DamagedFileError):
            decode_record_message(broken)
    for box in (Box(0, 0, 63, 64), Box(300, 0, 64, 64), Box(0, 0, 0, 0)):
        with pytest.raises(DamagedFileError):
            decode_record_message(face_record(replace(HEADER, faces=(replace(face, box=box),)), 0))


@settings(max_examples=150, deadline=None)
@given(headers(), st.data())
def test_mutations_raise_nothing_but_format_errors(header: Header, data: st.DataObject) -> None:
    face = replace(header.faces[0], slot=bytes(60))
    record = bytearray(face_record(replace(header, faces=(face,)), 0))
    for _ in range(data.draw(st.integers(1, 4))):
        record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FileFormatError):
        message = decode_record_message(bytes(record))
        place = FoundRecord(message.box.x, message.box.y, message.box.w, bytes(record), 0)
        (partial,) = headers_from_records([place], (message.width, message.height))
        assert isinstance(partial, PartialHeader)
        assert face_record(partial.header, message.index) == bytes(record), "every record has one encoding"


@given(st.binary(max_size=300))
def test_noise_raises_nothing_but_format_errors(noise: bytes) -> None:
    for data in (noise, b"\1" + noise, b"\1\0" + noise):
        with contextlib.suppress(FileFormatError):
            decode_record_message(data)


def test_reserved_samples_are_told_by_the_header() -> None:
    counts = [record_samples(178), 0, 12]
    header = with_reserved_samples(HEADER, counts)
    assert [header.reserved(i) for i in range(3)] == counts
    assert [locked().reserved(i) for i in range(3)] == [0, 0, 0]
    assert with_reserved_samples(header, [0, 0, 0]) == replace(HEADER, extensions=())
    with pytest.raises(DamagedFileError, match="miscounted"):
        replace(header, faces=header.faces[:2]).reserved(0)
    with pytest.raises(DamagedFileError, match="fewer"):
        with_reserved_samples(replace(HEADER, faces=(replace(HEADER.faces[0], box=Box(0, 0, 2, 2)),)), [13]).reserved(0)

"""Case S7: if a file is changed without a key, the right key gives the truth, a warning or an error."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_kit import PASSPHRASE, Proface, drawn, files, save
from PIL import Image

import proface_s
from proface_s import Credentials, Session
from proface_s.cli.hints import command_line_hint
from proface_s.container.carriers.carrier import from_chunks, read_chunks, to_chunks, write_chunks
from proface_s.container.header.footprint import Footprint
from proface_s.container.header.header import (
    FOOTPRINT_TAG,
    Extension,
    Group,
    Header,
    forget_face,
    region_digest,
    with_footprints,
    with_reserved_samples,
)
from proface_s.container.header.key_ring import KeyRing
from proface_s.container.header.lock import FaceDescription, lock_header
from proface_s.container.header.stanzas import BareStanza, PassphraseStanza
from proface_s.container.records.partial_headers import LOST
from proface_s.container.records.pixel_records import SYNC, read_record, search_records, write_record
from proface_s.container.records.record_message import face_record
from proface_s.container.records.record_space import with_current_records
from proface_s.container.seal import header_seal_context, seal_region
from proface_s.errors import (
    DamagedFileError,
    FileFormatError,
    ModelError,
    NotProtectedError,
    UnexpectedModeError,
    UsageError,
    WrongKeyError,
)
from proface_s.image.regions import cut, paste
from proface_s.image.write import encode_picture
from proface_s.keys.access import Lock
from proface_s.types import Box, Picture, UInt8Image

BOXES = (Box(10, 20, 64, 64), Box(90, 30, 64, 64))
BY_HAND: dict[str, Any] = {"boxes": [str(box) for box in BOXES], "faces": "none"}
PHRASE: dict[str, Any] = {"passphrase": PASSPHRASE}
BOBS_PASSPHRASE = "bobs own passphrase"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


def pixels(data: bytes) -> UInt8Image:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def header_of(data: bytes) -> Header:
    return from_chunks(read_chunks(data))[0]


def rebuilt(
    data: bytes, header: Header, *, rgb: UInt8Image | None = None, seals: bool = True, records: bool = True
) -> bytes:
    """The file with another header, as anybody can write it."""
    rgb = pixels(data) if rgb is None else rgb
    rgb = with_current_records(rgb, header) if records else rgb
    count, old = len(header.faces), from_chunks(read_chunks(data))[1]
    kept = {i: seal for i, seal in old.items() if seals and i < count and header.faces[i].sealed}
    return write_chunks(encode_picture(Picture(rgb), "png"), to_chunks(header, kept))


def stripped(data: bytes, rgb: UInt8Image | None = None) -> bytes:
    return encode_picture(Picture(pixels(data) if rgb is None else rgb), "png")


def as_cover(header: Header) -> Header:
    """A header in cover mode for the faces of one in noise mode: no key is needed for that."""
    groups = []
    for group in header.groups:
        (stanza,) = (each for each in group.stanzas if isinstance(each, PassphraseStanza))
        groups.append(Group((BareStanza(stanza.salt, stanza.params),), bytes(32)))
    faces = tuple(replace(face, sealed=False) for face in header.faces)
    return replace(header, groups=tuple(groups), faces=faces, wrong_key="cover")


@pytest.fixture(scope="module")
def sealed(session: Session) -> bytes:
    return session.protect(drawn(), PASSPHRASE, **BY_HAND).data


@pytest.fixture(scope="module")
def unsealed(session: Session) -> bytes:
    return session.protect(drawn(), PASSPHRASE, seal=False, **BY_HAND).data


@pytest.fixture(scope="module")
def two_owners(session: Session) -> bytes:
    return session.protect(drawn(), PASSPHRASE, own={2: Lock.of(BOBS_PASSPHRASE)}, seal=False, **BY_HAND).data


@pytest.fixture(scope="module")
def cover(session: Session) -> bytes:
    return session.protect(drawn(), PASSPHRASE, wrong_key="cover", **BY_HAND).data


def test_s7_a_noise_file_turned_into_a_cover_file(session: Session, sealed: bytes) -> None:
    header = as_cover(header_of(sealed))
    forged = rebuilt(sealed, header, seals=False)
    for more in {}, {"from_pixels": True}:
        back = session.recover(forged, PASSPHRASE, **more)
        assert {face.outcome for face in back.faces} == {"estimate"}
        assert any("cover mode: nothing vouches for what came back" in warning for warning in back.warnings)
        assert (back.wrong_key, back.authentic) == ("cover", False)
        with pytest.raises(UnexpectedModeError, match="cover mode; noise mode was demanded") as caught:
            session.recover(forged, PASSPHRASE, expect="noise", **more)
        assert caught.value.exit_code == 5
    with pytest.raises(UnexpectedModeError):
        session.recover(stripped(forged), PASSPHRASE, expect="noise")
    with pytest.raises(UnexpectedModeError):
        proface_s.verify(forged, Credentials.of(PASSPHRASE), expect="noise")
    with pytest.raises(UnexpectedModeError):
        proface_s.verify(stripped(forged), Credentials.of(PASSPHRASE), expect="noise")
    assert proface_s.verify(forged, Credentials.of(PASSPHRASE), expect="cover").warnings


def test_s7_a_header_in_cover_mode_over_records_in_noise_mode(session: Session, sealed: bytes) -> None:
    forged = rebuilt(sealed, as_cover(header_of(sealed)), seals=False, records=False)
    with pytest.raises(DamagedFileError, match="disagree"):
        session.recover(forged, PASSPHRASE)
    with pytest.raises(UnexpectedModeError):
        session.recover(forged, PASSPHRASE, expect="noise")
    back = session.recover(forged, PASSPHRASE, expect="noise", from_pixels=True)
    assert not any("cover mode" in warning for warning in back.warnings)


def test_s7_both_modes_can_be_demanded(session: Session, sealed: bytes, cover: bytes) -> None:
    back = session.recover(sealed, PASSPHRASE, expect="noise")
    assert (back.wrong_key, back.authentic, back.warnings) == ("noise", True, ())
    with pytest.raises(UnexpectedModeError, match="noise mode; cover mode was demanded"):
        session.recover(sealed, PASSPHRASE, expect="cover")
    with pytest.raises(UsageError, match="noise mode or in cover mode"):
        session.recover(sealed, PASSPHRASE, expect="exact")  # type: ignore[arg-type]
    right, wrong = (session.recover(cover, text, expect="cover") for text in (PASSPHRASE, "not the right one"))
    assert right.warnings == wrong.warnings, "nothing tells"
    assert "nothing vouches" in right.warnings[0]
    assert not np.array_equal(right.recovered, wrong.recovered)


def test_s7_the_command_line_says_so_and_refuses_it(proface: Proface, sealed: bytes, cover: bytes) -> None:
    Path("forged.png").write_bytes(rebuilt(sealed, as_cover(header_of(sealed)), seals=False))
    Path("cover.png").write_bytes(cover)
    Path("noise.png").write_bytes(sealed)
    for name in "forged", "cover":
        result = proface("recover", f"{name}.png")
        assert result.code == 0
        assert "nothing vouches for what came back" in result.err
        result = proface("recover", f"{name}.png", "--json", "--overwrite")
        assert any("nothing vouches" in warning for warning in result.records[0]["warnings"])
        Path(f"{name}.recovered.png").unlink()
        before = files()
        result = proface("recover", f"{name}.png", "--expect", "noise")
        assert (result.code, files()) == (5, before)
        assert "noise mode was demanded" in result.errors[0]
        assert proface("verify", f"{name}.png", "--expect", "noise").code == 5
    result = proface("recover", "noise.png", "--expect", "noise", "--json")
    assert (result.code, result.records[0]["warnings"]) == (0, [])


def changed_headers(header: Header) -> Iterator[tuple[str, Header]]:
    """Every part of a header, changed by somebody without a key."""
    first, second = header.faces

    def face(**change: Any) -> Header:
        return replace(header, faces=(replace(first, **change), second))

    yield "seal flag", face(sealed=not first.sealed)
    yield "style", face(style="solid")
    yield "style called lost", face(style=LOST)
    yield "strength", face(strength=3.0)
    yield "box", face(box=replace(first.box, x=first.box.x + 2))
    yield "box of another size", face(box=replace(first.box, w=first.box.w - 2))
    yield "slot", face(slot=second.slot)
    yield "forgotten", forget_face(header, 0)
    yield "erased", forget_face(header, 0, erased=True)
    for name, kept in ("a face gone", 1), ("the last face gone", 0):
        alone = with_reserved_samples(replace(header, faces=(header.faces[kept],)), [header.reserved(kept)])
        yield name, with_footprints(alone, [header.footprint(kept)])
    bare = tuple(each for each in header.extensions if each.tag != FOOTPRINT_TAG)
    yield "no footprints", replace(header, extensions=bare)
    yield "other footprints", with_footprints(header, [Footprint(varied=True), header.footprint(1)])
    yield "other alpha", with_footprints(header, [Footprint(alpha=7), header.footprint(1)])
    yield "faces swapped", replace(header, faces=(second, first))
    yield "model", replace(header, model_id=bytes(16))
    yield "no records", with_reserved_samples(header, [0, 0])
    yield "other reserves", with_reserved_samples(header, [header.reserved(0) + 8, header.reserved(1)])
    yield "all reserved", with_reserved_samples(header, [3 * first.box.area, 3 * second.box.area])
    yield "an extension", replace(header, extensions=(*header.extensions, Extension(99, False, b"x")))
    twice = (header.groups[0], header.groups[0])
    yield "a group more", replace(header, groups=twice, faces=(first, replace(second, group=1)))
    yield "the mode", as_cover(header)


def with_true_digests(header: Header, rgb: UInt8Image) -> Header:
    """Nobody needs a key to make digests fit."""
    faces = [
        face if face.erased else replace(face, digest=region_digest(cut(rgb, face.box), header.reserved(index)))
        for index, face in enumerate(header.faces)
    ]
    return replace(header, faces=tuple(faces))


@pytest.mark.parametrize("kind", ["sealed", "unsealed"])
@pytest.mark.parametrize("records", [False, True])
def test_s7_no_change_of_a_header_makes_a_lie(
    session: Session, kind: str, records: bool, request: pytest.FixtureRequest
) -> None:
    data: bytes = request.getfixturevalue(kind)
    header = header_of(data)
    truth = session.recover(data, PASSPHRASE).recovered
    face_keys = [proface_s.face_key(data, index + 1, Credentials.of(PASSPHRASE)) for index in (0, 1)]
    for name, changed in changed_headers(header):
        forged = rebuilt(data, with_true_digests(changed, pixels(data)), records=records)
        for keys in PHRASE, {"face_keys": face_keys}, {**PHRASE, "face_keys": face_keys}:
            for more in {}, {"expect": "noise"}, {"from_pixels": True}:
                try:
                    back = session.recover(forged, **keys, **more)
                except (FileFormatError, WrongKeyError, ModelError):
                    continue
                outcomes = {face.outcome for face in back.faces}
                vouched = {"exact", "estimate"} if back.authentic else {"exact"}
                for face in back.faces:
                    if face.outcome in vouched:
                        assert np.array_equal(cut(back.recovered, face.box), cut(truth, face.box)), (name, more)
                assert back.warnings or outcomes <= vouched | {"forgotten", "locked"}, (name, more, outcomes)
                assert not back.authentic or name in ("forgotten", "erased"), name


def test_s7_a_face_key_alone_vouches_for_no_estimate(session: Session, sealed: bytes, unsealed: bytes) -> None:
    key = proface_s.face_key(sealed, 1, Credentials.of(PASSPHRASE))
    assert session.recover(sealed, face_keys=[key]).warnings == ()
    header = header_of(sealed)
    dropped = replace(header, faces=(replace(header.faces[0], sealed=False), header.faces[1]))
    back = session.recover(rebuilt(sealed, dropped), face_keys=[key])
    assert (back.faces[0].outcome, back.authentic) == ("estimate", False)
    assert any("vouches for no estimate" in warning for warning in back.warnings)
    with pytest.raises(DamagedFileError, match="altered"):
        session.recover(rebuilt(sealed, dropped), PASSPHRASE)
    own = proface_s.face_key(unsealed, 1, Credentials.of(PASSPHRASE))
    assert any("vouches for no estimate" in warning for warning in session.recover(unsealed, face_keys=[own]).warnings)
    both = session.recover(unsealed, PASSPHRASE, face_keys=[own])
    assert (both.authentic, both.warnings) == (True, ())


def flipped(rgb: UInt8Image, box: Box) -> UInt8Image:
    """The lowest bits of some pixels the other way round, where the coder begins to read."""
    changed = rgb.copy()
    changed[box.bottom - 16 : box.bottom - 8, box.x : box.right] ^= 1
    return changed


def test_garbage_is_not_told_as_success(proface: Proface, session: Session, unsealed: bytes) -> None:
    rgb = pixels(unsealed)
    for box in BOXES:
        rgb = flipped(rgb, box)
    save("bare.protected.png", rgb)
    before = files()
    result = proface("recover", "bare.protected.png")
    assert (result.code, files()) == (5, before)
    assert "what its pixels hold is no picture" in result.errors[0]
    one = stripped(unsealed, flipped(pixels(unsealed), BOXES[0]))
    back = session.recover(one, PASSPHRASE)
    assert [face.outcome for face in back.faces] == ["damaged", "estimate"]
    assert np.array_equal(cut(back.recovered, BOXES[0]), cut(pixels(one), BOXES[0])), "it stays covered"
    assert any("it stays covered" in warning for warning in back.warnings)
    with pytest.raises(DamagedFileError):
        session.recover(one, PASSPHRASE, faces=[1])
    assert session.recover(one, PASSPHRASE, faces=[2]).faces[0].outcome == "left"
    forced = session.recover(one, "not the right one", force=True)
    assert {face.outcome for face in forced.faces} == {"noise"}


def test_an_estimate_from_changed_pixels_is_doubted(proface: Proface, session: Session, unsealed: bytes) -> None:
    """A change that only spoils details leaves a picture, which the program must not present as sound."""
    rgb, box = pixels(unsealed), BOXES[0]
    whole = session.recover(stripped(unsealed, rgb), PASSPHRASE)
    assert not any("were changed" in warning for warning in whole.warnings)
    changed = rgb.copy()
    changed[box.y + box.h * 3 // 10, box.x + 8 : box.x + 16] ^= 1  # behind record and filler, and read last
    back = session.recover(stripped(unsealed, changed), PASSPHRASE)
    assert back.faces[0].outcome in ("estimate", "damaged")  # by chance a huge detail leaves no picture
    assert back.faces[1].outcome == "estimate"
    assert any("pixels of face 1 were changed" in warning for warning in back.warnings)
    save("bare.protected.png", changed)
    result = proface("recover", "bare.protected.png")
    assert result.code == 0
    assert any("pixels of face 1 were changed" in line for line in result.err.splitlines())


def test_garbage_under_a_face_key_is_not_told_as_success(session: Session, unsealed: bytes) -> None:
    key = proface_s.face_key(unsealed, 1, Credentials.of(PASSPHRASE))
    rgb = flipped(pixels(unsealed), BOXES[0])
    forged = rebuilt(unsealed, with_true_digests(header_of(unsealed), rgb), rgb=rgb)
    with pytest.raises(DamagedFileError, match="no picture"):
        session.recover(forged, face_keys=[key])


@pytest.mark.parametrize("mode", ["noise", "cover"])
@pytest.mark.parametrize("side", [2, 4, 6])
def test_a_box_too_small_to_hide_anything(session: Session, side: int, mode: Any) -> None:
    """Other writers may make such a face; with its seal it comes back, without there is nothing to read."""
    box, model_id = Box(6, 8, side, side), session.model.card.model_id
    rgb, sealed = drawn(), mode == "noise"
    ring = KeyRing.generate(model_id, [box]) if sealed else KeyRing.derive(model_id, [box], None, [PASSPHRASE])
    covered = paste(rgb, box, np.zeros((side, side, 3), np.uint8))
    notes = [FaceDescription("solid", None, region_digest(cut(covered, box)), sealed)]
    header = lock_header(ring, (rgb.shape[1], rgb.shape[0]), notes, [Lock.of(PASSPHRASE)])
    seals = {0: seal_region(ring.face_key(0), cut(rgb, box), header_seal_context(header, 0))} if sealed else {}
    plain = encode_picture(Picture(covered), "png")
    if sealed:
        back = session.recover(write_chunks(plain, to_chunks(header, seals)), PASSPHRASE)
        assert np.array_equal(back.recovered, rgb)
        for text, more in (PASSPHRASE, {}), ("not the right one", {"force": True}):
            with pytest.raises(DamagedFileError, match="no picture"):
                session.recover(write_chunks(plain, to_chunks(header, {})), text, **more)
    else:
        back = session.recover(write_chunks(plain, to_chunks(header, {})), PASSPHRASE)
        assert np.array_equal(back.recovered, covered)


def ruined(rgb: UInt8Image, box: Box) -> UInt8Image:
    """A region whose record is beyond repair, but for its first bytes."""
    changed = rgb.copy()
    changed[box.y : box.y + 8, box.x + 32 : box.right] ^= 1
    return changed


def test_a_ruined_record_is_told_from_a_wrong_key(session: Session, two_owners: bytes) -> None:
    for index, box in enumerate(BOXES):
        data = stripped(two_owners, ruined(pixels(two_owners), box))
        assert search_records(pixels(data)).ruined == 1
        mine, others = (PASSPHRASE, BOBS_PASSPHRASE) if index == 0 else (BOBS_PASSPHRASE, PASSPHRASE)
        with pytest.raises(WrongKeyError, match="of at least 1 more face none can be read") as caught:
            session.recover(data, mine)
        assert "if the key is right" in str(command_line_hint(caught.value))
        back = session.recover(data, others)
        assert sorted(face.outcome for face in back.faces if face.outcome != "lost") == ["estimate"]
        assert any("at least 1 more face" in warning for warning in back.warnings)
    both = ruined(ruined(pixels(two_owners), BOXES[0]), BOXES[1])
    for call in session.recover, proface_s.inspect, proface_s.verify:
        with pytest.raises(DamagedFileError, match="beyond repair"):
            call(stripped(two_owners, both))
    with pytest.raises(WrongKeyError, match="the passphrase does not open"):
        session.recover(stripped(two_owners), "not the right one")


def test_a_ruined_record_on_the_command_line(proface: Proface, session: Session) -> None:
    one = session.protect(drawn(), PASSPHRASE, boxes=[str(BOXES[0])], faces="none", seal=False)
    save("ruined.png", ruined(one.protected, BOXES[0]))
    result = proface("recover", "ruined.png")
    assert result.code == 5
    assert "beyond repair" in result.errors[0]


def test_what_looks_like_a_record_by_chance_is_none() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    assert (search_records(rgb).records, search_records(rgb).ruined) == ([], 0)
    bits = np.unpackbits(np.frombuffer(SYNC, np.uint8))
    rgb[5].reshape(-1)[30 : 30 + bits.size] = rgb[5].reshape(-1)[30 : 30 + bits.size] & 254 | bits
    assert (search_records(rgb).records, search_records(rgb).ruined) == ([], 1)


def test_verify_reads_what_is_left_of_a_stripped_file(
    proface: Proface, session: Session, sealed: bytes, two_owners: bytes
) -> None:
    found = proface_s.verify(stripped(sealed), Credentials.of(PASSPHRASE))
    assert [(f.box, f.pixels, f.key, f.seal, f.record) for f in found.faces] == [
        (box, "unchecked", "opens", "stripped", "sound") for box in BOXES
    ]
    assert not found.authentic
    assert len(found.problems) == 1
    assert "its metadata are gone" in found.problems[0]
    found = proface_s.verify(stripped(two_owners), Credentials.of(BOBS_PASSPHRASE))
    assert [(face.key, face.seal) for face in found.faces] == [("locked", "none"), ("opens", "none")]
    assert [face.key for face in proface_s.verify(stripped(two_owners)).faces] == ["unchecked", "unchecked"]
    with pytest.raises(WrongKeyError):
        proface_s.verify(stripped(two_owners), Credentials.of("not the right one"))
    with pytest.raises(NotProtectedError):
        proface_s.verify(drawn())
    Path("bare.png").write_bytes(stripped(sealed))
    result = proface("verify", "bare.png")
    assert result.code == 5
    assert "key opens" in result.out
    assert "its metadata are gone" in result.errors[0]


def test_from_pixels_does_not_say_that_metadata_are_gone_which_are_there(session: Session, sealed: bytes) -> None:
    ignored = session.recover(sealed, PASSPHRASE, from_pixels=True).warnings
    gone = session.recover(stripped(sealed), PASSPHRASE).warnings
    assert "were ignored" in ignored[0]
    assert "are gone" not in ignored[0]
    assert "are gone" in gone[0]
    assert all("nothing vouches for" in warnings[0] for warnings in (ignored, gone))


def test_a_style_called_lost_is_a_style(sealed: bytes) -> None:
    header = header_of(sealed)
    named = replace(header, faces=tuple(replace(face, style=LOST) for face in header.faces))
    found = proface_s.inspect(rebuilt(sealed, named))
    assert (found.lost, found.forgotten) == ((), ())
    assert proface_s.inspect(rebuilt(sealed, forget_face(named, 0))).forgotten == (1,)


def test_a_face_key_without_a_seal_does_not_override_the_record(session: Session, unsealed: bytes) -> None:
    key = proface_s.face_key(unsealed, 1, Credentials.of(PASSPHRASE))
    other = session.protect(drawn(), PASSPHRASE, seal=False, **BY_HAND)
    region = write_record(cut(pixels(unsealed), BOXES[0]), face_record(header_of(other.data), 0))
    assert read_record(region) is not None
    forged = rebuilt(unsealed, header_of(unsealed), rgb=paste(pixels(unsealed), BOXES[0], region), records=False)
    with pytest.raises(DamagedFileError, match="disagree"):
        session.recover(forged, face_keys=[key])
    assert any("disagrees" in warning for warning in session.recover(forged, PASSPHRASE).warnings)

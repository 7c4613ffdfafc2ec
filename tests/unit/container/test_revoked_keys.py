"""Case S1: after rewrapping a file or forgetting a face, no trace of the revoked keys is left anywhere in it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import proface_s
from paths_kit import GOLDEN_FILES
from proface_s import Credentials, Lock, Session
from proface_s.api.files.sidecars import sidecar_path
from proface_s.container.carriers.carrier import from_chunks, read_chunks, write_chunks
from proface_s.container.carriers.sidecar import decode_sidecar
from proface_s.container.header.header import Header
from proface_s.container.header.stanzas import PassphraseStanza, RecipientStanza
from proface_s.container.records.pixel_records import erase_record, read_record, record_samples, write_record
from proface_s.container.records.record_message import face_record
from proface_s.container.records.record_space import leftovers
from proface_s.errors import ImageError, WrongKeyError
from proface_s.image.regions import cut, paste
from proface_s.image.write import encode_picture, format_of_bytes
from proface_s.keys.recipients import Identity
from proface_s.types import Box, Picture, UInt8Image

OLD = ("the first old passphrase", "the second old passphrase", "the third old one", "the fourth old one")
NEW = "an entirely new passphrase"
BOXES = (Box(4, 6, 96, 80), Box(110, 10, 80, 96))
SMALL = Box(4, 6, 44, 48)  # room for one passphrase, not for two
WINDOW = 8  # bytes of a stanza that must not be found, from any of its bytes on


def photo() -> UInt8Image:
    y, x = np.mgrid[0:120, 0:200]
    grain = np.random.default_rng(3).normal(0, 3, (120, 200, 3))
    smooth = np.dstack([120 + 60 * np.sin(x / 9), 110 + 50 * np.cos(y / 7), 100 + 40 * np.sin((x + y) / 11)])
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def by_hand(*boxes: Box) -> dict[str, Any]:
    return {"boxes": [str(box) for box in boxes], "faces": "none"}


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.fixture(scope="module")
def ann() -> Identity:
    return Identity.generate()


def pixels(data: bytes) -> UInt8Image:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def header_of(data: bytes) -> Header:
    return from_chunks(read_chunks(data))[0]


def stanza_bytes(header: Header) -> list[bytes]:
    """Return the random bytes of all stanzas, which have no reason to be in another file."""
    stanzas = [stanza for group in header.groups for stanza in group.stanzas]
    return [
        part for stanza in stanzas
        for part in (
            (stanza.salt, stanza.wrapped_key) if isinstance(stanza, PassphraseStanza)
            else (stanza.ephemeral, stanza.wrapped_key) if isinstance(stanza, RecipientStanza) else ()
        )
    ]  # fmt: skip


def windows(parts: list[bytes]) -> set[bytes]:
    return {part[at : at + WINDOW] for part in parts for at in range(len(part) - WINDOW + 1)}


def streams(rgb: UInt8Image, boxes: list[Box]) -> Iterator[bytes]:
    """Return the lowest bits of the picture and of each region, packed from each of eight offsets on."""
    for area in (rgb, *(cut(rgb, box) for box in boxes)):
        bits = (area & 1).reshape(-1)
        for start in range(8):
            yield np.packbits(bits[start:]).tobytes()


def traces(data: bytes, sidecar: bytes | None, gone: list[bytes]) -> int:
    """Count the eight-byte pieces of revoked data in a file, its sidecar and its lowest bits."""
    places = [data, *([sidecar] if sidecar else [])]
    chunks = read_chunks(data) or decode_sidecar(sidecar or b"")[1]
    places += [part for parts in chunks.values() for part in parts]
    places += streams(pixels(data), [face.box for face in from_chunks(chunks)[0].faces])
    wanted = windows(gone)
    return sum(place[at : at + WINDOW] in wanted for place in places for at in range(len(place) - WINDOW + 1))


def test_the_search_finds_what_is_there(session: Session) -> None:
    done = session.protect(photo(), OLD[:2], **by_hand(BOXES[0]))
    assert traces(done.data, None, stanza_bytes(header_of(done.data))) > 200
    region = erase_record(cut(done.protected, BOXES[0]), record_samples(len(face_record(header_of(done.data), 0))))
    bare = write_chunks(encode_picture(Picture(paste(done.protected, BOXES[0], region)), "png"), read_chunks(done.data))
    in_chunk = traces(bare, None, stanza_bytes(header_of(done.data)))
    assert 0 < in_chunk < traces(done.data, None, stanza_bytes(header_of(done.data)))


LOCKS = [
    pytest.param(OLD, 0, NEW, 0, id="four passphrases to one"),
    pytest.param(OLD[:1], 2, NEW, 0, id="passphrase and two recipients to a passphrase"),
    pytest.param((), 3, None, 1, id="three recipients to one"),
    pytest.param(OLD[:1], 0, NEW, 0, id="one to one"),
    pytest.param(OLD[:1], 0, None, 3, id="one to three"),
    pytest.param(OLD, 1, OLD[0], 0, id="the first one stays"),
]


@pytest.mark.parametrize("file_format", ["png", "webp", "tiff"])
@pytest.mark.parametrize(("passphrases", "people", "new", "others"), LOCKS)
def test_s1_no_old_stanza_is_left(
    session: Session,
    ann: Identity,
    file_format: Any,
    passphrases: tuple[str, ...],
    people: int,
    new: str | None,
    others: int,
) -> None:
    recipients = [ann.recipient, Identity.generate().recipient, Identity.generate().recipient][:people]
    old = session.protect(
        photo(), passphrases or None, recipients=recipients, file_format=file_format, **by_hand(*BOXES)
    )
    opener = Credentials.of(passphrases[:1] or None, [ann])
    lock = Lock.of(new, [Identity.generate().recipient for _ in range(others)])
    done = proface_s.rewrap(old.data, opener, lock)
    assert format_of_bytes(done.data) == file_format
    assert traces(done.data, None, stanza_bytes(header_of(old.data))) == 0
    assert proface_s.verify(done.data).problems == ()
    if new:
        back = session.recover(done.data, new)
        assert np.array_equal(back.recovered, photo())
        estimates = session.recover(done.data, new, from_pixels=True)
        assert {face.outcome for face in estimates.faces} == {"estimate"}


@pytest.mark.parametrize(("boxes", "first"), [((SMALL,), OLD[:1]), (BOXES, OLD[:1]), (BOXES, OLD)])
def test_s1_several_rewraps_in_a_row(session: Session, boxes: tuple[Box, ...], first: tuple[str, ...]) -> None:
    """Cover the case that the record becomes too long for its region and is dropped."""
    data = session.protect(photo(), first, **by_hand(*boxes)).data
    opener, gone = first[0], stanza_bytes(header_of(data))
    for number, lock in enumerate((OLD[1:3], (NEW,), OLD, OLD[2:4])):
        data = proface_s.rewrap(data, Credentials.of(opener), Lock.of(lock)).data
        assert traces(data, None, gone) == 0, number
        assert proface_s.verify(data).problems == ()
        gone += stanza_bytes(header_of(data))
        opener = lock[0]


def test_s1_a_record_that_no_longer_fits_leaves_nothing(session: Session) -> None:
    old = session.protect(photo(), OLD[:1], **by_hand(SMALL))
    assert read_record(cut(old.protected, SMALL)) is not None
    done = proface_s.rewrap(old.data, Credentials.of(OLD[0]), Lock.of(NEW), keep=True)
    assert read_record(cut(pixels(done.data), SMALL)) is None
    reserved = header_of(old.data).reserved(0)
    assert not (cut(pixels(done.data), SMALL).reshape(-1)[:reserved] & 1).any()


def test_s1_groups_that_do_not_open_are_cleared_of_older_leftovers(session: Session) -> None:
    """Rewrap one group of a file in which an earlier version left old stanzas behind."""
    data = session.protect(photo(), OLD, own={2: Lock.of(OLD[1:])}, **by_hand(*BOXES)).data
    gone = stanza_bytes(header_of(data))
    for opener in OLD[:2]:
        data = as_before(data, lambda d, key=opener: proface_s.rewrap(d, Credentials.of(key), Lock.of(key)).data)
    assert traces(data, None, gone) > 0
    for changed in (
        proface_s.rewrap(data, Credentials.of(OLD[0]), Lock.of(NEW)).data, proface_s.forget(data, [1]).data,
        proface_s.forget(data, [1], erase=True).data,
    ):  # fmt: skip
        assert traces(changed, None, gone) == 0
        assert proface_s.verify(changed).problems == ()


def as_before(data: bytes, change: Any) -> bytes:
    """Return a file as early versions left it: a record written over a longer one, whose end stayed."""
    changed = change(data)
    header, rgb = header_of(changed), pixels(changed)
    for index, face in enumerate(header.faces):
        region = cut(pixels(data), face.box)
        if not face.forgotten and read_record(cut(rgb, face.box)) is not None:
            rgb = paste(rgb, face.box, write_record(region, face_record(header, index)))
    return write_chunks(encode_picture(Picture(rgb), "png"), read_chunks(changed))


@pytest.mark.parametrize("credentials", [None, Credentials.of(NEW)])
def test_s1_verify_names_what_earlier_versions_left(session: Session, credentials: Credentials | None) -> None:
    old = session.protect(photo(), OLD, **by_hand(*BOXES)).data
    leaky = as_before(old, lambda data: proface_s.rewrap(data, Credentials.of(OLD[0]), Lock.of(NEW)).data)
    assert traces(leaky, None, stanza_bytes(header_of(old))) > 0
    found = proface_s.verify(leaky, credentials)
    assert [face.record for face in found.faces] == ["leftover", "leftover"]
    assert [face.pixels for face in found.faces] == ["unchanged", "unchanged"]
    assert len(found.problems) == 2
    assert all("earlier record" in problem for problem in found.problems)
    assert np.array_equal(session.recover(leaky, NEW).recovered, photo())
    mended = proface_s.rewrap(leaky, Credentials.of(NEW), Lock.of(NEW)).data
    assert traces(mended, None, stanza_bytes(header_of(old))) == 0
    assert proface_s.verify(mended, credentials).problems == ()


def test_s1_verify_looks_behind_records_that_are_gone_or_forgotten(session: Session) -> None:
    done = session.protect(photo(), OLD, **by_hand(*BOXES))
    header, rgb = header_of(done.data), done.protected
    tail = record_samples(len(face_record(header, 0))) - 200

    def states(data: bytes, rgb: UInt8Image) -> list[str]:
        file = write_chunks(encode_picture(Picture(rgb), "png"), read_chunks(data))
        return [face.record for face in proface_s.verify(file).faces]

    forgotten = proface_s.forget(done.data, [1]).data
    region = cut(pixels(forgotten), BOXES[0])
    assert states(forgotten, pixels(forgotten)) == ["none", "sound"]
    region.reshape(-1)[tail] |= 1
    assert states(forgotten, paste(pixels(forgotten), BOXES[0], region)) == ["leftover", "sound"]
    erased = proface_s.forget(done.data, [1], erase=True).data
    assert states(erased, pixels(erased)) == ["none", "sound"]
    locked = proface_s.rewrap(done.data, Credentials.of(OLD[0]), Lock.of(NEW)).data
    region = erase_record(cut(pixels(locked), BOXES[0]), 96)
    region.reshape(-1)[tail] |= 1
    assert states(locked, paste(pixels(locked), BOXES[0], region)) == ["leftover", "sound"]
    assert rgb.shape == pixels(locked).shape


@pytest.mark.parametrize("sidecar", ["also", "instead"])
@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_s1_sidecars_and_files_in_place(tmp_path: Path, session: Session, sidecar: Any, suffix: str) -> None:
    path = tmp_path / f"party.protected{suffix}"
    old = session.protect(photo(), OLD, sidecar=sidecar, output=path, **by_hand(*BOXES))
    gone = stanza_bytes(from_chunks(decode_sidecar(old.sidecar or b"")[1])[0])
    proface_s.rewrap(path, Credentials.of(OLD[0]), Lock.of(NEW), in_place=True)
    assert traces(path.read_bytes(), sidecar_path(path).read_bytes(), gone) == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([sidecar_path(path).name, path.name])
    with pytest.raises(WrongKeyError):
        session.recover(path, OLD[1], output=tmp_path / "x.png")


def test_s1_an_output_is_not_left_beside_an_older_sidecar(tmp_path: Path, session: Session) -> None:
    """`--overwrite` replaces an output; the sidecar that an earlier run left beside it still held the old stanzas."""
    path, target = tmp_path / "party.protected.png", tmp_path / "party.rewrapped.png"
    old = session.protect(photo(), OLD, sidecar="also", output=path, **by_hand(*BOXES))
    proface_s.rewrap(path, Credentials.of(OLD[0]), Lock.of(OLD[:3]))
    gone = stanza_bytes(header_of(target.read_bytes())) + stanza_bytes(header_of(old.data))
    sidecar_path(path).unlink()
    with pytest.raises(ImageError, match="exists"):
        proface_s.rewrap(path, Credentials.of(OLD[0]), Lock.of(NEW))
    proface_s.rewrap(path, Credentials.of(OLD[0]), Lock.of(NEW), overwrite=True)
    assert traces(target.read_bytes(), sidecar_path(target).read_bytes(), gone) == 0
    assert np.array_equal(session.recover(target, NEW).recovered, photo())


def test_s1_verify_names_a_sidecar_that_other_keys_open(tmp_path: Path, session: Session) -> None:
    path = tmp_path / "party.protected.png"
    session.protect(photo(), OLD, sidecar="also", output=path, **by_hand(*BOXES))
    beside = sidecar_path(path)
    before = beside.read_bytes()
    assert proface_s.verify(path).problems == ()
    proface_s.rewrap(path, Credentials.of(OLD[0]), Lock.of(NEW), in_place=True)
    assert proface_s.verify(path).problems == ()
    beside.write_bytes(before)
    assert any("party.protected.pfs" in problem for problem in proface_s.verify(path).problems)
    beside.write_bytes(before[:-1])  # damaged, and all the stanzas are in it
    assert any("party.protected.pfs" in problem for problem in proface_s.verify(path).problems)


def test_s1_dead_bytes_of_other_programs_do_not_stay(session: Session) -> None:
    """Other programs that change a TIFF append a new directory and leave the old bytes in place."""
    old = session.protect(photo(), OLD, file_format="tiff", record=False, **by_hand(*BOXES))
    appended = old.data + b"".join(part for parts in read_chunks(old.data).values() for part in parts)
    for changed, gone in (
        (proface_s.rewrap(appended, Credentials.of(OLD[0]), Lock.of(NEW)).data, stanza_bytes(header_of(old.data))),
        (proface_s.forget(appended, [1]).data, [header_of(old.data).faces[0].slot]),
    ):
        assert traces(changed, None, gone) == 0
        assert proface_s.verify(changed).problems == ()


def test_s1_the_pixels_of_files_without_records_stay_as_they_are(session: Session) -> None:
    old = session.protect(photo(), OLD, record=False, **by_hand(*BOXES))
    done = proface_s.rewrap(old.data, Credentials.of(OLD[0]), Lock.of(NEW))
    assert np.array_equal(pixels(done.data), old.protected)
    assert traces(done.data, None, stanza_bytes(header_of(old.data))) == 0


def test_s1_a_forgotten_face_of_the_cover_mode_leaves_no_slot(session: Session) -> None:
    old = session.protect(photo(), OLD[0], wrong_key="cover", **by_hand(*BOXES))
    done = proface_s.forget(old.data, [2])
    assert traces(done.data, None, [header_of(old.data).faces[1].slot]) == 0
    assert traces(done.data, None, [header_of(old.data).faces[0].slot]) > 0
    assert leftovers(pixels(done.data), header_of(done.data)) == []


def test_s1_what_is_left_of_a_stripped_file_is_looked_at_too(session: Session) -> None:
    old = session.protect(photo(), OLD, **by_hand(*BOXES)).data
    leaky = as_before(old, lambda data: proface_s.rewrap(data, Credentials.of(OLD[0]), Lock.of(NEW)).data)
    for data, state in (leaky, "leftover"), (proface_s.rewrap(leaky, Credentials.of(NEW), Lock.of(NEW)).data, "sound"):
        found = proface_s.verify(encode_picture(Picture(pixels(data)), "png"))
        assert [face.record for face in found.faces] == [state] * 2
        assert sum("earlier record" in problem for problem in found.problems) == (2 if state == "leftover" else 0)
    cropped = encode_picture(Picture(pixels(leaky)[4:, 2:].copy()), "png")
    assert [face.record for face in proface_s.verify(cropped).faces] == ["leftover"] * 2


def test_s1_recovering_some_faces_does_not_hand_on_what_is_left_in_the_others(session: Session) -> None:
    old = session.protect(photo(), OLD, **by_hand(*BOXES)).data
    gone = stanza_bytes(header_of(old))
    leaky = as_before(old, lambda data: proface_s.rewrap(data, Credentials.of(OLD[0]), Lock.of(NEW)).data)
    back = session.recover(leaky, NEW, faces=[1])
    assert [face.outcome for face in back.faces] == ["exact", "left"]
    wanted = windows(gone)
    for place in streams(back.recovered, list(BOXES)):
        assert not any(place[at : at + WINDOW] in wanted for at in range(len(place) - WINDOW + 1))
    assert session.recover(back.data, NEW).faces[1].outcome == "estimate"


LEAKY = GOLDEN_FILES / "leaky_rewrap_v1.png"


def test_s1_a_file_that_an_early_version_wrote(session: Session) -> None:
    """Four passphrases, rewrapped to one by commit 10017a7, which left the other three in the pixels."""
    assert np.array_equal(session.recover(LEAKY.read_bytes(), NEW).recovered, photo())
    found = proface_s.verify(LEAKY)
    assert [face.record for face in found.faces] == ["leftover", "leftover"]
    assert len(found.problems) == 2
    mended = proface_s.rewrap(LEAKY.read_bytes(), Credentials.of(NEW), Lock.of(NEW)).data
    assert proface_s.verify(mended).problems == ()


@pytest.mark.parametrize("seed", range(8))
def test_s1_any_sequence_of_changes_leaves_nothing(session: Session, ann: Identity, tmp_path: Path, seed: int) -> None:
    """Random rewraps and forgets, in place and into other formats, with and without a sidecar and transparency."""
    rng = np.random.default_rng(seed)
    suffixes = [".png", ".webp", ".tif"]
    path = tmp_path / f"party{rng.choice(suffixes)}"
    picture: Any = photo()
    if seed % 2:  # odd sides and alpha that varies: more than the box's pixels is covered
        ramp = np.arange(120, dtype=np.uint8)[:119, None].repeat(199, axis=1)
        picture = Image.fromarray(np.dstack([picture[:119, :199], ramp]))
    own = {2: Lock.of(OLD[1:3], [ann.recipient])}
    session.protect(
        picture,
        OLD[: 1 + seed % 4],
        own=own,
        output=path,
        sidecar=("none", "also", "instead")[seed % 3],
        **by_hand(*BOXES),
    )
    opener, gone = Credentials.of(OLD, [ann]), list[bytes]()
    for step in range(6):
        before, old_seals = from_chunks(chunks_of(path))
        target = tmp_path / f"step{step}{rng.choice(suffixes)}"
        more: dict[str, Any] = {"in_place": True} if rng.random() < 0.5 else {"output": target}
        if rng.random() < 0.35 and not all(face.forgotten for face in before.faces):
            done = proface_s.forget(path, [int(rng.integers(1, 3))], erase=bool(rng.random() < 0.5), **more)
        else:
            texts = [f"passphrase {seed} {step} {number}" for number in range(rng.integers(0, 5))]
            people = [Identity.generate() for _ in range(rng.integers(0 if texts else 1, 3))]
            lock = Lock.of(texts, [each.recipient for each in people])
            done = proface_s.rewrap(path, opener, lock, keep=bool(rng.random() < 0.2), **more)
            opener = Credentials.of([*opener.passphrases, *texts], [*opener.identities, *people])
        assert done.path is not None
        path = done.path
        after, seals = from_chunks(chunks_of(path))
        kept = {*stanza_bytes(after), *(face.slot for face in after.faces), *seals.values()}
        were = [*stanza_bytes(before), *(face.slot for face in before.faces if not face.forgotten), *old_seals.values()]
        gone = [part for part in {*gone, *were} if part not in kept]
        beside = sidecar_path(path)
        assert traces(path.read_bytes(), beside.read_bytes() if beside.exists() else None, gone) == 0, (step, done)
        assert proface_s.verify(path).problems == (), step


def chunks_of(path: Path) -> dict[str, list[bytes]]:
    return read_chunks(path.read_bytes()) or decode_sidecar(sidecar_path(path).read_bytes())[1]

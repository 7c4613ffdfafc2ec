"""The API of keys: who may open what, from Python; and what is left in pixels that were overwritten."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import proface_s
from proface_s import Credentials, Lock, Session
from proface_s.api import DetectedFace
from proface_s.api.changes.erase import CELL, blurred_copy
from proface_s.api.face_search import FoundFaces
from proface_s.api.options import ProtectOptions
from proface_s.api.protection.selection import Choice, choose_regions, plan_faces, values_for
from proface_s.container.carriers.carrier import from_chunks
from proface_s.container.carriers.png import read_png_chunks, write_png_chunks
from proface_s.container.header.unlock import unlock_header
from proface_s.container.records.pixel_records import find_records
from proface_s.errors import DamagedFileError, ImageError, NotProtectedError, UsageError, WrongKeyError
from proface_s.faces.boxes import intersection
from proface_s.image.measures import psnr
from proface_s.image.regions import cut
from proface_s.image.write import encode_png, format_of_bytes
from proface_s.keys.face_key_text import decode_face_key
from proface_s.keys.recipients import Identity, encode_identity
from proface_s.types import Box, Face, Picture

PASSPHRASE = "correct horse battery staple"
BOXES = (Box(4, 6, 40, 48), Box(60, 10, 48, 40))
BY_HAND: dict[str, Any] = {"boxes": [str(box) for box in BOXES], "faces": "none"}


def photo() -> np.ndarray:
    """(64, 120, 3): something like skin, hair and eyes in each box, with a little grain."""
    y, x = np.mgrid[0:64, 0:120]
    picture = np.dstack([120 + 40 * np.sin(x / 9), 100 + 30 * np.cos(y / 7), 90 + 20 * np.sin((x + y) / 11)])
    for box in BOXES:
        cx, cy = box.x + box.w // 2, box.y + box.h // 2
        picture[(x - cx) ** 2 + (y - cy) ** 2 < 15**2] = (220, 170, 140)
        for side in (-6, 6):
            picture[(x - cx - side) ** 2 + (y - cy + 4) ** 2 < 9] = (30, 40, 60)
    grain = np.random.default_rng(5).normal(0, 2, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.fixture(scope="module")
def ann() -> Identity:
    return Identity.generate()


@pytest.fixture(scope="module")
def png(session: Session, ann: Identity) -> bytes:
    """Face 1 opens with the passphrase, face 2 with Ann's key."""
    return session.protect(photo(), PASSPHRASE, own={2: Lock.of(None, [ann.recipient])}, **BY_HAND).png


def pixels(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def test_keys_as_objects_or_as_they_are_written(session: Session, png: bytes, ann: Identity) -> None:
    key = proface_s.face_key(png, 2, Credentials.of(None, [encode_identity(ann)]))
    for options in (
        {"identities": [ann]},
        {"identities": [encode_identity(ann)]},
        {"face_keys": [key]},
        {"face_keys": [decode_face_key(key)]},
        {"credentials": Credentials.of(None, [ann])},
    ):
        back = session.recover(png, **options)
        assert [face.outcome for face in back.faces] == ["locked", "exact"]
        assert np.array_equal(cut(back.recovered, BOXES[1]), cut(photo(), BOXES[1]))
    back = session.recover(png, PASSPHRASE, identities=[ann])
    assert np.array_equal(back.recovered, photo())
    assert session.recover(png, PASSPHRASE, identities=[ann], faces=[2]).faces[0].outcome == "left"


def test_several_passphrases_open_alike(session: Session) -> None:
    result = session.protect(photo(), [PASSPHRASE, "another good passphrase"], **BY_HAND)
    for passphrase in PASSPHRASE, "another good passphrase":
        assert np.array_equal(session.recover(result, passphrase).recovered, photo())
    assert len(proface_s.inspect(result).kdf) == 2


def test_nothing_to_open_with(session: Session, png: bytes) -> None:
    with pytest.raises(UsageError, match="no passphrase"):
        session.recover(png)
    with pytest.raises(UsageError, match="no passphrase"):
        session.protect(photo(), **BY_HAND)
    with pytest.raises(UsageError, match="at least 8"):
        session.protect(photo(), PASSPHRASE, own={1: Lock.of("seven77")}, **BY_HAND)
    with pytest.raises(UsageError, match="noise or cover"):
        session.protect(photo(), PASSPHRASE, wrong_key="perhaps", **BY_HAND)  # type: ignore[arg-type]


def test_forget_and_rewrap_keep_the_bytes_of_the_picture(png: bytes, ann: Identity, tmp_path: Path) -> None:
    forgotten = proface_s.forget(png, [1])
    assert forgotten.path is None
    assert np.array_equal(pixels(forgotten.data) & 0xFE, pixels(png) & 0xFE), "but for the bits of in-pixel records"
    locked = proface_s.rewrap(forgotten.data, Credentials.of(None, [ann]), Lock.of("an entirely new passphrase"))
    assert locked.faces == (2,)
    back = Session().recover(locked.data, "an entirely new passphrase")
    assert [face.outcome for face in back.faces] == ["forgotten", "exact"]
    path = tmp_path / "party.protected.png"
    path.write_bytes(png)
    assert proface_s.forget(path, [2]).path == tmp_path / "party.forgotten.png"
    assert proface_s.forget(path, [1], in_place=True).path == path
    assert path.read_bytes() != png
    with pytest.raises(UsageError, match="in place"):
        proface_s.forget(png, [1], in_place=True)
    with pytest.raises(UsageError, match="no face was named"):
        proface_s.forget(png, [])


def test_a_link_is_followed_and_stays_a_link(png: bytes, tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(png)
    (tmp_path / "link.png").symlink_to("real.png")
    proface_s.forget(tmp_path / "link.png", [1], in_place=True)
    assert (tmp_path / "link.png").is_symlink()
    assert proface_s.inspect(tmp_path / "real.png").forgotten == (1,)


def test_changed_pixels_are_neither_forgotten_nor_rewrapped(png: bytes, ann: Identity) -> None:
    changed = pixels(png)
    changed[20, 20, 1] ^= 2
    data = with_pixels(png, changed)
    with pytest.raises(DamagedFileError, match="face 1"):
        proface_s.forget(data, [2])
    with pytest.raises(DamagedFileError, match="face 1"):
        proface_s.rewrap(data, Credentials.of(None, [ann]), Lock.of(PASSPHRASE))
    with pytest.raises(NotProtectedError):
        proface_s.forget(encode_png(Picture(rgb=changed)), [1])


def test_verify_says_what_a_key_vouches_for(png: bytes, ann: Identity) -> None:
    found = proface_s.verify(png, Credentials.of(PASSPHRASE, [ann]))
    assert found.authentic
    assert not found.problems
    assert {(face.key, face.seal, face.pixels) for face in found.faces} == {("opens", "sound", "unchanged")}
    own = proface_s.face_key(png, 1, Credentials.of(PASSPHRASE))
    assert not proface_s.verify(png, Credentials.of(None, (), [own])).authentic
    assert not proface_s.verify(png).authentic
    with pytest.raises(WrongKeyError):
        proface_s.verify(png, Credentials.of("something else entirely"))


def test_an_overwritten_region_holds_nothing_for_the_right_key(session: Session, png: bytes) -> None:
    """Even to somebody who keeps the face key and ignores the header."""
    header, _ = from_chunks(read_png_chunks(png))
    key = unlock_header(header, Credentials.of(PASSPHRASE)).face_keys[0]
    region, original = cut(pixels(png), BOXES[0]), cut(photo(), BOXES[0])
    reserved = header.reserved(0)
    before = session.model.recover(region, key, reserved=reserved).image
    assert psnr(before, original) > 20
    erased = cut(pixels(proface_s.forget(png, [1], erase=True).data), BOXES[0])
    assert np.array_equal(erased, blurred_copy(region))
    after = session.model.recover(erased, key, reserved=reserved).image
    assert psnr(after, original) < 12


@pytest.mark.parametrize("shape", [(8, 8), (40, 48), (42, 50), (64, 10)])
def test_smearing_keeps_the_look_and_only_the_means(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    cover = np.dstack([60 + x, 200 - y, 100 + (x + y) // 2]).astype(np.uint8)
    codes = [np.clip(cover + rng.integers(-1, 2, cover.shape), 0, 255).astype(np.uint8) for _ in range(2)]
    blurred = [blurred_copy(code) for code in codes]
    assert blurred[0].shape == cover.shape
    assert np.abs(blurred[0].astype(int) - cover).mean() < 5, "it still looks like the cover"
    # of two codes in one cover hardly a trace is left: a rounded mean may fall to either side, and is rounded once more
    assert np.abs(blurred[0].astype(int) - blurred[1]).max() <= 2
    shuffled = codes[0].copy()  # samples of each whole cell in another order: the same means, the same picture
    for top in range(0, shape[0] - 2 * CELL + 1, CELL):
        for left in range(0, shape[1] - 2 * CELL + 1, CELL):
            cell = shuffled[top : top + CELL, left : left + CELL]
            cell[:] = rng.permutation(cell.reshape(-1, 3)).reshape(cell.shape)
    assert np.array_equal(blurred_copy(shuffled), blurred[0])


def test_locks_follow_faces_into_their_regions() -> None:
    picture = Picture(rgb=np.zeros((200, 400, 3), np.uint8))
    found = [Face(Box(300, 60, 40, 50)), Face(Box(40, 60, 40, 50)), Face(Box(170, 60, 40, 50))]
    default, bob, carol = Lock.of("default lock"), Lock.of("bobs own lock"), Lock.of("carols own lock")
    choice = choose_regions(picture, lambda _: FoundFaces(found), [1, 3], [Box(20, 150, 30, 30)])
    assert [(face.number, face.found, face.box) for face in choice.faces] == [
        (1, None, Box(20, 150, 30, 30)),
        (2, 1, found[1].box),
        (3, 3, found[0].box),
    ]
    locks = values_for(choice, default, {3: bob, Box(20, 150, 30, 30): carol}, "keys")
    for face, lock in (found[0].box, bob), (found[1].box, default), (Box(20, 150, 30, 30), carol):
        (own,) = [i for i, region in enumerate(choice.regions) if intersection(region, face) == face.area]
        assert locks[own] == lock
    with pytest.raises(UsageError, match="no face 4"):
        values_for(choice, default, {4: bob}, "keys")
    with pytest.raises(UsageError, match="no passphrase and no recipient"):
        plan_faces(picture, choice, ProtectOptions(own={1: bob, 3: carol}))
    plans = plan_faces(picture, choice, ProtectOptions(lock=default, own={1: bob, 3: bob}))
    assert [(plan.group, plan.lock) for plan in plans] == [(0, bob), (1, default), (0, bob)]
    boxes = Box(2, 2, 20, 20), Box(6, 6, 20, 20)
    faces = tuple(DetectedFace(1, box, 1.0, None) for box in boxes)
    together = Choice((Box(0, 0, 40, 40),), faces, picture.size)
    assert values_for(together, default, {1: bob}, "keys") == [bob]
    assert values_for(together, bob, {boxes[0]: bob}, "keys") == [bob]
    for own in {boxes[0]: bob}, {boxes[0]: bob, 1: carol}, {boxes[0]: bob, boxes[1]: carol}:
        with pytest.raises(UsageError, match="hidden as one region, face 1 at 0,0,40,40"):
            values_for(together, default, own, "keys")
    with pytest.raises(UsageError, match="no face was given by hand at 5,5,9,9"):
        values_for(together, default, {Box(5, 5, 9, 9): bob}, "keys")


@pytest.fixture(scope="module")
def grainy(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``party.protected.png`` with a sidecar and without metadata, of a face large enough for a record."""
    path = tmp_path_factory.mktemp("grainy") / "party.protected.png"
    session.protect(photo(), PASSPHRASE, output=path, sidecar="instead", **BY_HAND)
    return path


def copied(path: Path, folder: Path) -> Path:
    for name in (path, path.with_suffix(".pfs")):
        (folder / name.name).write_bytes(name.read_bytes())
    return folder / path.name


def test_sidecars_forget_too(grainy: Path, tmp_path: Path, session: Session) -> None:
    path = copied(grainy, tmp_path)
    before = path.read_bytes(), path.with_suffix(".pfs").read_bytes()
    done = proface_s.forget(path, [2], erase=True)
    assert (path.read_bytes(), path.with_suffix(".pfs").read_bytes()) == before
    assert done.path is not None
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "party.forgotten.pfs", "party.forgotten.png", "party.protected.pfs", "party.protected.png",
    ]  # fmt: skip
    assert read_png_chunks(done.path.read_bytes()) == {}, "what was not in the file does not get into it"
    proface_s.forget(path, [2], erase=True, in_place=True)
    for each in done.path, path:
        back = session.recover(each, PASSPHRASE, output=tmp_path / "x.png", overwrite=True)
        assert [face.outcome for face in back.faces] == ["exact", "forgotten"]
        with pytest.raises(ImageError, match="exists"):
            proface_s.forget(path, [1], output=done.path)


def test_sidecars_are_rewrapped_too(grainy: Path, tmp_path: Path, session: Session) -> None:
    path = copied(grainy, tmp_path)
    path.with_suffix(".pfs").chmod(0o600)
    proface_s.rewrap(path, Credentials.of(PASSPHRASE), Lock.of("an entirely new passphrase"), in_place=True)
    assert path.with_suffix(".pfs").stat().st_mode & 0o777 == 0o600
    assert np.array_equal(session.recover(path, "an entirely new passphrase").recovered, photo())
    for more in {}, {"from_pixels": True}:  # neither the sidecar nor the record in the pixels knows the old one
        with pytest.raises(WrongKeyError):
            session.recover(path, PASSPHRASE, output=tmp_path / "x.png", **more)
    back = session.recover(path, "an entirely new passphrase", output=tmp_path / "x.png", from_pixels=True)
    assert {face.outcome for face in back.faces} == {"estimate"}


def test_a_forgotten_face_is_gone_from_its_record_as_well(png: bytes, session: Session) -> None:
    header, _ = from_chunks(read_png_chunks(png))
    assert header.reserved(0), "there is a record to forget"
    assert session.recover(png, PASSPHRASE, from_pixels=True).faces[0].outcome == "estimate"
    for erase in False, True:
        forgotten = proface_s.forget(png, [1], erase=erase).data
        slot = header.faces[0].slot
        assert slot not in forgotten
        assert not [record for record in find_records(pixels(forgotten)) if slot in record.record]
        with pytest.raises(WrongKeyError):
            session.recover(forgotten, PASSPHRASE, from_pixels=True)


def test_a_strange_sidecar_is_left_alone(png: bytes, grainy: Path, tmp_path: Path) -> None:
    path = copied(grainy, tmp_path)
    path.write_bytes(png)  # it carries its own header; the sidecar is of another picture
    before = path.with_suffix(".pfs").read_bytes()
    done = proface_s.forget(path, [1], in_place=True)
    assert any("belongs to another picture" in warning for warning in done.warnings)
    assert path.with_suffix(".pfs").read_bytes() == before


@pytest.mark.parametrize(("suffix", "kind"), [(".webp", "webp"), (".tif", "tiff")])
def test_other_formats_are_kept(tmp_path: Path, session: Session, suffix: str, kind: str) -> None:
    path = tmp_path / f"party{suffix}"
    session.protect(photo(), PASSPHRASE, output=path, **BY_HAND)
    proface_s.forget(path, [2], erase=True, in_place=True)
    assert format_of_bytes(path.read_bytes()) == kind
    back = session.recover(path, PASSPHRASE, output=tmp_path / "x.png")
    assert [face.outcome for face in back.faces] == ["exact", "forgotten"]
    done = proface_s.rewrap(path, Credentials.of(PASSPHRASE), Lock.of("an entirely new passphrase"))
    assert done.path == tmp_path / f"party.rewrapped{suffix}"
    assert format_of_bytes(done.data) == kind
    assert session.recover(done.data, "an entirely new passphrase").faces[0].outcome == "exact"


def with_pixels(data: bytes, rgb: np.ndarray) -> bytes:
    return write_png_chunks(encode_png(Picture(rgb=rgb)), read_png_chunks(data))


def test_verify_reads_the_records_in_the_pixels(png: bytes, session: Session) -> None:
    credentials = Credentials.of(PASSPHRASE)
    assert [face.record for face in proface_s.verify(png, credentials).faces] == ["sound", "sound"]

    one, gone = pixels(png), pixels(png)
    one[BOXES[0].y + 2, BOXES[0].x + 5, 0] ^= 1
    gone[BOXES[0].y, BOXES[0].x : BOXES[0].right] &= 254
    for rgb, state in (one, "damaged"), (gone, "gone"):
        found = proface_s.verify(with_pixels(png, rgb), credentials)
        assert (found.faces[0].record, found.faces[0].pixels, found.problems) == (state, "unchanged", ())
        assert "record in the pixels of face 1" in found.warnings[0]

    locked = proface_s.rewrap(png, credentials, Lock.of("an entirely new passphrase"))
    forgotten = proface_s.forget(png, [1])
    for changed, state, key in (
        (locked, "stale", Credentials.of("an entirely new passphrase")), (forgotten, "wrong", None),
    ):  # fmt: skip
        assert not proface_s.verify(changed.data, key).problems
        found = proface_s.verify(with_pixels(changed.data, pixels(png)), key)
        assert found.faces[0].record == state
        assert "record in the pixels of face 1" in found.problems[0]


def test_a_face_key_from_a_picture_without_metadata(png: bytes, session: Session) -> None:
    bare = encode_png(Picture(rgb=pixels(png)))
    key = proface_s.face_key(bare, 1, Credentials.of(PASSPHRASE))
    assert key == proface_s.face_key(png, 1, Credentials.of(PASSPHRASE))
    assert session.recover(png, face_keys=[key]).faces[0].outcome == "exact"
    back = session.recover(bare, face_keys=[key])
    assert [face.outcome for face in back.faces] == ["estimate", "locked"]
    with pytest.raises(WrongKeyError, match="does not open face 2"):
        proface_s.face_key(bare, 2, Credentials.of(PASSPHRASE))
    with pytest.raises(WrongKeyError):
        proface_s.face_key(bare, 1, Credentials.of("something else entirely"))
    with pytest.raises(UsageError, match="no record of face 3"):
        proface_s.face_key(bare, 3, Credentials.of(PASSPHRASE))
    with pytest.raises(NotProtectedError):
        proface_s.face_key(photo(), 1, Credentials.of(PASSPHRASE))

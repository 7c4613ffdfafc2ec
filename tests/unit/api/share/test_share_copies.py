"""Share copies: faces come back reduced after compression, for the keys that open them, and never by another key."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageCms

import proface_s
from proface_lab.channels import in_turn, through_crop, through_jpeg, through_scale, through_screenshot
from proface_s.api import Credentials, Lock, ProtectResult, forget, inspect, rewrap, verify
from proface_s.api.changes.manage import face_key
from proface_s.api.files.saving import write_files
from proface_s.api.results.shared import ShareCopy
from proface_s.api.share.layout import unplanned_face, with_lengths
from proface_s.api.share.options import ShareOptions
from proface_s.api.share.protect_share import make_share_copy
from proface_s.api.share.share_secrets import lock_shared_faces, placeholders
from proface_s.errors import (
    DamagedFileError,
    ImageError,
    NotProtectedError,
    UnexpectedModeError,
    UsageError,
    WrongKeyError,
)
from proface_s.faces import parse_boxes
from proface_s.image.measures import psnr
from proface_s.keys.derive import KdfLimits, KdfParams, KekDeriver
from proface_s.keys.recipients import Identity
from proface_s.robust.directory import ShareDirectory
from proface_s.types import Box, Picture, UInt8Image

WORDS, OTHER = "seven wrong ducks here", "eight right geese there"
BOXES = ("300,40,240,300", "700,500,120,150")
SMALL = through_jpeg(75)


@cache
def photo() -> UInt8Image:
    """Return a portrait of an astronaut, (1024, 1024, 3)."""
    return np.asarray(cv2.resize(skimage.data.astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def session() -> proface_s.Session:
    return proface_s.Session(threads=1)


def protect(session: proface_s.Session, image: Any = None, passphrase: Any = WORDS, **options: Any) -> ProtectResult:
    given: dict[str, Any] = {"boxes": BOXES, "faces": "none", "share": ShareOptions(), **options}
    return session.protect(photo() if image is None else image, passphrase, **given)


def copy_of(
    image: UInt8Image | None = None,
    locks: Sequence[Lock] = (),
    boxes: Sequence[str] = BOXES,
    **options: Any,
) -> ShareCopy:
    """Make a share copy without a protected file, which would take much longer."""
    rgb, places = photo() if image is None else image, parse_boxes(boxes)
    covered = rgb.copy()
    for box in places:
        covered[box.y : box.bottom, box.x : box.right] = rgb[box.y : box.bottom, box.x : box.right].mean((0, 1))
    given = locks or [Lock.of(WORDS)] * len(places)
    return make_share_copy(Picture(rgb), Picture(covered), places, given, ShareOptions(**options))


def pixels_of(copy: ShareCopy | None) -> UInt8Image:
    assert copy is not None
    return np.asarray(Image.open(io.BytesIO(copy.data)).convert("RGB"), np.uint8)


@pytest.fixture(scope="module")
def sent() -> UInt8Image:
    return pixels_of(copy_of())


def test_faces_come_back_after_compression_and_the_rest_stays(session: proface_s.Session, sent: UInt8Image) -> None:
    received = SMALL(sent)
    back = session.recover(received, WORDS)
    assert [(face.number, face.outcome) for face in back.faces] == [(1, "reduced"), (2, "reduced")]
    assert [face.likeness_bytes for face in back.faces] == list(inspect(received).likeness_bytes)
    assert any("likeness" in warning for warning in back.warnings)
    changed = (back.recovered != received).any(axis=2)
    for face in back.faces:
        box = face.box
        shown, original = (each[box.y : box.bottom, box.x : box.right] for each in (back.recovered, photo()))
        cover = received[box.y : box.bottom, box.x : box.right]
        assert psnr(shown, original) > psnr(cover, original) + 3
        changed[box.y : box.bottom, box.x : box.right] = False
    assert not changed.any()


@pytest.mark.parametrize(
    "channel",
    [
        in_turn(through_scale(0.5, "bicubic"), SMALL),
        in_turn(SMALL, through_screenshot(800, 1400), through_jpeg(80)),
        through_jpeg(50),
    ],
    ids=["half", "screenshot", "50"],
)
def test_a_usual_size_survives_much_more(session: proface_s.Session, channel: Any) -> None:
    large = np.asarray(cv2.resize(photo(), (1600, 1600), interpolation=cv2.INTER_CUBIC), np.uint8)
    copy = copy_of(large, boxes=["470,60,380,460"])
    assert copy.robust_face_bytes[0] > 0
    assert session.recover(channel(pixels_of(copy)), WORDS).faces[0].outcome == "reduced"


def test_a_crop_keeps_the_faces_that_are_left(session: proface_s.Session, sent: UInt8Image) -> None:
    back = session.recover(in_turn(through_crop(330, 20, 0, 200), SMALL)(sent), WORDS)
    (face, _) = back.faces
    assert (face.box.x, face.box.y) == (0, 20)
    assert face.box.w < 240
    away = session.recover(through_crop(600, 0, 0, 0)(sent), WORDS)
    assert away.faces[0].box.area == 0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_faces_of_a_turned_picture_come_back_where_they_are(
    session: proface_s.Session, sent: UInt8Image, turns: int
) -> None:
    received = SMALL(sent)
    turned = np.ascontiguousarray(np.rot90(received, turns))
    straight, back = session.recover(received, WORDS), session.recover(turned, WORDS)
    places = np.zeros((2, *received.shape[:2]), bool)
    for face, place in zip(straight.faces, places, strict=True):
        place[face.box.y : face.box.bottom, face.box.x : face.box.right] = True
    assert [face.outcome for face in back.faces] == ["reduced", "reduced"]
    for face, place, shown in zip(back.faces, places, inspect(turned).faces, strict=True):
        box = face.box
        assert shown.box == box
        assert np.rot90(place, turns)[box.y : box.bottom, box.x : box.right].all()
        assert place.sum() == box.area
    changed = (back.recovered != turned).any(axis=2)
    assert not changed[~np.rot90(places.any(axis=0), turns)].any()
    assert psnr(np.rot90(back.recovered, -turns), straight.recovered) > 40


def test_a_wrong_key_is_told_what_is_hidden(session: proface_s.Session, sent: UInt8Image) -> None:
    with pytest.raises(WrongKeyError, match=r"face 1, 2; .* share copy of 1024 x 1024 pixels with 2 faces"):
        session.recover(SMALL(sent), OTHER)


def test_each_face_can_have_keys_of_its_own(session: proface_s.Session) -> None:
    friend, stranger = Identity.generate(), Identity.generate()
    received = SMALL(pixels_of(copy_of(locks=[Lock.of((WORDS, OTHER)), Lock.of(OTHER, [friend.recipient])])))

    def outcomes(**keys: Any) -> list[str]:
        return [face.outcome for face in session.recover(received, **keys).faces]

    assert outcomes(passphrase=WORDS) == ["reduced", "locked"]
    assert outcomes(passphrase=OTHER) == ["reduced", "reduced"]
    assert outcomes(identities=[friend]) == ["locked", "reduced"]
    with pytest.raises(WrongKeyError):
        outcomes(identities=[stranger])
    with pytest.raises(WrongKeyError):
        outcomes(passphrase="something else entirely")


def test_one_passphrase_each_needs_no_stanza(session: proface_s.Session) -> None:
    received = SMALL(pixels_of(copy_of(locks=[Lock.of(WORDS), Lock.of(OTHER)])))
    shown = inspect(received)
    assert (shown.source, shown.groups, shown.recipients, len(shown.faces)) == ("share", 1, 0, 2)
    assert [face.outcome for face in session.recover(received, OTHER).faces] == ["locked", "reduced"]


def test_a_face_key_opens_its_face_alone(session: proface_s.Session, sent: UInt8Image) -> None:
    received = SMALL(sent)
    key = face_key(received, 2, Credentials.of(WORDS))
    assert [face.outcome for face in session.recover(received, face_keys=[key]).faces] == ["locked", "reduced"]
    with pytest.raises(WrongKeyError):
        session.recover(pixels_of(copy_of()), face_keys=[key])
    with pytest.raises(WrongKeyError):
        face_key(received, 1, Credentials.of(OTHER))
    with pytest.raises(UsageError, match="no face 3"):
        face_key(received, 3, Credentials.of(WORDS))


def test_only_the_chosen_faces_come_back(session: proface_s.Session, sent: UInt8Image) -> None:
    assert [face.outcome for face in session.recover(sent, WORDS, faces=2).faces] == ["left", "reduced"]
    with pytest.raises(UsageError, match="no face 3"):
        session.recover(sent, WORDS, faces=3)


def test_what_is_shown_without_a_key(sent: UInt8Image) -> None:
    shown = inspect(through_crop(16, 8, 0, 0)(SMALL(sent)))
    assert (shown.source, shown.size) == ("share", (1024, 1024))
    assert [str(face.box) for face in shown.faces] == ["284,32,240,300", "684,492,120,152"]
    assert shown.received_size == (1008, 1016)
    assert min(shown.likeness_bytes) > 0
    assert repr(shown) == "<Inspection: share copy, 2 faces, reduced, 1008x1016 pixels, written at 1024x1024 pixels>"
    assert shown._repr_html_().count("reduced,") == 3


def test_verification_says_which_faces_open(sent: UInt8Image) -> None:
    found = verify(SMALL(sent), Credentials.of(WORDS))
    assert [face.key for face in found.faces] == ["opens", "opens"]
    assert not found.problems
    assert any("share copy" in warning for warning in found.warnings)
    assert [face.key for face in verify(sent).faces] == ["unchecked", "unchecked"]
    with pytest.raises(WrongKeyError):
        verify(sent, Credentials.of(OTHER))


def test_a_share_copy_is_in_noise_mode(session: proface_s.Session, sent: UInt8Image) -> None:
    with pytest.raises(UnexpectedModeError):
        session.recover(sent, WORDS, expect="cover")
    with pytest.raises(UsageError, match="no cover mode"):
        protect(session, wrong_key="cover", seal=False)


def test_too_little_left_is_damage_not_a_wrong_key(session: proface_s.Session, sent: UInt8Image) -> None:
    ruined = sent.copy()
    ruined[200:] = through_jpeg(8)(sent)[200:]
    with pytest.raises(DamagedFileError, match="too little is left"):
        session.recover(ruined, WORDS)


def test_what_is_left_is_told_face_by_face(session: proface_s.Session, sent: UInt8Image) -> None:
    assert inspect(sent).likeness_bytes == copy_of().face_bytes
    ruined = sent.copy()
    ruined[200:] = through_jpeg(8)(sent)[200:]
    assert inspect(ruined).likeness_bytes == (0, 0)
    protected = protect(session, share=None, seal=False)
    assert (inspect(protected.data).received_size, inspect(protected.data).likeness_bytes) == (None, ())


def test_faces_that_do_not_fit_are_refused_before_one_is_hidden(session: proface_s.Session) -> None:
    stages: list[str] = []
    small = np.asarray(cv2.resize(photo(), (640, 420)), np.uint8)
    ten = [f"{10 + 62 * number},100,50,60" for number in range(10)]
    with pytest.raises(UsageError, match="no room for 10 faces"):
        session.protect(
            small, WORDS, boxes=ten, faces="none", share=ShareOptions(), progress=lambda stage, *_: stages.append(stage)
        )
    assert stages == ["read", "find"]


def test_more_faces_than_any_share_copy_lists_are_told_apart(session: proface_s.Session) -> None:
    """A larger copy would not help, so the error has another code, and another hint."""
    boxes = [(40 * column, 40 * row, 32, 32) for row in range(2) for column in range(13)]
    with pytest.raises(UsageError, match="26 faces, with their ways to open them") as caught:
        protect(session, boxes=boxes, faces="none", share=ShareOptions())
    assert caught.value.code == "share-many-faces"


@pytest.mark.parametrize("keys", [1, 2, 5])
def test_the_room_for_keys_is_known_beforehand(keys: int) -> None:
    """What `require_room` reckons with is what the share copy will have."""
    lock = Lock.of([f"passphrase number {number}" for number in range(keys)], [Identity.generate().recipient])
    locks, salt = [lock, Lock.of(WORDS)], bytes(16)
    made = lock_shared_faces(locks, salt, KdfParams(memory_kib=1024, time_cost=1, lanes=1), KekDeriver(KdfLimits()))
    expected = [(each.group, each.kind) for each in placeholders(locks)]
    assert [(each.group, each.kind) for each in made.stanzas] == expected


def test_nothing_stays_if_the_share_copy_cannot_be_written(
    session: proface_s.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(photo()).save(tmp_path / "party.png")

    def full(target: Path, *args: Any, **options: Any) -> Path:
        if ".share." in target.name:
            raise ImageError("the disk is full")
        return write_files(target, *args, **options)

    monkeypatch.setattr("proface_s.api.protection.protect_file.write_files", full)
    with pytest.raises(ImageError):
        protect(session, tmp_path / "party.png", boxes=BOXES[1], sidecar="also")
    assert [each.name for each in tmp_path.iterdir()] == ["party.png"]


def test_what_cannot_be_changed_says_so(sent: UInt8Image) -> None:
    data = copy_of(file_format="png").data
    for change in (lambda: forget(data, 1), lambda: rewrap(data, Credentials.of(WORDS), Lock.of(OTHER))):
        with pytest.raises(NotProtectedError, match="is a share copy, which cannot be changed") as refusal:
            change()
        assert refusal.value.code == "share-fixed"


def test_a_share_copy_of_a_share_copy_brings_back_the_new_faces_alone(session: proface_s.Session) -> None:
    first = copy_of(boxes=BOXES[:1])
    second = copy_of(pixels_of(first), [Lock.of(OTHER)], BOXES[1:])
    assert first.warnings == ()
    assert second.warnings == (
        "the photo is a share copy itself: what is hidden in it will not come back from the new one",
    )
    received = SMALL(pixels_of(second))
    assert [face.outcome for face in session.recover(received, OTHER).faces] == ["reduced"]
    with pytest.raises(WrongKeyError):
        session.recover(received, WORDS)


def test_pasted_into_another_photo_the_faces_come_back_in_their_place_or_not_at_all(
    session: proface_s.Session, sent: UInt8Image
) -> None:
    wall = np.asarray(cv2.resize(skimage.data.coffee(), (1400, 1300), interpolation=cv2.INTER_CUBIC), np.uint8).copy()
    wall[160 : 160 + 1024, 200 : 200 + 1024] = sent
    received = SMALL(wall)
    found = None
    with contextlib.suppress(NotProtectedError, DamagedFileError):
        found = session.recover(received, WORDS)
    for face, box in zip(found.faces if found else (), parse_boxes(BOXES), strict=False):
        assert face.outcome == "reduced"
        assert (face.box.x, face.box.y) == (box.x + 200, box.y + 160)
        shown = found.recovered[face.box.y : face.box.bottom, face.box.x : face.box.right] if found else wall
        original = photo()[box.y : box.y + face.box.h, box.x : box.x + face.box.w]
        assert psnr(shown, original) > 15


def test_a_halo_leaves_the_rest_as_it_was(session: proface_s.Session) -> None:
    result = protect(session, boxes="400,300,160,200", share=ShareOptions(region="halo", file_format="png"))
    shared = pixels_of(result.share)
    assert (shared != result.cover).any(axis=2)[100:700, 240:720].any()
    outside = shared.copy()
    outside[84:716, 224:736] = result.cover[84:716, 224:736]
    assert np.array_equal(outside, result.cover)
    assert session.recover(SMALL(shared), WORDS).faces[0].outcome == "reduced"


def test_a_box_changes_nothing_around_it(session: proface_s.Session) -> None:
    result = protect(session, boxes="300,200,260,300", share=ShareOptions(region="box", file_format="png"))
    shared = pixels_of(result.share)
    changed = (shared != result.cover).any(axis=2)
    assert changed[200:500, 300:560].mean() > 0.5
    changed[200:500, 300:560] = False
    assert not changed.any()
    assert session.recover(SMALL(shared), WORDS).faces[0].outcome == "reduced"


def test_small_boxes_cannot_carry_alone() -> None:
    with pytest.raises(UsageError, match="no room for 2 faces"):
        copy_of(boxes=["300,40,64,80", "700,500,64,80"], region="box")


def test_the_copy_depends_on_the_original_by_encrypted_bytes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the salt held fixed and entries replaced by zeros, two originals under one cover give one copy."""
    other = photo().copy()
    other[40:340, 300:540] = other[40:340, 300:540][::-1]
    module = "proface_s.api.share.protect_share"
    monkeypatch.setattr(f"{module}.encrypt_entry", lambda key, layer, content: bytes(len(content) + 8))
    monkeypatch.setattr(f"{module}.secrets.token_bytes", bytes)
    one, two = (copy_of(each, boxes=BOXES[:1], file_format="png") for each in (photo(), other))
    assert one.data == two.data


def test_a_face_drawn_with_alpha_alone_is_covered(session: proface_s.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Black, and alpha as the negative of the face: on white it would be the face."""
    module = "proface_s.api.share.protect_share"
    monkeypatch.setattr(f"{module}.encrypt_entry", lambda key, layer, content: bytes(len(content) + 8))
    monkeypatch.setattr(f"{module}.secrets.token_bytes", bytes)
    copies = []
    for turned in (1, -1):
        rgba = np.dstack([photo(), np.full((1024, 1024), 255, np.uint8)])
        rgba[500:650, 700:820] = 0
        rgba[500:650, 700:820, 3] = 255 - photo()[100:250, 380:500, 1][::turned]
        result = protect(session, Image.fromarray(rgba), boxes=BOXES[1], share=ShareOptions(file_format="png"))
        copies.append(pixels_of(result.share))
    assert np.array_equal(*copies)


def test_lengths_depend_on_boxes_and_options_alone() -> None:
    plain = np.full((1024, 1024, 3), 120, np.uint8)
    plain[:, ::7] = photo()[:, ::7]
    one, two = copy_of(), copy_of(plain)
    assert (one.face_bytes, one.robust_face_bytes) == (two.face_bytes, two.robust_face_bytes)


@pytest.mark.parametrize(
    ("size", "wanted", "expected"),
    [
        ((4000, 3000), 1600, (1600, 1200)),
        ((3000, 4000), 2048, (1536, 2048)),
        ((1500, 1000), 1600, (1280, 853)),
        ((900, 700), 1600, (900, 700)),
        ((3000, 2001), None, (3000, 2001)),
    ],
)
def test_sizes(size: tuple[int, int], wanted: int | None, expected: tuple[int, int]) -> None:
    from proface_s.api.share.layout import canonical_size

    assert canonical_size(size, ShareOptions(long_side=wanted)) == expected


def test_what_does_not_fit_is_refused() -> None:
    small = np.asarray(cv2.resize(photo(), (640, 420)), np.uint8)
    ten = [f"{10 + 62 * number},100,50,60" for number in range(10)]
    with pytest.raises(UsageError, match="no room for 10 faces"):
        copy_of(small, boxes=ten)
    hundred = [f"{8 + 100 * (n % 10)},{8 + 100 * (n // 10)},40,40" for n in range(100)]
    with pytest.raises(UsageError, match="100 faces"):
        copy_of(boxes=hundred)
    with pytest.raises(UsageError, match="4092"):
        copy_of(np.zeros((100, 5000, 3), np.uint8), boxes=["8,8,64,64"], long_side=None)


@pytest.mark.parametrize(("faces", "smallest"), [(1, 240), (5, 71), (10, 48), (12, 0)])
def test_up_to_ten_faces_have_a_smallest_copy(faces: int, smallest: int) -> None:
    listed = tuple(unplanned_face(Box(8 + 120 * number, 400, 96, 112), 0, 1) for number in range(faces))
    planned = with_lengths(ShareDirectory(1600, 1068, "photo", bytes(16), 3, 16, 4, listed))
    assert {max(0, face.base_bytes - 8) for face in planned.faces} == {smallest}


@pytest.mark.parametrize("level", [0, 255])
def test_a_photo_that_can_hardly_carry_is_refused_or_comes_back(level: int) -> None:
    """Half of every change is cut off; whether the rest can be read depends on the salt."""
    with contextlib.suppress(ImageError):
        copy = copy_of(np.full((600, 800, 3), level, np.uint8), boxes=["200,200,120,120"])
        assert inspect(pixels_of(copy)).likeness_bytes[0] > 0


def test_a_copy_that_cannot_be_read_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proface_s.api.share.protect_share.find_layer", lambda picture: None)
    with pytest.raises(ImageError, match="too plain") as refusal:
        copy_of()
    assert refusal.value.code == "share-unreadable"


def test_a_large_white_photo_carries(session: proface_s.Session) -> None:
    copy = copy_of(np.full((1200, 1600, 3), 255, np.uint8), boxes=["200,200,120,120"])
    assert session.recover(SMALL(pixels_of(copy)), WORDS).faces[0].outcome == "reduced"


@pytest.mark.parametrize("style", ["mask", "pixelate:8@oval"])
def test_saturated_covers_carry(session: proface_s.Session, style: str) -> None:
    result = protect(session, style=style, boxes=BOXES[1])
    assert session.recover(SMALL(pixels_of(result.share)), WORDS).faces[0].outcome == "reduced"


def test_transparency_and_profiles_are_shown_as_apps_do(session: proface_s.Session) -> None:
    image = Image.fromarray(photo()).convert("RGBA")
    image.putalpha(Image.fromarray(np.where(np.arange(1024)[:, None] < 500, 255, 90).astype(np.uint8).repeat(1024, 1)))
    buffer = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(buffer, "PNG", icc_profile=profile)
    result = protect(session, buffer.getvalue(), boxes=BOXES[1])
    assert session.recover(SMALL(pixels_of(result.share)), WORDS).faces[0].outcome == "reduced"


def test_files_lie_beside_each_other(session: proface_s.Session, tmp_path: Any) -> None:
    source = tmp_path / "party.png"
    Image.fromarray(photo()).save(source)
    result = protect(session, source, boxes=BOXES[1])
    assert result.share is not None
    assert result.share.path == tmp_path / "party.share.jpg"
    assert result.share.path.read_bytes() == result.share.data
    result.path.unlink()  # type: ignore[union-attr]
    with pytest.raises(ImageError, match=r"party\.share\.jpg already exists"):
        protect(session, source)
    assert not (tmp_path / "party.protected.png").exists()
    back = session.recover(result.share.path, WORDS)
    assert back.path == tmp_path / "party.share.recovered.jpg"
    with pytest.raises(UsageError, match="not a name for a jpeg"):
        result.share.save(tmp_path / "x.png")
    assert result.share.save(tmp_path / "x.jpg").read_bytes() == result.share.data


def test_nothing_hidden_is_not_protected(session: proface_s.Session) -> None:
    with pytest.raises(NotProtectedError):
        session.recover(SMALL(photo()), WORDS)
    with pytest.raises(NotProtectedError):
        inspect(photo())


@pytest.mark.parametrize("wrong", [{"region": "frame"}, {"long_side": 1000}, {"file_format": "webp"}])
def test_options_that_do_not_exist(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="share copy"):
        ShareOptions(**wrong)

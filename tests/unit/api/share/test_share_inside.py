"""Both layers in one file: exact while nobody compresses it, reduced afterwards, and never under one key stream."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

import proface_s
from proface_lab.channels import through_jpeg
from proface_s import ShareOptions
from proface_s.api import Credentials, Lock, ProtectResult, forget, inspect, rewrap, verify
from proface_s.api.changes.manage import face_key
from proface_s.errors import ImageError, UsageError, WrongKeyError
from proface_s.image.regions import cut
from proface_s.keys import derive
from proface_s.robust.share_picture import find_layer
from proface_s.types import UInt8Image

WORDS, OTHER = "seven wrong ducks here", "eight right geese there"
BOXES = ("300,40,240,300", "700,500,120,150")
SMALL = through_jpeg(75)
INSIDE = ShareOptions(inside=True)


@cache
def photo() -> UInt8Image:
    """Return a portrait of an astronaut, (1023, 1024, 3)."""
    return np.asarray(cv2.resize(skimage.data.astronaut(), (1024, 1023), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def session() -> proface_s.Session:
    return proface_s.Session(threads=1)


def protect(session: proface_s.Session, image: Any = None, passphrase: Any = WORDS, **options: Any) -> ProtectResult:
    given: dict[str, Any] = {"boxes": BOXES, "faces": "none", "share": INSIDE, **options}
    return session.protect(photo() if image is None else image, passphrase, **given)


@pytest.fixture(scope="module")
def done(session: proface_s.Session) -> ProtectResult:
    return protect(session)


def saved(data: bytes, format: str) -> bytes:
    """Save a file again as another program does, which keeps pixels alone."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        Image.fromarray(np.asarray(image.convert("RGB"))).save(buffer, format, quality=75)
    return buffer.getvalue()


def test_untouched_the_faces_are_exact_and_after_an_app_reduced(
    session: proface_s.Session, done: ProtectResult
) -> None:
    back = session.recover(done.data, WORDS)
    assert [face.outcome for face in back.faces] == ["exact", "exact"]
    assert back.authentic
    for face in back.faces:
        assert np.array_equal(cut(back.recovered, face.box), cut(photo(), face.box))
    sent = session.recover(saved(done.data, "JPEG"), WORDS)
    assert [face.outcome for face in sent.faces] == ["reduced", "reduced"]
    assert done.share is not None
    assert [face.likeness_bytes for face in sent.faces] == list(done.share.face_bytes)
    assert (done.share.inside, done.share.data) == (True, done.data)
    with pytest.raises(WrongKeyError):
        session.recover(saved(done.data, "JPEG"), OTHER)
    with pytest.raises(WrongKeyError):
        session.recover(done.data, OTHER)


@pytest.mark.parametrize("quality", [90, 71])
def test_a_grain_in_the_covers_alone_gives_the_whole_photo_back(session: proface_s.Session, quality: int) -> None:
    """A region that is not on the grid of 4 pixels, so that the layer's own box reaches beyond it."""
    done = protect(session, boxes="301,42,242,306", share=ShareOptions(inside=True, region="box"))
    assert np.array_equal(session.recover(done.data, WORDS).recovered, photo())
    received = through_jpeg(quality)(done.protected)
    assert [face.outcome for face in session.recover(received, WORDS).faces] == ["reduced"]
    assert not any("grain" in warning for warning in done.warnings)


def test_without_its_metadata_a_file_gives_estimates(session: proface_s.Session, done: ProtectResult) -> None:
    back = session.recover(saved(done.data, "PNG"), WORDS)
    assert [face.outcome for face in back.faces] == ["estimate", "estimate"]


def test_each_face_has_the_same_keys_in_both_layers(session: proface_s.Session) -> None:
    done = protect(session, own={2: Lock.of(OTHER)})
    for data, right in ((done.data, "exact"), (saved(done.data, "JPEG"), "reduced")):
        assert [face.outcome for face in session.recover(data, WORDS).faces] == [right, "locked"]
        assert [face.outcome for face in session.recover(data, OTHER).faces] == ["locked", right]
        key = face_key(data, 2, Credentials.of(OTHER))
        assert [face.outcome for face in session.recover(data, face_keys=[key]).faces] == ["locked", right]


def test_no_key_of_one_layer_is_one_of_the_other(session: proface_s.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """One passphrase opens both.  Watch every derivation: salts, secrets, contexts and keys of the layers differ."""
    salts: list[bytes] = []
    derived: list[tuple[bytes, bytes, bytes]] = []
    argon2id, hkdf = derive.Argon2id, derive.HKDF

    def noted_argon2id(*, salt: bytes, **rest: Any) -> Any:
        salts.append(salt)
        return argon2id(salt=salt, **rest)

    class NotedHkdf:
        def __init__(self, *, info: bytes, **rest: Any) -> None:
            self.info, self.made = info, hkdf(info=info, **rest)

        def derive(self, secret: bytes) -> bytes:
            key: bytes = self.made.derive(secret)
            derived.append((self.info, secret, key))
            return key

    monkeypatch.setattr(derive, "Argon2id", noted_argon2id)
    monkeypatch.setattr(derive, "HKDF", NotedHkdf)
    protect(session, passphrase=[WORDS, OTHER])
    assert len(set(salts)) >= 3  # of two passphrases in the header, and one of the layer for both
    shared = [each for each in derived if each[0].startswith(derive.LABEL_PREFIX + b"share-")]
    rest = [each for each in derived if each not in shared]
    assert len({info for info, _, _ in shared}) == 5  # group, two faces, base and fine
    assert rest
    for part in range(3):
        assert not {each[part] for each in shared} & {each[part] for each in rest}
    for one in {key for _, _, key in shared}:
        assert len({(info, secret) for info, secret, key in shared if key == one}) == 1


def test_one_salt_for_both_would_still_give_other_keys() -> None:
    """Salts are drawn apart; if a random generator repeated itself, the labels would keep the keys apart."""
    kek, salt = bytes(range(32)), bytes(16)
    infos = [b"share-group", b"share-face", b"share-base", b"share-fine"]
    for label in ("file", "face", "seal", "mac", "pad"):
        assert derive.subkey(kek, label, salt) not in [derive.subkey(kek, each.decode(), salt) for each in infos]


def test_the_plain_covers_hide_nothing(session: proface_s.Session, done: ProtectResult, tmp_path: Path) -> None:
    assert find_layer(done.protected) is not None
    assert find_layer(done.cover) is None
    outside = done.cover.copy()
    for face in done.faces:
        outside[face.box.y : face.box.bottom, face.box.x : face.box.right] = cut(photo(), face.box)
    assert np.array_equal(outside, photo())
    for name in ("cover.png", "cover.jpg"):
        with Image.open(done.save_cover(tmp_path / name)) as image:
            assert find_layer(np.asarray(image.convert("RGB"), np.uint8)) is None


def test_what_is_shown_without_a_key(done: ProtectResult) -> None:
    shown = inspect(done.data)
    assert done.share is not None
    assert (shown.source, shown.inside_bytes, shown.likeness_bytes) == ("metadata", done.share.face_bytes, ())
    assert shown._repr_html_().count("sealed") == 2
    received = inspect(saved(done.data, "JPEG"))
    assert (received.source, received.inside_bytes, received.likeness_bytes) == ("share", (), done.share.face_bytes)


def test_verification_tells_of_both(done: ProtectResult) -> None:
    found = verify(done.data, Credentials.of(WORDS))
    assert [(face.key, face.seal, face.pixels) for face in found.faces] == [("opens", "sound", "unchanged")] * 2
    assert not found.problems
    assert any("carries a share copy of 1024 x 1023 pixels with 2 faces, of which the key opens face 1, 2" in each
               for each in found.warnings)  # fmt: skip
    assert any(each.endswith("with 2 faces") for each in verify(done.data).warnings)
    assert [face.key for face in verify(saved(done.data, "JPEG"), Credentials.of(WORDS)).faces] == ["opens", "opens"]


def test_a_file_that_carries_its_share_copy_is_not_changed(done: ProtectResult, tmp_path: Path) -> None:
    """A face that was forgotten in the header alone would still come back from the layer."""
    path = done.save(tmp_path / "party.png")
    for change in (
        lambda: forget(path, 1, erase=True),
        lambda: rewrap(path, Credentials.of(WORDS), Lock.of(OTHER)),
    ):
        with pytest.raises(UsageError, match="also carries a share copy, which cannot be changed") as refusal:
            change()
        assert refusal.value.code == "share-inside-fixed"
    assert [each.name for each in tmp_path.iterdir()] == ["party.png"]
    assert path.read_bytes() == done.data


def test_photos_that_are_jpeg_become_png(session: proface_s.Session, tmp_path: Path) -> None:
    Image.fromarray(photo()).save(tmp_path / "party.jpg", quality=92)
    done = protect(session, tmp_path / "party.jpg", boxes=BOXES[0])
    assert done.path == tmp_path / "party.protected.png"
    assert done.share is not None
    assert done.share.path == done.path
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["party.jpg", "party.protected.png"]
    assert any("a PNG was written: reduced faces" in warning for warning in done.warnings)
    with pytest.raises(UsageError, match="cannot be a JPEG"):
        protect(session, file_format="jpeg")


@pytest.mark.parametrize("file_format", ["webp", "tiff"])
def test_other_lossless_kinds_carry_too(session: proface_s.Session, file_format: Any) -> None:
    done = protect(session, boxes=BOXES[0], file_format=file_format, sidecar="also")
    assert [face.outcome for face in session.recover(done.data, WORDS).faces] == ["exact"]
    assert [face.outcome for face in session.recover(saved(done.data, "JPEG"), WORDS).faces] == ["reduced"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"seal": False}, "share-inside-seal"),
        ({"wrong_key": "cover"}, "share-cover-mode"),
        ({"boxes": [f"{8 + 60 * n},8,40,40" for n in range(16)], "share": ShareOptions(inside=True, region="box")},
         "share-too-full"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(session: proface_s.Session, options: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as refusal:
        protect(session, **options)
    assert refusal.value.code == code


def test_transparency_is_refused_and_an_opaque_alpha_is_not(session: proface_s.Session) -> None:
    image = Image.fromarray(photo()).convert("RGBA")
    done = protect(session, image, boxes=BOXES[1])
    assert [face.outcome for face in session.recover(done.data, WORDS).faces] == ["exact"]
    image.putpixel((3, 3), (9, 9, 9, 254))
    with pytest.raises(UsageError, match="partly transparent") as refusal:
        protect(session, image, boxes=BOXES[1])
    assert refusal.value.code == "share-inside-alpha"


def test_large_photos_and_profiles_are_told(session: proface_s.Session) -> None:
    large = np.asarray(cv2.resize(photo(), (2304, 1200), interpolation=cv2.INTER_CUBIC), np.uint8)
    done = protect(session, large, boxes=BOXES[0])
    assert any("apps reduce photos of more than 2048 pixels" in warning for warning in done.warnings)
    assert any("fine grain outside the faces" in warning for warning in done.warnings)


def test_a_photo_that_cannot_carry_is_refused(session: proface_s.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proface_s.api.share.protect_share.find_layer", lambda picture: None)
    with pytest.raises(ImageError, match="too plain"):
        protect(session, boxes=BOXES[1])

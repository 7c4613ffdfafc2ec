"""The API: the kind that goes in comes out, and nothing but the faces changes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import proface_s
from proface_s.api import Credentials, ProtectResult, Session, inspect, verify
from proface_s.container.carriers.carrier import read_chunks, write_chunks
from proface_s.container.carriers.png import read_png_chunks, write_png_chunks
from proface_s.errors import DamagedFileError, ImageError, NoFaceError, NotProtectedError, UsageError, WrongKeyError

PASSPHRASE = "correct horse battery staple"
BOX = (40, 20, 64, 64)
BY_HAND: dict[str, Any] = {"boxes": ["40,20,64,64"], "faces": "none"}
INSIDE = np.s_[20:84, 40:104]


def drawn(seed: int = 0) -> np.ndarray:
    y, x = np.mgrid[0:120, 0:160]
    waves = 90 + 60 * np.sin((x + 2 * y) / (40 + 9 * seed))
    return np.dstack([x * 255 / 160, y * 255 / 120, waves]).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def outside(pixels: np.ndarray) -> np.ndarray:
    kept = pixels.copy()
    kept[INSIDE] = 0
    return kept


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.fixture(scope="module")
def done(session: Session) -> ProtectResult:
    """A drawing, protected with a seal."""
    return session.protect(png(drawn()), PASSPHRASE, **BY_HAND)


def test_the_public_names_exist() -> None:
    for name in proface_s.__all__:
        assert getattr(proface_s, name) is not None
    with pytest.raises(AttributeError):
        proface_s.unprotect  # noqa: B018


def test_a_path_gives_a_path(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(drawn()))
    result = session.protect(path, PASSPHRASE, **BY_HAND)
    assert result.image == result.path == tmp_path / "a.protected.png"
    assert result.path.read_bytes() == result.png
    back = session.recover(str(result.path), PASSPHRASE)
    assert back.image == back.path == tmp_path / "a.recovered.png"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.protected.png", "a.recovered.png"]
    with Image.open(back.path) as image:
        assert np.array_equal(np.array(image), drawn())


def test_bytes_give_bytes_and_no_file(
    session: Session, done: ProtectResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(done.image, bytes)
    assert done.image == done.png
    back = session.recover(done.image, PASSPHRASE)
    assert isinstance(back.image, bytes)
    assert np.array_equal(np.array(Image.open(io.BytesIO(back.image))), drawn())
    assert not read_png_chunks(back.image)
    assert list(tmp_path.iterdir()) == []


def test_an_array_gives_an_array(session: Session) -> None:
    original = drawn()
    result = session.protect(original, PASSPHRASE, **BY_HAND)
    assert isinstance(result.image, np.ndarray)
    assert np.array_equal(original, drawn()), "the argument was changed"
    assert result.image.shape == original.shape
    back = session.recover(result, PASSPHRASE)
    assert np.array_equal(back.recovered, original)
    alone = session.recover(result.image, PASSPHRASE)  # an array cannot carry the header, but its pixels carry records
    assert [face.outcome for face in alone.faces] == ["estimate"]
    with pytest.raises(NotProtectedError):
        session.recover(session.protect(original, PASSPHRASE, record=False, **BY_HAND).image, PASSPHRASE)


def test_a_pil_image_gives_a_pil_image(session: Session) -> None:
    result = session.protect(Image.fromarray(drawn()), PASSPHRASE, **BY_HAND)
    assert isinstance(result.image, Image.Image)
    back = session.recover(result.image, PASSPHRASE)
    assert isinstance(back.image, Image.Image)
    assert np.array_equal(np.array(back.image), drawn())
    assert back.faces[0].outcome == "exact"


def test_a_pil_image_opened_from_our_file(session: Session, done: ProtectResult) -> None:
    with Image.open(io.BytesIO(done.png)) as image:  # not loaded yet
        back = session.recover(image, PASSPHRASE)
    assert back.faces[0].outcome == "exact"
    assert np.array_equal(np.array(back.image), drawn())


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "LA"])
def test_pil_modes(session: Session, mode: str) -> None:
    image = Image.fromarray(drawn()).convert(mode)
    result = session.protect(image, PASSPHRASE, **BY_HAND)
    back = session.recover(result.image, PASSPHRASE)
    assert np.array_equal(outside(np.array(result.image)[..., :3]), outside(back.recovered))


def test_what_is_no_picture(session: Session) -> None:
    for wrong in (np.zeros((4, 4)), np.zeros((0, 4, 3), np.uint8), 7, b"", b"hello", Image.new("F", (9, 9))):
        with pytest.raises(ImageError):
            session.protect(wrong, PASSPHRASE, **BY_HAND)  # type: ignore[arg-type]


def test_turned_photos_come_out_upright(session: Session, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise for display
    stored = np.rot90(drawn(), 1)
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    result = session.protect(tmp_path / "a.png", PASSPHRASE, **BY_HAND)
    assert np.array_equal(outside(result.protected), outside(drawn()))
    with Image.open(result.path) as image:
        assert image.size == (160, 120)
        assert 0x0112 not in image.getexif()
    with Image.open(tmp_path / "a.png") as image:
        again = session.protect(image, PASSPHRASE, **BY_HAND)
    assert again.image.size == (160, 120)
    assert np.array_equal(session.recover(again.image, PASSPHRASE).recovered, drawn())


@pytest.mark.parametrize("keeps", ["all", "sidecar", "pixels"])
@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_a_file_that_was_turned_by_a_tag_since_opens(
    session: Session, tmp_path: Path, orientation: int, suffix: str, keeps: str
) -> None:
    """Viewers turn a picture by its orientation tag; header, seals and records are about the stored pixels."""
    path = tmp_path / f"a{suffix}"
    sidecar: Any = "instead" if keeps == "sidecar" else "none"
    session.protect(png(drawn()), PASSPHRASE, **BY_HAND, output=path, sidecar=sidecar)
    chunks = read_chunks(path.read_bytes()) if keeps == "all" else {}
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.array(Image.open(path)))  # without the private chunks
    if suffix == ".tif":
        image.save(path, tiffinfo={0x0112: orientation})
    else:
        image.save(path, exif=exif, lossless=True)
    if chunks:
        path.write_bytes(write_chunks(path.read_bytes(), chunks))
    result = session.recover(path, PASSPHRASE)
    assert result.faces[0].outcome == ("estimate" if keeps == "pixels" else "exact")
    assert np.array_equal(outside(result.recovered), outside(drawn()))
    assert keeps == "pixels" or np.array_equal(result.recovered, drawn())
    assert "orientation" in " ".join(result.warnings)
    checked = verify(path, Credentials.of(PASSPHRASE))
    assert checked.faces[0].key == "opens"
    assert checked.faces[0].record == "sound"
    assert bool(checked.problems) == (keeps == "pixels")  # the metadata are gone, and nothing else
    assert inspect(path).size == (160, 120)


def test_alpha_is_kept_outside_of_the_box_and_comes_back_inside(session: Session) -> None:
    alpha = np.arange(160 * 120).reshape(120, 160, 1).astype(np.uint8)
    rgba = np.dstack([drawn(), alpha])
    result = session.protect(png(rgba), PASSPHRASE, **BY_HAND)
    published = np.array(Image.open(io.BytesIO(result.png)))[..., 3:]
    assert np.array_equal(outside(published), outside(alpha))
    assert (published[INSIDE] == 255).all(), "what shows through would show the face"
    back = session.recover(result.png, PASSPHRASE)
    assert np.array_equal(np.array(Image.open(io.BytesIO(back.image))), rgba)


def test_only_the_box_changes(done: ProtectResult) -> None:
    for pixels in done.protected, done.cover:
        assert np.array_equal(outside(pixels), outside(drawn()))
        assert not np.array_equal(pixels[INSIDE], drawn()[INSIDE])
    (face,) = done.faces
    assert (face.box.x, face.box.y, face.box.w, face.box.h) == BOX
    assert face.sealed


def test_a_seal_brings_the_exact_pixels_back(session: Session, done: ProtectResult) -> None:
    back = session.recover(done, PASSPHRASE)
    assert back.faces[0].outcome == "exact"
    assert np.array_equal(back.recovered, drawn())
    assert back.warnings == ()


def test_without_a_seal_an_estimate_that_beats_the_cover(session: Session) -> None:
    from skimage import data

    photo = data.astronaut()[::2, ::2].copy()
    result = session.protect(photo, PASSPHRASE, seal=False, boxes=["70,10,80,96"], faces="none")
    assert not result.faces[0].sealed
    back = session.recover(result, PASSPHRASE)
    assert back.faces[0].outcome == "estimate"
    inside = np.s_[10:106, 70:150]
    of_estimate, of_cover = (
        np.abs(pixels[inside].astype(int) - photo[inside]).mean() for pixels in (back.recovered, result.cover)
    )
    assert of_estimate < of_cover
    assert len(result.png) < len(session.protect(photo, PASSPHRASE, boxes=["70,10,80,96"], faces="none").png)


def test_a_stripped_seal_is_warned_about(session: Session, done: ProtectResult) -> None:
    stripped = write_png_chunks(done.png, {"pfSl": []})
    back = session.recover(stripped, PASSPHRASE)
    assert back.faces[0].outcome == "estimate"
    assert "stripped" in back.warnings[0]
    assert proface_s.inspect(stripped).stripped == (1,)
    assert proface_s.inspect(done.png).stripped == ()


def test_the_header_of_another_file(session: Session, done: ProtectResult) -> None:
    other = session.protect(png(drawn(seed=3)), PASSPHRASE, **BY_HAND)
    mixed = write_png_chunks(other.png, read_png_chunks(done.png))
    with pytest.raises(DamagedFileError, match="header"):
        session.recover(mixed, PASSPHRASE)
    larger = write_png_chunks(png(np.vstack([drawn(), drawn()])), read_png_chunks(done.png))
    for act in (lambda: session.recover(larger, PASSPHRASE), lambda: proface_s.inspect(larger)):
        with pytest.raises(DamagedFileError, match="160x120"):
            act()


def test_a_damaged_protected_file_is_damaged_not_unreadable(session: Session, done: ProtectResult) -> None:
    with pytest.raises(DamagedFileError):
        session.recover(done.png[:-30], PASSPHRASE)
    at = done.png.index(b"IDAT") + 200
    broken = done.png[:at] + bytes([done.png[at] ^ 255]) + done.png[at + 1 :]
    with pytest.raises(DamagedFileError):
        session.recover(broken, PASSPHRASE)


def test_protecting_twice_is_refused(session: Session, done: ProtectResult) -> None:
    for image in (done.png, done, Image.open(io.BytesIO(done.png))):
        with pytest.raises(UsageError, match="protected already"):
            session.protect(image, PASSPHRASE, **BY_HAND)


def test_foreign_private_chunks_do_not_make_a_file_protected(session: Session) -> None:
    import struct
    import zlib

    body = b"vpAg" + bytes(9)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    data = png(drawn())
    data = data[:33] + chunk + data[33:]
    for image in (data, Image.open(io.BytesIO(data))):
        assert session.protect(image, PASSPHRASE, **BY_HAND).faces


def test_wrong_and_weak_passphrases(session: Session, done: ProtectResult) -> None:
    with pytest.raises(WrongKeyError):
        session.recover(done, PASSPHRASE + "!")
    with pytest.raises(UsageError, match="at least 8"):
        session.protect(drawn(), "seven77", **BY_HAND)


def test_no_face(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(drawn()))
    with pytest.raises(NoFaceError):
        session.protect(tmp_path / "a.png", PASSPHRASE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    result = session.protect(drawn(), PASSPHRASE, allow_no_face=True)
    assert result.faces == ()
    assert np.array_equal(result.image, drawn())
    assert any("unprotected" in warning for warning in result.warnings)


def test_pictures_too_small_for_a_region(session: Session) -> None:
    for side in (1, 2, 7):
        with pytest.raises(UsageError, match=f"{side}x{side}"):
            session.protect(np.zeros((side, side, 3), np.uint8), PASSPHRASE, boxes=["0,0,1,1"], faces="none")


def test_every_public_name_is_what_the_api_offers() -> None:
    import proface_s
    import proface_s.api as api

    for name in proface_s.__all__:
        if name in proface_s._ELSEWHERE:
            assert getattr(proface_s, name).__module__.startswith(f"proface_s{proface_s._ELSEWHERE[name]}"), name
        elif name != "__version__":
            assert getattr(proface_s, name) is getattr(api, name), name
    assert set(api.__all__) <= set(proface_s.__all__)

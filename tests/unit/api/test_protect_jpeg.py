"""JPEG in, JPEG out: what is outside the faces stays, and every coefficient comes back, for the keys that are there."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jpeg_kit import drawing, jpeg_file, kinds, opencv_pixels, pillow_frame, pillow_pixels

pytest.importorskip("wasmtime")

from proface_s.api import Credentials, Lock, ProtectResult, Session, forget, inspect, rewrap, verify
from proface_s.api.changes.manage import face_key
from proface_s.api.jpeg.protecting import same_coefficients
from proface_s.api.options import ProtectOptions
from proface_s.api.resume.comparison import unfinished
from proface_s.container.carriers.carrier import from_chunks, read_chunks, to_chunks, write_chunks
from proface_s.container.carriers.sidecar import decode_sidecar
from proface_s.container.header.header import header_areas
from proface_s.errors import DamagedFileError, ImageError, NotProtectedError, UsageError, WrongKeyError
from proface_s.image.jpeg.read_coefficients import read_jpeg
from proface_s.image.jpeg.transform import area_blocks, with_area_blocks
from proface_s.image.jpeg.write_coefficients import write_jpeg
from proface_s.types import Box

WORDS, OTHER = "seven wrong ducks here", "eight right geese there"
BOXES = ("9,7,20,18", "48,28,20,18")
KINDS = {name: kind for name, kind in kinds() if min(kind.get("width", 75), kind.get("height", 53)) >= 2}  # type: ignore[type-var, call-overload]
BLACK: Any = {"style": "solid:0"}


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


def test_several_threads_do_the_same(original: bytes) -> None:
    several = Session(threads=3)
    done = protect(several, original)
    recovered = several.recover(done.data, WORDS)
    assert same_coefficients(read_jpeg(recovered.data), read_jpeg(original))
    assert np.array_equal(done.cover, Session(threads=1).protect(original, WORDS, boxes=BOXES, faces="none").cover)


@pytest.mark.parametrize("threads", [1, 3])
def test_no_coefficient_of_a_picture_that_is_too_large_is_decoded(
    threads: int, original: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("the coefficients were decoded")

    done = protect(Session(threads=threads), original)
    monkeypatch.setattr("proface_s.image.jpeg.file.read_jpeg", decode)
    small = Session(threads=threads, max_pixels=1000)
    for refuse, data in ((small.protect, original), (small.recover, done.data)):
        with pytest.raises(ImageError, match="the limit is 1000 pixels"):
            refuse(data, WORDS)


def protect(session: Session, data: bytes, *boxes: str, **options: Any) -> ProtectResult:
    wanted = {"file_format": "jpeg", "boxes": boxes or BOXES, "faces": "none", **options}
    return session.protect(data, WORDS, **wanted)


@pytest.fixture(scope="module")
def original() -> bytes:
    return jpeg_file(orientation=6)


@pytest.fixture(scope="module")
def protected(session: Session, original: bytes) -> bytes:
    return protect(session, original, "5,9,16,20", "30,40,14,16").data


@pytest.mark.parametrize("kind", KINDS)
def test_every_coefficient_comes_back_and_none_outside_changes(session: Session, kind: str) -> None:
    data = jpeg_file(**KINDS[kind])  # type: ignore[arg-type]
    width, height = read_jpeg(data).upright_size
    boxes = BOXES if width > 70 else (f"0,0,{width},{height}",)
    done = protect(session, data, *boxes)
    assert done.data[:3] == b"\xff\xd8\xff"
    one, two = read_jpeg(data), read_jpeg(done.data)
    header, _ = from_chunks(read_chunks(done.data))
    assert one.frame_digest == two.frame_digest
    assert one.scans == two.scans
    blank = {area: [0 * each for each in area_blocks(one, area)] for area in header_areas(header)}
    assert same_coefficients(with_area_blocks(one, blank), with_area_blocks(two, blank))
    assert all(
        not np.array_equal(area_blocks(one, area)[0], area_blocks(two, area)[0]) for area in header_areas(header)
    )
    back = session.recover(done.data, WORDS)
    assert {face.outcome for face in back.faces} == {"exact"}
    assert same_coefficients(read_jpeg(back.data), one)
    for decoder in (pillow_pixels, opencv_pixels):
        assert np.array_equal(decoder(back.data), decoder(data))
    assert pillow_frame(back.data) == pillow_frame(data)
    assert not read_chunks(back.data)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cover_lies_where_the_face_is_shown(session: Session, orientation: int) -> None:
    data = jpeg_file(75, 53, orientation=orientation)
    done = protect(session, data, "3,5,16,20", **BLACK)
    assert done.protected[5:25, 3:19].max() <= 40
    assert done.protected.mean() > 60
    (face,) = done.faces
    assert face.box.x <= 3 < 19 <= face.box.right
    assert face.box.y <= 5 < 25 <= face.box.bottom
    assert done.covers[0].shape == (face.box.h, face.box.w, 3)
    back = session.recover(done.data, WORDS)
    assert np.array_equal(back.recovered, session.recover(done, WORDS).recovered)
    assert np.array_equal(pillow_pixels(back.data), pillow_pixels(data))


@pytest.mark.parametrize("size", [(33, 17), (17, 33), (49, 65), (2, 2), (16, 3)])
def test_faces_at_partial_mcus(session: Session, size: tuple[int, int]) -> None:
    for orientation in (1, 3, 6):
        data = jpeg_file(*size, orientation=orientation)
        width, height = read_jpeg(data).upright_size
        done = protect(session, data, f"{width - 1},{height - 1},1,1", "0,0,1,1", **BLACK)
        assert done.protected[-1, -1].max() <= 40
        assert done.protected[0, 0].max() <= 40
        assert same_coefficients(read_jpeg(session.recover(done.data, WORDS).data), read_jpeg(data))
        assert not verify(done.data, Credentials.of(WORDS)).problems


def test_two_faces_that_share_an_mcu_are_cut_apart_or_merged(session: Session) -> None:
    data = jpeg_file(160, 120)
    done = protect(session, data, "10,10,40,40", "51,10,40,40")
    areas = header_areas(from_chunks(read_chunks(done.data))[0])
    assert len(areas) == len(done.faces) == 2
    assert areas[0].right <= areas[1].x
    merged = protect(session, data, "10,10,20,20", "26,26,4,4")
    assert len(merged.faces) == 1


def test_a_wrong_key_opens_nothing(session: Session, protected: bytes) -> None:
    for force in (False, True):
        with pytest.raises(WrongKeyError):
            session.recover(protected, OTHER, force=force)


def test_each_face_has_its_own_key(session: Session, original: bytes, protected: bytes) -> None:
    key = face_key(protected, 2, Credentials.of(WORDS))
    part = session.recover(protected, face_keys=[key])
    assert [face.outcome for face in part.faces] == ["locked", "exact"]
    header, _ = from_chunks(read_chunks(protected))
    first, second = header_areas(header)
    found, before, covered = read_jpeg(part.data), read_jpeg(original), read_jpeg(protected)
    expected = with_area_blocks(before, {first: area_blocks(covered, first)})
    assert same_coefficients(found, expected)
    only = session.recover(protected, WORDS, faces=1)
    assert same_coefficients(read_jpeg(only.data), with_area_blocks(before, {second: area_blocks(covered, second)}))


def test_inspect_and_verify(protected: bytes) -> None:
    told = inspect(protected)
    assert [face.sealed for face in told.faces] == [True, True]
    assert told.model == "none"
    found = verify(protected, Credentials.of(WORDS))
    assert not found.problems
    assert found.authentic
    assert [(face.pixels, face.seal, face.record) for face in found.faces] == [("unchanged", "sound", "none")] * 2


def test_rewrap_keeps_every_coefficient(session: Session, original: bytes, protected: bytes) -> None:
    changed = rewrap(protected, Credentials.of(WORDS), Lock.of(OTHER, ()))
    assert same_coefficients(read_jpeg(changed.data), read_jpeg(protected))
    assert same_coefficients(read_jpeg(session.recover(changed.data, OTHER).data), read_jpeg(original))
    with pytest.raises(WrongKeyError):
        session.recover(changed.data, WORDS)


@pytest.mark.parametrize("erase", [False, True])
def test_forgetting_takes_the_seal_away(session: Session, protected: bytes, erase: bool) -> None:
    changed = forget(protected, 1, erase=erase)
    _, seals = from_chunks(read_chunks(changed.data))
    assert list(seals) == [1]
    same = same_coefficients(read_jpeg(changed.data), read_jpeg(protected))
    assert same != erase
    back = session.recover(changed.data, WORDS)
    assert [face.outcome for face in back.faces] == ["forgotten", "exact"]
    assert [face.pixels for face in verify(changed.data, Credentials.of(WORDS)).faces] == [
        "erased" if erase else "unchanged",
        "unchanged",
    ]
    assert not verify(changed.data, Credentials.of(WORDS)).problems


def test_files_beside_each_other(session: Session, original: bytes, tmp_path: Path) -> None:
    photo = tmp_path / "party.jpg"
    photo.write_bytes(original)
    done = session.protect(photo, WORDS, boxes=BOXES[:1], faces="none", file_format="jpeg", sidecar="instead")
    assert done.path == tmp_path / "party.protected.jpg"
    assert not read_chunks(done.data)
    assert (tmp_path / "party.protected.jpg.pfs").exists()
    changed = rewrap(done.path, Credentials.of(WORDS), Lock.of(OTHER, ()), in_place=True)
    assert changed.path == done.path
    back = session.recover(done.path, OTHER)
    assert back.path == tmp_path / "party.recovered.jpg"
    assert same_coefficients(read_jpeg(back.path.read_bytes()), read_jpeg(original))
    assert forget(done.path, 1, overwrite=True).path == tmp_path / "party.forgotten.jpg"
    pixels = session.recover(done.path, OTHER, output=tmp_path / "pixels.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "pixels.png")), pixels.recovered)


def test_a_sidecar_beside_the_segments(session: Session, original: bytes) -> None:
    done = protect(session, original, "5,9,16,20", sidecar="also")
    assert done.sidecar is not None
    assert decode_sidecar(done.sidecar)[1] == read_chunks(done.data)


def recompressed(data: bytes, quality: int) -> bytes:
    """What a program that knows nothing of the segments makes of a file, with the segments put back."""
    buffer = io.BytesIO()
    image = Image.open(io.BytesIO(data))
    image.save(buffer, "JPEG", quality=quality, exif=image.info.get("exif", b""))
    return write_chunks(buffer.getvalue(), read_chunks(data))


def test_a_recompressed_file_says_so(session: Session, protected: bytes) -> None:
    for call in (lambda bad: session.recover(bad, WORDS), lambda bad: verify(bad), lambda bad: forget(bad, 1)):
        with pytest.raises(DamagedFileError, match="recompressed") as caught:
            call(recompressed(protected, 60))
        assert caught.value.code == "recompressed"


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 7, 8])
def test_a_file_that_was_turned_by_its_tag_comes_back_as_it_was(
    session: Session, protected: bytes, orientation: int
) -> None:
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00"
    turned = protected.replace(tag + b"\x06", tag + bytes([orientation]))
    assert turned != protected
    assert not verify(turned, Credentials.of(WORDS)).problems
    again, result = session.recover(protected, WORDS), session.recover(turned, WORDS)
    assert result.data == again.data
    assert result.faces == again.faces
    assert "orientation" in " ".join(result.warnings)
    assert not any("orientation" in warning for warning in again.warnings)
    key = face_key(turned, 1, Credentials.of(WORDS))
    by_key = session.recover(forget(turned, 2).data, credentials=Credentials.of(face_keys=[key]))
    assert [face.outcome for face in by_key.faces] == ["exact", "forgotten"]


def test_stripped_segments_leave_an_unprotected_file(session: Session, protected: bytes) -> None:
    bare = write_jpeg(read_jpeg(protected))
    with pytest.raises(NotProtectedError):
        session.recover(bare, WORDS)


def test_a_converted_file_says_so(session: Session, protected: bytes) -> None:
    buffer = io.BytesIO()
    Image.fromarray(drawing(53, 75)).save(buffer, "PNG")
    png = write_chunks(buffer.getvalue(), read_chunks(protected))
    with pytest.raises(DamagedFileError, match="converted"):
        session.recover(png, WORDS)


def test_changed_covers_and_seals_are_noticed(session: Session, protected: bytes) -> None:
    picture = read_jpeg(protected)
    header, seals = from_chunks(read_chunks(protected))
    area = header_areas(header)[0]
    blocks = area_blocks(picture, area)
    blocks[0][0, 0, 0, 0] += 1
    bad = write_chunks(write_jpeg(with_area_blocks(picture, {area: blocks})), read_chunks(protected))
    with pytest.raises(DamagedFileError, match="face 1 were changed"):
        session.recover(bad, WORDS)
    assert [face.pixels for face in verify(bad).faces] == ["changed", "unchanged"]
    swapped = write_chunks(protected, to_chunks(header, {0: seals[1], 1: seals[0]}))
    with pytest.raises(DamagedFileError, match="does not match"):
        session.recover(swapped, WORDS)
    without = write_chunks(protected, to_chunks(header, {1: seals[1]}))
    back = session.recover(without, WORDS)
    assert [face.outcome for face in back.faces] == ["lost", "exact"]
    assert any("stripped" in warning for warning in back.warnings)
    assert any("stripped" in problem for problem in verify(without).problems)


def test_seals_are_bound_to_the_frame(session: Session, original: bytes, protected: bytes) -> None:
    """The segments of one file in another one with other tables: no key opens a seal there."""
    other = protect(session, jpeg_file(orientation=6, quality=91), "5,9,16,20", "30,40,14,16").data
    moved = write_chunks(other, read_chunks(protected))
    with pytest.raises(DamagedFileError, match="recompressed"):
        session.recover(moved, WORDS)


def test_a_jpeg_needs_seals(session: Session, original: bytes) -> None:
    for options in ({"seal": False}, {"wrong_key": "cover"}, {"model": "secure-2"}):
        with pytest.raises(UsageError, match="cannot be a JPEG"):
            protect(session, original, **options)


def test_photos_that_are_no_editable_jpeg_become_one(session: Session) -> None:
    for kind in ("PNG", "CMYK"):
        buffer = io.BytesIO()
        image = Image.fromarray(drawing(75, 53))
        if kind == "CMYK":
            image.convert("CMYK").save(buffer, "JPEG", quality=95)
        else:
            image.save(buffer, kind)
        done = protect(session, buffer.getvalue(), quality=80)
        assert any("a new JPEG of quality 80 was made" in warning for warning in done.warnings)
        assert pillow_frame(done.data)[1] == "RGB"
        assert [face.outcome for face in session.recover(done.data, WORDS).faces] == ["exact", "exact"]
    with pytest.raises(UsageError, match="quality"):
        protect(session, jpeg_file(), quality=0)


def test_metadata_stay_out_unless_they_are_asked_for(session: Session) -> None:
    tags = Image.Exif()
    tags[0x013B], tags[0x010E], tags[0x0112] = "A. Photographer", "the name of somebody", 6
    buffer = io.BytesIO()
    Image.fromarray(drawing(75, 53)).save(buffer, "JPEG", exif=tags, comment=b"a comment on somebody")
    data = buffer.getvalue() + b"a video of somebody"
    done = protect(session, data)
    assert b"somebody" not in done.data
    assert b"Photographer" not in done.data
    kept = protect(session, data, keep_metadata=True)
    assert b"somebody" not in kept.data
    exif = Image.open(io.BytesIO(kept.data)).getexif()
    assert (exif[0x013B], exif[0x0112]) == ("A. Photographer", 6)
    assert b"Photographer" in session.recover(kept.data, WORDS).data


def test_a_photo_without_a_face_is_copied_as_coefficients(session: Session, original: bytes) -> None:
    done = session.protect(original, WORDS, faces="none", allow_no_face=True, file_format="jpeg")
    assert same_coefficients(read_jpeg(done.data), read_jpeg(original))


def test_saving_keeps_the_kind_of_file(session: Session, original: bytes, tmp_path: Path) -> None:
    done = protect(session, original)
    assert done.save(tmp_path / "a.jpg").read_bytes() == done.data
    with pytest.raises(UsageError, match="not a name for a JPEG"):
        done.save(tmp_path / "a.png")
    back = session.recover(done, WORDS)
    assert same_coefficients(read_jpeg(back.save(tmp_path / "b.jpg").read_bytes()), read_jpeg(original))
    with pytest.raises(UsageError, match="not a name"):
        rewrap(done.data, Credentials.of(WORDS), Lock.of(OTHER, ()), output=tmp_path / "c.png")


@pytest.mark.parametrize("style", ["solid", "blur"])
def test_the_length_of_a_seal_tells_little(session: Session, style: str) -> None:
    """Under a cover that shows nothing it depends on the box alone, and otherwise it is one of a few."""
    lengths = set()
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (96, 96, 3)) if seed == 2 else drawing(96, 96, seed)
        buffer = io.BytesIO()
        Image.fromarray(noise.astype(np.uint8)).save(buffer, "JPEG", quality=75)
        done = protect(session, buffer.getvalue(), "16,16,64,64", style=style)
        lengths.add(len(from_chunks(read_chunks(done.data))[1][0]))
    assert len(lengths) == 1 if style == "solid" else 1 < len(lengths) <= 3


def test_box_and_area_of_a_header_agree(session: Session, protected: bytes) -> None:
    header, _ = from_chunks(read_chunks(protected))
    assert [face.box for face in header.faces] == sorted(face.box for face in header.faces)
    assert all(isinstance(area, Box) for area in header_areas(header))


def resumed(session: Session, original: bytes, target: Path, **options: Any) -> str | None:
    wanted = {"file_format": "jpeg", "boxes": BOXES[:1], "faces": "none", **options}
    source = target.with_name("source.jpg")
    source.write_bytes(original)
    return unfinished(source, target, session, ProtectOptions.of(WORDS, **wanted))


def test_a_finished_output_is_recognised(session: Session, original: bytes, tmp_path: Path) -> None:
    target = tmp_path / "out.jpg"
    target.write_bytes(protect(session, original, BOXES[0]).data)
    assert resumed(session, original, target) is None
    assert "other faces" in str(resumed(session, original, target, boxes=BOXES[1:]))
    assert "style" in str(resumed(session, original, target, style="pixelate"))
    assert "another photo" in str(resumed(session, jpeg_file(orientation=6, seed=4), target))
    assert "another photo" in str(resumed(session, jpeg_file(orientation=6, quality=70), target))
    target.write_bytes(protect(session, original, BOXES[0], sidecar="instead").data)
    assert resumed(session, original, target) is not None


def test_nothing_is_in_the_pixels_of_a_jpeg(session: Session, protected: bytes) -> None:
    with pytest.raises(UsageError, match="its pixels hide nothing"):
        session.recover(protected, WORDS, from_pixels=True)


def test_covers_in_ovals_leave_the_photo_around_them(session: Session, original: bytes, tmp_path: Path) -> None:
    target = tmp_path / "out.jpg"
    done = protect(session, original, "5,9,32,40", style="solid:0@oval")
    (face,) = done.faces
    shown = done.protected[face.box.y : face.box.bottom, face.box.x : face.box.right]
    assert shown[face.box.h // 2, face.box.w // 2].max() <= 40
    assert shown[0, 0].max() > 40
    assert same_coefficients(read_jpeg(session.recover(done.data, WORDS).data), read_jpeg(original))
    target.write_bytes(done.data)
    assert resumed(session, original, target, boxes=("5,9,32,40",), style="solid:0@oval") is None

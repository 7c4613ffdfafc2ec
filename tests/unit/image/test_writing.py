"""Writing: PNG bytes, metadata, atomic files, output paths, regions."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from proface_s.cli.hints import command_line_hint
from proface_s.errors import ImageError, UsageError
from proface_s.image import write
from proface_s.image.atomic import appearing_file
from proface_s.image.read import read_picture
from proface_s.image.regions import cut, paste, same_outside
from proface_s.image.write import FORMATS, Format, check_output_path, encode_picture, encode_png, write_atomic
from proface_s.types import Box, Picture

RNG = np.random.default_rng(5)
RGB = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_read_back_bit_for_bit(file_format: Format) -> None:
    for alpha in (None, ALPHA):
        again = read_picture(encode_picture(Picture(RGB, alpha, SRGB), file_format))
        assert np.array_equal(again.rgb, RGB)
        assert again.icc_profile == SRGB
        assert again.metadata == {}
        assert (again.alpha is None) if alpha is None else np.array_equal(again.alpha, alpha)


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("pixels", [RGB, np.zeros((1, 1, 3), np.uint8), np.full((3, 501, 3), 255, np.uint8)], ids=str)
def test_every_format_opens_in_other_programs_with_the_same_pixels(file_format: Format, pixels: np.ndarray) -> None:
    data = encode_picture(Picture(pixels), file_format)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGB"
        assert np.array_equal(np.array(image), pixels)
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(bgr[..., ::-1], pixels)


def test_colours_under_full_transparency_are_kept() -> None:
    clear = Picture(RGB, np.zeros_like(ALPHA))
    for file_format in FORMATS:
        assert np.array_equal(read_picture(encode_picture(clear, file_format)).rgb, RGB)


def test_webp_has_a_largest_size() -> None:
    wide = Picture(np.zeros((1, 16384, 3), np.uint8))
    with pytest.raises(ImageError, match="16383") as caught:
        encode_picture(wide, "webp")
    assert "PNG" in (command_line_hint(caught.value) or "")
    assert read_picture(encode_picture(wide, "tiff")).size == (16384, 1)


def test_views_are_encoded_as_what_they_show() -> None:
    view = RGB[::-1, ::2, ::-1]
    assert np.array_equal(read_picture(encode_png(Picture(view))).rgb, view)


@pytest.mark.parametrize("picture", [Picture(RGB[..., 0]), Picture(RGB.astype(np.float32)), Picture(RGB, ALPHA[:-1])])
def test_wrong_arrays_are_refused(picture: Picture) -> None:
    with pytest.raises(ValueError, match="uint8"):
        encode_png(picture)


def photo_with_everything() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "Alice at the demonstration"
    exif[0x010F] = "CameraMaker"
    exif[0x013B] = "Jos\u00e9 M\u00fcller".encode().decode("latin-1")
    exif[0x8298] = "(c) 2024 somebody"
    details = exif.get_ifd(0x8769)
    details[0x9003] = "2024:05:06 07:08:09"
    details[0xA431] = "SERIAL12345"
    details[0x927C] = b"MAKERNOTE"
    exif.get_ifd(0x8825)[1] = "N"
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG", exif=exif, comment=b"a comment")
    return buffer.getvalue()


def test_only_whitelisted_metadata_is_read() -> None:
    picture = read_picture(photo_with_everything())
    artist = picture.metadata.pop("Artist")
    assert artist.startswith("Jos")
    assert picture.metadata == {
        "Copyright": "(c) 2024 somebody",
        "DateTimeOriginal": "2024:05:06 07:08:09",
    }


@pytest.mark.parametrize("file_format", FORMATS)
def test_metadata_is_written_only_when_asked_for(file_format: Format) -> None:
    picture = read_picture(photo_with_everything())
    for secret in (b"Alice", b"SERIAL", b"CameraMaker", b"MAKERNOTE", b"comment"):
        assert secret not in encode_picture(picture, file_format, keep_metadata=True)
    silent = encode_picture(picture, file_format)
    assert read_picture(silent).metadata == {}
    assert b"somebody" not in silent
    assert read_picture(encode_picture(picture, file_format, keep_metadata=True)).metadata == picture.metadata


@pytest.mark.parametrize("file_format", FORMATS)
def test_non_latin_and_unknown_metadata(file_format: Format) -> None:
    picture = Picture(RGB, metadata={"Artist": "\u5f20\u4e09", "note": "never written", "Copyright": "\u00e9"})
    data = encode_picture(picture, file_format, keep_metadata=True)
    assert b"never written" not in data
    assert read_picture(data).metadata == {"Artist": "\u5f20\u4e09", "Copyright": "\u00e9"}


def files_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_new_files_appear_whole(tmp_path: Path) -> None:
    write_atomic(tmp_path / "out.png", b"data")
    assert (tmp_path / "out.png").read_bytes() == b"data"
    assert files_in(tmp_path) == ["out.png"]


def test_writing_leaves_the_umask_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the process: files that other threads create meanwhile would get another one's permissions."""
    monkeypatch.setattr(os, "umask", None)
    with appearing_file(tmp_path / "new") as temporary:
        temporary.write_bytes(b"")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "out.png", b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == 0o640


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_existing_files_are_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no links")))
    target = tmp_path / "out.png"
    write_atomic(target, b"first")
    with pytest.raises(ImageError, match="already exists") as caught:
        write_atomic(target, b"second")
    assert (command_line_hint(caught.value), caught.value.code) == ("choose another name, or use --overwrite", "exists")
    assert target.read_bytes() == b"first"
    write_atomic(target, b"third", overwrite=True)
    assert target.read_bytes() == b"third"
    assert files_in(tmp_path) == ["out.png"]


def test_a_file_that_appears_meanwhile_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.png"
    write_new = write._write_new

    def slow_write(path: Path, data: bytes) -> None:
        write_new(path, data)
        target.write_bytes(b"somebody else's")

    monkeypatch.setattr(write, "_write_new", slow_write)
    with pytest.raises(ImageError, match="already exists"):
        write_atomic(target, b"mine")
    assert target.read_bytes() == b"somebody else's"
    assert files_in(tmp_path) == ["out.png"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_interruptions_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: BaseException
) -> None:
    def fail(_: int) -> None:
        raise interruption

    monkeypatch.setattr(os, "fsync", fail)
    expected = KeyboardInterrupt if isinstance(interruption, KeyboardInterrupt) else ImageError
    with pytest.raises(expected):
        write_atomic(tmp_path / "out.png", b"data")
    assert files_in(tmp_path) == []


def test_unusable_targets(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        write_atomic(tmp_path / "missing" / "out.png", b"data")
    with pytest.raises(ImageError, match="is a directory"):
        write_atomic(tmp_path, b"data", overwrite=True)


@pytest.mark.parametrize("name", ["out.jpg", "out.JPEG", "out.avif", "out.heic"])
def test_lossy_outputs_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="would destroy the hidden face") as caught:
        check_output_path(None, tmp_path / name)
    assert "out.png" in (command_line_hint(caught.value) or "")


def test_output_paths(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(b"picture")
    check_output_path(source, tmp_path / "out.PNG")
    for name in "out.webp", "out.tif", "out.TIFF":
        check_output_path(source, tmp_path / name)
    for name in "out", "out.gif", "out.bmp":
        with pytest.raises(UsageError, match="only PNG"):
            check_output_path(source, tmp_path / name)
    with pytest.raises(ImageError, match="does not exist"):
        check_output_path(source, tmp_path / "missing" / "out.png")
    (tmp_path / "other.png").write_bytes(b"other")
    with pytest.raises(ImageError, match="already exists"):
        check_output_path(source, tmp_path / "other.png")
    check_output_path(source, tmp_path / "other.png", overwrite=True)


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(b"picture")
    (tmp_path / "soft.png").symlink_to(source)
    (tmp_path / "hard.png").hardlink_to(source)
    for output in (source, tmp_path / "." / "in.png", tmp_path / "soft.png", tmp_path / "hard.png"):
        with pytest.raises(UsageError, match="is the input itself"):
            check_output_path(source, output, overwrite=True)


@given(st.data())
def test_cut_and_paste_are_inverses(data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, 29)), data.draw(st.integers(0, 19))
    box = Box(x, y, data.draw(st.integers(1, 30 - x)), data.draw(st.integers(1, 20 - y)))
    region = cut(RGB, box)
    assert np.array_equal(paste(RGB, box, region), RGB)
    pasted = paste(RGB, box, 255 - region)
    assert np.array_equal(cut(pasted, box), 255 - region)
    outside = np.ones((20, 30), bool)
    outside[box.y : box.bottom, box.x : box.right] = False
    assert np.array_equal(pasted[outside], RGB[outside])


def test_cut_copies_and_boxes_are_checked() -> None:
    region = cut(RGB, Box(0, 0, 2, 2))
    assert not np.shares_memory(region, RGB)
    for box in (Box(-1, 0, 4, 4), Box(28, 0, 4, 4), Box(0, 18, 4, 4), Box(0, 0, 0, 4)):
        with pytest.raises(ValueError, match="does not lie inside the 30x20 picture"):
            cut(RGB, box)
    with pytest.raises(ValueError, match="does not fit"):
        paste(RGB, Box(0, 0, 4, 4), region)


def test_pictures_that_differ_inside_of_boxes_alone() -> None:
    """Boxes that lie in one strip, in several, at the edges, and over one another; any sample outside is noticed."""
    picture = RNG.integers(0, 256, (200, 31, 3), dtype=np.uint8)
    boxes = [Box(0, 0, 4, 4), Box(5, 60, 6, 100), Box(8, 100, 23, 100), Box(20, 64, 2, 64)]
    inside = np.zeros((200, 31), bool)
    changed = picture.copy()
    for box in boxes:
        inside[box.y : box.bottom, box.x : box.right] = True
    changed[inside] ^= 1
    assert same_outside(changed, picture, boxes)
    assert same_outside(picture, picture.copy(), [])
    assert not same_outside(changed, picture, [])
    assert not same_outside(changed, picture, boxes[:3])
    assert not same_outside(changed[1:], picture, boxes)
    outside = np.argwhere(~inside)
    for y, x in outside[RNG.choice(len(outside), 200, replace=False)]:
        other = changed.copy()
        other[y, x, RNG.integers(3)] ^= 1
        assert not same_outside(other, picture, boxes), (x, y)

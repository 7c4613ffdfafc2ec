"""A real face comes back alike, more so from more bytes, wherever it lies in its region; altered files are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from proface_s.covers.heads.landmarks import find_mesh
from proface_s.errors import ModelError
from proface_s.robust.face_codec import Kind, Likeness, decode_face, encode_face, weights
from proface_s.robust.face_codec.pose import fit_square
from proface_s.robust.face_codec.raster import look_at
from proface_s.robust.face_codec.weights import BASES, CARD, RESTORER, codec_file, face_basis
from proface_s.robust.face_codec.whole_picture import available, decode_whole, encode_whole
from proface_s.types import Box, Face, FloatArray, UInt8Image


@pytest.fixture(scope="module")
def portrait() -> tuple[UInt8Image, np.ndarray]:
    """A public-domain portrait's face, and its landmarks."""
    pixels = np.ascontiguousarray(data.astronaut()[20:230, 130:320])
    mesh = find_mesh(pixels, Face(Box(48, 40, 90, 115)))
    assert mesh is not None
    return pixels, mesh.five_points


def error(found: Likeness, pixels: UInt8Image) -> float:
    """Root mean square difference where the likeness is shown."""
    square = ((found.pixels.astype(np.float64) - pixels) ** 2).mean(axis=2)
    return float(np.sqrt((square * found.opacity).sum() / found.opacity.sum()))


def test_a_face_is_the_more_alike_the_more_bytes_it_has(portrait: tuple[UInt8Image, FloatArray]) -> None:
    pixels, points = portrait
    height, width = pixels.shape[:2]
    found = [decode_face(encode_face(pixels, length, points), width, height) for length in (40, 100, 240, 400)]
    assert all(each.kind is Kind.ALIGNED for each in found)
    errors = [error(each, pixels) for each in found]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 24
    assert errors[3] < 16
    assert error(found[1], np.full_like(pixels, 128)) > 40  # so a grey picture would be far off


def test_the_cover_stays_outside_the_oval(portrait: tuple[UInt8Image, FloatArray]) -> None:
    pixels, points = portrait
    height, width = pixels.shape[:2]
    found = decode_face(encode_face(pixels, 150, points), width, height)
    cover = np.full_like(pixels, 7)
    shown = found.over(cover)
    assert np.array_equal(shown[found.opacity == 0], cover[found.opacity == 0])
    assert np.array_equal(shown[found.opacity == 1], found.pixels[found.opacity == 1])
    assert 0.2 < found.opacity.mean() < 0.9
    assert found.opacity[0, 0] == found.opacity[-1, -1] == 0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_is_coded_as_well_as_an_upright_one(portrait: tuple[UInt8Image, FloatArray], turns: int) -> None:
    pixels, points = portrait
    turned, moved = pixels, points
    for _ in range(turns):
        moved = np.column_stack([moved[:, 1], turned.shape[1] - moved[:, 0]])
        turned = np.ascontiguousarray(np.rot90(turned))
    upright = decode_face(encode_face(pixels, 240, points), pixels.shape[1], pixels.shape[0])
    found = decode_face(encode_face(turned, 240, moved), turned.shape[1], turned.shape[0])
    assert error(found, turned) < error(upright, pixels) + 4


def test_a_mirrored_face_has_the_same_numbers_but_for_signs(portrait: tuple[UInt8Image, FloatArray]) -> None:
    pixels, points = portrait
    square = fit_square(points)
    assert square is not None
    planes = look_at(pixels, square)
    mirrored = planes[0][:, ::-1], planes[1][:, :, ::-1]
    basis = face_basis()
    one, other = basis.analyse(planes), basis.analyse((mirrored[0].copy(), mirrored[1].copy()))
    assert np.abs(np.abs(one) - np.abs(other)).max() < 1e-3 * np.abs(one).max()
    assert not np.allclose(one, other)


def test_points_that_are_no_face_are_left_aside(portrait: tuple[UInt8Image, FloatArray]) -> None:
    pixels, points = portrait
    height, width = pixels.shape[:2]
    nowhere = [None, points * 0, points * np.nan, points + 10_000, points * 100]
    for found in (decode_face(encode_face(pixels, 100, each), width, height) for each in nowhere):
        assert found.kind is Kind.UNALIGNED
    assert decode_face(encode_face(pixels, 100, points), width, height).kind is Kind.ALIGNED


@pytest.mark.skipif(not available(), reason="this Pillow has no AVIF")
def test_more_bytes_than_a_face_needs_show_what_is_around_it(portrait: tuple[UInt8Image, FloatArray]) -> None:
    pixels, points = portrait
    height, width = pixels.shape[:2]
    alone = decode_face(encode_face(pixels, 400, points), width, height)
    found = decode_face(encode_face(pixels, 900, points), width, height)
    assert found.kind is Kind.FRAMED
    assert (found.opacity == 1).all()
    inner = alone.opacity == 1
    assert np.array_equal(found.pixels[inner], alone.pixels[inner])
    around = alone.opacity == 0
    difference = found.pixels[around].astype(float) - pixels[around]
    assert np.sqrt((difference**2).mean()) < 30


@pytest.mark.skipif(not available(), reason="this Pillow has no AVIF")
def test_many_bytes_show_the_whole_region(portrait: tuple[UInt8Image, FloatArray]) -> None:
    pixels, points = portrait
    height, width = pixels.shape[:2]
    found = decode_face(encode_face(pixels, 4000, points), width, height)
    assert found.kind is Kind.WHOLE
    assert (found.opacity == 1).all()
    assert error(found, pixels) < 8


@pytest.mark.skipif(not available(), reason="this Pillow has no AVIF")
@pytest.mark.parametrize("size", [(1, 1), (16, 300), (45, 31), (190, 210)])
def test_a_whole_picture_survives_the_loss_of_its_container(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.ascontiguousarray(data.astronaut()[:height, 100 : 100 + width])
    payload = encode_whole(pixels, 1200)
    assert payload is not None
    assert len(payload) <= 1200
    found = decode_whole(payload + bytes(50), width, height)
    assert found is not None
    assert np.sqrt(((found.astype(float) - pixels) ** 2).mean()) < 30
    assert encode_whole(pixels, 4) is None
    assert decode_whole(payload[: len(payload) // 2], width, height) is None or width * height < 100
    assert decode_whole(b"", width, height) is None


def test_lengths_and_pictures_that_cannot_be_are_refused(portrait: tuple[UInt8Image, FloatArray]) -> None:
    pixels, _ = portrait
    with pytest.raises(ValueError, match="16 bytes at least, not 15"):
        encode_face(pixels, 15)
    with pytest.raises(ValueError, match="16 bytes at least, not 3"):
        decode_face(b"abc", 10, 10)
    with pytest.raises(ValueError, match="uint8"):
        encode_face(pixels[:, :, 0], 100)
    with pytest.raises(ValueError, match="uint8"):
        decode_face(bytes(100), 0, 10)


def test_altered_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (CARD, BASES, RESTORER):
        shutil.copyfile(weights.FOLDER / name, tmp_path / name)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    assert codec_file(BASES)
    (tmp_path / BASES).write_bytes(codec_file(BASES)[:-1])
    with pytest.raises(ModelError, match="is not the file"):
        codec_file(BASES)
    (tmp_path / RESTORER).unlink()
    with pytest.raises(ModelError, match="is missing"):
        codec_file(RESTORER)

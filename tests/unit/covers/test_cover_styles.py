"""Every style: what goes in, what comes out, and that nothing of the face is left."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import proface_s.covers as room
from proface_s.covers import CoverStyle, FaceRegion, apply_style, get_style, parse_style, style_names
from proface_s.errors import UsageError
from proface_s.types import Style, UInt8Image

STICKERS = ("cat", "robot", "smiley", "stars", "theatre")
STYLES = ("blur", "lowpoly", "mask", "median", "pixelate", "solid", "swap", "swapper")
EVERY = ("blur", "lowpoly", "median", "pixelate", "solid", *(f"mask:{name}" for name in STICKERS))
SIZES = ((2, 2), (2, 64), (64, 2), (16, 16), (18, 30), (96, 80), (500, 380))


@pytest.fixture(scope="module")
def face() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[40:230, 150:300], np.uint8)


def noise(shape: tuple[int, int], seed: int = 0) -> UInt8Image:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def detail(image: UInt8Image, cells: int = 16) -> np.ndarray:
    """What a picture shows between ``cells`` and twice as many cells across: eyes, nose, mouth."""
    fine = cv2.resize(image, (2 * cells, 2 * cells), interpolation=cv2.INTER_AREA).astype(float)
    coarse = cv2.resize(fine, (cells, cells), interpolation=cv2.INTER_AREA)
    return fine - cv2.resize(coarse, (2 * cells, 2 * cells), interpolation=cv2.INTER_NEAREST)


def test_the_styles_are_found() -> None:
    assert style_names() == list(STYLES)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_keeps_the_protocol_and_describes_itself(name: str) -> None:
    style = get_style(name)
    assert isinstance(style, CoverStyle)
    low, high = style.strength_range
    assert low <= style.default_strength <= high
    assert not style.is_weak(style.default_strength)
    text = style.describe()
    assert text.startswith(f"{name}:")
    assert style.unit.text in text
    assert f"{style.default_strength:g}" in text


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("size", SIZES)
def test_a_cover_has_the_size_of_the_face_and_is_always_the_same(text: str, size: tuple[int, int]) -> None:
    original = noise(size)
    before = original.copy()
    first = apply_style(original, parse_style(text))
    assert first.shape == original.shape
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    assert np.array_equal(first, apply_style(original, parse_style(text)))
    assert np.array_equal(original, before)


@pytest.mark.parametrize("text", EVERY)
def test_the_cover_does_not_depend_on_memory_beyond_the_box(text: str) -> None:
    photo, other = noise((200, 200)), noise((200, 200), 1)
    other[50:150, 60:140] = photo[50:150, 60:140]
    style = parse_style(text)
    assert np.array_equal(apply_style(photo[50:150, 60:140], style), apply_style(other[50:150, 60:140], style))


@pytest.mark.parametrize("name", [name for name in STYLES if name != "swapper"])  # that needs a network
def test_the_ends_of_the_strength_range_work(name: str) -> None:
    for strength in get_style(name).strength_range:
        for size in ((2, 2), (60, 40)):
            assert apply_style(noise(size), Style(name, strength)).shape == (*size, 3)


@pytest.mark.parametrize("text", EVERY)
def test_a_small_and_a_large_face_are_hidden_alike(text: str, face: UInt8Image) -> None:
    large = apply_style(cv2.resize(face, (1200, 1500), interpolation=cv2.INTER_CUBIC), parse_style(text))
    small = apply_style(cv2.resize(face, (48, 60), interpolation=cv2.INTER_AREA), parse_style(text))
    shrunk = cv2.resize(large, (48, 60), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small).mean() < 4


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("side", [60, 1500])
def test_the_default_leaves_no_detail_of_the_face(text: str, side: int, face: UInt8Image) -> None:
    original = cv2.resize(face, (side * 4 // 5 // 2 * 2, side), interpolation=cv2.INTER_AREA)
    kept = detail(apply_style(original, parse_style(text)))
    flat = detail(apply_style(np.full_like(original, 128), parse_style(text)))
    wanted = detail(original)
    left = float((wanted * (kept - flat)).sum() / (wanted**2).sum())
    assert abs(left) < 0.12


@pytest.mark.parametrize("text", ["blur", "median", "pixelate", "mask"])
@pytest.mark.parametrize("side", [64, 1024])
def test_border_pixels_do_not_show_through(text: str, side: int) -> None:
    """A black-and-white pattern on the outermost pixels alone must not be seen in the cover."""
    plain = np.full((side, side, 3), 128, np.uint8)
    marked = plain.copy()
    marked[0, ::2], marked[0, 1::2] = 255, 0
    marked[::2, -1], marked[1::2, -1] = 255, 0
    style = parse_style(text)
    difference = np.abs(apply_style(marked, style).astype(int) - apply_style(plain, style))
    assert difference.max() <= 4


@pytest.mark.parametrize("text", ["blur", "median"])
def test_smooth_styles_stay_smooth_on_large_faces(text: str, face: UInt8Image) -> None:
    large = apply_style(cv2.resize(face, (1200, 1500), interpolation=cv2.INTER_CUBIC), parse_style(text)).astype(int)
    assert np.abs(np.diff(large, axis=0)).max() <= 8
    assert np.abs(np.diff(large, axis=1)).max() <= 8


@pytest.mark.parametrize("text", EVERY)
def test_a_large_face_takes_a_fraction_of_a_second(text: str) -> None:
    original = np.zeros((1500, 1500, 3), np.uint8)
    apply_style(original, parse_style(text))
    start = time.process_time()
    apply_style(original, parse_style(text))
    assert time.process_time() - start < 0.6


def test_pixelate_counts_cells_and_spreads_them_evenly() -> None:
    result = apply_style(noise((100, 60)), Style("pixelate", 10.0))
    changes = np.flatnonzero(np.any(np.diff(result.astype(int), axis=0) != 0, axis=(1, 2))) + 1
    assert np.diff([0, *changes, 100]).tolist() == [10] * 10
    narrow = apply_style(noise((98, 98)), Style("pixelate", 8.0))
    changes = np.flatnonzero(np.any(np.diff(narrow.astype(int), axis=0) != 0, axis=(1, 2))) + 1
    assert set(np.diff([0, *changes, 98]).tolist()) <= {12, 13}


def test_solid_shows_the_colour_asked_for() -> None:
    assert np.all(apply_style(noise((8, 8)), parse_style("solid:#20407f")) == (0x20, 0x40, 0x7F))
    assert np.array_equal(apply_style(noise((8, 8)), Style("solid")), apply_style(noise((8, 8), 1), Style("solid")))
    assert np.all(apply_style(noise((8, 8)), Style("solid", 100.0)) == 255)


@pytest.mark.parametrize("sticker", STICKERS)
@pytest.mark.parametrize("side", [16, 60, 700])
def test_stickers_cover_the_middle_whatever_is_behind(sticker: str, side: int) -> None:
    style = parse_style(f"mask:{sticker}")
    covers = [apply_style(np.full((side, side, 3), level, np.uint8), style) for level in (0, 255)]
    same = np.all(covers[0] == covers[1], axis=2)
    assert same.mean() > (0.68 if side >= 60 else 0.6)  # a soft edge takes a larger share of small stickers
    middle = same[side // 4 : side * 3 // 4, side // 4 : side * 3 // 4]
    assert middle.all()
    if side >= 60:
        blended = np.count_nonzero(np.abs(covers[1].astype(int) - covers[0]).max(axis=2) % 255)
        assert blended >= side  # a smooth edge has in-between pixels all along


def test_a_sticker_of_the_users_own_fills_the_box(tmp_path: Path) -> None:
    sticker = np.zeros((50, 40, 4), np.uint8)
    sticker[10:30, 5:25] = (10, 200, 30, 255)
    path = tmp_path / "own.png"
    Image.fromarray(sticker).save(path)
    result = apply_style(noise((64, 48)), parse_style(f"mask:{path}"))
    assert np.all(result == (10, 200, 30))
    assert parse_style(f"mask:{path}:80") == Style("mask", 80.0, str(path))


def test_behind_a_half_transparent_sticker_the_face_is_blurred(tmp_path: Path, face: UInt8Image) -> None:
    path = tmp_path / "veil.png"
    Image.fromarray(np.full((8, 8, 4), (255, 255, 255, 40), np.uint8)).save(path)
    left = detail(apply_style(face, parse_style(f"mask:{path}")))
    wanted = detail(face)
    assert abs(float((wanted * left).sum() / (wanted**2).sum())) < 0.05


@pytest.mark.parametrize("name", ["blur", "solid"])
def test_a_wrong_array_is_refused(name: str) -> None:
    for array in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((1, 8, 3), np.uint8)):
        with pytest.raises(UsageError):
            get_style(name).apply(FaceRegion(array), get_style(name).default_strength)  # type: ignore[arg-type]


def test_another_style_is_one_new_file(tmp_path: Path) -> None:
    (tmp_path / "checker.py").write_text(
        "from proface_s.covers.base import CoverStyle, Unit\n"
        "from proface_s.covers.registry import register_style\n"
        "@register_style\n"
        "class Checker(CoverStyle):\n"
        "    name, summary, unit = 'checker', 'for this test', Unit('none')\n"
        "    default_strength, strength_range = 1.0, (1.0, 1.0)\n"
        "    def fill(self, region, strength, option):\n"
        "        return region.pixels * 0\n"
    )
    code = (
        "import sys, numpy as np, proface_s.covers as room\n"
        "assert 'cv2' not in sys.modules\n"
        f"room.__path__.append({str(tmp_path)!r})\n"
        "assert 'checker' in room.style_names()\n"
        "assert not room.apply_style(np.ones((4, 4, 3), np.uint8), room.parse_style('checker')).any()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    assert "checker" not in style_names()
    assert sorted(room.__all__) == sorted(set(room.__all__))

"""JPEG files as coefficients: reading and writing are inverses, for every kind that can be edited."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import proface_s
from jpeg_kit import (
    drawing,
    jpeg_file,
    kinds,
    opencv_pixels,
    pillow_frame,
    pillow_pixels,
    with_orientation,
)
from proface_s.errors import ImageError
from proface_s.image.jpeg.geometry import mcus_of, pixels_of, to_stored, to_upright, turned_to_stored, upright_pixels
from proface_s.image.jpeg.picture import JpegPicture
from proface_s.image.read import read_picture
from proface_s.types import Box

pytest.importorskip("wasmtime")

from proface_s.image.jpeg.read_coefficients import UneditableJpegError, read_jpeg
from proface_s.image.jpeg.transform import area_blocks, encode_area, with_area_blocks
from proface_s.image.jpeg.write_coefficients import write_jpeg

KINDS = dict(kinds())
ROOT = Path(proface_s.__file__).parents[2]


def same(one: JpegPicture, other: JpegPicture) -> bool:
    """Whether two pictures are equal in everything that a file holds of them."""
    names = ("width", "height", "process", "scans", "orientation", "icc_profile", "density", "adobe_transform")
    plain = all(getattr(one, name) == getattr(other, name) for name in names)
    return plain and all(
        (a.identifier, a.h, a.v, a.table_number) == (b.identifier, b.h, b.v, b.table_number)
        and np.array_equal(a.table, b.table)
        and np.array_equal(a.coefficients, b.coefficients)
        for a, b in zip(one.components, other.components, strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_writing_is_the_inverse_of_reading(kind: str) -> None:
    data = jpeg_file(**KINDS[kind])  # type: ignore[arg-type]
    picture = read_jpeg(data)
    written = write_jpeg(picture)
    assert same(read_jpeg(written), picture)
    assert len(written) <= len(data) + 64  # the best Huffman tables, and no other segments
    for decoder in (pillow_pixels, opencv_pixels):
        assert np.array_equal(decoder(written), decoder(data))
    assert pillow_frame(written) == pillow_frame(data)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 1.0])
@pytest.mark.parametrize("restart", [0, 3])
def test_any_coefficients_survive_writing(share: float, restart: int) -> None:
    """Long runs of zeros, full blocks, large and small values: in every process, and for a decoder of others."""
    random = np.random.default_rng(round(100 * share) + restart)
    shown = []
    for progressive in (False, True):
        picture = read_jpeg(jpeg_file(sampling="4:2:0", progressive=progressive, restart=restart))
        drawn = np.random.default_rng(7)
        planes = {}
        for number, each in enumerate(picture.components):
            sizes = drawn.geometric(0.3, each.coefficients.shape).clip(1, 10)
            values = np.where(drawn.random(each.coefficients.shape) < share, (1 << sizes) - 1, 0).astype(np.int16)
            across, down = picture.own_blocks(each)
            values[down:] = values[:, across:] = 0
            planes[number] = values * drawn.choice([-1, 1], values.shape).astype(np.int16)
        changed = picture.with_coefficients(planes)
        written = write_jpeg(changed)
        assert same(read_jpeg(written), changed)
        cut = written[: random.integers(len(written) // 2, len(written) - 8)]
        with pytest.raises(ImageError):
            read_jpeg(cut)
        shown.append(pillow_pixels(written))
    assert np.array_equal(*shown)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_stays_a_tag(orientation: int) -> None:
    data = jpeg_file(orientation=orientation)
    picture = read_jpeg(data)
    written = write_jpeg(picture)
    assert picture.orientation == orientation
    assert picture.upright_size == read_picture(data).size
    assert np.array_equal(read_picture(written).rgb, read_picture(data).rgb)
    assert written.count(b"Exif\0\0") == (orientation != 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:0", "4:1:1", "grey"])
def test_an_area_of_mcus_is_replaced_and_nothing_else(sampling: str, orientation: int) -> None:
    data = jpeg_file(sampling=sampling, orientation=orientation, quality=98)
    picture, shown = read_jpeg(data), read_picture(data)
    columns, rows = picture.mcus
    area = Box(1, 1, columns - 1, rows - 1)  # up to the partial MCUs at the edges
    box = upright_pixels(area, picture.mcu, shown.size, orientation)
    other = drawing(*shown.size, seed=8)[box.y : box.bottom, box.x : box.right]
    if sampling == "grey":
        other = np.repeat(other[..., :1], 3, axis=2)
    changed = with_area_blocks(picture, {area: encode_area(picture, area, other)})
    inside = read_picture(write_jpeg(changed)).rgb[box.y : box.bottom, box.x : box.right]
    assert np.abs(inside.astype(int) - other).mean() < {"4:4:4": 3, "grey": 2}.get(sampling, 12)
    assert same(with_area_blocks(changed, {area: area_blocks(picture, area)}), picture)
    for one, two in zip(changed.components, picture.components, strict=True):
        different = (one.coefficients != two.coefficients).any((2, 3))
        different[area.y * one.v : area.bottom * one.v, area.x * one.h : area.right * one.h] = False
        assert not different.any()


@pytest.mark.parametrize("progressive", [False, True])
def test_what_is_encoded_at_the_edges_survives_writing(progressive: bool) -> None:
    picture = read_jpeg(jpeg_file(75, 53, progressive=progressive))
    columns, rows = picture.mcus
    area = Box(0, 0, columns, rows)
    changed = with_area_blocks(picture, {area: encode_area(picture, area, drawing(75, 53, seed=5))})
    assert same(read_jpeg(write_jpeg(changed)), changed)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_mapped_to_the_stored_picture_and_back(orientation: int) -> None:
    upright = (40, 23)
    pixels = np.arange(40 * 23 * 3, dtype=np.uint32).astype(np.uint8).reshape(23, 40, 3)
    stored = turned_to_stored(pixels, orientation)
    for box in (Box(0, 0, 40, 23), Box(3, 5, 10, 7), Box(39, 22, 1, 1)):
        inside = to_stored(box, upright, orientation)
        assert to_upright(inside, upright, orientation) == box
        cut = pixels[box.y : box.bottom, box.x : box.right]
        there = stored[inside.y : inside.bottom, inside.x : inside.right]
        assert np.array_equal(turned_to_stored(cut, orientation), there)


def test_areas_hold_the_boxes_they_were_made_of() -> None:
    for box in (Box(0, 0, 1, 1), Box(15, 16, 2, 1), Box(31, 7, 33, 41)):
        area = mcus_of(box, (16, 8))
        pixels = pixels_of(area, (16, 8), (1000, 1000))
        assert pixels.x <= box.x < pixels.x + 16
        assert pixels.bottom - 8 < box.bottom <= pixels.bottom
        assert mcus_of(pixels, (16, 8)) == area
    assert pixels_of(Box(1, 1, 1, 1), (16, 8), (20, 11)) == Box(16, 8, 4, 3)


def test_everything_but_the_picture_is_left_out() -> None:
    secret = b"the name of somebody"
    data = jpeg_file(orientation=6)
    comment = b"\xff\xfe" + (len(secret) + 2).to_bytes(2, "big") + secret
    thumbnail = b"\xff\xe1" + (len(secret) + 8).to_bytes(2, "big") + b"Exif\0\0" + secret
    data = data[:-2] + b"\xff\xd9" + secret
    data = (
        data[:20] + comment + thumbnail + data[20:]
        if data[2:4] == b"\xff\xe0"
        else data[:2] + comment + thumbnail + data[2:]
    )
    assert data.count(secret) == 3
    written = write_jpeg(read_jpeg(data))
    assert secret not in written
    assert written.endswith(b"\xff\xd9")
    assert np.array_equal(pillow_pixels(written), pillow_pixels(data))


def test_a_missing_end_marker_is_accepted_and_a_missing_block_is_not() -> None:
    data = jpeg_file()
    assert same(read_jpeg(data[:-2]), read_jpeg(data))
    for length in (len(data) - 40, len(data) // 2):
        with pytest.raises(ImageError, match=r"end early|truncated|damaged"):
            read_jpeg(data[:length])


@pytest.mark.parametrize("kind", ["4:2:0-baseline-3", "4:2:0-progressive-0", "4:4:4-progressive-3", "grey-baseline-0"])
def test_damage_is_an_error_or_another_picture(kind: str) -> None:
    data = jpeg_file(40, 40, **KINDS[kind])  # type: ignore[arg-type]
    random = np.random.default_rng(1)
    for _ in range(400):
        bad = bytearray(data)
        for _ in range(random.integers(1, 4)):
            bad[random.integers(2, len(bad))] = random.integers(256)
        try:
            picture = read_jpeg(bytes(bad))
            written = write_jpeg(picture)  # refuses differences that no code can hold
        except ImageError:
            continue
        assert same(read_jpeg(written), picture)


def test_cmyk_has_a_reason() -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("CMYK", (16, 16)).save(buffer, "JPEG")
    with pytest.raises(UneditableJpegError, match="CMYK") as caught:
        read_jpeg(buffer.getvalue(), "photo.jpg")
    assert caught.value.code == "uneditable-jpeg"
    assert caught.value.reason == "its colours are CMYK or YCCK"


@pytest.mark.parametrize(("marker", "what"), [(0xC3, "lossless"), (0xC9, "arithmetic"), (0xC5, "hierarchical")])
def test_processes_that_no_program_shows_are_refused(marker: int, what: str) -> None:
    data = jpeg_file()
    with pytest.raises(ImageError, match=what):
        read_jpeg(data.replace(b"\xff\xc0", bytes([0xFF, marker])))


def test_colours_without_a_colour_transform() -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(drawing(33, 20)).save(buffer, "JPEG", quality=95, keep_rgb=True, subsampling=0)
    picture = read_jpeg(buffer.getvalue())
    assert picture.colours == "rgb"
    area = Box(0, 0, *picture.mcus)
    other = drawing(33, 20, seed=9)
    changed = write_jpeg(with_area_blocks(picture, {area: encode_area(picture, area, other)}))
    assert np.abs(read_picture(changed).rgb.astype(int) - other).mean() < 4


def test_profiles_of_many_segments() -> None:
    profile = bytes(range(256)) * 700
    picture = replace(read_jpeg(jpeg_file()), icc_profile=profile)
    written = write_jpeg(picture)
    assert read_jpeg(written).icc_profile == profile
    assert pillow_frame(written)[-1] == profile


def test_the_frame_digest_tells_frames_apart() -> None:
    base = jpeg_file()
    others = [jpeg_file(quality=91), jpeg_file(sampling="4:4:4"), jpeg_file(76, 53), with_orientation(base, 3)]
    digests = {read_jpeg(data).frame_digest for data in (base, *others)}
    assert len(digests) == 5
    assert read_jpeg(jpeg_file(progressive=True)).frame_digest == read_jpeg(base).frame_digest


def test_the_module_was_made_from_its_source() -> None:
    source = ROOT / "tools" / "jpeg_scans" / "scans.c"
    if not source.exists():
        pytest.skip("the package is installed without its sources")
    noted = (Path(proface_s.__file__).parent / "image" / "jpeg" / "scans.source.txt").read_text(encoding="ascii")
    assert hashlib.sha256(source.read_bytes()).hexdigest() == noted.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space")
def test_a_lack_of_memory_is_an_error_of_the_picture() -> None:
    code = (
        "import resource\n"
        "from proface_s.errors import ImageError\n"
        "from proface_s.image.jpeg.scans import ScanCoder, _module\n"
        "_module()\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used, used))\n"
        "try:\n"
        "    ScanCoder([(1, 1, 8, 8)], (8, 8), False)\n"
        "except ImageError as error:\n"
        "    print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["jpeg-memory"], done.stderr


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="address space cannot be limited")
def test_little_address_space_is_enough() -> None:
    """The workers of the page limit it; the coder must not reserve gigabytes that it does not use."""
    code = (
        "import sys; from proface_s.web.workers.limits import allow_memory\n"
        "from proface_s.image.jpeg.read_coefficients import read_jpeg; data = sys.stdin.buffer.read()\n"
        "allow_memory(400 << 20); print(read_jpeg(data).width)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=jpeg_file(600, 400), capture_output=True, timeout=300)
    assert done.stdout.split() == [b"600"], done.stderr

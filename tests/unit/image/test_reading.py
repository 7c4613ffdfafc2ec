"""Reading every kind of picture people have, and refusing what would be read wrongly."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from proface_s.cli.hints import command_line_hint
from proface_s.errors import ImageError
from proface_s.image.metadata import NOTE_FIELD
from proface_s.image.read import read_picture

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (24, 40, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (24, 40), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(bits: int, colour: int, width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True, "exact": True}),
    ],
)
def test_lossless_formats_are_read_bit_for_bit(tmp_path: Path, kind: str, options: dict) -> None:
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(encode(Image.fromarray(RGB), kind, **options))
    picture = read_picture(path)
    assert np.array_equal(picture.rgb, RGB)
    assert picture.rgb.flags["C_CONTIGUOUS"]
    assert picture.rgb.flags["WRITEABLE"]
    assert picture.alpha is None
    assert picture.metadata == {}
    assert picture.size == (40, 24)
    assert picture.source == str(path)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pictures_of_several_strips(mode: str) -> None:
    samples = np.random.default_rng(4).integers(0, 256, (1100, 301, len(mode)), np.uint8)
    picture = read_picture(encode(Image.fromarray(samples.squeeze()), "PNG"))
    assert np.array_equal(picture.rgb, np.broadcast_to(samples[..., :3], (1100, 301, 3)))
    assert picture.alpha is None if mode != "RGBA" else np.array_equal(picture.alpha, samples[..., 3])


def test_jpeg() -> None:
    smooth = np.zeros((24, 40, 3), np.uint8)
    smooth[:] = np.linspace(0, 200, 40, dtype=np.uint8)[:, None]
    picture = read_picture(encode(Image.fromarray(smooth), "JPEG", quality=95))
    assert np.abs(picture.rgb.astype(int) - smooth).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_dropped(orientation: int, kind: str) -> None:
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](RGB)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    image = Image.fromarray(np.ascontiguousarray(stored))
    picture = read_picture(encode(image, kind, exif=exif, **options))
    assert np.array_equal(picture.rgb, RGB)
    assert picture.metadata == {}


def test_orientation_of_a_jpeg() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_picture(encode(Image.fromarray(RGB), "JPEG", exif=exif)).size == (24, 40)


@pytest.mark.parametrize(
    "garbage", [b"garbage", b"II*\0", b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\xff\xff" + bytes(9)]
)
def test_broken_exif_does_not_hide_a_good_photo(garbage: bytes) -> None:
    plain = encode(Image.fromarray(RGB), "JPEG")
    exif = b"Exif\0\0" + garbage
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    assert np.array_equal(read_picture(data).rgb, read_picture(plain).rgb)


def test_grey_modes_become_rgb() -> None:
    for mode, kind in (("L", "PNG"), ("L", "JPEG"), ("1", "PNG"), ("1", "TIFF"), ("L", "TIFF")):
        image = Image.fromarray(ALPHA).convert(mode)
        picture = read_picture(encode(image, kind))
        assert picture.rgb.shape == (24, 40, 3)
        assert np.array_equal(picture.rgb[..., 0], picture.rgb[..., 2])
        if kind != "JPEG":
            assert np.array_equal(picture.rgb[..., 0], np.asarray(image.convert("L")))


def test_alpha_is_kept() -> None:
    rgba = Image.fromarray(np.dstack([RGB, ALPHA]))
    for data in (encode(rgba, "PNG"), encode(rgba, "TIFF"), encode(rgba, "WEBP", lossless=True, exact=True)):
        picture = read_picture(data)
        assert picture.alpha is not None
        assert np.array_equal(picture.rgb, RGB)
        assert np.array_equal(picture.alpha, ALPHA)
    grey = read_picture(encode(Image.fromarray(np.dstack([RGB[..., 0], ALPHA])), "PNG"))
    assert grey.alpha is not None
    assert np.array_equal(grey.alpha, ALPHA)
    assert np.array_equal(grey.rgb[..., 1], RGB[..., 0])


def test_palettes_with_and_without_transparency() -> None:
    indices = (np.arange(24 * 40).reshape(24, 40) % 3).astype(np.uint8)
    image = Image.fromarray(indices).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    colours = [255, 0, 0, 0, 255, 0, 0, 0, 255]
    image.putpalette(colours)
    expected = np.array(colours, np.uint8).reshape(3, 3)[indices]
    plain = read_picture(encode(image, "PNG"))
    assert np.array_equal(plain.rgb, expected)
    assert plain.alpha is None
    clear = read_picture(encode(image, "PNG", transparency=1))
    assert clear.alpha is not None
    assert np.array_equal(clear.alpha, np.where(indices == 1, 0, 255))
    assert np.array_equal(clear.rgb, expected)


def test_transparent_colour_of_an_rgb_png() -> None:
    pixels = RGB.copy()
    pixels[0, 0] = (1, 2, 3)
    picture = read_picture(encode(Image.fromarray(pixels), "PNG", transparency=(1, 2, 3)))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 0
    assert np.array_equal(picture.rgb, pixels)


def test_cmyk_is_converted_and_said_so() -> None:
    cmyk = Image.fromarray(RGB).convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        picture = read_picture(encode(cmyk, kind))
        assert picture.rgb.shape == (24, 40, 3)
        assert "CMYK" in picture.metadata[NOTE_FIELD]
    broken = read_picture(encode(cmyk, "TIFF", icc_profile=bytes(16) + b"CMYK" + bytes(200)))
    assert "without a colour profile" in broken.metadata[NOTE_FIELD]
    assert broken.icc_profile is None


def test_colour_profiles() -> None:
    for kind in ("PNG", "JPEG", "TIFF", "WEBP"):
        assert read_picture(encode(Image.fromarray(RGB), kind, icc_profile=SRGB)).icc_profile == SRGB
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    picture = read_picture(encode(Image.fromarray(ALPHA), "JPEG", icc_profile=grey))
    assert picture.icc_profile is None
    assert "dropped" in picture.metadata[NOTE_FIELD]


@pytest.mark.parametrize(("colour", "samples"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bit_pngs_are_refused(colour: int, samples: int) -> None:
    rows = b"".join(b"\0" + bytes(4 * samples * 2) for _ in range(4))
    with pytest.raises(ImageError, match="16 bits per sample") as caught:
        read_picture(raw_png(16, colour, 4, 4, rows), name="scan.png")
    assert caught.value.message.startswith("scan.png")
    assert command_line_hint(caught.value)


def test_deep_tiffs_are_refused() -> None:
    deep = Image.fromarray(np.zeros((4, 4), np.uint16))
    floating = Image.fromarray(np.zeros((4, 4), np.float32))
    for data, bits in ((encode(deep, "TIFF"), 16), (encode(floating, "TIFF"), 32), (tiff48(), 16)):
        with pytest.raises(ImageError, match=f"{bits} bits per sample"):
            read_picture(data)


def tiff48() -> bytes:
    """A 2x2 TIFF of three 16-bit samples, which Pillow would cut to 8 bits without a word."""
    entries = [
        (256, 3, 1, 2),
        (257, 3, 1, 2),
        (258, 3, 3, 200),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 220),
        (277, 3, 1, 3),
        (278, 3, 1, 2),
        (279, 4, 1, 24),
        (284, 3, 1, 1),
    ]
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    data = (b"II*\0" + struct.pack("<I", 8) + ifd).ljust(200, b"\0") + struct.pack("<HHH", 16, 16, 16)
    return data.ljust(220, b"\0") + bytes(24)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_several_frames_are_refused(kind: str, options: dict) -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, 99, 200)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    with pytest.raises(ImageError, match="3 frames"):
        read_picture(data)


def test_phone_pictures_with_a_second_image_give_the_first() -> None:
    first, second = (Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (50, 200))
    data = encode(first, "MPO", save_all=True, append_images=[second])
    assert abs(int(read_picture(data).rgb.mean()) - 50) <= 1


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("TIFF", {})],
)
def test_truncated_files_never_give_a_picture(tmp_path: Path, kind: str, options: dict) -> None:
    data = encode(Image.fromarray(RGB), kind, **options)
    for part in (0.1, 0.3, 0.5, 0.7, 0.9):
        path = tmp_path / "cut.img"
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(ImageError, match=r"cut\.img"):
            read_picture(path)


def test_pixel_bombs_are_refused_before_decoding() -> None:
    bomb = raw_png(8, 2, 60_000, 60_000, bytes(1000))
    with pytest.raises(ImageError, match="60000x60000 pixels; the limit is 200000000"):
        read_picture(bomb)
    with pytest.raises(ImageError, match="the limit is 100 pixels"):
        read_picture(encode(Image.fromarray(RGB), "PNG"), max_pixels=100)


def test_large_pictures_below_the_limit_do_not_warn() -> None:
    """100 megapixels are more than Pillow's own warning limit; one bit per pixel keeps the test small."""
    rows = bytes(1 + 12_500 // 8 + 1) * 8_000
    picture = read_picture(raw_png(1, 0, 12_500, 8_000, rows))
    assert picture.size == (12_500, 8_000)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not a picture"),
        (b"GIF89a" + bytes(20), "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "truncated or damaged"),
        (b"\0\0\0\x18ftypavif" + bytes(20), "AVIF"),
    ],
)
def test_other_files(data: bytes, problem: str) -> None:
    with pytest.raises(ImageError, match=problem) as caught:
        read_picture(data)
    assert command_line_hint(caught.value)


def test_missing_files_and_directories(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_picture(tmp_path / "missing.jpg")
    with pytest.raises(ImageError, match="is a directory"):
        read_picture(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_mutated_files_raise_nothing_but_image_errors(kind: str) -> None:
    data = encode(Image.fromarray(RGB), kind)
    rng = np.random.default_rng(11)
    for _ in range(60):
        mutated = bytearray(data)
        for at in rng.integers(0, min(len(data), 400), 4):
            mutated[at] = rng.integers(0, 256)
        try:
            picture = read_picture(bytes(mutated), max_pixels=10_000_000)
        except ImageError:
            continue
        assert picture.rgb.ndim == 3


def heic(pixels: np.ndarray, **options: object) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    mode = "RGB;16" if pixels.dtype == np.uint16 else "RGB"
    size = pixels.shape[1], pixels.shape[0]
    pillow_heif.from_bytes(mode, size, pixels.tobytes()).save(buffer, quality=90, **options)
    return buffer.getvalue()


def test_heic() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = "somebody"
    smooth = np.zeros((64, 96, 3), np.uint8)
    smooth[:] = np.linspace(0, 200, 96, dtype=np.uint8)[:, None]
    picture = read_picture(heic(smooth, exif=exif.tobytes()))
    assert picture.size == (64, 96), "it comes upright"
    assert np.abs(picture.rgb.astype(int) - np.rot90(smooth, -1)).max() < 12
    assert picture.metadata == {"Artist": "somebody"}


def test_heic_of_ten_bits_is_refused() -> None:
    with pytest.raises(ImageError, match="10 bits"):
        read_picture(heic(np.zeros((64, 64, 3), np.uint16)))


def test_heic_without_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(np.zeros((64, 64, 3), np.uint8))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match="not installed") as caught:
        read_picture(data)
    assert "proface-s[heic]" in (command_line_hint(caught.value) or "")


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_sixteen_bit_grey_is_refused(kind: str) -> None:
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999)
    with pytest.raises(ImageError, match="16 bits"):
        read_picture(encode(deep, kind))

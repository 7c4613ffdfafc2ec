"""Case D8: pixels mean the same colours before and after, whatever it was that said so."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from proface_s.api.files.io import load
from proface_s.image.colour import icc
from proface_s.image.metadata import NOTE_FIELD
from proface_s.image.read import read_picture
from proface_s.image.write import encode_picture
from proface_s.types import Picture

COLOURS = np.random.default_rng(8).integers(0, 256, (16, 16, 3), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3 = icc.matrix_profile(icc.CODED_PRIMARIES[12], icc.srgb_curve(), "Display P3") or b""


def encode(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def png(*chunks: tuple[bytes, bytes], pixels: np.ndarray = COLOURS) -> bytes:
    whole = encode(pixels)
    extra = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return whole[:33] + extra + whole[33:]


def shown(picture: Picture) -> np.ndarray:
    """What a colour-managed viewer with an sRGB screen shows."""
    if picture.icc_profile is None:
        return picture.rgb
    profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc_profile))
    image = Image.fromarray(picture.rgb)
    srgb, relative = ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
    return np.asarray(ImageCms.profileToProfile(image, profile, srgb, renderingIntent=relative))


def to_srgb(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255)


def gama(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", value)


def chrm(*points: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100000) for value in points))


OF_SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
OF_ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_TO_SRGB = np.array([[1.3984, -0.3984, 0.0], [0.0, 1.0, 0.0], [0.0, -0.0429, 1.0429]])


@pytest.mark.parametrize("gamma", [100000, 55556, 30000])
def test_gamma_of_a_png(gamma: int) -> None:
    picture = read_picture(png(gama(gamma)))
    np.testing.assert_array_equal(picture.rgb, COLOURS)
    expected = to_srgb((COLOURS / 255) ** (100000 / gamma))
    assert np.abs(shown(picture) - expected).max() <= 2


@pytest.mark.parametrize(
    "chunks",
    [
        (), (gama(45455),), (gama(45455), chrm(*OF_SRGB)), ((b"sRGB", b"\0"),), ((b"sRGB", b"\0"), gama(100000)),
        ((b"cICP", b"\x01\x0d\0\1"),), ((b"cICP", b"\x01\x0d\0\1"), gama(100000)), (gama(0),), ((b"gAMA", b"\0"),),
    ],
)  # fmt: skip
def test_srgb_needs_no_profile(chunks: tuple[tuple[bytes, bytes], ...]) -> None:
    picture = read_picture(png(*chunks))
    assert picture.icc_profile is None
    assert NOTE_FIELD not in picture.metadata


def test_primaries_of_a_png() -> None:
    picture = read_picture(png(gama(45455), chrm(*OF_ADOBE)))
    linear = np.where(COLOURS / 255 <= 0.04045, COLOURS / 255 / 12.92, ((COLOURS / 255 + 0.055) / 1.055) ** 2.4)
    assert np.abs(shown(picture) - to_srgb(linear @ ADOBE_TO_SRGB.T)).max() <= 3


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *((kind, how) for kind in ("JPEG", "WEBP", "PNG") for how in ("interoperability", "colour space")),
        ("TIFF", "colour space"),
    ],
)  # fmt: skip
def test_adobe_rgb_by_exif_alone(kind: str, how: str) -> None:
    exif = Image.Exif()
    details = exif.get_ifd(0x8769)
    details[0xA001] = 65535 if how == "interoperability" else 2
    if how == "interoperability":
        details[0xA005] = {1: "R03"}
    flat = np.full((16, 16, 3), (60, 160, 90), np.uint8)
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    picture = read_picture(encode(flat, kind, exif=exif.tobytes(), **options))
    assert picture.icc_profile is not None
    assert b"Adobe RGB" in picture.icc_profile
    expected = to_srgb(((picture.rgb / 255) ** 2.19921875) @ ADOBE_TO_SRGB.T)
    assert np.abs(shown(picture) - expected).max() <= 2
    with_profile = read_picture(encode(flat, kind, exif=exif.tobytes(), icc_profile=SRGB, **options))
    assert with_profile.icc_profile == SRGB, "a profile says more than EXIF"


def test_srgb_by_exif_is_srgb() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 1
    assert read_picture(encode(COLOURS, "JPEG", exif=exif.tobytes())).icc_profile is None


def test_codes_of_a_png() -> None:
    picture = read_picture(png((b"cICP", b"\x0c\x0d\0\1")))
    expected = shown(Picture(COLOURS, icc_profile=P3))
    assert np.abs(shown(picture).astype(int) - expected).max() <= 1
    hdr = read_picture(png((b"cICP", b"\x09\x10\0\1")))
    assert "PQ" in hdr.metadata[NOTE_FIELD]
    packed = b"x\0\0" + zlib.compress(P3)
    assert read_picture(png((b"cICP", b"\x09\x10\0\1"), (b"iCCP", packed))).icc_profile == P3
    assert read_picture(png((b"iCCP", packed), gama(100000))).icc_profile == P3


def test_a_damaged_profile_is_dropped_with_a_word() -> None:
    for file in (
        png((b"iCCP", b"x\0\0garbage")), encode(COLOURS, "JPEG", icc_profile=bytes(16) + b"RGB " + bytes(300)),
        encode(COLOURS, "TIFF", icc_profile=P3[:-40]),
    ):  # fmt: skip
        picture = read_picture(file)
        assert picture.icc_profile is None
        assert "colour profile dropped" in picture.metadata[NOTE_FIELD]


@pytest.mark.parametrize("curve", [1.0, 1.8, 2.4, "table"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_profiles_of_grey_pictures(curve: float | str, kind: str) -> None:
    """Grey of gamma 1.8 must not become grey of sRGB."""
    points = icc.srgb_curve() if curve == "table" else float(curve)
    made = icc.matrix_profile(icc.SRGB, points, "grey") or b""
    tags = icc._tags(made) or {}
    grey = icc._assemble(
        made[:16] + b"GRAY" + made[20:128], {b"desc": tags[b"desc"], b"wtpt": tags[b"wtpt"], b"kTRC": tags[b"rTRC"]}
    )
    ramp = np.repeat(np.arange(0, 256, 16, dtype=np.uint8)[None], 16, 0)
    options: dict[str, Any] = {"quality": 100} if kind == "JPEG" else {}
    picture = read_picture(encode(ramp, kind, icc_profile=grey, **options))
    linear = (
        np.interp(picture.rgb / 255, np.linspace(0, 1, len(points)), points)
        if isinstance(points, list)
        else (picture.rgb / 255) ** points
    )
    assert np.abs(shown(picture) - to_srgb(linear)).max() <= 2
    assert NOTE_FIELD not in picture.metadata


def test_tags_of_a_tiff_are_warned_about() -> None:
    tags = {318: (0.3127, 0.3290), 319: (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)}
    assert "look different" in read_picture(encode(COLOURS, "TIFF", tiffinfo=tags)).metadata[NOTE_FIELD]
    with_profile = read_picture(encode(COLOURS, "TIFF", tiffinfo=tags, icc_profile=P3))
    assert NOTE_FIELD not in with_profile.metadata
    of_srgb = {318: OF_SRGB[:2], 319: OF_SRGB[2:]}
    assert NOTE_FIELD not in read_picture(encode(COLOURS, "TIFF", tiffinfo=of_srgb)).metadata


@pytest.mark.parametrize("file_format", ["png", "webp", "tiff"])
def test_every_output_holds_the_colours(file_format: Any) -> None:
    picture = read_picture(png(gama(100000)))
    again = read_picture(encode_picture(picture, file_format))
    np.testing.assert_array_equal(shown(again), shown(picture))


def test_a_heic_picture_in_p3_without_a_profile() -> None:
    heif = pytest.importorskip("pillow_heif")
    image = heif.from_pillow(Image.new("RGB", (64, 64), (200, 60, 30)))
    buffer = io.BytesIO()
    codes = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6, "full_range_flag": 1}
    image.save(buffer, quality=95, **codes)
    picture = read_picture(buffer.getvalue())
    if picture.icc_profile is None:
        pytest.skip("this libheif does not write the codes")
    assert np.abs(shown(picture).astype(int) - shown(Picture(picture.rgb, icc_profile=P3))).max() <= 1


def test_profiles_hold_nothing_but_colour() -> None:
    """Case S3: a thumbnail in a private tag, between tags, or behind them does not come along."""
    secret = b"a thumbnail of the face " * 20
    tags = (icc._tags(P3) or {}) | {b"thmb": b"data" + bytes(4) + secret}
    private = icc._assemble(P3[:128], tags)
    behind = P3 + secret
    long_text = icc._assemble(P3[:128], (icc._tags(P3) or {}) | {b"cprt": b"text" + bytes(4) + secret * 20})
    padded = bytearray(P3)
    padded[100:110] = secret[:10]
    for profile in (private, behind, long_text, bytes(padded)):
        assert secret[:10] in profile
        clean = icc.clean_profile(profile)
        assert clean is not None
        assert secret[:10] not in clean
        expected = shown(Picture(COLOURS, icc_profile=P3))
        np.testing.assert_array_equal(shown(Picture(COLOURS, icc_profile=clean)), expected)
    for whole in (P3, SRGB):
        assert icc.clean_profile(whole) == whole


def test_pil_images_keep_their_colours_and_stay_upright() -> None:
    """Cases D8 and D9 by way of PIL, which does not write everything that it reads."""
    with Image.open(io.BytesIO(png(gama(100000)))) as image:
        np.testing.assert_array_equal(shown(load(image)), shown(read_picture(png(gama(100000)))))
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    with Image.open(io.BytesIO(encode(COLOURS[:8], "JPEG", xmp=xmp))) as image:
        assert load(image).size == (16, 8)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(encode(COLOURS[:8], "JPEG", exif=exif, xmp=xmp))) as image:
        assert load(image).size == (8, 16)
    premultiplied = Image.fromarray(np.dstack([COLOURS, COLOURS[..., 0]])).convert("RGBa")
    assert load(premultiplied).alpha is not None

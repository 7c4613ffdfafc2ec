"""What happens to pictures on their way through apps: one set of channels for tests, evaluation and training.

A step maps an (H, W, 3) uint8 sRGB picture to another one, possibly of another size; `in_turn` joins steps.  The
encoders are those of Pillow (libjpeg-turbo, libwebp, libavif); `through_dead_zone` quantises as encoders do that aim at
small files, such as mozjpeg.  No step models one app: apps change, and each is a chain of these.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from proface_s.types import UInt8Image

Step = Callable[[UInt8Image], UInt8Image]
Sampling = Literal["4:4:4", "4:2:2", "4:2:0"]
Kernel = Literal["lanczos", "bicubic", "bilinear", "box"]

KERNELS: Final[Mapping[Kernel, Image.Resampling]] = MappingProxyType(
    {
        "lanczos": Image.Resampling.LANCZOS,
        "bicubic": Image.Resampling.BICUBIC,
        "bilinear": Image.Resampling.BILINEAR,
        "box": Image.Resampling.BOX,
    }
)
_LUMA: Final = np.array([0.299, 0.587, 0.114])


def in_turn(*steps: Step) -> Step:
    """Return the step that applies all of these, the first one first."""
    return lambda picture: reduce(lambda shown, step: step(shown), steps, picture)


def through_jpeg(quality: int, sampling: Sampling = "4:2:0", *, progressive: bool = False) -> Step:
    """Return a step that saves as JPEG, quality 1..100, and reads back."""
    return lambda picture: _decoded(encoded_jpeg(picture, quality, sampling, progressive=progressive))


def encoded_jpeg(
    picture: UInt8Image, quality: int, sampling: Sampling = "4:2:0", *, progressive: bool = False
) -> bytes:
    """Return the JPEG file of a picture; arguments as for `through_jpeg`."""
    return _encoded(picture, "JPEG", quality=quality, subsampling=sampling, progressive=progressive, optimize=True)


def through_webp(quality: int) -> Step:
    """Return a step that saves as lossy WebP, quality 0..100, and reads back."""
    return lambda picture: _decoded(_encoded(picture, "WEBP", quality=quality))


def through_avif(quality: int) -> Step:
    """Return a step that saves as AVIF, quality 0..100, and reads back."""
    return lambda picture: _decoded(_encoded(picture, "AVIF", quality=quality, speed=8))


def through_dead_zone(quality: int, offset: float = 0.33) -> Step:
    """Return a step that quantises luma as JPEG does, but rounds towards zero; chroma is that of JPEG 95.

    Args:
        quality: of libjpeg's luma table, 1..100.
        offset: added to magnitudes before they are cut to integers; 1/2 is ordinary rounding.
    """

    def through(picture: UInt8Image) -> UInt8Image:
        shown = through_jpeg(95)(picture).astype(np.float64)
        height, width = (side // 8 * 8 for side in picture.shape[:2])
        table = _luma_table(quality)
        luma = picture[:height, :width] @ _LUMA
        blocks = (luma - 128).reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3)
        levels = _DCT @ blocks @ _DCT.T / table
        kept = np.sign(levels) * np.floor(np.abs(levels) + offset) * table
        coded = (_DCT.T @ kept @ _DCT).transpose(0, 2, 1, 3).reshape(height, width) + 128
        part = shown[:height, :width]
        part += (coded - part @ _LUMA)[:, :, None]
        return np.rint(shown).clip(0, 255).astype(np.uint8)

    return through


def through_size_limit(limit: int, start: int = 90, least: int = 45) -> Step:
    """Return a step that saves as JPEG of the first quality, in steps of 5 downwards, whose file is small enough.

    Args:
        limit: bytes of the file; exceeded only if even the least quality needs more.
        start: quality to begin with.
        least: quality to end with.
    """

    def through(picture: UInt8Image) -> UInt8Image:
        files = (encoded_jpeg(picture, quality) for quality in range(start, least - 1, -5))
        last = b""
        for last in files:
            if len(last) <= limit:
                break
        return _decoded(last)

    return through


def through_resize(long_side: int, kernel: Kernel = "lanczos") -> Step:
    """Return a step that reduces a picture to a long side, as apps do; smaller pictures stay as they are."""

    def through(picture: UInt8Image) -> UInt8Image:
        factor = long_side / max(picture.shape[:2])
        return picture if factor >= 1 else through_scale(factor, kernel)(picture)

    return through


def through_scale(factor: float, kernel: Kernel = "lanczos") -> Step:
    """Return a step that scales both sides by a factor."""

    def through(picture: UInt8Image) -> UInt8Image:
        height, width = picture.shape[:2]
        size = max(1, round(width * factor)), max(1, round(height * factor))
        return np.asarray(Image.fromarray(picture).resize(size, KERNELS[kernel]), np.uint8)

    return through


def through_crop(left: int, top: int, right: int, bottom: int) -> Step:
    """Return a step that cuts so many columns and rows off each side."""
    return lambda picture: picture[top : picture.shape[0] - bottom, left : picture.shape[1] - right]


def through_screenshot(width: int = 1080, height: int = 1920, level: int = 17) -> Step:
    """Return a step that shows a picture on a screen, as large as it fits, between plain borders."""

    def through(picture: UInt8Image) -> UInt8Image:
        high, wide = picture.shape[:2]
        shown = through_scale(min(width / wide, height / high), "bilinear")(picture)[:height, :width]
        screen = np.full((height, width, 3), level, np.uint8)
        top, left = (height - shown.shape[0]) // 2, (width - shown.shape[1]) // 2
        screen[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
        return screen

    return through


CROP: Final = (103, 37, 20, 91)
"""Columns and rows that the cropping channel cuts off, left, top, right and bottom."""

GENTLE_CHANNELS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "metadata stripped": lambda picture: picture.copy(),
        "JPEG 95": through_jpeg(95),
        "JPEG 85, 4:4:4": through_jpeg(85, "4:4:4"),
    }
)
"""Channels that change little, or no pixel at all."""

FINE_CHANNELS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "JPEG 75": through_jpeg(75),
        "JPEG 71": through_jpeg(71),
        "dead zone 75": through_dead_zone(75),
        "JPEG 80, then 75": in_turn(through_jpeg(80), through_jpeg(75)),
        "1280, JPEG 87": in_turn(through_resize(1280), through_jpeg(87)),
    }
)
"""Channels that the fine layer of a share copy is made for."""

BASE_CHANNELS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "JPEG 75, screenshot, JPEG 80": in_turn(through_jpeg(75), through_screenshot(), through_jpeg(80)),
        "0.75 times, JPEG 75": in_turn(through_scale(0.75), through_jpeg(75)),
        "half size, JPEG 75": in_turn(through_scale(0.5, "bicubic"), through_jpeg(75)),
        "1080, JPEG 75": in_turn(through_resize(1080, "bilinear"), through_jpeg(75)),
        "JPEG 50": through_jpeg(50),
        "WebP 80": through_webp(80),
        "at most 300 kB": through_size_limit(300_000),
        "AVIF 60": through_avif(60),
        "cropped, JPEG 75": in_turn(through_crop(*CROP), through_jpeg(75)),
        "1280, WebP 80": in_turn(through_resize(1280), through_webp(80)),
        "0.4 times, JPEG 85": in_turn(through_scale(0.4), through_jpeg(85)),
    }
)
"""Channels that the base layer of a share copy is made for, the last two for its directory alone."""

CHANNELS: Final[Mapping[str, Step]] = MappingProxyType({**GENTLE_CHANNELS, **FINE_CHANNELS, **BASE_CHANNELS})
"""All of them, by name."""


def _dct_matrix() -> npt.NDArray[np.float64]:
    n = np.arange(8)
    rows = np.cos(np.pi * (2 * n + 1) * n[:, None] / 16) / 2
    rows[0] /= np.sqrt(2)
    return np.asarray(rows)


_DCT: Final = _dct_matrix()


def _luma_table(quality: int) -> npt.NDArray[np.float64]:
    with Image.open(io.BytesIO(encoded_jpeg(np.zeros((8, 8, 3), np.uint8), quality))) as image:
        return np.array(image.quantization[0], np.float64).reshape(8, 8)  # type: ignore[attr-defined]


def _encoded(picture: UInt8Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, kind, **options)
    return buffer.getvalue()


def _decoded(data: bytes) -> UInt8Image:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.uint8)

"""Convert any Pillow mode to 8-bit RGB, alpha, and a colour profile that fits the result."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageCms

from ...errors import ImageError
from .icc import clean_profile, grey_as_rgb

_GREY_MODES: Final = ("1", "L", "LA", "La")
_RGB_MODES: Final = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA")
_OTHER_MODES: Final = ("YCbCr", "HSV")


@dataclass(frozen=True, slots=True)
class Converted:
    """Result of `to_rgb`.

    Attributes:
        rgb: Pillow image of mode RGB.
        alpha: Pillow image of mode L, or None.
        icc_profile: profile of the RGB values, or None (sRGB).
        note: lists conversions and omissions; empty if there were none.
    """

    rgb: Image.Image
    alpha: Image.Image | None
    icc_profile: bytes | None
    note: str


def to_rgb(image: Image.Image, profile: bytes | None = None) -> Converted:
    """Convert a decoded image to RGB and alpha.  RGB values never change; other colour models are converted once.

    * Grey: the value is copied to R, G and B, and a grey colour profile becomes one of RGB, or is dropped.
    * Palette: colours are looked up.  Transparency, in any mode, becomes alpha.
    * CMYK: converted to sRGB through the embedded profile (relative colorimetric), or without one by Pillow's formula.
    * Profiles are cleared of everything but colour (`icc.clean_profile`).

    Args:
        image: decoded, of any mode.
        profile: the colour profile of its values, or None.

    Raises:
        ImageError: if the mode has no faithful 8-bit RGB form (Lab, 32-bit).
    """
    if image.mode == "CMYK":
        return _from_cmyk(image, profile)
    if image.mode not in _GREY_MODES + _RGB_MODES + _OTHER_MODES:
        raise ImageError(f"colour mode {image.mode} is not supported", code="colour-mode")
    rgb, alpha = _split_alpha(image)
    return Converted(rgb, alpha, *_fitting(profile))


def _fitting(profile: bytes | None) -> tuple[bytes | None, str]:
    """Return a profile for the RGB values with the meaning of the given one, and a note if that one was dropped."""
    if not profile:
        return None, ""
    if _colour_space(profile) == b"GRAY" and (turned := grey_as_rgb(profile)) is not None:
        return turned, ""
    if _colour_space(profile) != b"RGB ":
        return None, "colour profile dropped: it does not describe RGB"
    clean = clean_profile(profile)
    return clean, "" if clean else "colour profile dropped: it is damaged"


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.has_transparency_data:
        if image.mode in ("La", "RGBa"):
            image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
        rgba = image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    return image if image.mode == "RGB" else image.convert("RGB"), None


def _from_cmyk(image: Image.Image, profile: bytes | None) -> Converted:
    if profile and _colour_space(profile) == b"CMYK":
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return Converted(converted, None, None, "CMYK converted to sRGB through the embedded profile")
    return Converted(image.convert("RGB"), None, None, "CMYK converted to RGB without a colour profile")


def _colour_space(profile: bytes) -> bytes:
    """Return the data colour space of an ICC profile (ICC.1, header bytes 16 to 19)."""
    return profile[16:20]

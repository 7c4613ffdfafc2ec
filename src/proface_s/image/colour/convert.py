"""Any Pillow mode -> 8-bit RGB, alpha, and a colour profile that fits the result."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageCms

from ...errors import ImageError
from .icc import cleaned, grey_as_rgb

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
        note: what was converted or dropped, or "".
    """

    rgb: Image.Image
    alpha: Image.Image | None
    icc_profile: bytes | None
    note: str


def to_rgb(image: Image.Image, profile: bytes | None = None) -> Converted:
    """Convert a decoded image; RGB values are never changed, other colour models are converted once.

    * grey: the value is copied to R, G and B, and a grey colour profile turned into one of RGB, or dropped;
    * palette: looked up; transparency (of any mode) becomes alpha;
    * CMYK: to sRGB through the embedded profile (relative colorimetric), or by Pillow's plain formula
      without one;
    * profiles are cleared of everything that is not colour (`icc.cleaned`).

    Args:
        image: decoded, of any mode.
        profile: the colour profile of its values, or None.

    Raises:
        ImageError: a mode that has no faithful 8-bit RGB form (Lab, 32-bit).
    """
    if image.mode == "CMYK":
        return _from_cmyk(image, profile)
    if image.mode not in _GREY_MODES + _RGB_MODES + _OTHER_MODES:
        raise ImageError(f"colour mode {image.mode} is not supported", hint="convert it to 8-bit RGB first")
    rgb, alpha = _split_alpha(image)
    return Converted(rgb, alpha, *_fitting(profile))


def _fitting(profile: bytes | None) -> tuple[bytes | None, str]:
    """A profile for RGB values that means what the given one meant, and what became of that one."""
    if not profile:
        return None, ""
    if _colour_space(profile) == b"GRAY" and (turned := grey_as_rgb(profile)) is not None:
        return turned, ""
    if _colour_space(profile) != b"RGB ":
        return None, "colour profile dropped: it does not describe RGB"
    clean = cleaned(profile)
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
    """Data colour space of an ICC profile (ICC.1, header bytes 16 to 19)."""
    return profile[16:20]

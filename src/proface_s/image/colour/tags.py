"""Colour tags other than profiles, turned into profiles, which every output can hold."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..structure.png import unpack_profile
from .icc import ADOBE_GAMMA, ADOBE_RGB, CODED_PRIMARIES, SRGB, Primaries, coded_curve, matrix_profile, srgb_curve

_UNSPECIFIED: Final = 2
_HDR: Final = {16: "PQ", 18: "HLG"}
_GAMMA_OF_SRGB: Final = 45455
_FULL_XYZ: Final = struct.Struct(">8I")
_LOST: Final = "colours may look different"


@dataclass(frozen=True, slots=True)
class ColourTag:
    """A profile that replaces other tags.

    Attributes:
        profile: the ICC profile; None for sRGB, which needs no profile.
        note: says which information was dropped; empty if none was.
    """

    profile: bytes | None = None
    note: str = ""


def of_png(chunks: Mapping[str, bytes]) -> ColourTag:
    """Read the colours of a PNG file from cICP, else iCCP, else sRGB, else gAMA and cHRM, as PNG prescribes.

    Args:
        chunks: name -> payload.
    """
    coded = chunks.get("cICP", b"")
    if len(coded) == 4:
        tag = of_codes(coded[0], coded[1])
        if not tag.note or "iCCP" not in chunks:
            return tag
    if "iCCP" in chunks:
        profile = unpack_profile(chunks["iCCP"])
        return ColourTag(profile, "" if profile else "colour profile dropped: it is damaged")
    if "sRGB" in chunks:
        return ColourTag()
    return _of_gamma(chunks.get("gAMA", b""), chunks.get("cHRM", b""))


def _of_gamma(gamma_chunk: bytes, white_and_primaries: bytes) -> ColourTag:
    gamma = int.from_bytes(gamma_chunk, "big") if len(gamma_chunk) == 4 else 0
    primaries = SRGB
    if len(white_and_primaries) == _FULL_XYZ.size:
        numbers = [value / 100000 for value in _FULL_XYZ.unpack(white_and_primaries)]
        white, red, green, blue = zip(numbers[::2], numbers[1::2], strict=True)
        primaries = Primaries(red, green, blue, white)
    like_srgb = not gamma or abs(gamma - _GAMMA_OF_SRGB) <= 500
    if like_srgb and primaries.is_close(SRGB):
        return ColourTag()
    profile = matrix_profile(primaries, srgb_curve() if like_srgb else 100000 / gamma, "PNG gAMA and cHRM")
    return ColourTag(profile, "" if profile else f"its gamma and primaries are invalid and were dropped: {_LOST}")


def of_codes(primaries: int, transfer: int) -> ColourTag:
    """Turn codes of ITU-T H.273 (cICP of PNG, nclx of HEIC) into a profile."""
    known = CODED_PRIMARIES.get(1 if primaries == _UNSPECIFIED else primaries)
    curve = coded_curve(transfer)
    if known is None or curve is None:
        what = _HDR.get(transfer, f"codes {primaries}/{transfer}")
        return ColourTag(None, f"colour space ({what}) dropped, because no profile can hold it: {_LOST}")
    if known == SRGB and transfer in (_UNSPECIFIED, 13):
        return ColourTag()
    return ColourTag(matrix_profile(known, curve, f"H.273 {primaries}/{transfer}"))


def adobe_rgb() -> ColourTag:
    """Return Adobe RGB (1998), which cameras announce in EXIF alone (DCF optional colour space)."""
    return ColourTag(matrix_profile(ADOBE_RGB, ADOBE_GAMMA, "Compatible with Adobe RGB (1998)"))


def of_bitmap(data: bytes) -> ColourTag:
    """Read the colour space of a BMP file's header (versions 4 and 5)."""
    if len(data) < 122 or int.from_bytes(data[14:18], "little") < 108:
        return ColourTag()
    kind = data[70:74]
    if kind == b"DEBM" and len(data) >= 138:
        offset, size = struct.unpack_from("<II", data, 126)
        return ColourTag(data[14 + offset : 14 + offset + size])
    if kind == bytes(4) and any(data[74:122]):
        return ColourTag(None, f"its own primaries and gamma were left out: {_LOST}")
    return ColourTag()

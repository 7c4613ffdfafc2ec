"""Colour profiles (ICC.1): build them from primaries and curves, and clear them of everything but colour."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_Point = tuple[float, float]

MAX_PROFILE_BYTES: Final = 8 * 2**20
_HEADER, _ENTRY = 128, 12
_TEXTS: Final = frozenset((b"desc", b"cprt", b"dmnd", b"dmdd", b"vued"))
_MAX_TEXT: Final = 4096
_COLOUR_TAGS: Final = frozenset(
    (
        b"wtpt", b"bkpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"chad", b"chrm", b"lumi",
        b"meas", b"view", b"tech", b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0", b"D2B1", b"D2B2",
        b"D2B3", b"B2D0", b"B2D1", b"B2D2", b"B2D3", b"gamt", b"pre0", b"pre1", b"pre2", b"cicp", b"rig0", b"rig2",
        b"clrt", b"clro", b"aarg", b"aagg", b"aabg",
    )
)  # fmt: skip
_D50: Final = (0.9642, 1.0, 0.8249)
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_CURVE_POINTS: Final = 1024


@dataclass(frozen=True, slots=True)
class Primaries:
    """Chromaticities (CIE x, y) of red, green, blue and white."""

    red: _Point
    green: _Point
    blue: _Point
    white: _Point = (0.3127, 0.3290)

    def is_close(self, other: Primaries) -> bool:
        """Return whether two sets of primaries differ by no more than the rounding in files."""
        pairs = zip(self._values(), other._values(), strict=True)
        return all(abs(one - two) < 0.0015 for one, two in pairs)

    def _values(self) -> tuple[float, ...]:
        return (*self.red, *self.green, *self.blue, *self.white)


SRGB: Final = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_RGB: Final = Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_GAMMA: Final = 563 / 256
CODED_PRIMARIES: Final[Mapping[int, Primaries]] = {
    1: SRGB, 4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), 6: Primaries((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    7: Primaries((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    9: Primaries((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
    11: Primaries((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351)),
    12: Primaries((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}  # fmt: skip
"""Primaries by their code in ITU-T H.273, as PNG (cICP) and HEIC (nclx) write them."""


def srgb_curve() -> list[float]:
    """Return the linear light of sRGB (IEC 61966-2-1) at equal steps from 0 to 1."""
    values = np.linspace(0, 1, _CURVE_POINTS)
    return list(np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4))


def bt709_curve() -> list[float]:
    """Return the linear light of BT.709, BT.601 and BT.2020 at equal steps from 0 to 1."""
    values = np.linspace(0, 1, _CURVE_POINTS)
    return list(np.where(values < 0.0812429, values / 4.5, ((values + 0.0992968) / 1.0992968) ** (1 / 0.45)))


def coded_curve(code: int) -> float | list[float] | None:
    """Return a transfer function by its code in ITU-T H.273, as a gamma or a curve; None for HDR, which has neither."""
    if code in (1, 6, 14, 15):
        return bt709_curve()
    return {4: 2.2, 5: 2.8, 8: 1.0}.get(code, srgb_curve() if code in (2, 13) else None)


def matrix_profile(primaries: Primaries, curve: float | Sequence[float], name: str) -> bytes | None:
    """Build an ICC profile (version 2) for RGB values.

    Args:
        primaries: of the three channels and white.
        curve: gamma, 0.1 to 10, or linear light at equal steps from 0 to 1.
        name: of the profile, ASCII.

    Returns:
        The profile; None if the primaries are not colours that span a plane.
    """
    columns = _colorants(primaries)
    if columns is None:
        return None
    return _profile(columns, _curve_tag(curve), name)


def grey_as_rgb(profile: bytes) -> bytes | None:
    """Turn the profile of a grey picture into an RGB profile with the same colours for R = G = B = grey.

    Returns:
        The profile; None if the grey one has no usable curve.
    """
    tags = _tags(profile)
    curve = tags.get(b"kTRC", b"") if tags else b""
    columns = _colorants(SRGB)
    if profile[16:20] != b"GRAY" or curve[:4] not in (b"curv", b"para") or columns is None:
        return None
    return _profile(columns, curve, "Grey as RGB", version=profile[8:12])


def clean_profile(profile: bytes) -> bytes | None:
    """Return a profile reduced to colour and short texts; unchanged if it holds nothing else.

    Private tags, and bytes between and after tags, can hold anything, for example a thumbnail.

    Returns:
        The profile; None if it is damaged, or larger than `MAX_PROFILE_BYTES`.
    """
    tags = _tags(profile)
    if tags is None or len(profile) > MAX_PROFILE_BYTES:
        return None
    kept = {
        name: data for name, data in tags.items() if name in _COLOUR_TAGS or (name in _TEXTS and len(data) <= _MAX_TEXT)
    }
    if len(kept) == len(tags) and _is_compact(profile):
        return profile
    return _assemble(profile[:_HEADER], kept) if kept else None


def _tags(profile: bytes) -> dict[bytes, bytes] | None:
    """Return the tags of a profile by name; None if it is not a profile."""
    if len(profile) < _HEADER + 4 or profile[36:40] != b"acsp":
        return None
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if not 0 < count <= 200 or len(profile) < _HEADER + 4 + _ENTRY * count:
        return None
    tags: dict[bytes, bytes] = {}
    for name, offset, size in struct.iter_unpack(">4sII", profile[_HEADER + 4 : _HEADER + 4 + _ENTRY * count]):
        if offset + size > len(profile) or size < 8:
            return None
        tags.setdefault(name, profile[offset : offset + size])
    return tags


def _is_compact(profile: bytes) -> bool:
    """Return whether a profile has its declared length, and holds only its tags and zeros between them."""
    (declared,) = struct.unpack_from(">I", profile)
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if declared != len(profile):
        return False
    rest = bytearray(profile)
    table = _HEADER + 4 + _ENTRY * count
    for _, offset, size in struct.iter_unpack(">4sII", profile[_HEADER + 4 : table]):
        rest[offset : offset + size] = bytes(size)
    return not any(rest[table:]) and not any(profile[100:_HEADER])


def _assemble(header: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    """Build a profile from a header and tags; equal tags are stored once."""
    at = _HEADER + 4 + _ENTRY * len(tags)
    offsets: dict[bytes, int] = {}
    table, body = b"", b""
    for name, data in tags.items():
        if data not in offsets:
            offsets[data] = at + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, offsets[data], len(data))
    front = struct.pack(">I", at + len(body)) + header[4:84] + bytes(_HEADER - 84)
    return front + struct.pack(">I", len(tags)) + table + body


def _profile(columns: np.ndarray, curve: bytes, name: str, version: bytes = b"\x02\x40\0\0") -> bytes:
    header = struct.pack(">I4s4s4s4s4s", 0, bytes(4), version, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(_D50) + bytes(48)
    title = name.encode("ascii") + b"\0"
    tags: dict[bytes, bytes] = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(title)) + title + bytes(8 + 3 + 67),
        b"cprt": b"text" + bytes(4) + b"Public domain\0", b"wtpt": b"XYZ " + bytes(4) + _fixed(_D50),
    }  # fmt: skip
    if version[0] >= 4:
        tags[b"desc"], tags[b"cprt"] = _unicode(name), _unicode("Public domain")
    for index, letter in enumerate((b"r", b"g", b"b")):
        tags[letter + b"XYZ"] = b"XYZ " + bytes(4) + _fixed(columns[:, index])
        tags[letter + b"TRC"] = curve
    return _assemble(header, tags)


def _unicode(text: str) -> bytes:
    """Encode a text for version 4 (multiLocalizedUnicodeType)."""
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _fixed(values: Sequence[float] | np.ndarray) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _curve_tag(curve: float | Sequence[float]) -> bytes:
    if isinstance(curve, (int, float)):
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(min(max(curve, 0.1), 10.0) * 256))
    points = [round(min(max(float(value), 0.0), 1.0) * 65535) for value in curve]
    return b"curv" + bytes(4) + struct.pack(f">I{len(points)}H", len(points), *points)


def _colorants(primaries: Primaries) -> np.ndarray | None:
    """Return the XYZ of red, green and blue as columns of a (3, 3) array, adapted to D50 (Bradford)."""
    points = (primaries.red, primaries.green, primaries.blue, primaries.white)
    if any(y <= 0 or not 0 <= x <= 1 or y > 1 for x, y in points):
        return None
    xyz = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in points]).T
    if abs(np.linalg.det(xyz[:, :3])) < 1e-6:
        return None
    white = xyz[:, 3]
    columns = xyz[:, :3] * np.linalg.solve(xyz[:, :3], white)
    cones = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    adapted: np.ndarray = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ columns
    return adapted

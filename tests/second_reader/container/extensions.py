"""The extensions of a header: footprints (0), reserved samples (1), coefficients (3), clips (4) (docs/format.md, 1.5,
1.7, 2, 10.1)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import gcd

from ..outcomes import Newer
from .fields import Box, Fields, require

FOOTPRINTS, RESERVED, COEFFICIENTS, CLIP = 0, 1, 3, 4
CRITICAL = 0x8000


@dataclass(frozen=True)
class Footprint:
    """What a cover replaced besides the RGB values of its box."""

    alpha: int
    varied: bool
    right: bool
    bottom: bool

    @property
    def plain(self) -> bool:
        """Whether its two bytes are ``ff 00``."""
        return self.alpha == 255 and not (self.varied or self.right or self.bottom)

    def __bytes__(self) -> bytes:
        return bytes([self.alpha, self.varied | self.right << 1 | self.bottom << 2])

    def area(self, box: Box) -> Box:
        """The box with the column and row beside it that were replaced, too."""
        return box[0], box[1], box[2] + self.right, box[3] + self.bottom


@dataclass(frozen=True)
class Coefficients:
    """What digests and seals of a JPEG file are of; areas in MCUs of the stored picture."""

    orientation: int
    sampling: tuple[int, int]
    frame_digest: bytes
    areas: tuple[Box, ...]


@dataclass(frozen=True)
class Clip:
    """What the header says of a clip: 1 for tracks of people and 2 for the original, stream id, seconds of a unit."""

    contents: int
    stream: bytes
    time_base: Fraction


@dataclass(frozen=True)
class Extension:
    """An extension; `tag` is without the bit that says critical."""

    tag: int
    critical: bool
    value: bytes


def read_extensions(fields: Fields) -> tuple[Extension, ...]:
    """The extensions of a header, their number first."""
    count = fields.number(2)
    require(count <= 256, "number of extensions")
    found = []
    for _ in range(count):
        tag = fields.number(2)
        extension = Extension(tag & ~CRITICAL, bool(tag & CRITICAL), fields.take(fields.number(4)))
        if extension.critical and extension.tag not in (FOOTPRINTS, RESERVED, COEFFICIENTS, CLIP):
            raise Newer("an unknown extension that is critical")
        found.append(extension)
    return tuple(found)


def check_extensions(extensions: tuple[Extension, ...]) -> None:
    """Their lengths and their order."""
    require(all(len(extension.value) <= 1 << 20 for extension in extensions), "length of an extension")
    require(all(a.tag < b.tag for a, b in pairwise(extensions)), "tags that do not ascend")


def footprints(extensions: tuple[Extension, ...], faces: int) -> tuple[Footprint, ...] | None:
    """The footprint of each face, if the header has them."""
    return next((_footprints(e.value, e.critical, faces) for e in extensions if e.tag == FOOTPRINTS), None)


def reserved_samples(extensions: tuple[Extension, ...], faces: int) -> tuple[int, ...]:
    """The number of reserved samples of each face."""
    found = (_reserved(e.value, e.critical, faces) for e in extensions if e.tag == RESERVED)
    return next(found, (0,) * faces)


def _footprints(value: bytes, critical: bool, faces: int) -> tuple[Footprint, ...]:
    require(len(value) == 2 * faces, "two bytes for each face")
    found = []
    for alpha, flags in zip(value[::2], value[1::2], strict=True):
        if flags > 7:
            raise Newer("an unknown flag of an area")
        found.append(Footprint(alpha, bool(flags & 1), bool(flags & 2), bool(flags & 4)))
        require(not flags & 1 or alpha == 255, "a varied alpha that was not made opaque")
    require(critical == any(not footprint.plain for footprint in found), "critical, or not, without a reason")
    return tuple(found)


def _reserved(value: bytes, critical: bool, faces: int) -> tuple[int, ...]:
    require(critical, "reserved samples that are not critical")
    require(len(value) == 2 * faces, "a number for each face")
    require(any(value), "reserved samples, but none")
    return tuple(int.from_bytes(value[k : k + 2]) for k in range(0, len(value), 2))


def coefficients(extensions: tuple[Extension, ...], faces: int) -> Coefficients | None:
    """What the header says of a JPEG file, if it is that of one."""
    return next((_coefficients(e.value, e.critical, faces) for e in extensions if e.tag == COEFFICIENTS), None)


def clip(extensions: tuple[Extension, ...]) -> Clip | None:
    """What the header says of a clip, if it is that of one."""
    return next((_clip(e.value, e.critical) for e in extensions if e.tag == CLIP), None)


def _clip(value: bytes, critical: bool) -> Clip:
    require(critical, "a clip that is not critical")
    require(len(value) == 25, "length of what is said of a clip")
    fields = Fields(value)
    contents, stream, above, below = fields.number(1), fields.take(16), fields.number(4), fields.number(4)
    if contents not in (1, 2):
        raise Newer("unknown contents of a clip")
    require(above > 0 and below > 0 and gcd(above, below) == 1, "a time base that is not reduced")
    return Clip(contents, stream, Fraction(above, below))


def _coefficients(value: bytes, critical: bool, faces: int) -> Coefficients:
    require(critical, "coefficients that are not critical")
    require(len(value) == 34 + 8 * faces, "an area for each face")
    fields = Fields(value)
    orientation, factors, frame_digest = fields.number(1), fields.number(1), fields.take(32)
    sampling = (factors >> 4, factors & 15)
    require(1 <= orientation <= 8 and all(1 <= factor <= 4 for factor in sampling), "orientation or sampling")
    areas = tuple((fields.number(2), fields.number(2), fields.number(2), fields.number(2)) for _ in range(faces))
    return Coefficients(orientation, sampling, frame_digest, areas)

"""What the surfaces get back: plain frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..types import Box, Face, UInt8Image

Outcome = Literal["exact", "estimate", "locked", "forgotten"]


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """What would be protected.

    Attributes:
        faces: detected faces in reading order, numbered from 0.
        regions: the disjoint reversible regions that would be hidden.
        picture: (H, W, 3) uint8 RGB with both drawn in.
        size: (width, height).
    """

    faces: tuple[Face, ...]
    regions: tuple[Box, ...]
    picture: UInt8Image
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ProtectedFace:
    """One protected region: its box, style (``name[:strength]``) and whether an exact copy is sealed in."""

    box: Box
    style: str
    sealed: bool


@dataclass(frozen=True, slots=True, eq=False)
class ProtectResult:
    """Outcome of `protect`.

    Attributes:
        image: the protected photo, of the kind that was given: path, PIL image, array or bytes.
        cover: (H, W, 3) uint8 RGB: the photo with the plain covers, nothing hidden.
        protected: (H, W, 3) uint8 RGB: the protected photo as pixels.
        faces: what was protected; empty only with ``allow_no_face``.
        png: the complete protected file, as written.
        path: where it was written, or None.
        warnings: what the user should know.
    """

    image: Any
    cover: UInt8Image
    protected: UInt8Image
    faces: tuple[ProtectedFace, ...]
    png: bytes = field(repr=False)
    path: Path | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveredFace:
    """One region of a protected photo and what became of it.

    Attributes:
        box: where it is.
        outcome: ``exact``: the authenticated original pixels; ``estimate``: what the flow read, not authenticated;
            ``locked``: the key given does not open this face; ``forgotten``: no key does.
    """

    box: Box
    outcome: Outcome


@dataclass(frozen=True, slots=True, eq=False)
class RecoverResult:
    """Outcome of `recover`.

    Attributes:
        image: the recovered photo, of the kind that was given.
        recovered: the same as (H, W, 3) uint8 RGB.
        faces: per region, in the file's order.
        path: where it was written, or None.
        warnings: what the user should know.
    """

    image: Any
    recovered: UInt8Image
    faces: tuple[RecoveredFace, ...]
    path: Path | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a protected file shows without a key.

    Attributes:
        version: format version.
        size: (width, height) of the picture.
        model_id: hexadecimal.
        model: name of the model where it is installed, else None.
        faces: boxes, styles, seals; ``sealed`` says whether the seal is still there.
        stripped: indices of faces whose seal was made but is gone.
        kdf: one line per passphrase: algorithm and cost.
        groups: how many separately keyed groups of faces there are.
    """

    version: int
    size: tuple[int, int]
    model_id: str
    model: str | None
    faces: tuple[ProtectedFace, ...]
    stripped: tuple[int, ...]
    kdf: tuple[str, ...]
    groups: int

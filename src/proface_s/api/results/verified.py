"""Result of `verify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...types import Box
from . import display as show

PixelState = Literal["unchanged", "changed", "erased", "unchecked"]
KeyState = Literal["opens", "locked", "forgotten", "unchecked"]
SealState = Literal["sound", "damaged", "stripped", "none", "unchecked"]
RecordState = Literal["sound", "damaged", "gone", "stale", "wrong", "leftover", "none"]


@dataclass(frozen=True, slots=True)
class VerifiedFace:
    """State of one protected face, found without recovering it.

    Attributes:
        number: its number in the file, from 1.
        box: where it is.
        pixels: ``erased``: the face was forgotten and its pixels overwritten on purpose; ``unchecked``: the metadata
            are gone, and with them the digest.
        key: whether the key given opens it; ``unchecked`` if no key was given, or if no key can be checked.
        seal: ``stripped``: it was made but is gone; ``unchecked``: it is there, but the key to check it is not.
        record: the record in its pixels: ``damaged``, but still readable; ``gone``, though there is room for it;
            ``stale``: other keys open it than the header says; ``wrong``: of another face, or of one that was
            forgotten; ``leftover``: behind it, or in its place, there are bits of an earlier record, and keys that were
            revoked may still open the face; ``none``: the face has no record, and no room for one.
        likeness_bytes: of a face of a share copy, the bytes that are left to draw it from, 0 if too little has
            survived; None in every other file.
    """

    number: int
    box: Box
    pixels: PixelState
    key: KeyState
    seal: SealState
    record: RecordState = "none"
    likeness_bytes: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Verification:
    """Outcome of `verify`: nothing was written.

    Attributes:
        faces: per region, in the file's order.
        authentic: whether a key vouched for the header; False where no key was checked.
        problems: what is wrong, one line each; empty for a sound file.
        warnings: what could not be checked.
    """

    faces: tuple[VerifiedFace, ...]
    authentic: bool
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        verdict = show.count(self.problems, "problem") if self.problems else "sound"
        vouched = "authentic" if self.authentic else "not authenticated"
        return f"<Verification: {show.count(self.faces, 'face')}, {verdict}, {vouched}{show.notes(self.warnings)}>"

    def _repr_html_(self) -> str:
        rows = [(face.number, face.box, face.pixels, face.key, face.seal, face.record) for face in self.faces]
        return show.html_table(repr(self), ("face", "box", "pixels", "key", "seal", "record"), rows)

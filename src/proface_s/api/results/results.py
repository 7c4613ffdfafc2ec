"""Results of the API: plain frozen dataclasses.

Their ``repr`` is one line, without pixels and without keys.  A notebook shows tables, and of a protected photo its
plain covers: nothing hidden or recovered gets into a notebook's file unless somebody puts it there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...image.regions import paste_all
from ...types import Box, UInt8Image
from . import display as show

_MOST_LISTED = 12
Outcome = Literal["exact", "estimate", "noise", "locked", "forgotten", "left", "lost", "damaged"]
PixelState = Literal["unchanged", "changed", "erased", "unchecked"]
KeyState = Literal["opens", "locked", "forgotten", "unchecked"]
SealState = Literal["sound", "damaged", "stripped", "none", "unchecked"]
RecordState = Literal["sound", "damaged", "gone", "stale", "wrong", "leftover", "none"]


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face that would be protected.

    Attributes:
        number: its number in the protected file, from 1.  Faces that overlap so much that they are hidden as one region
            share it.
        box: tight box, inside the picture.
        score: 0..1, how sure the detector is; 1.0 for boxes given by hand.
        found: its number among all detected faces, which `protect` takes to choose some; None if given by hand.
    """

    number: int
    box: Box
    score: float
    found: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Detection:
    """Result of `detect`: the faces and regions that `protect` would hide.

    Attributes:
        faces: in the order of their numbers: left to right, then top to bottom.
        regions: the disjoint reversible regions that would be hidden; face ``n`` is hidden in ``regions[n - 1]``.
        picture: (H, W, 3) uint8 RGB with faces and numbers drawn in.
        size: (width, height).
        warnings: what the user should know.
    """

    faces: tuple[DetectedFace, ...]
    regions: tuple[Box, ...]
    picture: UInt8Image
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        what = f"{show.count(self.faces, 'face')} in {show.count(self.regions, 'region')}"
        return f"<Detection: {what}, {show.size(self.size)}>"

    def _repr_html_(self) -> str:
        rows = [(face.number, face.box, f"{face.score:.2f}") for face in self.faces]
        return show.html_table(repr(self), ("face", "box", "score"), rows)


@dataclass(frozen=True, slots=True)
class ProtectedFace:
    """One protected region.

    Attributes:
        number: its number in the file, from 1: left to right, then top to bottom.
        box: where it is.
        style: of its cover, ``name[:strength]``.
        sealed: whether an exact copy is sealed in.
        found: the numbers that `detect` shows for the faces in it; empty if it was given by hand, or if that is not
            known, because it was read from a file.
    """

    number: int
    box: Box
    style: str
    sealed: bool
    found: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProtectResult:
    """Outcome of `protect`.

    `save` writes the complete file.  An array has no room for header and seals, and a PIL image keeps them only if its
    own ``save`` writes PNG, WebP or TIFF: what is written from ``image`` in another way gives an estimate at most.

    Attributes:
        image: the protected photo, of the kind that was given: path, PIL image, array or bytes.
        covers: the plain covers, (H, W, 3) uint8 RGB, one per face.
        protected: (H, W, 3) uint8 RGB: the protected photo as pixels.
        faces: what was protected; empty only with ``allow_no_face``.
        data: the complete protected file, as written.
        path: where it was written, or None.
        sidecar: the contents of ``NAME.pfs`` beside it; None if no sidecar was asked for.
        warnings: what the user should know.
    """

    image: Any
    covers: tuple[UInt8Image, ...]
    protected: UInt8Image
    faces: tuple[ProtectedFace, ...]
    data: bytes = field(repr=False)
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    sidecar: bytes | None = field(default=None, repr=False)

    @property
    def cover(self) -> UInt8Image:
        """(H, W, 3) uint8 RGB: the photo with the plain covers, nothing hidden."""
        return paste_all(self.protected, zip((face.box for face in self.faces), self.covers, strict=True))

    @property
    def png(self) -> bytes:
        """`data`, by its name from before other formats could be written."""
        return self.data

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the complete protected file, and its sidecar where one was asked for.

        Args:
            path: where; its suffix says the format: ``.png``, ``.webp``, ``.tif`` or ``.tiff``.
            overwrite: replace existing files.

        Returns:
            The path.

        Raises:
            UsageError: if the suffix names a format that would destroy the hidden faces.
            ImageError: if a file exists or cannot be written.
        """
        from ..files.saving import save_file

        return save_file(self.data, path, sidecar=self.sidecar, overwrite=overwrite, like=self.path)

    def __repr__(self) -> str:
        styles = ", ".join(dict.fromkeys(face.style for face in self.faces))
        sealed = "exact copies sealed in" if any(face.sealed for face in self.faces) else "no seal"
        what = f"{show.count(self.faces, 'face')} ({styles}), {sealed}" if styles else "no face, an unprotected copy"
        told = f"{show.shape(self.protected)}{show.target(self.path)}{show.notes(self.warnings)}"
        return f"<ProtectResult: {what}, {told}>"

    def _repr_html_(self) -> str:
        rows = [(face.number, face.box, face.style, "yes" if face.sealed else "no") for face in self.faces]
        table = show.html_table(repr(self), ("face", "box", "style", "sealed"), rows)
        return table + show.html_image(self.cover) if self.faces else table

    def _repr_png_(self) -> bytes | None:
        """Show the photo with its plain covers, small; nothing is hidden in it."""
        return show.png_preview(self.cover) if self.faces else None


@dataclass(frozen=True, slots=True)
class RecoveredFace:
    """One region of a protected photo and what became of it.

    Attributes:
        number: its number in the file, from 1.
        box: where it is.
        outcome: ``exact``: the authenticated original pixels; ``estimate``: what the flow read, not authenticated;
            ``noise``: what a wrong key reads, which was asked for; ``locked``: the key given does not open this
            face; ``forgotten``: no key does; ``left``: covered because only other faces were asked for;
            ``lost``: the metadata are gone, and there is no record of this face in the pixels; ``damaged``: the key
            opens it, but its pixels were changed, and what they hold is no picture.
            In ``cover`` mode an ``estimate`` of a wrong key is the covered face itself, and nothing tells.
    """

    number: int
    box: Box
    outcome: Outcome


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecoverResult:
    """Outcome of `recover`.

    Attributes:
        image: the recovered photo, of the kind that was given.
        recovered: the same as (H, W, 3) uint8 RGB.
        faces: per region, in the file's order.
        path: where it was written, or None.
        warnings: what the user should know.
        data: the complete file, as written; empty where an array was given and nothing was written.
        wrong_key: what a wrong key gives, ``noise`` or ``cover``, by the file's own words.
        authentic: whether a passphrase or an identity vouched for the header: then all that it says is as it was
            written, and so are the protected pixels.  False in cover mode, with face keys alone, and from the pixels.
    """

    image: Any
    recovered: UInt8Image
    faces: tuple[RecoveredFace, ...]
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    data: bytes = field(default=b"", repr=False)
    wrong_key: Literal["noise", "cover"] = "noise"
    authentic: bool = False

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the recovered photo; arguments and errors as `ProtectResult.save`."""
        from ...image.read import read_picture
        from ...image.write import check_output_path, encode_picture, format_of, is_jpeg_name, write_atomic
        from ...types import Picture
        from ..files.saving import encode_recovered, save_file

        if is_jpeg_name(path):
            picture = read_picture(self.data, name="the recovered photo") if self.data else Picture(self.recovered)
            check_output_path(None, path, overwrite=overwrite, jpeg=True)
            jpeg = encode_recovered(picture, [face.outcome for face in self.faces], path)
            write_atomic(path, jpeg, overwrite=overwrite, like=self.path)
            return Path(path)
        data = self.data or encode_picture(Picture(self.recovered), format_of(path))
        return save_file(data, path, overwrite=overwrite, like=self.path)

    def __repr__(self) -> str:
        kinds = show.outcomes(face.outcome for face in self.faces)
        what = f"{show.count(self.faces, 'face')}{f' ({kinds})' if kinds else ''}, {show.shape(self.recovered)}"
        return f"<RecoverResult: {what}{show.target(self.path)}{show.notes(self.warnings)}>"

    def _repr_html_(self) -> str:
        rows = [(face.number, face.box, face.outcome) for face in self.faces]
        return show.html_table(repr(self), ("face", "box", "outcome"), rows)


@dataclass(frozen=True, slots=True, repr=False)
class Inspection:
    """Result of `inspect`: everything that a protected file shows without a key.

    Attributes:
        version: format version.
        size: (width, height) of the picture.
        model_id: hexadecimal.
        model: name of the model if it is installed, else None.
        faces: boxes, styles, seals; ``sealed`` says whether the seal is still there.
        stripped: numbers of faces whose seal was made but is gone.
        kdf: one line per passphrase: algorithm and cost.
        groups: how many separately keyed groups of faces there are.
        recipients: how many X25519 recipients there are, all groups together.
        wrong_key: what a wrong key gives, ``noise`` or ``cover``.
        forgotten: numbers of faces whose wrapped key was destroyed.
        members: for every face, the number of its group, from 0.
        source: where this was read: ``metadata`` (of the file or its sidecar), or ``pixels`` if those are gone; then
            styles are unknown.
        lost: numbers of faces of which the pixels hold no record.
        warnings: what the user should know, such as of the model.
    """

    version: int
    size: tuple[int, int]
    model_id: str
    model: str | None
    faces: tuple[ProtectedFace, ...]
    stripped: tuple[int, ...]
    kdf: tuple[str, ...]
    groups: int
    recipients: int = 0
    wrong_key: str = "noise"
    forgotten: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    source: Literal["metadata", "pixels"] = "metadata"
    lost: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        model = self.model or f"model {self.model_id}, not installed here"
        return (
            f"<Inspection: {show.count(self.faces, 'face')} in {self.groups} group{'' if self.groups == 1 else 's'}, "
            f"{show.size(self.size)}, {model}, {self.wrong_key} mode, read from {self.source}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            (
                face.number,
                face.box,
                face.style,
                "forgotten"
                if face.number in self.forgotten
                else "no record"
                if face.number in self.lost
                else "sealed"
                if face.sealed
                else "seal stripped"
                if face.number in self.stripped
                else "no seal",
            )
            for face in self.faces
        ]
        return show.html_table(repr(self), ("face", "box", "style", "state"), rows)


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
    """

    number: int
    box: Box
    pixels: PixelState
    key: KeyState
    seal: SealState
    record: RecordState = "none"


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ChangedFile:
    """Outcome of `forget` and `rewrap`: the same protected picture with another header.

    Attributes:
        data: the complete file.
        path: where it was written, or None.
        faces: numbers of the faces that were concerned.
        warnings: what the user should know.
    """

    data: bytes = field(repr=False)
    path: Path | None = None
    faces: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the complete file; arguments and errors as `ProtectResult.save`."""
        from ..files.saving import save_file

        return save_file(self.data, path, overwrite=overwrite, like=self.path)

    def __repr__(self) -> str:
        numbers = ", ".join(map(str, self.faces[:_MOST_LISTED])) + (", ..." if len(self.faces) > _MOST_LISTED else "")
        what = f"face{'' if len(self.faces) == 1 else 's'} {numbers}" if self.faces else "no face"
        return f"<ChangedFile: {what}, {len(self.data)} bytes{show.target(self.path)}{show.notes(self.warnings)}>"

"""Result of `recover`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...errors import WrongKeyError
from ...types import Box, UInt8Image, WrongKey
from . import display as show

_BACK = ("exact", "reduced", "estimate", "noise")
Outcome = Literal["exact", "reduced", "estimate", "noise", "locked", "forgotten", "left", "lost", "damaged"]


@dataclass(frozen=True, slots=True)
class RecoveredFace:
    """One region of a protected photo and what became of it.

    Attributes:
        number: its number in the file, from 1.
        box: where it is.
        outcome: ``exact``: the authenticated original pixels; ``reduced``: a smaller likeness from a share copy, also
            authenticated; ``estimate``: what the flow read, not authenticated;
            ``noise``: what a wrong key reads, which was asked for; ``locked``: the key given does not open this
            face; ``forgotten``: no key does; ``left``: covered because only other faces were asked for;
            ``lost``: the metadata are gone, and there is no record of this face in the pixels; ``damaged``: the key
            opens it, but its pixels were changed, and what they hold is no picture.
            In ``cover`` mode an ``estimate`` of a wrong key is the covered face itself, and nothing tells.
        likeness_bytes: how many bytes a ``reduced`` face was drawn from; None for every other outcome.
    """

    number: int
    box: Box
    outcome: Outcome
    likeness_bytes: int | None = None


def nothing_came_back(faces: Sequence[RecoveredFace]) -> str | None:
    """Return why no face came back, for messages; None if one did.

    Args:
        faces: of one recovery.
    """
    if any(face.outcome in _BACK for face in faces):
        return None
    numbers: dict[str, dict[int, None]] = {}
    for face in faces:
        numbers.setdefault(face.outcome, {})[face.number] = None
    told = [f"face {', '.join(map(str, which))} is {outcome}" for outcome, which in numbers.items()]
    return f"no face came back: {'; '.join(told)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecoverResult:
    """Outcome of `recover`.

    Nothing is written if no face came back, as from a file in which all faces that the key opens were forgotten;
    `require_faces` makes that an error.

    Attributes:
        image: the recovered photo, of the kind that was given; None if that is a path and nothing was written.
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
    wrong_key: WrongKey = "noise"
    authentic: bool = False

    def require_faces(self) -> None:
        """Refuse a result without any face.

        Raises:
            WrongKeyError: if no face came back; says what became of each.
        """
        why = nothing_came_back(self.faces)
        if why is not None:
            raise WrongKeyError(why)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the recovered photo; arguments and errors as `ProtectResult.save`."""
        from ...image.read import read_picture
        from ...image.write import (
            check_output_path,
            encode_picture,
            format_of,
            format_of_bytes,
            is_jpeg_name,
            write_atomic,
        )
        from ...types import Picture
        from ..files.saving import encode_recovered, save_file

        if is_jpeg_name(path) and not (self.data and format_of_bytes(self.data) == "jpeg"):
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
        rows = [
            (
                face.number,
                face.box,
                face.outcome if face.likeness_bytes is None else f"{face.outcome}, from {face.likeness_bytes} bytes",
            )
            for face in self.faces
        ]
        return show.html_table(repr(self), ("face", "box", "outcome"), rows)

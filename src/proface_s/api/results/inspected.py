"""Result of `inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import display as show
from .protected import ProtectedFace


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
            styles are unknown; or ``share``: from the layer of a share copy, whose boxes are those in the picture as it
            is now.
        lost: numbers of faces of which the pixels hold no record.
        received_size: (width, height) in pixels of a share copy as it is now, in which its boxes are; ``size`` is that
            of the copy as it was written.  None for every other file.
        likeness_bytes: for every face of a share copy, the bytes that are left to draw it from: 0 if too little has
            survived.  Empty for every other file.
        warnings: what the user should know, such as of the model.
        inside_bytes: for every face of the share copy that a protected file carries itself, the bytes from which it
            comes back.  Empty if there is none.
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
    source: Literal["metadata", "pixels", "share"] = "metadata"
    lost: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    received_size: tuple[int, int] | None = None
    likeness_bytes: tuple[int, ...] = ()
    inside_bytes: tuple[int, ...] = ()

    def __repr__(self) -> str:
        if self.received_size is not None:
            what = f"{show.count(self.faces, 'face')}, reduced, {show.size(self.received_size)}"
            return f"<Inspection: share copy, {what}, written at {show.size(self.size)}>"
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
                f"reduced, {length} bytes"
                if length
                else "too little is left"
                if length is not None
                else "forgotten"
                if face.number in self.forgotten
                else "no record"
                if face.number in self.lost
                else "sealed"
                if face.sealed
                else "seal stripped"
                if face.number in self.stripped
                else "no seal",
            )
            for face, length in zip(self.faces, self.likeness_bytes or [None] * len(self.faces), strict=True)
        ]
        return show.html_table(repr(self), ("face", "box", "style", "state"), rows)

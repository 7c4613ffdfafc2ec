"""Result of `protect`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...covers import FALLBACKS
from ...image.regions import paste_all
from ...types import Box, UInt8Image, WrongKey
from . import display as show
from .shared import ShareCopy


@dataclass(frozen=True, slots=True)
class ProtectedFace:
    """One protected region.

    Attributes:
        number: its number in the file, from 1: left to right, then top to bottom.
        box: where it is.
        style: of its cover, ``name[:strength][@shape]``.
        sealed: whether an exact copy is sealed in.
        found: the numbers that `detect` shows for the faces in it; empty if it was given by hand, or if that is not
            known, because it was read from a file.
        fallback: why a blurred oval covers it although the style shows something else, one of
            `proface_s.covers.FALLBACKS`; None if it is covered by what the style shows.
        synthetic: whether the face of somebody who does not exist is shown.
    """

    number: int
    box: Box
    style: str
    sealed: bool
    found: tuple[int, ...] = ()
    fallback: str | None = None
    synthetic: bool = False

    @property
    def shown(self) -> str:
        """The style, and why a blurred oval was used instead, in words."""
        return self.style if self.fallback is None else f"{self.style} (blurred: {FALLBACKS[self.fallback]})"


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
        wrong_key: what a wrong key gives, ``noise`` or ``cover``.
        smallest: longer side in pixels of the smallest face that was looked for, if that is unusually large, because
            the picture is so large that looking closer would take too long; else None.
        share: the share copy, if one was asked for; `save` does not write it, unless it is the protected file itself.
        plain: (H, W, 3) uint8 RGB: the photo with the plain covers, where ``protected`` differs from it outside the
            covers too, because it hides reduced faces there; else None.
    """

    image: Any
    covers: tuple[UInt8Image, ...]
    protected: UInt8Image
    faces: tuple[ProtectedFace, ...]
    data: bytes = field(repr=False)
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    sidecar: bytes | None = field(default=None, repr=False)
    wrong_key: WrongKey = "noise"
    smallest: float | None = None
    share: ShareCopy | None = None
    plain: UInt8Image | None = field(default=None, repr=False)

    @property
    def cover(self) -> UInt8Image:
        """(H, W, 3) uint8 RGB: the photo with the plain covers, nothing hidden."""
        if self.plain is not None:
            return self.plain.copy()
        return paste_all(self.protected, zip((face.box for face in self.faces), self.covers, strict=True))

    @property
    def png(self) -> bytes:
        """`data`, by its name from before other formats could be written."""
        return self.data

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the complete protected file, and its sidecar where one was asked for.

        Args:
            path: where; its suffix says the format: ``.png``, ``.webp``, ``.tif`` or ``.tiff``; of a protected JPEG,
                ``.jpg``.
            overwrite: replace existing files.

        Returns:
            The path.

        Raises:
            UsageError: if the suffix names a format that would destroy the hidden faces.
            ImageError: if a file exists or cannot be written.
        """
        from ..files.saving import save_file

        return save_file(self.data, path, sidecar=self.sidecar, overwrite=overwrite, like=self.path)

    def save_cover(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the photo with its plain covers: nothing is hidden in it and nothing sealed, so nobody can open it.

        Args:
            path: where; its suffix says the format, as for `save`; JPEG is allowed in any case.
            overwrite: replace an existing file.

        Returns:
            The path.

        Raises:
            UsageError, ImageError: as `save`.
        """
        from ..files.saving import save_cover

        return save_cover(self, path, overwrite=overwrite)

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

"""Result of `forget` and `rewrap`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from . import display as show

_MOST_LISTED = 12


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

    def _repr_html_(self) -> str:
        return show.html_table(repr(self), ("changed face",), [(number,) for number in self.faces])

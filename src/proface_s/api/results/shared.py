"""Share copy of a protected photo."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from . import display as show


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShareCopy:
    """A picture for sending, in whose pixels reduced copies of the faces survive recompression.

    Attributes:
        data: the file, JPEG or PNG; the protected file itself if ``inside``.
        size: (width, height) in pixels.
        face_bytes: for each face, the bytes from which it comes back after usual compression.
        robust_face_bytes: the same after nearly anything; 0 where there is no room for that.
        path: where it was written, or None.
        warnings: what the user should know.
        inside: whether the protected file itself hides the reduced faces, so that there is no second file.
    """

    data: bytes = field(repr=False)
    size: tuple[int, int]
    face_bytes: tuple[int, ...]
    robust_face_bytes: tuple[int, ...]
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    inside: bool = False

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file.

        Args:
            path: where; its suffix must be that of the format.
            overwrite: replace an existing file.

        Raises:
            UsageError: if the suffix is that of another format.
            ImageError: if the file exists or cannot be written.
        """
        from ...errors import UsageError
        from ...image.write import format_of_bytes, is_jpeg_name, write_atomic

        kind = format_of_bytes(self.data)
        if is_jpeg_name(path) != (kind == "jpeg"):
            raise UsageError(f"{Path(path)} is not a name for a {kind} file", code="name-and-format")
        write_atomic(path, self.data, overwrite=overwrite)
        return Path(path)

    def __repr__(self) -> str:
        what = f"{show.count(self.face_bytes, 'face')}, reduced, {show.size(self.size)}"
        return f"<ShareCopy: {what}{show.target(self.path)}{show.notes(self.warnings)}>"

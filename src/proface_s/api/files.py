"""What a file is, found out without decoding a pixel."""

from __future__ import annotations

import os
from pathlib import Path

from ..container.png import HEADER_CHUNK, SEAL_CHUNK, read_png_chunks
from ..errors import ImageError


def is_protected(path: str | os.PathLike[str]) -> bool:
    """Whether a file carries a header or seals of ours; False for whatever is no PNG file.

    Raises:
        DamagedFileError: it does, but they are damaged.
        ImageError: it cannot be read, or is a truncated PNG file without any.
    """
    try:
        with open(path, "rb") as file:
            chunks = read_png_chunks(file, str(path))
    except OSError as error:
        raise ImageError(f"{Path(path)} cannot be read: {error.strerror or error}") from None
    return HEADER_CHUNK in chunks or SEAL_CHUNK in chunks

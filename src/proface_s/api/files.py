"""What a file is, found out with as little decoding as possible."""

from __future__ import annotations

import os
from pathlib import Path

from ..container.carrier import read_chunks
from ..container.inband import find_records
from ..container.png import HEADER_CHUNK, SEAL_CHUNK
from ..errors import ImageError
from ..imaging.reading import read_picture
from .sidecars import has_sidecar


def is_protected(path: str | os.PathLike[str]) -> bool:
    """Whether a file carries a header or seals of ours, or has a sidecar; False for formats that cannot carry any.

    Raises:
        DamagedFileError: it does, but they are damaged.
        ImageError: it cannot be read, or is truncated and without any.
    """
    try:
        with open(path, "rb") as file:
            chunks = read_chunks(file, str(path))
    except OSError as error:
        raise ImageError(f"{Path(path)} cannot be read: {error.strerror or error}") from None
    return HEADER_CHUNK in chunks or SEAL_CHUNK in chunks or has_sidecar(path)


def has_records(path: str | os.PathLike[str]) -> bool:
    """Whether the pixels of a picture hold records of ours; unlike `is_protected` this decodes them all.

    Raises:
        ImageError: it cannot be read.
    """
    return bool(find_records(read_picture(path).rgb))

"""Tell protected files from others, with as little decoding as possible."""

from __future__ import annotations

import os
from pathlib import Path

from ...container.carriers.carrier import read_chunks
from ...container.carriers.png import HEADER_CHUNK, SEAL_CHUNK
from ...container.records.pixel_records import search_records
from ...errors import DamagedFileError, ImageError
from ...image.read import read_picture
from ...image.structure.png import complete_png
from ...robust.share_picture import find_layer
from .sidecars import found_sidecar


def is_protected(path: str | os.PathLike[str]) -> bool:
    """Return whether a file carries a header or seals, or has a sidecar; False for formats that cannot carry any.

    Raises:
        DamagedFileError: it does, but they are damaged.
        ImageError: it cannot be read, or is truncated and without any.
    """
    try:
        with open(path, "rb") as file:
            try:
                chunks = read_chunks(file, str(path))
            except (DamagedFileError, ImageError):  # perhaps the end is missing, and nothing else
                file.seek(0)
                chunks = read_chunks(complete_png(file.read()), str(path))
    except OSError as error:
        raise ImageError(f"{Path(path)} cannot be read: {error.strerror or error}") from None
    return HEADER_CHUNK in chunks or SEAL_CHUNK in chunks or found_sidecar(path) is not None


def is_share_copy(path: str | os.PathLike[str]) -> bool:
    """Return whether the pixels of a picture hold the layer of a share copy; decode the whole picture.

    Raises:
        ImageError: if it cannot be read.
    """
    return find_layer(read_picture(path).rgb) is not None


def has_records(path: str | os.PathLike[str], *, ruined: bool = False) -> bool:
    """Return whether the pixels of a picture hold records; unlike `is_protected`, decode the whole picture.

    Args:
        path: the picture.
        ruined: count records that are beyond repair, too; then it is wrong about one in 10^4 photos.

    Raises:
        ImageError: if it cannot be read.
    """
    search = search_records(read_picture(path).rgb)
    return bool(search.records) or (ruined and search.ruined > 0)

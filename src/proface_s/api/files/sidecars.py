"""Sidecars: header and seals in a file beside the picture, such as ``NAME.pfs`` beside ``NAME.png``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ...container.carriers.carrier import from_chunks
from ...container.carriers.sidecar import MAGIC, SIDECAR_SUFFIX, decode_sidecar
from ...errors import DamagedFileError, ImageError
from ...image.names import fitted_name
from ...image.read import read_file
from ...types import Picture
from ..header_checks import as_protected
from ..medium import medium_of

_SHORT: Final = ".png"  # the suffix that a sidecar's name leaves out


def sidecar_path(picture: str | os.PathLike[str]) -> Path:
    """Return the name of a new sidecar.

    ``party.protected.png`` -> ``party.protected.pfs``, but ``party.protected.jpg`` -> ``party.protected.jpg.pfs``, so
    that outputs of one name and several kinds never share a sidecar.
    """
    path = Path(picture)
    if path.suffix.lower() == _SHORT:
        return path.with_suffix(SIDECAR_SUFFIX)
    return path.with_name(fitted_name(path.name, SIDECAR_SUFFIX))


def found_sidecar(picture: str | os.PathLike[str]) -> Path | None:
    """Return the sidecar that lies beside a picture; other programs use the suffix too, and theirs do not count.

    Until version 0.2 the sidecars of all kinds were named like those of PNG files; such a name counts if there is no
    PNG file that it belongs to.

    Raises:
        ImageError: if a file with its name is there, and cannot be read.
    """
    earlier = Path(picture).with_suffix(SIDECAR_SUFFIX)
    taken = earlier == Path(picture) or os.path.lexists(earlier.with_suffix(_SHORT))
    names = dict.fromkeys([sidecar_path(picture), *([] if taken else [earlier])])
    return next((name for name in names if name != Path(picture) and _is_sidecar(name)), None)


def _is_sidecar(path: Path) -> bool:
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from None


def chunks_beside(picture: Picture, path: str | os.PathLike[str] | None) -> dict[str, list[bytes]]:
    """Return header and seals from the sidecar beside a file; empty if there is no sidecar.

    Args:
        picture: the picture, as it was read.
        path: the picture's file, or None.

    Raises:
        ImageError: as `found_sidecar`.
        DamagedFileError: see `read_sidecar`.
    """
    beside = None if path is None else found_sidecar(path)
    return {} if beside is None else read_sidecar(beside, picture)


def read_sidecar(path: str | os.PathLike[str], picture: Picture) -> dict[str, list[bytes]]:
    """Header and seals, as chunks, of a sidecar that belongs to a picture.

    It does if the digest says so; and also if the picture was changed since, but none of the faces.

    Raises:
        ImageError: if it cannot be read.
        DamagedFileError: it is damaged, or belongs to another picture.
    """
    if not os.path.isfile(path):
        raise ImageError(f"there is no sidecar {path}")
    digest, chunks = decode_sidecar(read_file(path), str(path))
    header, _ = from_chunks(chunks, str(path))
    picture, medium = as_protected(picture, chunks), medium_of(header)
    if digest != medium.digest(picture, header) and (
        (header.width, header.height) != picture.size or medium.changed_faces(picture, header)
    ):
        raise DamagedFileError(f"{path} belongs to another picture than {picture.source}", code="other-picture")
    return chunks

"""Sidecars: header and seals in ``NAME.pfs`` beside the picture ``NAME.png``."""

from __future__ import annotations

import os
from pathlib import Path

from ...container.carriers.carrier import from_chunks
from ...container.carriers.sidecar import MAGIC, SIDECAR_SUFFIX, decode_sidecar, picture_digest
from ...container.header.header import Header
from ...errors import DamagedFileError, ImageError
from ...image.read import read_file
from ...types import Picture
from ..header_checks import as_protected, changed_faces
from ..jpeg.protected import coefficient_digest, open_protected_jpeg


def sidecar_path(picture: str | os.PathLike[str]) -> Path:
    """``party.protected.png`` -> ``party.protected.pfs``."""
    return Path(picture).with_suffix(SIDECAR_SUFFIX)


def has_sidecar(picture: str | os.PathLike[str]) -> bool:
    """Return whether a sidecar of this program lies beside a picture; other programs use the suffix too.

    Raises:
        ImageError: if a file with its name is there, and cannot be read.
    """
    beside = sidecar_path(picture)
    if beside == Path(picture) or not os.path.isfile(beside):
        return False
    try:
        with open(beside, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise ImageError(f"{beside} cannot be read: {error.strerror or error}") from None


def chunks_beside(picture: Picture, path: str | os.PathLike[str] | None) -> dict[str, list[bytes]]:
    """Return header and seals from the sidecar beside a file; empty if there is no sidecar.

    Args:
        picture: the picture, as it was read.
        path: the picture's file, or None.

    Raises:
        ImageError: as `has_sidecar`.
        DamagedFileError: see `read_sidecar`.
    """
    return read_sidecar(sidecar_path(path), picture) if path is not None and has_sidecar(path) else {}


def shown_digest(picture: Picture, header: Header) -> bytes:
    """Return the digest (32 bytes) by which a sidecar finds its picture: of pixels, or of a JPEG's coefficients.

    Raises:
        DamagedFileError: if the header is that of a JPEG, and the picture is not that JPEG.
    """
    if header.coefficients is None:
        return picture_digest(picture.rgb)
    return coefficient_digest(open_protected_jpeg(picture, header))


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
    picture = as_protected(picture, chunks)
    if digest != shown_digest(picture, header) and (
        (header.width, header.height) != picture.size or changed_faces(picture, header)
    ):
        raise DamagedFileError(f"{path} belongs to another picture than {picture.source}", code="other-picture")
    return chunks

"""Rewrite a protected file with another header: the file and its sidecar, in place or beside the old ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...container.carriers.carrier import from_chunks, read_chunks, to_chunks, write_chunks
from ...container.carriers.sidecar import decode_sidecar, encode_sidecar_of
from ...container.header.header import Header
from ...container.records.record_space import leftovers
from ...errors import DamagedFileError, NotProtectedError, ProFaceError, UsageError
from ...image.jpeg.file import JpegFile
from ...image.read import read_picture
from ...image.write import (
    JPEG_SUFFIX,
    OutputFormat,
    encode_picture,
    format_of,
    format_of_bytes,
    is_jpeg_name,
    write_atomic,
)
from ...robust.share_picture import find_layer, find_whole_layer
from ...types import Picture
from ..files.io import file_bytes, load_protected, output_for
from ..files.kinds import kind_of
from ..files.saving import free_path
from ..files.sidecars import found_sidecar, read_sidecar, sidecar_path
from ..header_checks import as_protected, check_digests, read_header
from ..jpeg.changing import encode_again
from ..medium import medium_of
from ..share.protect_share import share_paths


@dataclass(frozen=True, slots=True, eq=False)
class FileToChange:
    """A protected file that is about to be changed.

    Attributes:
        data: the file.
        picture: its pixels, and header and seals as chunks.
        header: its header; the digests of its faces have been checked.
        seals: face index -> seal.
        carried: whether the file itself carries them; else they are in the sidecar alone.
        sidecar: where the sidecar with the new header goes, or None if there is to be none.
        target: where the changed file goes, or None.
        in_place: whether that is the file itself.
        overwrite: whether another file of that name may be replaced.
        warnings: what the user should know.
        like: the file as it was, None if it was given as bytes.
    """

    data: bytes
    picture: Picture
    header: Header
    seals: dict[int, bytes]
    carried: bool
    sidecar: Path | None
    target: Path | None
    in_place: bool
    overwrite: bool
    warnings: tuple[str, ...] = ()
    like: Path | None = None


def open_to_change(
    image: str | os.PathLike[str] | bytes,
    output: str | os.PathLike[str] | None,
    suffix: str,
    *,
    in_place: bool,
    overwrite: bool,
) -> FileToChange:
    """Read a protected file, and make sure that it can be changed and written.

    Args:
        image: the file's path or its bytes.
        output: where the changed file goes; for a path, a name with ``suffix`` beside it if None.
        suffix: of that name.
        in_place: replace the file itself.
        overwrite: replace an existing output.

    Raises:
        UsageError, ImageError: the output makes no sense, or cannot be written; or a share copy is in the file.
        NotProtectedError, DamagedFileError: no header, not this picture's, or changed pixels; or a share copy.
    """
    if not in_place:
        target = output_for(image, output, suffix, overwrite, None if output else kind_of(image))
    elif isinstance(image, bytes) or output is not None:
        raise UsageError("in place means: the input file itself, and no other output")
    else:
        target = Path(image).resolve()
    picture, data = load_protected(image), file_bytes(image)
    if not any(picture.chunks.values()) and find_layer(picture.rgb) is not None:
        raise NotProtectedError(f"{picture.source} is a share copy, which cannot be changed", code="share-fixed")
    header, seals = read_header(picture)
    check_digests(picture, header)
    if medium_of(header).in_pixels and find_whole_layer(picture.rgb) is not None:
        raise UsageError(
            f"{picture.source} also carries a share copy, which cannot be changed",
            code="share-inside-fixed",
        )
    carried, beside = bool(read_chunks(data)), None
    warnings = () if isinstance(image, bytes) else _unchanged_copies(Path(image))
    if not isinstance(image, bytes) and (found := found_sidecar(image)) is not None:
        beside = found.resolve()
        try:
            read_sidecar(beside, picture)
        except DamagedFileError as error:
            beside, warnings = None, (*warnings, f"{error.message}; it is left as it is")
    replaced = _sidecar_to_write(target, beside, in_place)
    source = None if isinstance(image, bytes) else Path(image)
    if replaced and not in_place:
        free_path(replaced, overwrite)
    return FileToChange(data, picture, header, seals, carried, replaced, target, in_place, overwrite, warnings, source)


def _unchanged_copies(protected: Path) -> tuple[str, ...]:
    """Warn about share copies beside a protected file, which open as before."""
    paths = [path for path in share_paths(protected) if path.exists()]
    return tuple(
        f"{path} is not changed, nor are copies of it that were sent: who could open its faces still can; delete it"
        for path in paths
    )


def _sidecar_to_write(target: Path | None, beside: Path | None, in_place: bool) -> Path | None:
    """The sidecar that must hold the new header.

    That is one that lies beside the output already, too: an earlier run left it there, and it would keep what this one
    takes away.
    """
    if in_place or target is None:
        return beside
    return found_sidecar(target) or (sidecar_path(target) if beside else None)


def write_changed(kept: FileToChange, picture: Picture, header: Header, seals: Mapping[int, bytes]) -> bytes:
    """Write the file, and its sidecar where it has one, with another header; both are read back first.

    A file that carries header and seals is encoded again from its pixels: what another program may have left in it,
    such as the old header in the middle of a TIFF, does not stay.  The sidecar is written first: with the old picture
    it already has the new header, so that an interruption in between takes nothing back.

    Args:
        kept: the file as it was.
        picture: its pixels from now on, and of a JPEG its file.
        header: its header from now on.
        seals: its seals from now on.

    Returns:
        The complete file.

    Raises:
        ProFaceError: it would not be what it should be; nothing was written.
        ImageError: it cannot be written.
    """
    chunks = to_chunks(header, seals)
    found = format_of_bytes(kept.data)
    wanted = found if kept.target is None or kept.in_place else _format_of_name(kept.target, found)
    data = kept.data
    if kept.carried or wanted != found or not np.array_equal(picture.rgb, kept.picture.rgb):
        data = encode_again(picture) if wanted == "jpeg" else encode_picture(picture, wanted, keep_metadata=True)
    if kept.carried:
        data = write_chunks(data, chunks)
    read = read_picture(data, name="the changed file")
    written = as_protected(replace(read, jpeg=JpegFile(data) if found == "jpeg" else None), chunks)
    beside = None
    if kept.sidecar is not None:
        beside = encode_sidecar_of(medium_of(header).digest(written, header), chunks)
    _check(data, beside, written, picture, header, seals, kept.carried)
    if kept.target is not None:
        if beside is not None and kept.sidecar is not None:
            _write(kept.sidecar, beside, kept)
        _write(kept.target, data, kept)
    return data


def _format_of_name(target: Path, found: OutputFormat) -> OutputFormat:
    """Return the format that the name of a changed file asks for.

    Raises:
        UsageError: if a JPEG would become another kind of file, to which its seals do not belong, or the reverse.
    """
    wanted: OutputFormat = "jpeg" if found == "jpeg" and is_jpeg_name(target) else format_of(target)
    if found == "jpeg" and wanted != "jpeg":
        raise UsageError(
            f"{target} is not a name for a JPEG, and the seals belong to that kind of file",
            code="protected-kind",
            suffix=JPEG_SUFFIX,
        )
    return wanted


def _check(
    data: bytes,
    beside: bytes | None,
    written: Picture,
    picture: Picture,
    header: Header,
    seals: Mapping[int, bytes],
    carried: bool,
) -> None:
    carriers = [read_chunks(data)] if carried else []
    carriers += [decode_sidecar(beside)[1]] if beside is not None else []
    sound = np.array_equal(written.rgb, picture.rgb)
    sound = sound and not medium_of(header).changed_faces(written, header) and not leftovers(written.rgb, header)
    if not sound or not carriers or any(from_chunks(each) != (header, dict(seals)) for each in carriers):
        raise ProFaceError("verification failed: the changed file is not what it should be", code="verification-failed")


def _write(target: Path, data: bytes, kept: FileToChange) -> None:
    """Write one file, with at most the permissions of the one it was made from."""
    write_atomic(target, data, overwrite=kept.in_place or kept.overwrite, like=kept.like)

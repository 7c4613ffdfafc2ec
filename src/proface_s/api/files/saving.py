"""Writing finished files: a picture with its sidecar, and results that were kept in memory."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ...container.carriers.carrier import read_chunks, write_chunks
from ...container.carriers.png import HEADER_CHUNK, SEAL_CHUNK
from ...errors import ImageError, UsageError
from ...image.jpeg.picture import JpegPicture
from ...image.jpeg.write_coefficients import write_jpeg
from ...image.metadata import kept_exif
from ...image.provenance import says_synthetic
from ...image.read import read_picture
from ...image.write import (
    JPEG_QUALITY,
    JPEG_SUFFIX,
    Format,
    OutputFormat,
    check_output_path,
    encode_jpeg,
    encode_picture,
    format_of,
    format_of_bytes,
    is_jpeg_name,
    output_format_of,
    write_atomic,
)
from ...types import Picture, UInt8Image
from ..options import ProtectOptions
from ..results.protected import ProtectResult
from .sidecars import sidecar_path

_BACK = ("exact", "reduced", "estimate")  # outcomes of faces that are not hidden any more


def save_file(
    data: bytes,
    path: str | os.PathLike[str],
    *,
    sidecar: bytes | None = None,
    overwrite: bool = False,
    like: Path | None = None,
) -> Path:
    """Write a finished file under a name, in the format of the name, with everything that it carries.

    Args:
        data: the complete file, in any of the formats that keep every sample.
        path: where; ends with ``.png``, ``.webp``, ``.tif`` or ``.tiff``.
        sidecar: what belongs into ``NAME.pfs`` beside it, or None.
        overwrite: replace existing files.
        like: a file that has the most permissions these may get.

    Returns:
        The path.

    Raises:
        UsageError: if the name is not that of a format which keeps every sample.
        ImageError: if a file exists or cannot be written.
    """
    target = Path(path)
    found = format_of_bytes(data)
    if found == "jpeg" and not is_jpeg_name(target) and any(read_chunks(data).values()):
        raise UsageError(
            f"{target} is not a name for a JPEG, and what is protected belongs to that kind of file",
            code="protected-kind",
            suffix=JPEG_SUFFIX,
        )
    check_output_path(None, target, overwrite=overwrite, jpeg=found == "jpeg")
    beside = sidecar_target(target, overwrite) if sidecar is not None else None
    done = data
    if not is_jpeg_name(target) and found != format_of(target):
        done = _converted(data, format_of(target))
    return write_files(target, done, beside, sidecar, overwrite=overwrite, like=like)


def save_cover(result: ProtectResult, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the covers of a protected photo alone; see `ProtectResult.save_cover`."""
    target = Path(path)
    check_output_path(result.path, target, overwrite=overwrite, jpeg=True)
    write_atomic(target, encode_cover(result, output_format_of(target)), overwrite=overwrite, like=result.path)
    return target


def encode_cover(result: ProtectResult, wanted: OutputFormat) -> bytes:
    """Return a file with the covers of a protected photo alone: nothing hidden in it, nothing sealed."""
    found = format_of_bytes(result.data)
    if found == wanted == "jpeg":  # nothing is hidden in its coefficients
        return write_chunks(result.data, {HEADER_CHUNK: [], SEAL_CHUNK: []})
    shown = read_picture(result.data, name="the protected photo")
    picture = shown if found == "jpeg" else replace(shown, rgb=_covered(result))
    picture = replace(picture, synthetic=any(face.synthetic for face in result.faces))
    return encode_jpeg(picture) if wanted == "jpeg" else encode_picture(picture, wanted, keep_metadata=True)


def _covered(result: ProtectResult) -> UInt8Image:
    """Return the photo with its plain covers, repeated in a last column or row beside them that may be theirs."""
    rgb = result.cover
    height, width = rgb.shape[:2]
    for face in result.faces:
        box = face.box
        if box.right == width - 1:
            rgb[box.y : box.bottom, -1] = rgb[box.y : box.bottom, -2]
        if box.bottom == height - 1:
            end = box.right + (box.right == width - 1)
            rgb[-1, box.x : end] = rgb[-2, box.x : end]
    return rgb


def _converted(data: bytes, wanted: Format) -> bytes:
    """The same picture in another format, with header and seals where it has them."""
    picture, chunks = read_picture(data, name="the file"), read_chunks(data)
    picture = replace(picture, chunks={}, synthetic=says_synthetic(data))
    encoded = encode_picture(picture, wanted, keep_metadata=True)
    return write_chunks(encoded, chunks) if any(chunks.values()) else encoded


def encode_copy(picture: Picture, jpeg: JpegPicture | None, kind: OutputFormat, options: ProtectOptions) -> bytes:
    """Encode an unprotected copy: of a JPEG with the same coefficients."""
    if jpeg is not None:
        return write_jpeg(jpeg, kept_exif(picture, jpeg.orientation) if options.keep_metadata else b"")
    return encode_picture(picture, cast(Format, kind), keep_metadata=options.keep_metadata)


def sidecar_target(target: Path | None, overwrite: bool) -> Path | None:
    """Return where the sidecar of an output goes, checked before any work; None if nothing is to be written.

    Raises:
        ImageError: if a file is there, and must not be replaced.
    """
    if target is None:
        return None
    return free_path(sidecar_path(target), overwrite)


def free_path(path: Path, overwrite: bool) -> Path:
    """Return the path of a file that is to be written beside an output.

    Raises:
        ImageError: if a file is there, and must not be replaced.
    """
    if os.path.lexists(path) and not overwrite:
        raise ImageError(f"{path} already exists", code="exists")
    return path


def write_files(
    target: Path,
    data: bytes,
    beside: Path | None = None,
    sidecar: bytes | None = None,
    *,
    overwrite: bool,
    like: Any = None,
) -> Path:
    """Write a file, and its sidecar first: a picture must never be there without its key material, even for a moment.

    Args:
        target: where the file goes.
        data: the file.
        beside: where the sidecar goes, or None.
        sidecar: the sidecar, or None.
        overwrite: replace existing files.
        like: if it is a path, that of a file that has the most permissions these may get.

    Returns:
        ``target``.

    Raises:
        ImageError: if a file exists or cannot be written.
    """
    model = like if isinstance(like, (str, os.PathLike)) else None
    if beside is None or sidecar is None:
        write_atomic(target, data, overwrite=overwrite, like=model)
        return target
    write_atomic(beside, sidecar, overwrite=overwrite, like=model)
    try:
        write_atomic(target, data, overwrite=overwrite, like=model)
    except BaseException:
        if not overwrite:  # this call wrote the sidecar, and it belongs to nothing
            beside.unlink(missing_ok=True)
        raise
    return target


def encode_recovered(
    picture: Picture, outcomes: Collection[str], name: str | os.PathLike[str], file_format: Format | None = None
) -> bytes:
    """Encode a recovered photo in the format of a name; as JPEG only if no face is hidden in it any more.

    Args:
        picture: the photo.
        outcomes: what became of its faces, see `RecoveredFace`.
        name: of the file, which says the format.
        file_format: the format where the name does not say it.

    Raises:
        UsageError: if a JPEG would destroy faces that are still hidden.
        ImageError: if the format cannot hold the picture.
    """
    if not is_jpeg_name(name):
        return encode_picture(picture, file_format or format_of(name), keep_metadata=True)
    fragile = "reduced" not in outcomes  # what a share copy hides survives
    hidden = [str(number) for number, outcome in enumerate(outcomes, 1) if fragile and outcome not in _BACK]
    if hidden:
        raise UsageError(
            f"{Path(name)}: JPEG would destroy what is still hidden: face {', '.join(hidden)} did not come back",
            code="lossy-output",
            better=Path(name).with_suffix(".png").name,
        )
    return encode_jpeg(picture)


def lossy_warning(name: str | os.PathLike[str] | None, outcomes: Collection[str]) -> tuple[str, ...]:
    """Return the warning that a file is not exact because of its format, if its faces could be.

    Args:
        name: of the file; None if nothing is written.
        outcomes: what became of its faces.
    """
    if name is None or not is_jpeg_name(name) or "reduced" in outcomes:
        return ()
    return (f"a JPEG (quality {JPEG_QUALITY}) is not exact: write a PNG for the original pixels",)

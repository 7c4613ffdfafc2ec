"""Write pictures: encode PNG, lossless WebP and TIFF, and write files atomically."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from PIL import Image, PngImagePlugin

from ..errors import ImageError, UsageError
from ..types import Picture, UInt8Image
from .atomic import PRIVATE, appearing_file
from .metadata import write_exif, write_png_text
from .names import FOREIGN_BY_FORMAT, MAX_NAME_BYTES, PICTURES_BY_FORMAT, name_bytes, suffix_of
from .provenance import TIFF_TAG, XMP, with_synthetic_note
from .quiet import silence_libtiff

Format = Literal["png", "webp", "tiff"]
"""Lossless formats, which can carry a hidden face."""

OutputFormat = Literal["png", "webp", "tiff", "jpeg"]
"""Formats of a protected photo: the lossless ones, and JPEG with sealed coefficients."""

JPEG_SUFFIX: Final = PICTURES_BY_FORMAT["JPEG"][0]

FORMATS: Final[Mapping[Format, tuple[str, ...]]] = {
    "png": (".png",), "webp": (".webp",), "tiff": (".tif", ".tiff"),
}  # fmt: skip
"""Formats that can be written, each with its file suffixes; new names get the first one."""

MAX_WEBP_SIDE: Final = 16383
PNG_LEVEL: Final = 2
"""zlib level, under one filter for every row, the difference to the row above.  Eight photos of 8 to 12 megapixels,
seconds per 12 MP and bytes per pixel: level 1 0.32 s, 1.18; level 2 0.34 s, 1.15; level 3 0.51 s, 1.09; level 6 1.4 s,
1.04.  Choosing a filter for each row, as is usual, makes files 1 to 3 % larger and takes 0.2 s more."""

_PNG_HEAD: Final = 33  # bytes of signature and IHDR, which iCCP and text may follow

_WEBP_EFFORT: Final[dict[str, Any]] = {"method": 0, "quality": 0}
"""A photo of 8 megapixels: 0.4 s and 5.6 MB; methods 1 to 4 take twice as long for 3 % less (PNG: 0.2 s, 8.3 MB)."""

_PREDICTOR, _HORIZONTAL = 317, 2  # TIFF tag: compress differences of neighbours, 8.2 MB instead of 13.6

JPEG_QUALITY: Final = 95
_MAX_JPEG_SIDE: Final = 65500
_LOSSY: Final = {
    suffix: name
    for name in ("JPEG", "HEIC", "AVIF")
    for suffix in (*PICTURES_BY_FORMAT.get(name, ()), *FOREIGN_BY_FORMAT.get(name, ()))
}


def format_of(path: str | os.PathLike[str]) -> Format:
    """Return the format that a file's name asks for.

    Raises:
        UsageError: if the suffix belongs to a lossy or unknown format.
    """
    suffix = Path(path).suffix.lower()
    for name, suffixes in FORMATS.items():
        if suffix in suffixes:
            return name
    if suffix in _LOSSY:
        raise UsageError(
            f"{Path(path)}: {_LOSSY[suffix]} would destroy the hidden face",
            code="lossy-output",
            better=Path(path).with_suffix(".png").name,
        )
    raise UsageError(
        f"{Path(path)}: only PNG, lossless WebP and TIFF files can be written",
        code="output-format",
    )


def output_format_of(path: str | os.PathLike[str]) -> OutputFormat:
    """Return the format that a file's name asks for, JPEG included.

    Raises:
        UsageError: if the suffix belongs to no format that can be written.
    """
    return "jpeg" if is_jpeg_name(path) else format_of(path)


def format_of_bytes(data: bytes) -> OutputFormat:
    """Return the format of a file that can carry a face, by its first bytes; PNG if they match no other."""
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:4] == b"RIFF":
        return "webp"
    return "tiff" if data[:2] in (b"II", b"MM") else "png"


def encode_picture(picture: Picture, file_format: Format = "png", *, keep_metadata: bool = False) -> bytes:
    """Encode a picture losslessly, 8 bits per sample: RGB, or RGBA if it has alpha.

    Args:
        picture: ``chunks`` are ignored here.
        file_format: one of `FORMATS`.
        keep_metadata: also write the whitelisted metadata.  Otherwise, only the colour profile is kept, and the note
            that parts of the picture are synthetic.

    Raises:
        ImageError: if the picture is too large for the format.
        ValueError: if an array has the wrong shape or dtype.
    """
    rgb, alpha = picture.rgb, picture.alpha
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ValueError(f"a picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    if alpha is not None and (alpha.shape != rgb.shape[:2] or alpha.dtype != np.uint8):
        raise ValueError(f"alpha of {alpha.shape} {alpha.dtype} does not fit a picture of {rgb.shape}")
    pixels = np.ascontiguousarray(rgb) if alpha is None else np.dstack([rgb, alpha])
    if file_format == "png":
        return _encode_png(pixels, picture, keep_metadata)
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    profile: dict[str, Any] = {"icc_profile": picture.icc_profile} if picture.icc_profile else {}
    if file_format == "webp":
        if max(image.size) > MAX_WEBP_SIDE:
            raise ImageError(
                f"{picture.source} has {image.width}x{image.height} pixels; WebP holds {MAX_WEBP_SIDE} a side",
                code="format-limits",
            )
        if keep_metadata and (tags := write_exif(picture)):
            profile["exif"] = tags.tobytes()
        profile |= {"xmp": XMP} if picture.synthetic else {}
        image.save(buffer, "WEBP", lossless=True, exact=True, **_WEBP_EFFORT, **profile)
    else:
        tags = write_exif(picture) if keep_metadata else Image.Exif()
        tags[_PREDICTOR] = _HORIZONTAL
        if picture.synthetic:
            tags[TIFF_TAG] = XMP
        silence_libtiff()
        image.save(buffer, "TIFF", compression="tiff_adobe_deflate", tiffinfo=tags, **profile)
    return buffer.getvalue()


def _encode_png(pixels: UInt8Image, picture: Picture, keep_metadata: bool) -> bytes:
    """Encode pixels with OpenCV, in half of Pillow's time; Pillow makes the chunks of profile and metadata."""
    import cv2

    parameters = [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
    parameters += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, order), parameters)
    if not done:
        raise ImageError(f"{picture.source} cannot be encoded as PNG")
    chunks = io.BytesIO()
    if picture.icc_profile:
        PngImagePlugin.putchunk(chunks, b"iCCP", b"ICC Profile\0\0", zlib.compress(picture.icc_profile))
    if keep_metadata:
        for kind, content, *_ in write_png_text(picture).chunks:
            PngImagePlugin.putchunk(chunks, kind, content)
    made = b"".join([data[:_PNG_HEAD].tobytes(), chunks.getvalue(), data[_PNG_HEAD:].tobytes()])
    return with_synthetic_note(made) if picture.synthetic else made


def encode_png(picture: Picture, *, keep_metadata: bool = False) -> bytes:
    """Encode a picture as PNG; see `encode_picture`."""
    return encode_picture(picture, "png", keep_metadata=keep_metadata)


def is_jpeg_name(path: str | os.PathLike[str]) -> bool:
    """Return whether a file name has a suffix of JPEG."""
    return suffix_of(os.path.basename(path)) in PICTURES_BY_FORMAT["JPEG"]


def encode_jpeg(picture: Picture, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a picture that hides nothing as JPEG, with its profile and the whitelisted metadata.

    Without subsampling; at quality 95 the differences are invisible.

    Raises:
        ImageError: if it is too large for a JPEG, or partly transparent.
    """
    if picture.alpha is not None and not (picture.alpha == np.uint8(255)).all():
        raise ImageError(f"{picture.source} is partly transparent, and a JPEG cannot be", code="no-transparency")
    if max(picture.size) > _MAX_JPEG_SIDE:
        raise ImageError(
            f"{picture.source} has {picture.size[0]}x{picture.size[1]} pixels; JPEG holds {_MAX_JPEG_SIDE} a side",
            code="format-limits",
        )
    options: dict[str, Any] = {"icc_profile": picture.icc_profile} if picture.icc_profile else {}
    if tags := write_exif(picture):
        options["exif"] = tags.tobytes()
    buffer = io.BytesIO()
    Image.fromarray(picture.rgb).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True, **options)
    return with_synthetic_note(buffer.getvalue()) if picture.synthetic else buffer.getvalue()


def check_output_path(
    source: str | os.PathLike[str] | None,
    output: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    jpeg: bool = False,
) -> None:
    """Refuse an output path before any work is done.

    Args:
        source: the input file; None if the input is not a file.
        output: the file to be written.
        overwrite: allow an existing file, but never the input itself.
        jpeg: also allow names of JPEG files, for pictures that hide nothing.

    Raises:
        UsageError: if the output is the input (also through links), or its suffix belongs to no format of `FORMATS`.
        ImageError: if it exists and ``overwrite`` is False, or its folder does not exist.
    """
    target = Path(output)
    if not (jpeg and is_jpeg_name(target)):
        format_of(target)
    check_new_path(source, target, overwrite=overwrite)


def check_new_path(source: str | os.PathLike[str] | None, target: Path, *, overwrite: bool = False) -> None:
    """Refuse the path of an output of any format before any work is done; arguments as in `check_output_path`.

    Raises:
        UsageError: if the output is the input, also through links.
        ImageError: if it exists and ``overwrite`` is False, its folder does not exist, or its name is too long.
    """
    if name_bytes(target.name) > MAX_NAME_BYTES:
        raise ImageError(
            f"the name of {target} has {name_bytes(target.name)} bytes; file systems allow {MAX_NAME_BYTES}",
            code="long-name",
        )
    if source is not None and _same_file(Path(source), target):
        raise UsageError(f"{target} is the input itself", code="output-is-input")
    if os.path.isdir(target):
        raise ImageError(f"{target} is a directory")
    if not os.path.isdir(target.parent):
        raise ImageError(f"folder {target.parent} does not exist", code="no-folder")
    if not overwrite and os.path.lexists(target):
        raise ImageError(f"{target} already exists", code="exists")


def write_atomic(
    path: str | os.PathLike[str],
    data: bytes,
    *,
    overwrite: bool = False,
    like: str | os.PathLike[str] | int | None = None,
) -> None:
    """Write a file atomically: it appears complete or not at all.

    The data goes to a new file in the same folder, is flushed to disk, read back and compared, and then gets its name
    in one step.  Without ``overwrite``, that step fails if the name is taken, even by a file that appeared a moment
    ago.  Until then, only its owner can read it.  No temporary file is left behind in any case.

    A new file gets the permissions that the umask allows; a replaced file keeps its own.  Neither gets more than
    ``like`` has, so that a private photo stays private.

    Args:
        path: the file to create.
        data: its content.
        overwrite: replace an existing file.
        like: a file, or permission bits: an upper limit to the permissions of everyone but the owner.

    Raises:
        ImageError: if the file exists, or its folder cannot be written to; `DiskFullError` if the disk is full.
    """
    target = Path(path)
    with appearing_file(target, overwrite=overwrite, like=like) as temporary:
        _write_new(temporary, data)
        if temporary.read_bytes() != data:
            raise ImageError(f"{target} differs from what was written to it", code="written-wrongly")


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _same_file(source: Path, target: Path) -> bool:
    try:
        return source.samefile(target)
    except OSError:
        return source.absolute() == target.absolute()

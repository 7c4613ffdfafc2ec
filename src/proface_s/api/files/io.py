"""Pictures in and out: a path, bytes, a PIL image or an array comes out as the same kind."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from ...container.carriers.carrier import read_chunks
from ...container.carriers.jpeg import is_jpeg
from ...container.carriers.png import HEADER_CHUNK, SEAL_CHUNK
from ...container.carriers.sidecar import decode_sidecar
from ...container.carriers.tiff import decode_tiff_tags
from ...errors import DamagedFileError, ImageError, UsageError
from ...image.jpeg.file import JpegFile
from ...image.metadata import with_note
from ...image.names import fitted_name
from ...image.opening import check_size
from ...image.read import MAX_PIXELS, picture_size, read_file, read_picture
from ...image.structure.png import complete_png
from ...image.write import OutputFormat, check_output_path, output_format_of
from ...threads import run_both
from ...types import Picture
from ..header_checks import as_protected
from ..results.protected import ProtectResult
from .kinds import with_format
from .sidecars import chunks_beside, read_sidecar

if TYPE_CHECKING:
    from PIL import Image, PngImagePlugin

PictureInput = Union[str, "os.PathLike[str]", bytes, np.ndarray, "Image.Image", ProtectResult]


def file_bytes(image: str | os.PathLike[str] | bytes | ProtectResult) -> bytes:
    """Return the bytes of a file that is given by its path, by its bytes, or as what `protect` returned.

    A PNG file that lacks its end, and nothing else, gets it back.
    """
    if isinstance(image, ProtectResult):
        return image.data
    return complete_png(image if isinstance(image, bytes) else read_file(image))


def load(
    image: PictureInput,
    sidecar: str | os.PathLike[str] | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
    coefficient_threads: int = 0,
) -> Picture:
    """Any kind of picture as a `Picture`, with the private chunks where its kind can carry them.

    Args:
        image: the picture.
        sidecar: a sidecar to use; if None, that of a protected file without metadata is looked for beside it.
        max_pixels: larger files are refused before they are decoded.
        coefficient_threads: if 2 or more, the coefficients of a JPEG are decoded while its pixels are; otherwise when
            they are first needed.

    Raises:
        ImageError: if it cannot be read.
        DamagedFileError: its chunks are damaged, or the sidecar is, or belongs to another picture or disagrees.
    """
    if isinstance(image, (str, os.PathLike)):
        picture = _decoded(read_file(image), str(image), max_pixels, coefficient_threads)
    elif isinstance(image, bytes):
        picture = _decoded(image, "the file", max_pixels, coefficient_threads)
    elif isinstance(image, ProtectResult):
        picture = _decoded(image.data, "the file", max_pixels, coefficient_threads)
        if image.sidecar and not any(picture.chunks.values()):
            picture = replace(picture, chunks=decode_sidecar(image.sidecar)[1])
    elif isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ImageError(f"an array must be (H, W, 3) uint8 RGB, got {image.dtype} {image.shape}")
        picture = Picture(rgb=np.ascontiguousarray(image), source="the array")
    else:
        picture = _from_pil(image)
    if sidecar is not None:
        chunks = read_sidecar(sidecar, picture)
        own = picture.chunks.get(HEADER_CHUNK)
        if own and own != chunks[HEADER_CHUNK]:
            raise DamagedFileError(
                f"{picture.source}: the file's header and the one in {sidecar} disagree",
                code="sidecar-differs",
            )
        return replace(picture, chunks=chunks)
    if not any(picture.chunks.values()) and isinstance(image, (str, os.PathLike)):
        return replace(picture, chunks=chunks_beside(picture, image))
    return picture


def load_protected(
    image: PictureInput,
    sidecar: str | os.PathLike[str] | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
    coefficient_threads: int = 0,
) -> Picture:
    """Read a protected picture as it was protected: an orientation that was added since is ignored, and noted.

    Args:
        image: as for `load`.
        sidecar: as for `load`.
        max_pixels: as for `load`.
        coefficient_threads: as for `load`.

    Raises:
        ImageError, DamagedFileError: as `load`.
    """
    read = load(image, sidecar, max_pixels=max_pixels, coefficient_threads=coefficient_threads)
    picture = as_protected(read)
    return picture if picture is read else with_note(picture, "an orientation that was added later was ignored")


def _decoded(data: bytes, name: str, max_pixels: int, coefficient_threads: int) -> Picture:
    """Decode a file, with its private chunks; ``name`` is for messages."""
    chunks = read_chunks(complete_png(data), name)
    jpeg = JpegFile(data, name) if is_jpeg(data) else None
    try:
        if jpeg is not None and coefficient_threads > 1:
            check_size(picture_size(data, name=name), max_pixels, name)
            _, picture = run_both(coefficient_threads, jpeg.prepare, lambda: read_picture(data, name=name))
        else:
            picture = read_picture(data, max_pixels=max_pixels, name=name)
    except ImageError as error:
        if chunks and error.code != "many-pixels":  # it was protected once: what is wrong with it is damage
            raise DamagedFileError(error.message, code=error.code) from None
        raise
    return replace(picture, chunks=chunks, source=name, jpeg=jpeg)


def _from_pil(image: Any) -> Picture:
    """PIL image -> `Picture`, through a PNG so that every mode is read by the same rules as a file."""
    from PIL import Image

    from ..results.protected_image import CHUNKS

    if not isinstance(image, Image.Image):
        raise ImageError(f"a picture is a path, bytes, a PIL image or an array, not {type(image).__name__}")
    try:
        image.load()  # chunks behind the pixels are known only after this
    except Exception as error:
        raise ImageError(f"the image cannot be decoded: {error}") from None
    chunks: dict[str, list[bytes]] = dict(image.info.get(CHUNKS, {}))
    if not chunks:
        for kind, data, *_ in getattr(image, "private_chunks", []):
            if kind in (HEADER_CHUNK.encode(), SEAL_CHUNK.encode()):
                chunks.setdefault(kind.decode(), []).append(data)
    chunks = chunks or decode_tiff_tags(getattr(image, "tag_v2", {}))
    buffer = io.BytesIO()
    exif: Any = image.info.get("exif") or b""  # unlike `getexif`, without an orientation that only XMP tells
    plain = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode]) if image.mode in ("La", "RGBa") else image
    try:
        if image.mode == "CMYK":
            plain.save(buffer, "TIFF", exif=exif)
        else:
            plain.save(buffer, "PNG", exif=exif, pnginfo=_colour_chunks(image.info))
    except (OSError, ValueError):
        raise ImageError(f"PIL mode {image.mode} is not supported", code="colour-mode") from None
    return replace(read_picture(buffer.getvalue(), name="the image"), chunks=chunks, source="the image")


def _colour_chunks(info: Mapping[Any, Any]) -> PngImagePlugin.PngInfo:
    """Return the colour chunks of a PNG file that PIL reads but does not write by itself."""
    from PIL import PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    with contextlib.suppress(TypeError, ValueError, struct.error):
        if "srgb" in info:
            chunks.add(b"sRGB", bytes([info["srgb"]]))
        if "gamma" in info:
            chunks.add(b"gAMA", struct.pack(">I", round(info["gamma"] * 100000)))
        if "chromaticity" in info:
            chunks.add(b"cHRM", struct.pack(">8I", *(round(value * 100000) for value in info["chromaticity"])))
    return chunks


def output_for(
    image: PictureInput,
    output: Any,
    suffix: str,
    overwrite: bool,
    file_format: OutputFormat | None = None,
) -> Path | None:
    """Return the path to write to, checked before any work; None if nothing will be written.

    Args:
        image: the input.
        output: the path the user named, or None.
        suffix: of the name where none was given, ending with ``.png``.
        overwrite: an existing file may be replaced.
        file_format: the format that it will have; if None, that of ``output``'s name, or PNG.

    Raises:
        UsageError, ImageError: see `check_output_path`; also if name and format disagree.
    """
    source = image if isinstance(image, (str, os.PathLike)) else None
    if output is None and source is None:
        return None
    name = output if output is not None else default_output(Path(source or ""), with_format(suffix, file_format))
    target = Path(name)
    check_output_path(source, target, overwrite=overwrite, jpeg=True)
    if file_format is not None and output_format_of(target) != file_format:
        raise UsageError(f"{target} is not a name for a {file_format} file", code="name-and-format")
    return target


def default_output(source: Path, suffix: str) -> Path:
    """``party.jpg`` -> ``party.protected.png``; ``party.protected.png`` -> ``party.recovered.png``."""
    stem = source.stem if suffix.startswith(".protected.") else source.stem.removesuffix(".protected")
    return source.with_name(fitted_name(stem, suffix))


def same_kind(image: PictureInput, picture: Picture, data: bytes, path: Path | None) -> Any:
    """The picture as the kind that came in; ``data`` is the complete file."""
    if isinstance(image, np.ndarray):
        return picture.rgb
    if isinstance(image, (str, os.PathLike)):
        return path
    if isinstance(image, (bytes, ProtectResult)):
        return data
    from PIL import Image

    from ..results.protected_image import CHUNKS, ProtectedImage

    out = Image.open(io.BytesIO(data))
    out.load()
    chunks = read_chunks(data)
    plain = out.copy()
    if chunks:
        plain.info[CHUNKS] = chunks
        plain.__class__ = ProtectedImage
    return plain

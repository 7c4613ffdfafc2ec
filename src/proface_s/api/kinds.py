"""Kinds of pictures: what goes in as a path, bytes, PIL image or array comes out as the same."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from ..container.png import HEADER_CHUNK, SEAL_CHUNK, read_png_chunks
from ..errors import DamagedFileError, ImageError
from ..imaging.reading import read_file, read_picture
from ..imaging.writing import check_output_path, write_atomic
from ..types import Picture
from .results import ProtectResult

if TYPE_CHECKING:
    from PIL import Image

Pictured = Union[str, "os.PathLike[str]", bytes, np.ndarray, "Image.Image", ProtectResult]
CHUNKS = "proface_chunks"  # where PIL images of ours carry header and seals, in `Image.info`
PROTECTED_SUFFIX, RECOVERED_SUFFIX = ".protected.png", ".recovered.png"
FORGOTTEN_SUFFIX, REWRAPPED_SUFFIX = ".forgotten.png", ".rewrapped.png"


def file_bytes(image: str | os.PathLike[str] | bytes | ProtectResult) -> bytes:
    """The bytes of a file that is given by its path, by its bytes, or as what `protect` returned."""
    if isinstance(image, ProtectResult):
        return image.png
    return image if isinstance(image, bytes) else read_file(image)


def load(image: Pictured) -> Picture:
    """Any kind of picture as a `Picture`, with the private chunks where its kind can carry them."""
    if isinstance(image, ProtectResult):
        image = image.png
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ImageError(f"an array must be (H, W, 3) uint8 RGB, got {image.dtype} {image.shape}")
        return Picture(rgb=np.ascontiguousarray(image), source="the array")
    if isinstance(image, (str, os.PathLike)):
        data, name = read_file(image), str(image)
    elif isinstance(image, bytes):
        data, name = image, "the file"
    else:
        return _from_pil(image)
    chunks = read_png_chunks(io.BytesIO(data), name)
    try:
        picture = read_picture(data, name=name)
    except ImageError as error:
        if chunks:  # it was ours once: what is wrong with it is damage
            raise DamagedFileError(error.message, error.hint) from None
        raise
    return replace(picture, chunks=chunks, source=name)


def _from_pil(image: Any) -> Picture:
    """PIL image -> `Picture`, through a PNG so that every mode is read by the same rules as a file."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        raise ImageError(f"cannot read a picture from {type(image).__name__}", "give a path, PIL image or array")
    try:
        image.load()  # chunks behind the pixels are known only after this
    except Exception as error:
        raise ImageError(f"the image cannot be decoded: {error}") from None
    chunks: dict[str, list[bytes]] = dict(image.info.get(CHUNKS, {}))
    if not chunks:
        for kind, data, *_ in getattr(image, "private_chunks", []):
            if kind in (HEADER_CHUNK.encode(), SEAL_CHUNK.encode()):
                chunks.setdefault(kind.decode(), []).append(data)
    buffer = io.BytesIO()
    try:
        image.save(buffer, "TIFF" if image.mode == "CMYK" else "PNG", exif=image.getexif())
    except (OSError, ValueError):
        raise ImageError(f"PIL mode {image.mode} is not supported", "convert the image to RGB first") from None
    return replace(read_picture(buffer.getvalue(), name="the image"), chunks=chunks, source="the image")


def output_for(image: Pictured, output: Any, suffix: str, overwrite: bool) -> Path | None:
    """Where to write, checked before any work; None where nothing is to be written."""
    source = image if isinstance(image, (str, os.PathLike)) else None
    if output is None and source is None:
        return None
    target = Path(output) if output is not None else default_output(Path(source), suffix)  # type: ignore[arg-type]
    check_output_path(source, target, overwrite=overwrite)
    return target


def default_output(source: Path, suffix: str) -> Path:
    """``party.jpg`` -> ``party.protected.png``; ``party.protected.png`` -> ``party.recovered.png``."""
    stem = source.stem if suffix == PROTECTED_SUFFIX else source.stem.removesuffix(".protected")
    return source.with_name(stem + suffix)


def write_output(target: Path | None, png: bytes, overwrite: bool) -> Path | None:
    """Write a file where there is a target; gives the target back."""
    if target is not None:
        write_atomic(target, png, overwrite=overwrite)
    return target


def same_kind(image: Pictured, picture: Picture, png: bytes, path: Path | None) -> Any:
    """The picture as the kind that came in."""
    if isinstance(image, np.ndarray):
        return picture.rgb
    if isinstance(image, (str, os.PathLike)):
        return path
    if isinstance(image, (bytes, ProtectResult)):
        return png
    from PIL import Image

    out = Image.open(io.BytesIO(png))
    out.load()
    chunks = read_png_chunks(io.BytesIO(png))
    plain = out.copy()
    if chunks:
        plain.info[CHUNKS] = chunks
    return plain

"""Which kind of file an output becomes: the input's own, unless its name or an option asks for another."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from ...container.carriers.jpeg import is_jpeg
from ...container.carriers.png import PNG_SIGNATURE
from ...container.carriers.tiff import is_tiff
from ...container.carriers.webp import is_webp
from ...image.jpeg.read_coefficients import uneditable_reason
from ...image.write import FORMATS, JPEG_SUFFIX, OutputFormat, output_format_of
from ..results.protected import ProtectResult
from .reasons import check_jpeg

PROTECTED_SUFFIX, RECOVERED_SUFFIX = ".protected.png", ".recovered.png"
COVERED_SUFFIX: Final = ".covered.png"
FORGOTTEN_SUFFIX, REWRAPPED_SUFFIX = ".forgotten.png", ".rewrapped.png"

_FILES: Final = (str, os.PathLike, bytes, ProtectResult)
_FRONT_BYTES: Final = 16  # enough to recognise a format


def with_format(suffix: str, file_format: OutputFormat | None) -> str:
    """``.protected.png`` -> ``.protected.webp``."""
    if file_format is None:
        return suffix
    return suffix.removesuffix(".png") + (JPEG_SUFFIX if file_format == "jpeg" else FORMATS[file_format][0])


def kind_of(image: Any) -> OutputFormat | None:
    """Return the kind of an input file, by its first bytes; None if an output cannot be of that kind.

    Args:
        image: any input of `protect` or `recover`; PIL images and arrays are no files, and pipes are not read ahead.
    """
    with _opened(image) as file:
        front = file.read(_FRONT_BYTES)
    if is_jpeg(front):
        return "jpeg"
    if front.startswith(PNG_SIGNATURE):
        return "png"
    if is_webp(front):
        return "webp"
    return "tiff" if is_tiff(front) else None


def output_kind(
    image: Any, output: Any, file_format: OutputFormat | None, pixels_reason: Callable[[], str | None]
) -> tuple[OutputFormat, tuple[str, ...]]:
    """Return the kind of a protected file, and what to tell the user about it.

    Args:
        image: the photo.
        output: name of the output, or None.
        file_format: the kind asked for; if None, what ``output`` says, or else the photo's own.
        pixels_reason: returns why faces will be hidden in pixels, or None; see `proface_s.api.files.reasons`.

    Raises:
        UsageError: if a JPEG is asked for, and faces will be hidden in pixels.
    """
    named = None if output is None else output_format_of(output)
    kind = file_format or named
    if kind == "jpeg":
        check_jpeg(pixels_reason())
    if kind is not None and (file_format is not None or not str(output).endswith(PROTECTED_SUFFIX)):
        return kind, ()
    own = kind_of(image) if isinstance(image, _FILES) else None
    if own != "jpeg":
        return kind or own or "png", ()
    reason = pixels_reason() or _uneditable_of(image)
    if reason is None:
        return kind or own, ()
    return kind or "png", (f"a PNG was written: {reason}",)


def _uneditable_of(image: Any) -> str | None:
    """Return why the coefficients of a JPEG file cannot be changed; None if its first segments name no reason."""
    with _opened(image) as file:
        return uneditable_reason(file)


def _opened(image: Any) -> BinaryIO:
    """Open an input to look at its beginning; as an empty file if it is none, or cannot be read."""
    if isinstance(image, ProtectResult):
        image = image.data
    if isinstance(image, (str, os.PathLike)) and os.path.isfile(image):
        with contextlib.suppress(OSError):
            return open(image, "rb")
    return io.BytesIO(image if isinstance(image, bytes) else b"")

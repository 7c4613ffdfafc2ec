"""Private chunks (``pfS*``) of files that consist of chunks, collected without decoding any pixels."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from ...errors import DamagedFileError, ImageError

PREFIX: Final = b"pfS"
MAX_PRIVATE_CHUNKS: Final = 8192
_HEAD_BYTES: Final = 12  # enough to tell what kind of file it is

Walk = Callable[[BinaryIO, int, str], Iterator[tuple[bytes, int, int]]]
"""Yields (type, offset of the payload, its length) of every chunk, given a file, its size and its name."""
ReadPayload = Callable[[BinaryIO, bytes, int, int, str], bytes]
"""Reads one payload, given the file, the chunk as `Walk` yields it, and the file's name."""


def seekable(source: bytes | BinaryIO) -> tuple[BinaryIO, int, int]:
    """Return a whole file as a seekable one, its current position, and its size in bytes.

    Args:
        source: the whole file, or a seekable binary file, which stays where it is.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    start = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(start)
    return file, start, size


def read_private_chunks(
    source: bytes | BinaryIO, name: str, *, is_kind: Callable[[bytes], bool], walk: Walk, read_payload: ReadPayload
) -> dict[str, list[bytes]]:
    """Read the private chunks of a file of one kind.

    Args:
        source: the whole file, or a seekable binary file (read from its current position).
        name: the picture's name in error messages.
        is_kind: whether a file with these first bytes is of this kind.
        walk: finds the chunks.
        read_payload: reads one of them.

    Returns:
        chunk name -> payloads in file order; empty for files without such chunks and for files of another kind.

    Raises:
        DamagedFileError: if there are too many, or the file turns out to be damaged after one was found.
        ImageError: if the file turns out to be damaged before the first private chunk.
    """
    file, start, size = seekable(source)
    found: dict[str, list[bytes]] = {}
    if not is_kind(file.read(_HEAD_BYTES)):
        return found
    file.seek(start)
    try:
        for kind, at, length in walk(file, size, name):
            if kind.startswith(PREFIX) and kind.isalpha():
                if sum(map(len, found.values())) >= MAX_PRIVATE_CHUNKS:
                    raise DamagedFileError(f"{name}: more than {MAX_PRIVATE_CHUNKS} private chunks")
                found.setdefault(kind.decode("ascii"), []).append(read_payload(file, kind, at, length, name))
    except ImageError as error:
        if found:
            raise DamagedFileError(error.message, code=error.code) from None
        raise
    return found

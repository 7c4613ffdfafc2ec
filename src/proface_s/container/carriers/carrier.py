"""Header and seals <-> private chunks <-> picture files of every format that can carry them.

::

    Header, seals ── to_chunks ──► {"pfSh": [header], "pfSl": [seal, ...]} ── attach ──► PNG, WebP or TIFF file
                  ◄── from_chunks ──                                       ◄── read_chunks ──
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from ...errors import DamagedFileError, ImageError, NotProtectedError
from ..header.header import Header
from ..header.header_bytes import decode_header, encode_header
from .png import HEADER_CHUNK, PNG_SIGNATURE, SEAL_CHUNK, attach_png, read_png_chunks
from .tiff import attach_tiff, is_tiff, read_tiff_chunks
from .webp import attach_webp, is_webp, read_webp_chunks

_INDEX_BYTES = 2
_FRONT_BYTES = 12  # enough of a file to tell its format


def attach(data: bytes, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Put private chunks into a picture file of any format that can carry them; `read_chunks` is the inverse.

    Args:
        data: a complete PNG, WebP or TIFF file; its pixels are not touched.
        chunks: as `to_chunks` makes them; those that are already there are replaced.

    Raises:
        ImageError: another format, or a damaged file.
    """
    if data.startswith(PNG_SIGNATURE):
        return attach_png(data, chunks)
    if is_webp(data):
        return attach_webp(data, chunks)
    if is_tiff(data):
        return attach_tiff(data, chunks)
    raise ImageError("only PNG, WebP and TIFF files can carry a hidden face")


def read_chunks(source: bytes | BinaryIO, name: str = "the picture") -> dict[str, list[bytes]]:
    """Collect the private chunks of a picture file, without decoding any pixels.

    Args:
        source: the whole file, or a seekable binary file at its beginning.
        name: how messages call the picture.

    Returns:
        chunk name -> payloads; empty for pictures without any, and for formats that cannot carry any.

    Raises:
        DamagedFileError: there are some, but they are damaged.
        ImageError: the file is truncated before any was found.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    start = file.tell()
    front = file.read(_FRONT_BYTES)
    file.seek(start)
    if is_webp(front):
        return read_webp_chunks(file, name)
    return read_tiff_chunks(file, name) if is_tiff(front) else read_png_chunks(file, name)


def to_chunks(header: Header, seals: Mapping[int, bytes]) -> dict[str, list[bytes]]:
    """Serialise header and seals for `attach`.

    Args:
        header: the header.
        seals: face index -> seal (`seal_region`), for any of the faces.

    Raises:
        UsageError: the header breaks a rule of the format.
        ValueError: a seal for a face that does not exist or is not marked as sealed.
    """
    for index in seals:
        if not 0 <= index < len(header.faces) or not header.faces[index].sealed:
            raise ValueError(f"the seal of face {index + 1} belongs to no sealed face")
    boxes = [index.to_bytes(_INDEX_BYTES, "big") + seals[index] for index in sorted(seals)]
    return {HEADER_CHUNK: [encode_header(header)], SEAL_CHUNK: boxes}


def from_chunks(chunks: Mapping[str, Sequence[bytes]], name: str = "the picture") -> tuple[Header, dict[int, bytes]]:
    """Inverse of `to_chunks`.

    Args:
        chunks: as `read_chunks` returns them; unknown names are ignored.
        name: how messages call the picture.

    Returns:
        The header, and face index -> seal for the seals that are there.  A face may be marked as sealed and
        have no seal here: then it was stripped.

    Raises:
        NotProtectedError: there is no header, and no seal either.
        DamagedFileError: header missing but seals present, several headers, an invalid header, seals of
            faces that do not exist or have several.
        FileFormatError: written by a later version of the format.
    """
    headers, boxes = chunks.get(HEADER_CHUNK, ()), chunks.get(SEAL_CHUNK, ())
    if not headers:
        if boxes:
            raise DamagedFileError(f"{name}: there are seals, but the header was removed")
        raise NotProtectedError(
            f"{name} carries no PRO-Face S header",
            hint="either it was never protected, or a program that drops unknown data has saved it again",
        )
    if len(headers) > 1:
        raise DamagedFileError(f"{name}: {len(headers)} headers instead of one")
    header = decode_header(headers[0])
    seals: dict[int, bytes] = {}
    for box in boxes:
        index = int.from_bytes(box[:_INDEX_BYTES], "big")
        if len(box) < _INDEX_BYTES or index >= len(header.faces) or not header.faces[index].sealed:
            raise DamagedFileError(f"{name}: a seal belongs to no sealed face")
        if index in seals:
            raise DamagedFileError(f"{name}: face {index + 1} has several seals")
        seals[index] = box[_INDEX_BYTES:]
    return header, seals

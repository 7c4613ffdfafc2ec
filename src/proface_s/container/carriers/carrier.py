"""Header and seals to private chunks, private chunks into picture files of every format that can carry them, and back.

::

    Header, seals ── to_chunks ──► {"pfSh": [header], "pfSl": [seal, ...]} ── write_chunks ──► picture file
                  ◄── from_chunks ──                                       ◄── read_chunks ──
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from ...errors import DamagedFileError, ImageError, NotProtectedError
from ..header.header import Header
from ..header.header_bytes import decode_header, encode_header
from .jpeg import is_jpeg, read_jpeg_chunks, write_jpeg_chunks
from .png import HEADER_CHUNK, PNG_SIGNATURE, SEAL_CHUNK, read_png_chunks, write_png_chunks
from .tiff import is_tiff, read_tiff_chunks, write_tiff_chunks
from .webp import is_webp, read_webp_chunks, write_webp_chunks

_INDEX_BYTES = 2
_FRONT_BYTES = 12  # enough of a file to recognise its format


def write_chunks(data: bytes, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Write private chunks into a picture file of any format that can carry them; `read_chunks` is the inverse.

    Args:
        data: a complete PNG, WebP, TIFF or JPEG file; its pixels are not touched.
        chunks: as `to_chunks` returns them; they replace those of the same name.

    Returns:
        The new file.

    Raises:
        ImageError: if the file is damaged or has another format.
    """
    if data.startswith(PNG_SIGNATURE):
        return write_png_chunks(data, chunks)
    if is_webp(data):
        return write_webp_chunks(data, chunks)
    if is_tiff(data):
        return write_tiff_chunks(data, chunks)
    if is_jpeg(data):
        return write_jpeg_chunks(data, chunks)
    raise ImageError("only PNG, WebP, TIFF and JPEG files can carry a hidden face")


def read_chunks(source: bytes | BinaryIO, name: str = "the picture") -> dict[str, list[bytes]]:
    """Read header and seals of a picture file, without decoding any pixels; inverse of `write_chunks`.

    Private chunks of other names are checked like these, but not returned: a later version may have written them.

    Args:
        source: the whole file, or a seekable binary file at its beginning.
        name: the picture's name in error messages.

    Returns:
        chunk name -> payloads; empty for pictures without header and seals, and for formats that cannot carry any.

    Raises:
        DamagedFileError: if a private chunk is damaged.
        ImageError: if the file is truncated before the first private chunk.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    start = file.tell()
    front = file.read(_FRONT_BYTES)
    file.seek(start)
    if is_webp(front):
        found = read_webp_chunks(file, name)
    elif is_jpeg(front):
        found = read_jpeg_chunks(file, name)
    else:
        found = read_tiff_chunks(file, name) if is_tiff(front) else read_png_chunks(file, name)
    return {kind: payloads for kind, payloads in found.items() if kind in (HEADER_CHUNK, SEAL_CHUNK)}


def to_chunks(header: Header, seals: Mapping[int, bytes]) -> dict[str, list[bytes]]:
    """Serialise header and seals for `write_chunks`; `from_chunks` is the inverse.

    Args:
        header: the header.
        seals: face index -> seal (`seal_region`), for any of the faces.

    Raises:
        UsageError: if the header breaks a rule of the format.
        ValueError: if a seal belongs to a face that does not exist or is not marked as sealed.
    """
    for index in seals:
        if not 0 <= index < len(header.faces) or not header.faces[index].sealed:
            raise ValueError(f"the seal of face {index + 1} belongs to no sealed face")
    payloads = [index.to_bytes(_INDEX_BYTES, "big") + seals[index] for index in sorted(seals)]
    return {HEADER_CHUNK: [encode_header(header)], SEAL_CHUNK: payloads}


def from_chunks(chunks: Mapping[str, Sequence[bytes]], name: str = "the picture") -> tuple[Header, dict[int, bytes]]:
    """Parse header and seals; inverse of `to_chunks`.

    Args:
        chunks: as `read_chunks` returns them; unknown names are ignored.
        name: the picture's name in error messages.

    Returns:
        The header, and face index -> seal for the seals that were found.  If a face is marked as sealed but has no
        seal here, the seal was stripped.

    Raises:
        NotProtectedError: if there is neither header nor seal.
        DamagedFileError: if the header is invalid, there are several, or there are seals but no header; or if a seal
            belongs to no sealed face or to one that has another.
        FileFormatError: if a later version of the format wrote it.
    """
    headers, payloads = chunks.get(HEADER_CHUNK, ()), chunks.get(SEAL_CHUNK, ())
    if not headers:
        if payloads:
            raise DamagedFileError(f"{name}: there are seals, but the header was removed")
        raise NotProtectedError(
            f"{name} carries no PRO-Face S header",
            code="no-header",
        )
    if len(headers) > 1:
        raise DamagedFileError(f"{name}: {len(headers)} headers instead of one")
    header = decode_header(headers[0])
    seals: dict[int, bytes] = {}
    for payload in payloads:
        index = int.from_bytes(payload[:_INDEX_BYTES], "big")
        if len(payload) < _INDEX_BYTES or index >= len(header.faces) or not header.faces[index].sealed:
            raise DamagedFileError(f"{name}: a seal belongs to no sealed face")
        if index in seals:
            raise DamagedFileError(f"{name}: face {index + 1} has several seals")
        seals[index] = payload[_INDEX_BYTES:]
    return header, seals

"""Private chunks in WebP files (RIFF container, RFC 9649), read and written without touching the pixels.

::

    RIFF size WEBP | VP8X | ICCP | VP8L pixels | EXIF | pfSh header | pfSl seal | pfSl seal

Unknown chunks belong behind all others and need the extended form: a file that begins with its pixels gets the
``VP8X`` chunk it lacks.  RIFF has no checksums, but the header has its own and a seal is authenticated.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from ...errors import ImageError
from .private_chunks import read_private_chunks

MAX_CHUNKS: Final = 20_000  # twice as many as there may be seals
MAX_FILE_BYTES: Final = 2**32 - 2
_FRAME: Final = struct.Struct("<4sI")
_START: Final = struct.Struct("<4sI4s")
_EXTENDED: Final = b"VP8X"
_EXTENDED_BYTES: Final = 10
_ALPHA: Final = 0x10


def is_webp(data: bytes) -> bool:
    """Return whether bytes are the beginning of a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def write_webp_chunks(webp: bytes, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Write private chunks into a WebP file, behind all others.

    They replace chunks of the same names; an empty list removes those.  `read_webp_chunks` is the inverse.

    Args:
        webp: a complete WebP file; its other chunks are copied byte by byte.
        chunks: four-letter name beginning with ``pfS`` -> payloads, in file order.

    Raises:
        ImageError: if ``webp`` is not a complete WebP file, or the result would be larger than RIFF allows.
    """
    replaced = {name.encode("ascii") for name in chunks}
    pieces: list[bytes] = []
    for kind, start, length in _walk(io.BytesIO(webp), len(webp), "the picture"):
        payload = webp[start : start + length]
        if not pieces and kind != _EXTENDED:
            pieces.append(_chunk(_EXTENDED, _extended(kind, payload)))
        if kind not in replaced:
            pieces.append(_chunk(kind, payload))
    pieces += [_chunk(name.encode("ascii"), payload) for name, parts in chunks.items() for payload in parts]
    size = 4 + sum(map(len, pieces))
    if size > MAX_FILE_BYTES:
        raise ImageError("the picture and its seals do not fit into a WebP file", code="format-limits")
    return b"".join([_START.pack(b"RIFF", size, b"WEBP"), *pieces])


def read_webp_chunks(source: bytes | BinaryIO, name: str = "the picture") -> dict[str, list[bytes]]:
    """Read the private chunks (``pfS*``) of a WebP file, without decoding any pixels; inverse of `write_webp_chunks`.

    Args:
        source: the whole file, or a seekable binary file (read from its current position).
        name: the picture's name in error messages.

    Returns:
        chunk name -> payloads in file order; empty for WebP files without such chunks and for other files.

    Raises:
        DamagedFileError: if there are too many, or the file ends too early after one was found.
        ImageError: if a WebP file is truncated before the first private chunk.
    """
    return read_private_chunks(source, name, is_kind=is_webp, walk=_walk, read_payload=_read_payload)


def _walk(file: BinaryIO, size: int, name: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, offset of the payload, its length) of every chunk, ignoring bytes behind the RIFF chunk.

    Raises:
        ImageError: if it is not a WebP file, or a chunk reaches beyond its end.
    """
    start = file.tell()
    front = file.read(_START.size)
    if len(front) < _START.size or not is_webp(front):
        raise ImageError(f"{name} is not a WebP file")
    end = start + 8 + _START.unpack(front)[1]
    at = start + _START.size
    for _ in range(MAX_CHUNKS):
        if at + _FRAME.size > min(end, size):
            break
        file.seek(at)
        kind, length = _FRAME.unpack(file.read(_FRAME.size))
        if at + _FRAME.size + length > min(end, size):
            break
        yield kind, at + _FRAME.size, length
        at += _FRAME.size + length + length % 2
    else:
        raise ImageError(f"{name} has more than {MAX_CHUNKS} chunks; no program writes so many", code="odd-structure")
    if end > size or at < end or at == start + _START.size:
        raise ImageError(f"{name} is truncated or damaged at byte {at}", code="damaged-picture")


def _read_payload(file: BinaryIO, kind: bytes, at: int, length: int, name: str) -> bytes:
    file.seek(at)
    return file.read(length)


def _chunk(kind: bytes, payload: bytes) -> bytes:
    if len(payload) > MAX_FILE_BYTES:
        raise ImageError(f"{len(payload)} bytes do not fit into a WebP chunk")
    return _FRAME.pack(kind, len(payload)) + payload + bytes(len(payload) % 2)


def _extended(kind: bytes, payload: bytes) -> bytes:
    """Return the ``VP8X`` payload of a file that consists of its pixels alone."""
    if kind == b"VP8L" and len(payload) >= 5:
        bits = int.from_bytes(payload[1:5], "little")
        width, height, flags = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, _ALPHA if bits >> 28 & 1 else 0
    elif kind == b"VP8 " and len(payload) >= _EXTENDED_BYTES:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", payload, 6))
        flags = 0
    else:
        raise ImageError("the picture is a WebP file without pixels")
    return bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")

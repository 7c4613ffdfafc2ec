"""Private chunks in PNG files (PNG 3rd edition, section 5), read and written without touching the pixels.

::

    signature | IHDR ... | pfSh header | IDAT ... IDAT | pfSl seal | pfSl seal | IEND

The header goes in front of the pixels, where the reader of a stream meets it first; the seals, which can be
megabytes, go behind them, so that they do not delay the picture.  Reading seeks over the pixel data, so that
`inspect` takes milliseconds on any file.  Both names mean ancillary (``p``), private (``f``) and safe to copy
(``h``, ``l``): editors that do not know the chunks keep them, and the header's digests show whether the pixels are
still the same.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from ...errors import DamagedFileError, ImageError
from .private_chunks import PREFIX, read_private_chunks

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
HEADER_CHUNK: Final = "pfSh"
SEAL_CHUNK: Final = "pfSl"
MAX_CHUNKS: Final = 200_000
MAX_CHUNK_BYTES: Final = 2**31 - 1
_FRAME: Final = struct.Struct(">I4s")
_FRAME_BYTES: Final = 12


def write_png_chunks(png: bytes, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Write private chunks into a PNG file: ``pfSh`` before the first IDAT, all others before IEND.

    They replace chunks of the same names; an empty list removes those.  `read_png_chunks` is the inverse.

    Args:
        png: a complete PNG file; its other chunks are copied byte by byte.
        chunks: four-letter name beginning with ``pfS`` -> payloads, in file order.

    Raises:
        ImageError: if ``png`` is not a complete PNG file.
    """
    encoded = {name: b"".join(_encode_chunk(name, part) for part in parts) for name, parts in chunks.items()}
    before_pixels = encoded.pop(HEADER_CHUNK, b"")
    replaced = {name.encode("ascii") for name in chunks}
    pieces = [PNG_SIGNATURE]
    file = io.BytesIO(png)
    for kind, start, length in _walk(file, len(png), "the picture"):
        if kind in replaced:
            continue
        if kind == b"IDAT" and before_pixels:
            pieces.append(before_pixels)
            before_pixels = b""
        if kind == b"IEND":
            pieces += encoded.values()
        pieces.append(png[start - 8 : start + length + 4])
    return b"".join(pieces)


def read_png_chunks(source: bytes | BinaryIO, name: str = "the picture") -> dict[str, list[bytes]]:
    """Read the private chunks (``pfS*``) of a PNG file, without decoding any pixels; inverse of `write_png_chunks`.

    Args:
        source: the whole file, or a seekable binary file (read from its current position).
        name: the picture's name in error messages.

    Returns:
        chunk name -> payloads in file order; empty for PNG files without such chunks and for other files.

    Raises:
        DamagedFileError: if a private chunk is truncated or fails its CRC, there are too many, or the file ends too
            early after one was found.
        ImageError: if a PNG file is truncated before the first private chunk.
    """
    return read_private_chunks(source, name, is_kind=_is_png, walk=_walk, read_payload=_read_payload)


def _is_png(head: bytes) -> bool:
    return head.startswith(PNG_SIGNATURE)


def _walk(file: BinaryIO, size: int, name: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, offset of the payload, its length) of every chunk up to IEND, reading eight bytes of each.

    Raises:
        ImageError: if the signature is missing, IHDR is not the first chunk or comes again, a chunk reaches beyond the
            end of the file, IEND is missing, or there are too many chunks.
    """
    start = file.tell()
    if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
        raise ImageError(f"{name} is not a PNG file")
    at = file.tell()
    for _ in range(MAX_CHUNKS):
        if at + _FRAME_BYTES > size:
            break
        file.seek(at)
        length, kind = _FRAME.unpack(file.read(_FRAME.size))
        following = at + _FRAME_BYTES + length
        first = at == start + len(PNG_SIGNATURE)
        if length > MAX_CHUNK_BYTES or following > size or not kind.isalpha() or first != (kind == b"IHDR"):
            break
        yield kind, at + _FRAME.size, length
        if kind == b"IEND":
            return
        at = following
    else:
        raise ImageError(f"{name} has more than {MAX_CHUNKS} chunks; no program writes so many", code="odd-structure")
    raise ImageError(f"{name} is truncated or damaged at byte {at}", code="damaged-picture")


def _read_payload(file: BinaryIO, kind: bytes, at: int, length: int, name: str) -> bytes:
    file.seek(at)
    data = file.read(length)
    if file.read(4) != _crc(kind, data):
        raise DamagedFileError(f"{name}: the {kind.decode('ascii')} chunk is damaged (its CRC does not match)")
    return data


def _encode_chunk(name: str, data: bytes) -> bytes:
    kind = name.encode("ascii")
    if len(kind) != 4 or not kind.isalpha() or not kind.startswith(PREFIX):
        raise ValueError(f"{name!r} is not a private chunk name of this format")
    if len(data) > MAX_CHUNK_BYTES:
        raise ImageError(f"{len(data)} bytes do not fit into a PNG chunk")
    return _FRAME.pack(len(data), kind) + data + _crc(kind, data)


def _crc(kind: bytes, data: bytes) -> bytes:
    return zlib.crc32(data, zlib.crc32(kind)).to_bytes(4, "big")

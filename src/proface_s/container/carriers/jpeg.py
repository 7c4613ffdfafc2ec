"""Private chunks in JPEG files (ITU-T T.81, Annex B): a chain of APP11 segments, written without touching the picture.

::

    SOI | APP0 JFIF | APP1 orientation | APP2 ICC | APP14 Adobe | APP11 1 of 3 | APP11 2 of 3 | APP11 3 of 3 | DQT ...

    segment = FF EB | length u16 | "PRO-Face" 00 | number u16, from 1 | count u16 | part
    parts, joined = for every chunk: name (4) | length u32 | payload

A segment holds less than 64 KiB, so the chunks are joined and cut into parts.  The chain follows the other APP
segments, before the first scan, so that `inspect` reads no coded data.  Every part but the last is full: chunks have
one encoding.  JPEG has no checksums, but the header has its own and a seal is authenticated.

APP11 is also where JPEG XT and JUMBF (C2PA) keep boxes, which begin with ``JP``; ours cannot be taken for one of them.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from ...errors import DamagedFileError, ImageError
from .private_chunks import MAX_PRIVATE_CHUNKS, PREFIX, seekable

IDENTIFIER: Final = b"PRO-Face\0"
MAX_CHAIN: Final = 16_384
"""Segments of a chain: 1 GiB, more than the seals of any picture that a JPEG can hold in practice."""
MAX_SEGMENTS: Final = 20_000
"""Segments before the first scan."""

_SOI, _EOI, _SOS, _APP0, _APP11, _APP15 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEB, 0xEF
_STANDALONE: Final = (0x01, _SOI, *range(0xD0, 0xD8))  # markers without a length
_FRAME: Final = struct.Struct(">BBH")
_PLACE: Final = struct.Struct(f">{len(IDENTIFIER)}sHH")
_CHUNK: Final = struct.Struct(">4sI")
PART_BYTES: Final = 65_533 - _PLACE.size
_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_BLOCK: Final = 65_536

Segment = tuple[int, int, int, int]
"""(marker, offset of its first byte, offset of its payload, length of the payload)"""


def is_jpeg(data: bytes) -> bool:
    """Return whether bytes are the beginning of a JPEG file."""
    return data[:3] == b"\xff\xd8\xff"


def write_jpeg_chunks(jpeg: bytes, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Write private chunks into a JPEG file, after its other APP segments.

    They replace chunks of the same names; an empty list removes those.  `read_jpeg_chunks` is the inverse.

    Args:
        jpeg: a JPEG file; everything but its chain is copied byte by byte.
        chunks: four-letter name beginning with ``pfS`` -> payloads, in file order.

    Raises:
        ImageError: if ``jpeg`` is not a JPEG file with a picture, or the chunks are too large for a chain.
        DamagedFileError: if it has a damaged chain.
    """
    file = io.BytesIO(jpeg)
    kept: dict[str, Sequence[bytes]] = {**read_jpeg_chunks(jpeg), **chunks}
    pieces, at, after = [jpeg[:2]], 2, 1
    for marker, start, payload, length in _walk(file, len(jpeg), "the picture"):
        if marker == _SOS:
            break
        if _is_link(file, marker, payload, length):
            pieces.append(jpeg[at:start])
        else:
            pieces.append(jpeg[at : payload + length])
            if _APP0 <= marker <= _APP15:
                after = len(pieces)
        at = payload + length
    else:
        raise ImageError("the picture is not a complete JPEG file")
    pieces.insert(after, _chain(_joined(kept)))
    return b"".join([*pieces, jpeg[at:]])


def read_jpeg_chunks(source: bytes | BinaryIO, name: str = "the picture") -> dict[str, list[bytes]]:
    """Read the private chunks of a JPEG file, without decoding any pixels; inverse of `write_jpeg_chunks`.

    Args:
        source: the whole file, or a seekable binary file (read from its current position, which is its beginning).
        name: the picture's name in error messages.

    Returns:
        chunk name -> payloads in file order; empty for JPEG files without a chain, and for other files.  Whether the
        rest of the file is in order is for its decoder to say.

    Raises:
        DamagedFileError: if links of the chain are missing, doubled, reordered or damaged, or it holds anything but
            private chunks.
    """
    file, _, size = seekable(source)
    if not is_jpeg(file.read(3)):
        return {}
    parts: list[bytes] = []
    count = 0
    for marker, _, payload, length in _walk(file, size, name):
        if marker == _SOS:
            break
        if not _is_link(file, marker, payload, length):
            continue
        file.seek(payload)
        _, number, links = _PLACE.unpack(file.read(_PLACE.size))
        part = file.read(length - _PLACE.size)
        _check_link(number, links, len(part), parts, count or links, name)
        parts.append(part)
        count = links
    if len(parts) != count:
        raise DamagedFileError(
            f"{name}: {len(parts)} of {count} segments with the seals are left; the others were removed or cut off",
            code="damaged-picture",
        )
    return _parsed(b"".join(parts), name) if parts else {}


def _check_link(number: int, links: int, length: int, parts: Sequence[bytes], count: int, name: str) -> None:
    """Refuse a link that is not the next one of its chain.

    Raises:
        DamagedFileError: if it is not.
    """
    if links != count or not 1 <= links <= MAX_CHAIN:
        raise DamagedFileError(f"{name}: the segments with the seals disagree about their number, or are too many")
    if number != len(parts) + 1:
        raise DamagedFileError(
            f"{name}: segment {number} of {links} with the seals comes where {len(parts) + 1} belongs: "
            "some were removed, doubled or reordered"
        )
    if length != PART_BYTES and not (number == links and 0 < length < PART_BYTES):
        raise DamagedFileError(f"{name}: segment {number} of {links} with the seals has {length} bytes")


def _walk(file: BinaryIO, size: int, name: str) -> Iterator[Segment]:
    """Yield the segments up to the first scan, whose coded data are not read.

    Like decoders, it skips what is not a segment; a file that ends early yields those that are complete.

    Raises:
        ImageError: if there are too many.
    """
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _marker_at(file, at)
        if found is None:
            return
        marker, at = found
        if marker in _STANDALONE:
            at += 2
            continue
        file.seek(at + 2)
        length = int.from_bytes(file.read(2), "big") - 2
        if marker == _EOI or length < 0 or at + _FRAME.size + length > size:
            return
        yield marker, at, at + _FRAME.size, length
        if marker == _SOS:
            return
        at += _FRAME.size + length
    raise ImageError(f"{name} has more than {MAX_SEGMENTS} segments; no program writes so many", code="odd-structure")


def _marker_at(file: BinaryIO, at: int) -> tuple[int, int] | None:
    """Return the next marker, and where it begins without fill bytes; None if there is none."""
    size = _FRAME.size
    while True:
        file.seek(at)
        block = file.read(size)
        if found := _MARKER.search(block):
            return found[1][0], at + found.start()
        if len(block) < 2:
            return None
        at, size = at + len(block) - 1, _BLOCK


def _is_link(file: BinaryIO, marker: int, payload: int, length: int) -> bool:
    """Return whether a segment belongs to our chain."""
    if marker != _APP11 or length < _PLACE.size:
        return False
    file.seek(payload)
    return file.read(len(IDENTIFIER)) == IDENTIFIER


def _joined(chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Serialise chunks; `_parsed` is the inverse."""
    pieces = []
    for name, payloads in chunks.items():
        kind = name.encode("ascii")
        if len(kind) != 4 or not kind.isalpha() or not kind.startswith(PREFIX):
            raise ValueError(f"{name!r} is not a private chunk name of this format")
        for payload in payloads:
            pieces += [_CHUNK.pack(kind, len(payload)), payload]
    return b"".join(pieces)


def _parsed(joined: bytes, name: str) -> dict[str, list[bytes]]:
    """Parse chunks; inverse of `_joined`."""
    found: dict[str, list[bytes]] = {}
    at = number = 0
    while at < len(joined):
        if at + _CHUNK.size > len(joined) or number >= MAX_PRIVATE_CHUNKS:
            raise DamagedFileError(f"{name}: the segments with the seals are damaged")
        kind, length = _CHUNK.unpack_from(joined, at)
        at += _CHUNK.size
        if length > len(joined) - at or not kind.startswith(PREFIX) or not kind.isalpha():
            raise DamagedFileError(f"{name}: the segments with the seals are damaged")
        found.setdefault(kind.decode("ascii"), []).append(joined[at : at + length])
        at += length
        number += 1
    return found


def _chain(joined: bytes) -> bytes:
    """Cut bytes into the segments of a chain."""
    parts = [joined[at : at + PART_BYTES] for at in range(0, len(joined), PART_BYTES)]
    if len(parts) > MAX_CHAIN:
        raise ImageError("the seals do not fit into a JPEG file", code="format-limits")
    return b"".join(
        _FRAME.pack(0xFF, _APP11, 2 + _PLACE.size + len(part)) + _PLACE.pack(IDENTIFIER, number, len(parts)) + part
        for number, part in enumerate(parts, 1)
    )

"""Private tags in TIFF files (TIFF 6.0; tags from 65000 on are free for private use), without touching the pixels.

::

    II*\\0 offset | pixels, tags ... | header | seals | image file directory with the two tags 65360 and 65361

The first directory is copied to the end of the file with our tags in it; everything it points to stays where it is.
When a file of ours is changed later, its old tail is cut off; in a file that another program has rewritten, the bytes
of an old header and old seals are overwritten with zeros, so that nothing of a forgotten face is left.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from ...errors import DamagedFileError, ImageError
from .png import HEADER_CHUNK, SEAL_CHUNK
from .private_chunks import MAX_PRIVATE_CHUNKS, seekable

HEADER_TAG: Final = 65360
SEALS_TAG: Final = 65361
MAX_FILE_BYTES: Final = 2**32 - 1
_TAGS: Final = (HEADER_TAG, SEALS_TAG)
_UNDEFINED: Final = 7
_BYTE: Final = 1
_ENTRY_BYTES: Final = 12
_LENGTH_BYTES: Final = 4
_BYTE_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}


@dataclass(frozen=True, slots=True)
class _Directory:
    """The first directory of a file: its byte order, offset, raw entries by tag, and the four bytes behind them."""

    order: str
    offset: int
    entries: dict[int, bytes]
    following: bytes

    @property
    def end(self) -> int:
        return self.offset + 2 + _ENTRY_BYTES * len(self.entries) + 4

    def place(self, tag: int) -> tuple[int, int]:
        """Return (offset, length) of the bytes of one of our tags.

        Raises:
            DamagedFileError: if its type or its length is none that we write.
        """
        kind, count = struct.unpack_from(self.order + "HI", self.entries[tag], 2)
        if kind not in (_UNDEFINED, _BYTE):
            raise DamagedFileError(f"the private tag {tag} has type {kind}")
        if count <= 4:  # TIFF stores up to four bytes in the entry itself; our payloads are longer
            raise DamagedFileError(f"the private tag {tag} has only {count} bytes")
        return int(struct.unpack_from(self.order + "I", self.entries[tag], 8)[0]), int(count)


def is_tiff(data: bytes) -> bool:
    """Return whether bytes are the beginning of a (classic) TIFF file."""
    return data[:4] in _BYTE_ORDERS


def write_tiff_chunks(tiff: bytes, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Write header and seals into the first directory of a TIFF file, replacing any that it has.

    `read_tiff_chunks` is the inverse.

    Args:
        tiff: a complete TIFF file.
        chunks: as `to_chunks` returns them: at most one ``pfSh``, any number of ``pfSl``.

    Raises:
        ImageError: if ``tiff`` is not a complete TIFF file, or the result would be larger than TIFF allows.
    """
    file = io.BytesIO(tiff)
    directory = _read_directory(file, len(tiff), "the picture")
    body = _without_payloads(tiff, directory)
    payloads = {
        HEADER_TAG: b"".join(chunks.get(HEADER_CHUNK, ())),
        SEALS_TAG: _encode_seals(chunks.get(SEAL_CHUNK, ())),
    }
    entries = {tag: entry for tag, entry in directory.entries.items() if tag not in _TAGS}
    for tag, payload in payloads.items():
        if payload:
            body += bytes(len(body) % 2)
            entries[tag] = struct.pack(directory.order + "HHII", tag, _UNDEFINED, len(payload), len(body))
            body += payload
    body += bytes(len(body) % 2)
    struct.pack_into(directory.order + "I", body, 4, len(body))
    body += struct.pack(directory.order + "H", len(entries))
    body += b"".join(entries[tag] for tag in sorted(entries)) + directory.following
    if len(body) > MAX_FILE_BYTES:
        raise ImageError("the picture and its seals do not fit into a TIFF file", code="format-limits")
    return bytes(body)


def read_tiff_chunks(source: bytes | BinaryIO, name: str = "the picture") -> dict[str, list[bytes]]:
    """Read header and seals of a TIFF file, as chunks, without decoding any pixels; inverse of `write_tiff_chunks`.

    Args:
        source: the whole file, or a seekable binary file (read from its current position, which is its beginning).
        name: the picture's name in error messages.

    Returns:
        chunk name -> payloads; empty for TIFF files without our tags, and for files that are not classic TIFF.

    Raises:
        DamagedFileError: if one of our tags is malformed.
        ImageError: if a TIFF file is truncated.
    """
    file, _, size = seekable(source)
    if not is_tiff(file.read(4)):
        return {}
    directory = _read_directory(file, size, name)
    found: dict[str, list[bytes]] = {}
    for tag in _TAGS:
        if tag not in directory.entries:
            continue
        offset, length = directory.place(tag)
        if offset + length > size:
            raise DamagedFileError(f"{name} is truncated or damaged: a private tag reaches beyond its end")
        file.seek(offset)
        payload = file.read(length)
        if tag == HEADER_TAG:
            found[HEADER_CHUNK] = [payload]
        else:
            found[SEAL_CHUNK] = _decode_seals(payload, name)
    return found


def decode_tiff_tags(tags: Mapping[int, object], name: str = "the picture") -> dict[str, list[bytes]]:
    """Return the chunks that `read_tiff_chunks` would, from the tags that another library (Pillow) has already read."""
    header, seals = (tags.get(tag) for tag in _TAGS)
    found = {HEADER_CHUNK: [header]} if isinstance(header, bytes) else {}
    return found | ({SEAL_CHUNK: _decode_seals(seals, name)} if isinstance(seals, bytes) else {})


def _read_directory(file: BinaryIO, size: int, name: str) -> _Directory:
    """Parse the first directory.

    Raises:
        ImageError: if it is missing or cut short.
    """
    damaged = ImageError(f"{name} is truncated or damaged", code="damaged-picture")
    file.seek(0)
    front = file.read(8)
    if len(front) < 8 or not is_tiff(front):
        raise ImageError(f"{name} is not a TIFF file")
    order = _BYTE_ORDERS[front[:4]]
    offset = int(struct.unpack(order + "I", front[4:])[0])
    if not 8 <= offset <= size - 2:
        raise damaged
    file.seek(offset)
    count = int(struct.unpack(order + "H", file.read(2))[0])
    raw = file.read(_ENTRY_BYTES * count + 4)
    if len(raw) < _ENTRY_BYTES * count + 4 or not count:
        raise damaged
    entries = [raw[at : at + _ENTRY_BYTES] for at in range(0, _ENTRY_BYTES * count, _ENTRY_BYTES)]
    tagged = {int(struct.unpack_from(order + "H", entry)[0]): entry for entry in entries}
    if len(tagged) != count:
        raise damaged
    return _Directory(order, offset, tagged, raw[-4:])


def _without_payloads(tiff: bytes, directory: _Directory) -> bytearray:
    """Return the file without the bytes of our tags: cut off if they are its tail, else overwritten with zeros."""
    body = bytearray(tiff)
    places = sorted(directory.place(tag) for tag in _TAGS if tag in directory.entries)
    expected = directory.offset
    for offset, length in reversed(places):
        if offset + length > len(body):
            raise DamagedFileError("a private tag reaches beyond the end of the file")
        body[offset : offset + length] = bytes(length)
        expected = offset if offset + length + (offset + length) % 2 == expected else -1
    if places and directory.end == len(tiff) and expected >= 8:
        del body[expected:]
    return body


def _encode_seals(seals: Sequence[bytes]) -> bytes:
    return b"".join(len(seal).to_bytes(_LENGTH_BYTES, "big") + seal for seal in seals)


def _decode_seals(payload: bytes, name: str) -> list[bytes]:
    """Parse the payload of the seals' tag; inverse of `_encode_seals`."""
    seals: list[bytes] = []
    at = 0
    while at < len(payload):
        end = at + _LENGTH_BYTES + int.from_bytes(payload[at : at + _LENGTH_BYTES], "big")
        if end > len(payload) or at + _LENGTH_BYTES > len(payload) or len(seals) >= MAX_PRIVATE_CHUNKS:
            raise DamagedFileError(f"{name}: the seals' tag is damaged")
        seals.append(payload[at + _LENGTH_BYTES : end])
        at = end
    return seals

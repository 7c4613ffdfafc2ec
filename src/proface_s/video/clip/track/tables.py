"""The public part of a clip's sealed track: a table for each chunk, and the list of all chunks at the end.

::

    header packet  "PFSh" | header (docs/format.md, section 1)
    chunk packet   "PFSc" | length of the table u32 | table | per person: index u16 | length u32 | sealed track
    piece packet   "PFSo" | number u32 | sealed piece of the original file
    last packet    "PFSe" | list | per face of the header: MAC (32)

    table          number u32 | first frame u32 | frames u16 | per frame: time i64 | areas u16 | per area:
                   index u16 | x y w h, u16 each
    list           frames u32 | bytes of the original u64 | packets u32 | per packet:
                   SHA-256 of the table (zeros: a piece) | first frame u32 | start i64 | stop i64 | sealed parts u16 |
                   per part: index u16 | SHA-256

All integers are big-endian.  Every table and list has exactly one encoding.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from ....container.byte_reader import ByteReader
from ....container.header.header import DIGEST_BYTES
from ....container.header.validation import MAX_FACES
from ....errors import DamagedFileError
from ....types import Box
from ..areas import Area

HEADER_MARK: Final = b"PFSh"
CHUNK_MARK: Final = b"PFSc"
PIECE_MARK: Final = b"PFSo"
LIST_MARK: Final = b"PFSe"
MARK_BYTES: Final = 4

MAX_CHUNK_FRAMES: Final = 2400
MAX_AREAS: Final = 4096
MAX_PACKETS: Final = 1 << 20
_TABLE: Final = struct.Struct(">IIH")
_FRAME: Final = struct.Struct(">qH")
_AREA: Final = struct.Struct(">5H")
_LIST: Final = struct.Struct(">IQI")
_ENTRY: Final = struct.Struct(">32sIqqH")
_PART: Final = struct.Struct(">H32s")


class TableFrame(NamedTuple):
    """A frame in a table: its time, in units of the clip's time base, and its covered areas."""

    time: int
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """The public part of a chunk.

    Attributes:
        number: of the chunk in the clip, from 0.
        first: number of its first frame in the clip.
        frames: at most `MAX_CHUNK_FRAMES`.
    """

    number: int
    first: int
    frames: tuple[TableFrame, ...]

    @property
    def faces(self) -> tuple[int, ...]:
        """Indices of the people who are covered in the chunk, ascending."""
        return tuple(sorted({area.face for frame in self.frames for area in frame.areas}))


def encode_table(table: ChunkTable) -> bytes:
    """Serialise a table; `decode_table` is the inverse."""
    parts = [_TABLE.pack(table.number, table.first, len(table.frames))]
    for time, areas in table.frames:
        parts.append(_FRAME.pack(time, len(areas)))
        parts += [_AREA.pack(face, box.x, box.y, box.w, box.h) for face, box in areas]
    return b"".join(parts)


def decode_table(data: bytes, faces: int, size: tuple[int, int]) -> ChunkTable:
    """Parse a table; inverse of `encode_table`.

    Args:
        data: its bytes.
        faces: how many the header has.
        size: (width, height) of the frames.

    Raises:
        DamagedFileError: if it is malformed, or an area is outside the frame, odd, or of an unknown person.
    """
    reader = ByteReader(data, "table")
    number, first, count = _TABLE.unpack(reader.take(_TABLE.size, "its head"))
    if not 1 <= count <= MAX_CHUNK_FRAMES:
        raise DamagedFileError(f"invalid table: {count} frames")
    frames = []
    for _ in range(count):
        time, areas = _FRAME.unpack(reader.take(_FRAME.size, "a frame"))
        if areas > MAX_AREAS:
            raise DamagedFileError(f"invalid table: {areas} areas in a frame")
        found = [_AREA.unpack(reader.take(_AREA.size, "an area")) for _ in range(areas)]
        frames.append(TableFrame(time, tuple(Area(face, Box(*box)) for face, *box in found)))
    reader.finish()
    for frame in frames:
        for face, box in frame.areas:
            even = not (box.x | box.y | box.w | box.h) & 1
            inside = box.w > 0 and box.h > 0 and box.right <= size[0] and box.bottom <= size[1]
            if face >= faces or not even or not inside:
                raise DamagedFileError(f"invalid table: person {face + 1} in box {box}")
    return ChunkTable(number, first, tuple(frames))


@dataclass(frozen=True, slots=True)
class ChunkPacket:
    """A chunk as it lies in the file.

    Attributes:
        table: bytes of the table.
        sealed: index of a person -> sealed track.
    """

    table: bytes
    sealed: dict[int, bytes]

    @property
    def digest(self) -> bytes:
        """32 bytes, SHA-256 of the table."""
        return hashlib.sha256(self.table).digest()


def encode_chunk(packet: ChunkPacket) -> bytes:
    """Serialise a chunk packet; `decode_chunk` is the inverse."""
    parts = [CHUNK_MARK, len(packet.table).to_bytes(4, "big"), packet.table]
    for face, sealed in sorted(packet.sealed.items()):
        parts += [face.to_bytes(2, "big"), len(sealed).to_bytes(4, "big"), sealed]
    return b"".join(parts)


def decode_chunk(data: bytes) -> ChunkPacket:
    """Parse a chunk packet; inverse of `encode_chunk`.

    Raises:
        DamagedFileError: if it is malformed.
    """
    reader = ByteReader(data[MARK_BYTES:], "chunk")
    table = reader.take(reader.integer(4, "its table"), "its table")
    sealed: dict[int, bytes] = {}
    while reader.left:
        face = reader.integer(2, "a track")
        if sealed and face <= max(sealed):
            raise DamagedFileError("invalid chunk: its tracks are not in ascending order")
        sealed[face] = reader.take(reader.integer(4, "a track"), "a track")
    return ChunkPacket(table, sealed)


class ListEntry(NamedTuple):
    """What the list says of a packet.

    Attributes:
        table: SHA-256 of its table; zeros for a piece of the original.
        first: number of its first frame.
        start: time of its first frame.
        stop: time at which its last frame ends.
        parts: index of a person (0 for a piece of the original) -> SHA-256 of its sealed part.
    """

    table: bytes
    first: int
    start: int
    stop: int
    parts: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class ChunkList:
    """All packets of a clip, in order, which every face's key vouches for.

    Attributes:
        frames: of the clip.
        original: bytes of the original file; 0 if it is not sealed.
        entries: of chunks or of pieces.
    """

    frames: int
    original: int
    entries: tuple[ListEntry, ...]


def encode_list(listed: ChunkList) -> bytes:
    """Serialise a list; `decode_list` is the inverse."""
    parts = [_LIST.pack(listed.frames, listed.original, len(listed.entries))]
    for entry in listed.entries:
        parts.append(_ENTRY.pack(entry.table, entry.first, entry.start, entry.stop, len(entry.parts)))
        parts += [_PART.pack(face, digest) for face, digest in sorted(entry.parts.items())]
    return b"".join(parts)


def decode_list(data: bytes, faces: int) -> tuple[ChunkList, bytes, tuple[bytes, ...]]:
    """Parse the last packet, without its mark.

    Args:
        data: list and MACs.
        faces: how many the header has.

    Returns:
        The list, its bytes, and the MAC of each face.

    Raises:
        DamagedFileError: if it is malformed.
    """
    reader = ByteReader(data, "list of chunks")
    frames, original, count = _LIST.unpack(reader.take(_LIST.size, "its head"))
    if count > MAX_PACKETS:
        raise DamagedFileError(f"invalid list of chunks: {count} packets")
    entries = []
    for _ in range(count):
        table, first, start, stop, parts = _ENTRY.unpack(reader.take(_ENTRY.size, "an entry"))
        if parts > MAX_FACES:
            raise DamagedFileError(f"invalid list of chunks: {parts} parts of a packet")
        found = [_PART.unpack(reader.take(_PART.size, "a part")) for _ in range(parts)]
        if [face for face, _ in found] != sorted({face for face, _ in found}):
            raise DamagedFileError("invalid list of chunks: its parts are not in ascending order")
        entries.append(ListEntry(table, first, start, stop, dict(found)))
    body = data[: len(data) - reader.left]
    macs = tuple(reader.take(DIGEST_BYTES, "the MACs") for _ in range(faces))
    reader.finish()
    return ChunkList(frames, original, tuple(entries)), body, macs

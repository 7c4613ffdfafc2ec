"""Packets, tables and the list of a sealed track (docs/format.md, 10, 10.2 and 10.5)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from ..container.fields import Box, Fields, require

NO_TABLE = bytes(32)


@dataclass(frozen=True)
class Area:
    """A covered box, and the index of its person."""

    person: int
    box: Box


@dataclass(frozen=True)
class Chunk:
    """A chunk: the frames of its table, each with time and areas, and what is sealed for each person."""

    table: bytes
    number: int
    first: int
    frames: list[tuple[int, list[Area]]]
    sealed: dict[int, bytes]


@dataclass(frozen=True)
class Entry:
    """What the list says of a packet."""

    table: bytes
    first: int
    start: int
    stop: int
    parts: dict[int, bytes]


@dataclass(frozen=True)
class List:
    """The list, its bytes, and the MAC of each face."""

    frames: int
    original: int
    entries: list[Entry]
    body: bytes
    macs: list[bytes]


def chunk(packet: bytes, people: int, size: tuple[int, int]) -> Chunk:
    """Parse a packet with the mark PFSc."""
    fields = Fields(packet[4:])
    table = fields.take(fields.number(4))
    sealed: dict[int, bytes] = {}
    while fields.at < len(fields.data):
        person = fields.number(2)
        require(not sealed or person > max(sealed), "people that do not ascend")
        sealed[person] = fields.take(fields.number(4))
    number, first, frames = _table(table, people, size)
    return Chunk(table, number, first, frames, sealed)


def _table(data: bytes, people: int, size: tuple[int, int]) -> tuple[int, int, list[tuple[int, list[Area]]]]:
    fields, frames = Fields(data), []
    number, first, count = fields.number(4), fields.number(4), fields.number(2)
    require(1 <= count <= 2400, "number of frames")
    for _ in range(count):
        time = int.from_bytes(fields.take(8), signed=True)
        areas = []
        for _ in range(fields.number(2)):
            person = fields.number(2)
            x, y, w, h = box = (fields.number(2), fields.number(2), fields.number(2), fields.number(2))
            require(not (x | y | w | h) & 1 and w > 0 and h > 0, "an area that is odd or empty")
            require(x + w <= size[0] and y + h <= size[1], "an area outside the picture")
            require(person < people, "an area of nobody")
            areas.append(Area(person, box))
        frames.append((time, areas))
    fields.end()
    return number, first, frames


def piece(packet: bytes) -> tuple[int, bytes]:
    """Number and sealed piece of a packet with the mark PFSo."""
    return int.from_bytes(packet[4:8]), packet[8:]


def read_list(packet: bytes, people: int) -> List:
    """Parse the packet with the mark PFSe."""
    fields = Fields(packet[4:])
    frames, original, count = fields.number(4), fields.number(8), fields.number(4)
    entries = []
    for _ in range(count):
        table, first = fields.take(32), fields.number(4)
        start, stop = (int.from_bytes(fields.take(8), signed=True) for _ in range(2))
        parts: dict[int, bytes] = {}
        for _ in range(fields.number(2)):
            person = fields.number(2)
            require(not parts or person > max(parts), "parts that do not ascend")
            parts[person] = fields.take(32)
        entries.append(Entry(table, first, start, stop, parts))
    body = fields.since(0)
    macs = [fields.take(32) for _ in range(people)]
    fields.end()
    return List(frames, original, entries, body, macs)


def agree(entry: Entry, found: Chunk, forgotten: set[int]) -> bool:
    """Whether a chunk is the one of the list."""
    said = {person: digest for person, digest in entry.parts.items() if person not in forgotten}
    there = {person: sha256(sealed).digest() for person, sealed in found.sealed.items()}
    return (entry.table, entry.first, said) == (sha256(found.table).digest(), found.first, there)

"""Samples of the tracks of an MP4 file (ISO/IEC 14496-12), as far as sealed tracks need them."""

from __future__ import annotations

from collections.abc import Iterator

from ..container.fields import Fields, require
from ..outcomes import NotProtected

MARKS = (b"PFSh", b"PFSc", b"PFSo", b"PFSe")


def sealed_packets(data: bytes) -> list[bytes]:
    """The packets of the track that has the marks of sealed packets, in the order of the file."""
    for track in _boxes(_box(data, b"moov"), b"trak"):
        samples = _samples(data, _box(_box(_box(track, b"mdia"), b"minf"), b"stbl"))
        if any(sample[:4] in MARKS for sample in samples):
            return samples
    raise NotProtected


def _samples(data: bytes, table: bytes) -> list[bytes]:
    """The samples of a track: sizes, and how many there are in each chunk at its place in the file."""
    sizes, chunks = _sizes(_box(table, b"stsz")), _places(table)
    runs = _runs(_box(table, b"stsc"))
    found: list[bytes] = []
    for number, place in enumerate(chunks, 1):
        count = next(samples for first, samples in reversed(runs) if first <= number)
        for size in sizes[len(found) : len(found) + count]:
            found.append(data[place : place + size])
            place += size
    require(len(found) == len(sizes), "samples that are in no chunk")
    return found


def _sizes(box: bytes) -> list[int]:
    fields = Fields(box[4:])
    same, count = fields.number(4), fields.number(4)
    return [same or fields.number(4) for _ in range(count)]


def _places(table: bytes) -> list[int]:
    short = _find(table, b"stco")
    fields = Fields((_box(table, b"co64") if short is None else short)[4:])
    return [fields.number(8 if short is None else 4) for _ in range(fields.number(4))]


def _runs(box: bytes) -> list[tuple[int, int]]:
    fields, runs = Fields(box[4:]), []
    for _ in range(fields.number(4)):
        runs.append((fields.number(4), fields.number(4)))
        fields.number(4)
    return runs


def _boxes(data: bytes, wanted: bytes) -> Iterator[bytes]:
    """The contents of all boxes of a kind."""
    fields = Fields(data)
    while fields.at < len(data):
        size, kind, head = fields.number(4), fields.take(4), 8
        if size == 1:
            size, head = fields.number(8), 16
        content = fields.take((len(data) - fields.at + head if size == 0 else size) - head)
        if kind == wanted:
            yield content


def _find(data: bytes, kind: bytes) -> bytes | None:
    return next(_boxes(data, kind), None)


def _box(data: bytes, kind: bytes) -> bytes:
    found = _find(data, kind)
    require(found is not None, "a box is missing")
    return found or b""

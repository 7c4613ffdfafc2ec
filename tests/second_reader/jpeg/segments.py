"""Marker segments of a JPEG file (ITU-T T.81, annex B), and the chain of APP11 (docs/format.md, section 1.7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ..container.fields import Fields, require
from ..outcomes import NotAPicture

SOI, EOI, SOS, DHT, DQT, DRI = 0xD8, 0xD9, 0xDA, 0xC4, 0xDB, 0xDD
APP0, APP1, APP11, APP14 = 0xE0, 0xE1, 0xEB, 0xEE
RESTARTS, RESERVED = range(0xD0, 0xD8), range(0xF0, 0xFE)
OURS = b"PRO-Face\0"
PART, MOST_PARTS, MOST_CHUNKS, MOST_SEGMENTS = 65520, 16384, 8192, 20000


@dataclass(frozen=True)
class Segment:
    """A marker, its parameters, and, behind a start of scan, the entropy-coded data between restart markers."""

    marker: int
    payload: bytes
    coded: tuple[bytes, ...] = ()


def segments(data: bytes, scans: bool = True) -> Iterator[Segment]:
    """All marker segments behind the start of the image, up to its end, or up to the first scan.

    A file may end without its last marker.  Raises `NotAPicture`.
    """
    at = 2
    while at < len(data):
        if data[at : at + 1] != b"\xff":
            raise NotAPicture("a marker is missing")
        while data[at : at + 1] == b"\xff":
            at += 1
        marker = data[at] if at < len(data) else EOI
        if marker == EOI or (marker == SOS and not scans):
            return
        if marker < 0xC0 or marker in RESERVED:
            raise NotAPicture("a marker that is reserved")
        length = int.from_bytes(data[at + 1 : at + 3])
        payload = data[at + 3 : at + 1 + length]
        if length < 2 or len(payload) != length - 2:
            raise NotAPicture("a segment that reaches beyond the file")
        at += 1 + length
        coded: tuple[bytes, ...] = ()
        if marker == SOS:
            coded, at = _coded(data, at)
        yield Segment(marker, payload, coded)


def _coded(data: bytes, at: int) -> tuple[tuple[bytes, ...], int]:
    """Entropy-coded data from `at`, cut at its restart markers and unstuffed, and where they end."""
    intervals, start = [], at
    while True:
        at = data.find(b"\xff", at)
        following = data[at + 1] if 0 <= at < len(data) - 1 else EOI
        if following in (0, 0xFF):
            at += 1 + (following == 0)
            continue
        end = at if at >= 0 else len(data)
        intervals.append(data[start:end].replace(b"\xff\0", b"\xff"))
        if following not in RESTARTS:
            return tuple(intervals), end
        at += 2
        start = at


def before_scans(data: bytes) -> list[Segment]:
    """The segments before the first scan, as far as they can be read.  Raises `Damaged` if there are too many."""
    found: list[Segment] = []
    with suppress(NotAPicture):  # that the picture is broken is found when it is decoded
        for segment in segments(data, scans=False):
            found.append(segment)
            require(len(found) <= MOST_SEGMENTS, "number of segments")
    return found


def chunks(found: list[Segment]) -> Iterator[tuple[bytes, bytes, bool]]:
    """The private chunks in a chain: name, payload, and true, as `carriers` reads those of PNG."""
    parts = [s.payload[len(OURS) :] for s in found if s.marker == APP11 and s.payload.startswith(OURS)]
    require(len(parts) <= MOST_PARTS, "number of segments in a chain")
    for number, part in enumerate(parts, 1):
        require(len(part) > 4, "a segment without content")
        require(part[:4] == number.to_bytes(2) + len(parts).to_bytes(2), "segments missing, doubled or out of order")
        require(number == len(parts) or len(part) == 4 + PART, "a segment that is too short")
    fields = Fields(b"".join(part[4:] for part in parts))
    while fields.at < len(fields.data):
        name = fields.take(4)
        require(name.startswith(b"pfS"), "a chunk of somebody else")
        yield name, fields.take(fields.number(4)), True

"""Segments of a JPEG file (ITU-T T.81, Annex B), parsed and written."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...errors import ImageError
from .picture import Table
from .scans import HuffmanTable

SOI, EOI, SOS, DQT, DHT, DRI, DNL = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC
APP0, APP1, APP2, APP11, APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xEE
SOF0, SOF1, SOF2 = 0xC0, 0xC1, 0xC2
JFIF, EXIF, ICC, ADOBE = b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe"
MAX_PAYLOAD: Final = 65533

NATURAL_ORDER: Final = np.array([
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
])  # fmt: skip
"""Position in an (8, 8) block, row by row, of each coefficient in zigzag order (T.81, figure A.6)."""

_MAX_SEGMENTS: Final = 20_000
_STANDALONE: Final = (0x01, SOI, *range(0xD0, 0xD8))
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker with what follows it.

    Attributes:
        marker: second byte of the marker.
        payload: parameters, without their length.
        data: entropy-coded bytes, of a scan only.
    """

    marker: int
    payload: bytes = b""
    data: bytes = b""


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments of a JPEG file up to its end marker, or to its last complete one.

    Raises:
        ImageError: if they are too many.
    """
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _NEXT_MARKER.search(data, at)
        if found is None:
            return
        marker, start = data[found.end() - 1], found.end()
        if marker in _STANDALONE:
            at = start
            continue
        if marker == EOI:
            yield Segment(EOI)
            return
        stop = start + int.from_bytes(data[start : start + 2], "big")
        if stop > len(data) or stop < start + 2:
            return
        scan = b""
        at = stop
        if marker == SOS:
            following = _NEXT_MARKER.search(data, stop)
            at = following.start() if following else len(data)
            scan = data[stop:at]
        yield Segment(marker, data[start + 2 : stop], scan)
    raise ImageError(
        f"a JPEG file of more than {_MAX_SEGMENTS} segments; no program writes so many", code="odd-structure"
    )


def segment(marker: int, payload: bytes = b"") -> bytes:
    """Return a segment as bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a segment holds {MAX_PAYLOAD} bytes, not {len(payload)}")
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def parse_quantisation(payload: bytes) -> dict[int, Table]:
    """Parse a DQT segment: number -> (8, 8) uint16.

    Raises:
        ImageError: if it is damaged.
    """
    tables: dict[int, Table] = {}
    at = 0
    while at < len(payload):
        precision, number = payload[at] >> 4, payload[at] & 15
        size = 128 if precision else 64
        raw = payload[at + 1 : at + 1 + size]
        if precision > 1 or number > 3 or len(raw) < size:
            raise ImageError("damaged JPEG data (a quantisation table is wrong)", code="damaged-picture")
        table = np.zeros(64, np.uint16)
        table[NATURAL_ORDER] = np.frombuffer(raw, ">u2" if precision else "u1")
        if not table.all():
            raise ImageError("damaged JPEG data (a quantisation table has a step of 0)", code="damaged-picture")
        tables[number] = table.reshape(8, 8)
        at += 1 + size
    return tables


def quantisation_segment(tables: dict[int, Table]) -> bytes:
    """Return a DQT segment; inverse of `parse_quantisation`."""
    payload = b""
    for number, table in sorted(tables.items()):
        values = table.reshape(64)[NATURAL_ORDER]
        wide = int(values.max()) > 255
        payload += bytes([wide << 4 | number]) + values.astype(">u2" if wide else "u1").tobytes()
    return segment(DQT, payload)


def parse_huffman(payload: bytes) -> dict[tuple[int, int], HuffmanTable]:
    """Parse a DHT segment: (class: 0 DC, 1 AC; number) -> table.

    Raises:
        ImageError: if it is damaged.
    """
    tables: dict[tuple[int, int], HuffmanTable] = {}
    at = 0
    while at < len(payload):
        kind, number = payload[at] >> 4, payload[at] & 15
        bits = payload[at + 1 : at + 17]
        count = sum(bits)
        values = payload[at + 17 : at + 17 + count]
        if kind > 1 or number > 3 or len(bits) < 16 or count > 256 or len(values) < count:
            raise ImageError("damaged JPEG data (a Huffman table is wrong)", code="damaged-picture")
        tables[kind, number] = bits, values
        at += 17 + count
    return tables


def huffman_segment(dc: dict[int, HuffmanTable], ac: dict[int, HuffmanTable]) -> bytes:
    """Return a DHT segment, or nothing if there are no tables; inverse of `parse_huffman`."""
    payload = b""
    for kind, tables in enumerate((dc, ac)):
        for number, (bits, values) in sorted(tables.items()):
            payload += bytes([kind << 4 | number]) + bits + values
    return segment(DHT, payload) if payload else b""


def icc_segments(profile: bytes) -> bytes:
    """Return a colour profile as a chain of APP2 segments (ICC.1, B.4)."""
    most = MAX_PAYLOAD - len(ICC) - 2
    parts = [profile[at : at + most] for at in range(0, len(profile), most)]
    return b"".join(segment(APP2, ICC + bytes([number, len(parts)]) + part) for number, part in enumerate(parts, 1))


def orientation_segment(orientation: int) -> bytes:
    """Return an EXIF segment that holds the orientation and nothing else."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return segment(APP1, EXIF + struct.pack(">2sHIH", b"MM", 42, 8, 1) + entry + bytes(4))

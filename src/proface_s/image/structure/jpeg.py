"""The segments of a JPEG file (ITU-T T.81), read before a decoder sees them.

A decoder does not say why it refuses a file, spends minutes on thousands of scans, and fills missing parts with grey.
The segments tell beforehand what kind of JPEG it is, how many scans it has, and where the picture ends.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from ...errors import ImageError
from .directories import TiffStructure

MAX_SCANS: Final = 100
"""Encoders write up to about 20 scans.  Each scan costs a pass over all coefficients of the picture, however few bytes
it has: 2,000 scans in 319 kB took 17 seconds."""
MAX_SEGMENTS: Final = 10_000

EOI: Final = b"\xff\xd9"
_SOI, _EOI, _SOS, _RST0, _RST7, _TEM, _DNL = 0xD8, 0xD9, 0xDA, 0xD0, 0xD7, 0x01, 0xDC
_APP1, _APP2, _EXIF, _MULTI = 0xE1, 0xE2, b"Exif\0\0", b"MPF\0"
_ENTRIES, _ENTRY_BYTES, _EQUAL_RANK = 0xB002, 16, (0x020001, 0x020002, 0x020003)
_FRAMES: Final = {
    0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive", 0xC3: "lossless", 0xC5: "hierarchical",
    0xC6: "hierarchical", 0xC7: "lossless hierarchical", 0xC9: "arithmetic-coded", 0xCA: "arithmetic-coded progressive",
    0xCB: "arithmetic-coded lossless", 0xCD: "arithmetic-coded hierarchical", 0xCE: "arithmetic-coded hierarchical",
    0xCF: "arithmetic-coded lossless hierarchical",
}  # fmt: skip
_READABLE: Final = (0xC0, 0xC1, 0xC2)
_NOISE_BYTES, _PIECES = 64, 16
_COEFFICIENTS: Final = 64
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # not a stuffed byte, padding or restart marker


@dataclass(frozen=True, slots=True)
class JpegLayout:
    """Layout of a JPEG file, by its segments.

    Attributes:
        kind: coding process, e.g. ``"baseline"``.
        bits: per sample.
        components: of the frame.
        scans: number of scans.
        end: offset just after the end marker; of the end of the data if there is no marker.
        ended: whether there is an end marker.
        last_scan: offset of the coded data of the last scan.
        complete: whether the scans code every coefficient of every component to its last bit.
        exif: the EXIF block, or empty.
        multi: whether an index describes further pictures after the end marker.
        pictures: number of pictures of equal rank in the file (stereo, panorama, burst); previews do not count.
    """

    kind: str
    bits: int
    components: int
    scans: int
    end: int
    ended: bool
    last_scan: int
    complete: bool
    exif: bytes = b""
    multi: bool = False
    pictures: int = 1


def read_jpeg_layout(data: bytes, label: str) -> JpegLayout:
    """Read the segments of a JPEG file; nothing is decoded.

    Args:
        data: the whole file.
        label: its name in messages.

    Raises:
        ImageError: if its kind is not supported, or it has too many scans or segments, or no picture.
    """
    frame: tuple[str, int, list[int]] | None = None
    scans, last_scan, end, ended = 0, 0, len(data), False
    coverage: dict[int, list[int]] = {}
    exif, multi, pictures = b"", False, 1
    for marker, at, payload in _segments(data, label):
        if marker in _FRAMES:
            if frame is not None:
                raise ImageError(f"{label} is damaged (two frames in one JPEG picture)", code="damaged-picture")
            frame = _read_frame(marker, payload, label)
            coverage = {component: [_COEFFICIENTS] * _COEFFICIENTS for component in frame[2]}
        elif marker == _SOS:
            scans, last_scan = scans + 1, at + 4 + len(payload)
            if scans > MAX_SCANS:
                raise ImageError(
                    f"{label} has more than {MAX_SCANS} scans; no program writes so many", code="odd-structure"
                )
            _note_scan(coverage, payload, progressive=frame is not None and frame[0] == "progressive")
        elif marker == _EOI:
            end, ended = at + 2, True
        elif marker == _APP1 and payload.startswith(_EXIF) and not exif:
            exif = payload
        elif marker == _APP2 and payload.startswith(_MULTI):
            multi, pictures = True, _pictures_of(payload[len(_MULTI) :])
    if frame is None or not scans:
        raise ImageError(f"{label} is truncated or damaged (a JPEG file without a picture)", code="damaged-picture")
    complete = all(not any(bits) for bits in coverage.values())
    return JpegLayout(frame[0], frame[1], len(frame[2]), scans, end, ended, last_scan, complete, exif, multi, pictures)


def _segments(data: bytes, label: str) -> Iterator[tuple[int, int, bytes]]:
    """Yield (marker, its offset, payload) up to the end marker, without restart markers."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) - 1 and data[at + 1] == 0xFF:
            at += 1
        if at < 0 or at + 1 >= len(data):
            return
        marker = data[at + 1]
        if marker in (0, _TEM, _SOI):
            at += 2
            continue
        if marker == _EOI:
            yield marker, at, b""
            return
        if at + 4 > len(data):
            return
        stop = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if stop > len(data) or stop < at + 4:
            return
        yield marker, at, data[at + 4 : stop]
        at = stop
        if marker == _SOS:
            found = _NEXT_MARKER.search(data, at)
            at = found.start() if found else len(data)
    raise ImageError(f"{label} has more than {MAX_SEGMENTS} segments; no program writes so many", code="odd-structure")


def _read_frame(marker: int, payload: bytes, label: str) -> tuple[str, int, list[int]]:
    """Return (kind, bits per sample, component identifiers) of a frame.

    Raises:
        ImageError: if the frame is damaged, or cannot be decoded.
    """
    kind = _FRAMES[marker]
    if len(payload) < 6:
        raise ImageError(
            f"{label} is truncated or damaged (a frame header of {len(payload)} bytes)", code="damaged-picture"
        )
    bits = payload[0]
    if marker not in _READABLE or bits != 8:
        what = kind if marker not in _READABLE else f"{bits}-bit"
        raise ImageError(f"{label} is a {what} JPEG, a kind that is not supported", code="unsupported-picture")
    identifiers = [payload[at] for at in range(6, len(payload) - 2, 3)][: payload[5]]
    if not identifiers or len(identifiers) != payload[5]:
        raise ImageError(
            f"{label} is truncated or damaged (a frame of {payload[5]} components)", code="damaged-picture"
        )
    return kind, bits, identifiers


def _pictures_of(block: bytes) -> int:
    """Count the pictures of equal rank in the index of a multi-picture file (CIPA DC-007)."""
    try:
        structure = TiffStructure(block)
        entries = structure.raw(structure.directory(structure.first).fields.get(_ENTRIES), 64 * _ENTRY_BYTES)
    except ValueError:
        return 1
    order: Literal["little", "big"] = "little" if block[:2] == b"II" else "big"
    starts = range(0, len(entries) - _ENTRY_BYTES + 1, _ENTRY_BYTES)
    kinds = [int.from_bytes(entries[at : at + 4], order) & 0xFFFFFF for at in starts]
    return max(1, sum(kind in _EQUAL_RANK for kind in kinds))


def _note_scan(coverage: dict[int, list[int]], payload: bytes, *, progressive: bool) -> None:
    """Record which coefficients a scan codes, and down to which bit; 0 is the lowest."""
    count = payload[0] if payload else 0
    if len(payload) < 1 + 2 * count + 3:
        return
    first, last, bits = payload[1 + 2 * count : 4 + 2 * count]
    if not progressive:
        first, last, bits = 0, _COEFFICIENTS - 1, 0
    for number in range(count):
        known = coverage.get(payload[1 + 2 * number])
        if known is not None:
            for index in range(first, min(last, _COEFFICIENTS - 1) + 1):
                known[index] = min(known[index], bits & 0x0F)


def complete_jpeg(data: bytes, layout: JpegLayout) -> tuple[bytes, list[bytes]]:
    """Complete a file without an end marker in three ways; pixels that differ between them depend on missing bytes.

    The first is read as a lenient decoder would.  In the other two, noise takes the place of further coded data, in
    pieces with the restart markers that would follow; one has the complement of the other's bits, so that they diverge
    at the first bit that a decoder reads.  If the data are complete, a decoder reads none of the noise.

    Returns:
        (the file with an end marker, two files with noise and an end marker).
    """
    body = data[: layout.end]
    body = body[:-1] if body.endswith(b"\xff") else body
    generator = random.Random(1)
    found = [data.rfind(bytes([0xFF, _RST0 + number]), layout.last_scan, layout.end) for number in range(8)]
    following = 1 + found.index(max(found)) if max(found) >= 0 else 0
    others = [body, body]
    for number in range(_PIECES):
        noise = bytes(generator.randrange(1, 255) for _ in range(_NOISE_BYTES))
        complement = bytes(0xFF - byte for byte in noise)
        marker = bytes([0xFF, _RST0 + (following + number) % 8])
        others = [others[0] + noise + marker, others[1] + complement + marker]
    return body + EOI, [other + EOI for other in others]

"""JPEG file -> `JpegPicture`; `proface_s.image.jpeg.write_coefficients` is the way back."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from ...errors import ImageError
from ..metadata import read_exif
from ..structure.jpeg import read_jpeg_layout
from .markers import (
    ADOBE,
    APP0,
    APP1,
    APP2,
    APP14,
    DHT,
    DNL,
    DQT,
    DRI,
    EXIF,
    ICC,
    JFIF,
    SOF0,
    SOF1,
    SOF2,
    SOS,
    parse_huffman,
    parse_quantisation,
    segments,
)
from .picture import BLOCK, JpegComponent, JpegPicture, Process, Scan, Table
from .scans import HuffmanTable, ScanCoder

_PROCESSES: dict[int, Process] = {SOF0: "baseline", SOF1: "extended", SOF2: "progressive"}


class UneditableJpegError(ImageError):
    """A JPEG file whose coefficients cannot be changed; ``reason`` says why, without the file's name."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message, code="uneditable-jpeg")
        self.reason = reason


@dataclass(slots=True)
class _Frame:
    """What the segments say so far; ``room`` is for the coded data of all scans."""

    room: int
    width: int = 0
    height: int = 0
    process: Process = "baseline"
    components: list[tuple[int, int, int, int]] = field(default_factory=list)  # identifier, h, v, table
    coder: ScanCoder | None = None
    scans: list[Scan] = field(default_factory=list)
    latched: dict[int, Table] = field(default_factory=dict)
    tables: dict[int, Table] = field(default_factory=dict)
    dc: list[HuffmanTable | None] = field(default_factory=lambda: [None] * 4)
    ac: list[HuffmanTable | None] = field(default_factory=lambda: [None] * 4)
    restart: int = 0
    orientation: int | None = None
    icc: dict[int, bytes] = field(default_factory=dict)
    density: tuple[int, int, int, int] | None = None
    adobe: int | None = None


def read_jpeg(data: bytes, label: str = "the picture") -> JpegPicture:
    """Read the quantised coefficients of a JPEG file; `write_jpeg` is the inverse.

    Args:
        data: the whole file.  A missing end marker is accepted if every block can be decoded.
        label: its name in messages.

    Returns:
        The picture.  Comments, previews and all metadata but orientation, colour profile, density and Adobe's colour
        transform are left out, and so is everything after the end marker.

    Raises:
        UneditableJpegError: if it is of a kind whose coefficients cannot be changed.
        ImageError: if it is damaged or truncated.
    """
    _check_kind(data, label)
    frame = _Frame(room=len(data))
    try:
        for each in segments(data):
            _note(frame, each.marker, each.payload, each.data)
        return _picture(frame)
    except UneditableJpegError as error:
        raise _uneditable(error.reason, label) from None
    except ImageError as error:
        raise error.reworded(f"{label}: {error.message}") from None


def uneditable_reason(file: BinaryIO) -> str | None:
    """Return why the coefficients of a JPEG file cannot be changed; None if its frame header names no reason.

    Args:
        file: at its beginning; only segments in front of the first scan are read.
    """
    file.seek(2)
    while len(head := file.read(4)) == 4 and head[0] == 0xFF and head[1] != SOS:
        marker, length = head[1], int.from_bytes(head[2:], "big") - 2
        if marker in _PROCESSES:
            try:
                _frame_components(file.read(length))
            except UneditableJpegError as error:
                return error.reason
            except (struct.error, IndexError, ValueError):  # `read_jpeg` says what is wrong
                return None
            return None
        file.seek(length, os.SEEK_CUR)
    return None


def _uneditable(reason: str, label: str = "the picture") -> UneditableJpegError:
    return UneditableJpegError(f"{label} cannot stay a JPEG: {reason}", reason=reason)


def _check_kind(data: bytes, label: str) -> None:
    if not read_jpeg_layout(data, label).complete:
        raise ImageError(f"{label} is truncated or damaged (scans are missing)", code="damaged-picture")


def _note(frame: _Frame, marker: int, payload: bytes, data: bytes) -> None:
    """Take over what a segment says."""
    if marker in _PROCESSES:
        _note_frame(frame, _PROCESSES[marker], payload)
    elif marker == DQT:
        frame.tables |= parse_quantisation(payload)
    elif marker == DHT:
        for (kind, number), table in parse_huffman(payload).items():
            (frame.ac if kind else frame.dc)[number] = table
    elif marker == DRI and len(payload) >= 2:
        (frame.restart,) = struct.unpack_from(">H", payload)
    elif marker == DNL:
        raise _uneditable("its height stands behind its first scan")
    elif marker == SOS:
        _note_scan(frame, payload, data)
    elif marker == APP0 and payload.startswith(JFIF) and len(payload) >= 12:
        frame.density = struct.unpack_from(">HBHH", payload, len(JFIF))
    elif marker == APP1 and payload.startswith(EXIF) and frame.orientation is None:
        frame.orientation = read_exif(payload).orientation
    elif marker == APP2 and payload.startswith(ICC) and len(payload) > len(ICC) + 2:
        frame.icc.setdefault(payload[len(ICC)], payload[len(ICC) + 2 :])
    elif marker == APP14 and payload.startswith(ADOBE) and len(payload) >= 12:
        frame.adobe = payload[11]


def _note_frame(frame: _Frame, process: Process, payload: bytes) -> None:
    if frame.components:
        raise ImageError("damaged JPEG data (two frames in one picture)", code="damaged-picture")
    width, height, components = _frame_components(payload)
    if any(not (1 <= h <= 4 and 1 <= v <= 4 and table <= 3) for _, h, v, table in components):
        raise ImageError("damaged JPEG data (a sampling factor or table number is wrong)", code="damaged-picture")
    if len({identifier for identifier, *_ in components}) != len(components):
        raise ImageError("damaged JPEG data (two components of one name)", code="damaged-picture")
    most_h, most_v = max(h for _, h, _, _ in components), max(v for _, _, v, _ in components)
    frame.width, frame.height, frame.process, frame.components = width, height, process, components
    mcus = -(-width // (BLOCK * most_h)), -(-height // (BLOCK * most_v))
    shapes = [
        (h, v, -(-width * h // (most_h * BLOCK)), -(-height * v // (most_v * BLOCK))) for _, h, v, _ in components
    ]
    frame.coder = ScanCoder(shapes, mcus, process == "progressive", frame.room)


def _frame_components(payload: bytes) -> tuple[int, int, list[tuple[int, int, int, int]]]:
    """Return width, height and components (identifier, h, v, table) of a frame header.

    Raises:
        UneditableJpegError: if they are those of a file whose coefficients cannot be changed.
    """
    _, height, width, count = struct.unpack_from(">BHHB", payload)
    if count not in (1, 3):
        raise _uneditable(f"its colours are {'CMYK or YCCK' if count == 4 else f'{count} components'}")
    if not height or not width:
        raise _uneditable("its height stands behind its first scan")
    components = [
        (payload[at], payload[at + 1] >> 4, payload[at + 1] & 15, payload[at + 2]) for at in range(6, 6 + 3 * count, 3)
    ]
    most_h, most_v = max(h for _, h, _, _ in components), max(v for _, _, v, _ in components)
    if any(h and v and (most_h % h or most_v % v) for _, h, v, _ in components):
        raise _uneditable("its sampling factors are no multiples of one another")
    return width, height, components


def _note_scan(frame: _Frame, payload: bytes, data: bytes) -> None:
    """Decode a scan."""
    count = payload[0] if payload else 0
    if frame.coder is None or not 1 <= count <= len(frame.components) or len(payload) < 4 + 2 * count:
        raise ImageError("damaged JPEG data (a scan header is wrong)", code="damaged-picture")
    positions = {identifier: position for position, (identifier, *_) in enumerate(frame.components)}
    chosen = [positions.get(payload[1 + 2 * number], -1) for number in range(count)]
    tables = [payload[2 + 2 * number] for number in range(count)]
    first, last, bits = payload[1 + 2 * count : 4 + 2 * count]
    if frame.process != "progressive":
        first, last, bits = 0, 63, 0
    scan = Scan(
        tuple(chosen),
        tuple(each >> 4 for each in tables),
        tuple(each & 15 for each in tables),
        first,
        last,
        bits >> 4,
        bits & 15,
        frame.restart,
    )
    _check_scan(scan, frame)
    for position in chosen:
        number = frame.components[position][3]
        if number not in frame.tables:
            raise ImageError("damaged JPEG data (a quantisation table is missing)", code="damaged-picture")
        frame.latched.setdefault(position, frame.tables[number])
    frame.coder.decode(scan, data, frame.dc, frame.ac)
    frame.scans.append(scan)


def _check_scan(scan: Scan, frame: _Frame) -> None:
    """Refuse a scan that no decoder could follow (T.81, B.2.3 and G.1.1.1)."""
    components = [frame.components[position] for position in scan.components if position >= 0]
    sound = (
        len(components) == len(scan.components) == len(set(scan.components))
        and max(scan.dc_tables + scan.ac_tables) <= 3
        and scan.first <= scan.last <= 63
        and scan.low <= 13
        and (scan.high == 0 or scan.high == scan.low + 1)
        and (len(components) == 1 or sum(h * v for _, h, v, _ in components) <= 10)
    )
    if frame.process == "progressive":
        sound = sound and (scan.last == 0 if scan.first == 0 else len(components) == 1)
    if not sound:
        raise ImageError("damaged JPEG data (a scan header is wrong)", code="damaged-picture")


def _picture(frame: _Frame) -> JpegPicture:
    coder = frame.coder
    if coder is None or not frame.scans:
        raise ImageError("damaged JPEG data (no picture)", code="damaged-picture")
    numbers: dict[int, Table] = {}
    for position, (_, _, _, number) in enumerate(frame.components):
        table = frame.latched[position]
        if not np.array_equal(numbers.setdefault(number, table), table):
            raise _uneditable("its quantisation tables change between scans")
    components = tuple(
        JpegComponent(identifier, h, v, number, frame.latched[position], coder.coefficients(position))
        for position, (identifier, h, v, number) in enumerate(frame.components)
    )
    profile = b"".join(frame.icc[number] for number in sorted(frame.icc)) or None
    return JpegPicture(
        frame.width,
        frame.height,
        frame.process,
        components,
        tuple(frame.scans),
        frame.orientation or 1,
        profile,
        frame.density,
        frame.adobe,
    )

"""A JPEG picture as quantised coefficients (docs/format.md, section 1.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from typing import Literal

import numpy as np

from ..container.fields import Box
from ..outcomes import NotAPicture
from .entropy import ZIGZAG, Component, HuffmanTable, Scan, huffman_table
from .segments import APP0, APP1, APP14, DHT, DQT, DRI, SOS, Segment, segments

FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended sequential, progressive; Huffman-coded all of them
PROGRESSIVE = 0xC2
OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {DHT, 0xC8, 0xCC}
GREY, YCBCR, RGB = 0, 1, 2
EXIF = b"Exif\0\0"
FIELDS = ((0, 2), (2, 2), (4, 4), (8, 2))  # of a directory entry: tag, type, count, a short value


@dataclass
class Frame:
    """The stored picture: size, how to turn it, and its components."""

    width: int
    height: int
    orientation: int
    colours: int
    components: list[Component]

    @property
    def sampling(self) -> tuple[int, int]:
        """The largest horizontal and vertical sampling factors."""
        return max(c.horizontal for c in self.components), max(c.vertical for c in self.components)

    @property
    def mcus(self) -> tuple[int, int]:
        """How many MCUs the picture has across and down."""
        across, down = self.sampling
        return -(-self.width // (8 * across)), -(-self.height // (8 * down))

    @property
    def frame_digest(self) -> bytes:
        """SHA-256 of all that gives the coefficients a meaning."""
        front = self.width.to_bytes(4) + self.height.to_bytes(4)
        front += bytes([self.orientation, self.colours, len(self.components)])
        for c in self.components:
            front += bytes([c.horizontal, c.vertical]) + b"".join(step.to_bytes(2) for step in c.steps)
        return sha256(front).digest()

    @property
    def digest(self) -> str:
        """The picture digest of a sidecar, in hexadecimal."""
        across, down = self.mcus
        return sha256(self.frame_digest + self.coefficient_bytes((0, 0, across, down))).hexdigest()

    def blocks_of(self, component: Component, area: Box) -> tuple[slice, slice]:
        """Rows and columns of the component's blocks in an area of MCUs, with those beyond the picture's edge."""
        (x, y, w, h), across, down = area, component.horizontal, component.vertical
        return slice(y * down, (y + h) * down), slice(x * across, (x + w) * across)

    @property
    def digest_of_own(self) -> str:
        """As `digest`, without the blocks that only fill the last MCUs; what golden files are compared by."""
        own = (c.blocks[: c.rows, : c.columns].astype(">i2").tobytes() for c in self.components)
        return sha256(self.frame_digest + b"".join(own)).hexdigest()

    def coefficient_bytes(self, area: Box) -> bytes:
        """The coefficients of an area, as digests take them."""
        parts = (c.blocks[self.blocks_of(c, area)].astype(">i2").tobytes() for c in self.components)
        return b"".join(parts)


@dataclass
class _Reading:
    """Tables and the frame as far as they have been read."""

    steps: dict[int, tuple[int, ...]] = field(default_factory=dict)
    dc: dict[int, HuffmanTable] = field(default_factory=dict)
    ac: dict[int, HuffmanTable] = field(default_factory=dict)
    interval: int = 0
    frame: Frame | None = None
    progressive: bool = False
    jfif: bool = False
    adobe: int | None = None
    orientation: int | None = None


def decode(data: bytes) -> Frame:
    """The coefficients of a JPEG file.  Raises `NotAPicture`."""
    state = _Reading()
    try:
        for segment in segments(data):
            _take(state, segment)
    except (IndexError, KeyError, StopIteration, RuntimeError) as error:
        raise NotAPicture("a JPEG file that breaks a rule of T.81") from error
    if state.frame is None or not all(component.steps for component in state.frame.components):
        raise NotAPicture("a JPEG file without a picture")
    state.frame.orientation = state.orientation or 1
    state.frame.colours = _colours(state, state.frame.components)
    return state.frame


def _take(state: _Reading, segment: Segment) -> None:
    marker, payload = segment.marker, segment.payload
    if marker == DQT:
        _quantisers(state, payload)
    elif marker == DHT:
        _codes(state, payload)
    elif marker == DRI:
        state.interval = int.from_bytes(payload)
    elif marker == APP0 and payload.startswith(b"JFIF\0"):
        state.jfif = True
    elif marker == APP1 and payload.startswith(EXIF) and state.orientation is None:
        state.orientation = _orientation(payload)
    elif marker == APP14 and payload.startswith(b"Adobe"):
        state.adobe = payload[11]
    elif marker in FRAMES:
        if state.frame is not None:
            raise NotAPicture("two frames")
        state.frame, state.progressive = _frame(payload), marker == PROGRESSIVE
    elif marker in OTHER_FRAMES:
        raise NotAPicture("arithmetic coding, or a lossless or hierarchical frame")
    elif marker == SOS:
        _scan(state, segment)


def _quantisers(state: _Reading, payload: bytes) -> None:
    at = 0
    while at < len(payload):
        size, name = 1 + (payload[at] >> 4), payload[at] & 15
        values = payload[at + 1 : at + 1 + 64 * size]
        steps = [0] * 64
        for k, natural in enumerate(ZIGZAG):
            steps[natural] = int.from_bytes(values[size * k : size * (k + 1)])
        if not all(steps):
            raise NotAPicture("a quantiser step of 0")
        state.steps[name] = tuple(steps)
        at += 1 + 64 * size


def _codes(state: _Reading, payload: bytes) -> None:
    at = 0
    while at < len(payload):
        lengths = payload[at + 1 : at + 17]
        table = huffman_table(lengths, payload[at + 17 : at + 17 + sum(lengths)])
        (state.ac if payload[at] >> 4 else state.dc)[payload[at] & 15] = table
        at += 17 + sum(lengths)


def _frame(payload: bytes) -> Frame:
    precision, height, width = payload[0], int.from_bytes(payload[1:3]), int.from_bytes(payload[3:5])
    entries = [payload[6 + 3 * k : 9 + 3 * k] for k in range(payload[5])]
    if precision != 8 or not width or not height or len(entries) not in (1, 3):
        raise NotAPicture("not 8 bits, or neither one component nor three")
    factors = [(name, both >> 4, both & 15, table) for name, both, table in entries]
    if not all(1 <= h <= 4 and 1 <= v <= 4 for _, h, v, _ in factors):
        raise NotAPicture("sampling factors out of range")
    across, down = max(h for _, h, _, _ in factors), max(v for _, _, v, _ in factors)
    columns, rows = -(-width // (8 * across)), -(-height // (8 * down))
    components = []
    for name, h, v, table in factors:
        own_rows, own_columns = ceil(ceil(height * v / down) / 8), ceil(ceil(width * h / across) / 8)
        blocks = np.zeros((rows * v, columns * h, 64), np.int32)
        components.append(Component(name, h, v, table, own_rows, own_columns, blocks))
    return Frame(width, height, 1, YCBCR, components)


def _scan(state: _Reading, segment: Segment) -> None:
    if state.frame is None:
        raise NotAPicture("a scan before the frame")
    payload, count = segment.payload, segment.payload[0]
    by_name = {component.name: component for component in state.frame.components}
    parts = []
    for k in range(count):
        component, tables = by_name[payload[1 + 2 * k]], payload[2 + 2 * k]
        if not component.steps:
            component.steps = state.steps[component.table]
        parts.append((component, state.dc.get(tables >> 4, {}), state.ac.get(tables & 15, {})))
    first, last, both = payload[1 + 2 * count : 4 + 2 * count]
    scan = Scan(parts, first, last, both >> 4, both & 15, state.progressive)
    scan.decode(segment.coded, state.interval, *state.frame.mcus)


def _orientation(payload: bytes) -> int:
    """The orientation in an Exif segment (TIFF tag 274 in the first directory), or 1."""
    tiff = payload[len(EXIF) :]
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    directory = int.from_bytes(tiff[4:8], order)
    for entry in range(int.from_bytes(tiff[directory : directory + 2], order)):
        at = directory + 2 + 12 * entry
        tag, kind, count, value = (int.from_bytes(tiff[at + k : at + k + n], order) for k, n in FIELDS)
        if (tag, kind, count) == (274, 3, 1) and value in range(1, 9):
            return value
    return 1


def _colours(state: _Reading, components: list[Component]) -> int:
    if len(components) == 1:
        return GREY
    if state.jfif or state.adobe is not None:
        return YCBCR if state.jfif or state.adobe else RGB
    return RGB if bytes(component.name for component in components) == b"RGB" else YCBCR

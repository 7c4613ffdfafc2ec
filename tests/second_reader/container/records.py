"""Records in the lowest bits of a picture (docs/format.md, section 1.5)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..outcomes import Damaged, Newer, NotOpened
from .carriers import Bytes
from .fields import Box, Fields, Stanza, check_boxes, check_costs, check_stanzas, read_stanzas, require
from .reed_solomon import corrected

SYNC = np.unpackbits(np.frombuffer(bytes.fromhex("13152fb8f4"), np.uint8))
HEAD_BITS, BODY_AT = 56, 96
NARROWEST = 32
MOST_HEADS, MOST_UNREADABLE = 4096, 256


@dataclass(frozen=True)
class Record:
    """What a record says of its face; `found` is where its region is now, `length` how many samples it takes."""

    sealed: bool
    cover: bool
    model_id: bytes
    reserved: int
    width: int
    height: int
    box: Box
    index: int
    group: int
    stanzas: tuple[Stanza, ...]
    slot: bytes
    found: Box
    length: int


def search(rgb: Bytes) -> tuple[list[Record], list[NotOpened]]:
    """All records of a picture, and why others cannot be used."""
    lowest = _lowest_bits(rgb)
    records: list[Record] = []
    unusable: list[NotOpened] = []
    for heads, (x, y) in enumerate(_places(lowest)):
        if heads == MOST_HEADS or len(unusable) == MOST_UNREADABLE:
            break
        try:
            record = read(lowest, x, y)
        except (Damaged, Newer) as reason:
            unusable.append(reason)
            continue
        if record is not None:
            records.append(record)
    return records, unusable


def at(rgb: Bytes, x: int, y: int) -> Record | None:
    """The record that begins at this pixel, if there is one that can be read.  Raises `Newer`."""
    lowest = _lowest_bits(rgb)
    bits = lowest[y, 3 * x : 3 * x + BODY_AT]
    if len(bits) < BODY_AT or np.count_nonzero(bits[: len(SYNC)] != SYNC) > 3:
        return None
    try:
        return read(lowest, x, y)
    except Damaged:
        return None


def leftover(rgb: Bytes, box: Box, reserved: int) -> bool:
    """Whether a lowest bit behind the record of a face, among its reserved samples, is 1."""
    x, y, w, h = box
    record = at(rgb, x, y)
    used = record.length if record else 0
    return bool(np.any(rgb[y : y + h, x : x + w].reshape(-1)[used:reserved] & 1))


def _lowest_bits(rgb: Bytes) -> Bytes:
    """Of all samples: (rows, 3 x columns)."""
    return (rgb & np.uint8(1)).reshape(rgb.shape[0], -1)


def _places(lowest: Bytes) -> Iterator[tuple[int, int]]:
    """Every pixel where the sync word begins, with up to three wrong bits; x and y."""
    columns = lowest.shape[1] // 3 - NARROWEST + 1
    if columns > 0:
        wrong = np.zeros((lowest.shape[0], columns), np.uint8)
        for bit, expected in enumerate(SYNC):
            wrong += lowest[:, bit : bit + 3 * columns : 3][:, :columns] ^ expected
        for y, x in np.argwhere(wrong <= 3):
            yield int(x), int(y)


def read(lowest: Bytes, x: int, y: int) -> Record | None:
    """The record behind a sync word, or None if it breaks a rule, or if there is none: only a likeness of the word.

    `lowest` are the lowest bits of the samples: (rows, 3 x columns).  Raises `Damaged` or `Newer`.
    """
    bits = lowest[y, 3 * x : 3 * x + BODY_AT]
    head = corrected(np.packbits(bits[len(SYNC) :]).tobytes(), 4)
    if head is None:
        require(bool(np.any(bits[: len(SYNC)] != SYNC)), "the head of a record")
        return None
    fields = int.from_bytes(head)
    width, length = 2 * (fields >> 10), fields & 1023
    if width < NARROWEST or length == 0:
        return None
    total = length + 4
    end = BODY_AT + 8 * (total + 32 * -(-total // 223))
    rows = -(-end // (3 * width))
    require(3 * (x + width) <= lowest.shape[1] and y + rows <= lowest.shape[0], "a record that is cut off")
    bits = lowest[y : y + rows, 3 * x : 3 * (x + width)].reshape(-1)[BODY_AT:end]
    code = np.packbits(bits).tobytes()
    words = [corrected(code[start : start + 255], 32) for start in range(0, len(code), 255)]
    require(None not in words, "the body of a record")
    body = b"".join(word or b"" for word in words)
    require(zlib.crc32(body[:-4]) == int.from_bytes(body[-4:]), "CRC of a record")
    try:
        record = _parsed(body[:-4], x, y, end)
    except Damaged:  # with the right CRC: nothing that a writer of this version wrote
        return None
    fits = record.box[2] == width and y + record.box[3] <= lowest.shape[0]
    return record if fits and record.reserved <= 3 * width * record.box[3] else None


def _parsed(data: bytes, x: int, y: int, length: int) -> Record:
    fields = Fields(data)
    if fields.number(1) != 1:
        raise Newer("version of a record")
    flags = fields.number(1)
    if flags > 3:
        raise Newer("an unknown flag of a record")
    sealed, cover = bool(flags & 1), bool(flags & 2)
    require(not (sealed and cover), "a seal in cover mode")
    model_id, reserved = fields.take(16), fields.number(2)
    width, height, *sides, index, group = (fields.leb128() for _ in range(8))
    box = (sides[0], sides[1], sides[2], sides[3])
    require(index < 4096 and group < 64, "index or group of a record")
    check_boxes([box], width, height)
    stanzas = read_stanzas(fields)
    check_stanzas(stanzas, cover)
    check_costs(stanzas)
    slot = fields.take(60)
    fields.end()
    found = (x, y, box[2], box[3])
    return Record(sealed, cover, model_id, reserved, width, height, box, index, group, stanzas, slot, found, length)


def pictures(records: list[Record]) -> list[list[Record]]:
    """The records by the protected picture that they belong to; a face that is found twice makes two of it."""
    found: list[list[Record]] = []
    for record in records:
        for picture in found:
            if _belongs(record, picture):
                picture.append(record)
                break
        else:
            found.append([record])
    return found


def _belongs(record: Record, picture: list[Record]) -> bool:
    def shared(r: Record) -> tuple[object, ...]:
        return r.cover, r.model_id, r.width, r.height

    return shared(record) == shared(picture[0]) and all(
        record.index != other.index and (record.group != other.group or record.stanzas == other.stanzas)
        for other in picture
    )

"""Reading fields one after the other, and the stanzas that headers and records share (docs/format.md, section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..outcomes import Damaged

PASSPHRASE, RECIPIENT, BARE_PASSPHRASE = 1, 2, 3
MOST_COST = 16777216  # KiB x passes
Box = tuple[int, int, int, int]


class Fields:
    """A byte string and how far it has been read; `Damaged` where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if self.at + count > len(self.data):
            raise Damaged("ends inside a field")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int) -> int:
        """The next big-endian number of `size` bytes."""
        return int.from_bytes(self.take(size))

    def leb128(self) -> int:
        """The next LEB128 number, in its shortest form."""
        value = 0
        for position in range(5):
            byte = self.number(1)
            value |= (byte & 127) << (7 * position)
            if byte < 128:
                require(byte > 0 or position == 0, "a number that is not in its shortest form")
                return value
        raise Damaged("a number of more than five bytes")

    def since(self, start: int) -> bytes:
        """What was read since the offset `start`."""
        return self.data[start : self.at]

    def end(self) -> None:
        """Nothing may follow."""
        require(self.at == len(self.data), "bytes behind the last field")


def require(condition: bool, rule: str) -> None:
    """Raise `Damaged` with the rule that is broken."""
    if not condition:
        raise Damaged(rule)


@dataclass(frozen=True)
class Stanza:
    """One way to open a group."""

    kind: int
    body: bytes

    @property
    def derivation(self) -> tuple[bytes, int, int, int] | None:
        """Salt, passes, memory in KiB and lanes, if a passphrase is derived for it."""
        if self.kind not in (PASSPHRASE, BARE_PASSPHRASE):
            return None
        return self.body[:16], self.body[16], int.from_bytes(self.body[17:21]), self.body[21]


def read_stanzas(fields: Fields) -> tuple[Stanza, ...]:
    """The stanzas of one group, their number first."""
    count = fields.number(1)
    require(1 <= count <= 64, "number of stanzas")
    stanzas = []
    for _ in range(count):
        stanza = Stanza(fields.number(1), fields.take(fields.number(2)))
        wanted = {PASSPHRASE: 82, BARE_PASSPHRASE: 22}.get(stanza.kind, len(stanza.body))
        require(len(stanza.body) == wanted, "length of a passphrase")
        stanzas.append(stanza)
    return tuple(stanzas)


def check_stanzas(stanzas: tuple[Stanza, ...], cover: bool) -> None:
    """Those of one group: they belong to the mode, and their costs are in range."""
    require(not cover or len(stanzas) == 1, "several stanzas in cover mode")
    for stanza in stanzas:
        require((stanza.kind == BARE_PASSPHRASE) == cover, "a stanza of the other mode")
        if stanza.derivation:
            _, passes, memory, lanes = stanza.derivation
            require(1 <= passes <= 16 and 1024 <= memory <= 1048576 and 1 <= lanes <= 16, "cost of a passphrase")


def check_costs(stanzas: Iterable[Stanza]) -> None:
    """All distinct derivations of a header together."""
    distinct = {stanza.derivation for stanza in stanzas} - {None}
    require(sum(d[1] * d[2] for d in distinct if d) <= MOST_COST, "cost of all passphrases")


def check_boxes(boxes: Iterable[Box], width: int, height: int, apart: bool = True) -> None:
    """The picture has a size; boxes are even, lie in it and, if they have to be apart, do not overlap."""
    require(1 <= width < 1 << 31 and 1 <= height < 1 << 31, "size of the picture")
    seen: list[Box] = []
    for x, y, w, h in boxes:
        require(w > 0 and h > 0 and w % 2 == 0 and h % 2 == 0, "a side that is odd or zero")
        require(x + w <= width and y + h <= height, "a box beyond the picture")
        beside = (x + w <= a or a + c <= x or y + h <= b or b + d <= y for a, b, c, d in seen)
        require(not apart or all(beside), "boxes that overlap")
        seen.append((x, y, w, h))


def face_context(index: int, box: Box, model_id: bytes) -> bytes:
    """What keys of a face are bound to: 35 bytes."""
    return b"\1" + index.to_bytes(2) + b"".join(side.to_bytes(4) for side in box) + model_id

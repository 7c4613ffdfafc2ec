"""Image file directories of TIFF files and EXIF blocks (TIFF 6.0, BigTIFF), read without believing what they say.

A directory may claim thousands of values of gigabytes each, may point to itself, and may be one of a hundred thousand.
Nothing here is read before it is asked for, no value is longer than the caller allows, and no loop is followed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_CLASSIC, _BIG = 42, 43
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_CODES: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_RATIONALS: Final = {5: "I", 10: "i"}
MAX_VALUES: Final = 4096


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of a directory: its type, the number of its values, and where in the data they are."""

    kind: int
    count: int
    offset: int

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return _SIZES.get(self.kind, 1) * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory: its fields by tag, and the offset of the next one, 0 for none."""

    fields: dict[int, Field]
    following: int


class TiffStructure:
    """A TIFF file or EXIF block whose directories can be read.

    Args:
        data: all of it.

    Raises:
        ValueError: neither TIFF nor BigTIFF.
    """

    def __init__(self, data: bytes) -> None:
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        if order is None or len(data) < 8:
            raise ValueError("no TIFF structure")
        self._data, self._order = data, order
        version = int(struct.unpack_from(order + "H", data, 2)[0])
        if version not in (_CLASSIC, _BIG) or (version == _BIG and len(data) < 16):
            raise ValueError("no TIFF structure")
        self._big = version == _BIG
        self.first: int = struct.unpack_from(order + ("Q" if self._big else "I"), data, 8 if self._big else 4)[0]

    def directory(self, offset: int) -> Directory:
        """Read the directory at an offset; where a tag comes twice, the first one counts, as for most readers.

        Raises:
            ValueError: it is not there, or reaches beyond the end.
        """
        head, entry, pointer = ("Q", "HHQ", "Q") if self._big else ("H", "HHI", "I")
        size = struct.calcsize(self._order + entry) + struct.calcsize(self._order + pointer)
        start = offset + struct.calcsize(self._order + head)
        if offset < 8 or start > len(self._data):
            raise ValueError("a directory lies outside of the file")
        count = int(struct.unpack_from(self._order + head, self._data, offset)[0])
        end = start + count * size
        if not count or end > len(self._data):
            raise ValueError("a directory reaches beyond the end of the file")
        fields: dict[int, Field] = {}
        inline = size - struct.calcsize(self._order + entry)
        for at in range(start, end, size):
            tag, kind, number = struct.unpack_from(self._order + entry, self._data, at)
            place = at + size - inline
            if _SIZES.get(kind, 1) * number > inline:
                place = int(struct.unpack_from(self._order + pointer, self._data, place)[0])
            fields.setdefault(tag, Field(kind, number, place))
        has_next = end + struct.calcsize(self._order + pointer) <= len(self._data)
        following = int(struct.unpack_from(self._order + pointer, self._data, end)[0]) if has_next else 0
        return Directory(fields, following)

    def raw(self, field: Field | None, most: int) -> bytes:
        """Bytes of a field, at most so many; empty where there is none, or where it reaches beyond the end."""
        if field is None or field.offset + field.size > len(self._data):
            return b""
        return self._data[field.offset : field.offset + min(field.size, most)]

    def integers(self, field: Field | None, most: int = MAX_VALUES) -> list[int]:
        """Values of a field of whole numbers, at most so many; empty where it is none."""
        code = _CODES.get(field.kind) if field else None
        if field is None or code is None or field.offset + field.size > len(self._data):
            return []
        return list(struct.unpack_from(f"{self._order}{min(field.count, most)}{code}", self._data, field.offset))

    def integer(self, field: Field | None, default: int) -> int:
        """First value of a field of whole numbers."""
        return next(iter(self.integers(field, 1)), default)

    def fractions(self, field: Field | None, most: int = 64) -> list[float]:
        """Values of a field of fractions, at most so many; empty where it is none, or one has no denominator."""
        code = _RATIONALS.get(field.kind) if field else None
        if field is None or code is None or field.offset + field.size > len(self._data):
            return []
        numbers = struct.unpack_from(f"{self._order}{2 * min(field.count, most)}{code}", self._data, field.offset)
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        return [top / bottom for top, bottom in pairs] if all(bottom for _, bottom in pairs) else []

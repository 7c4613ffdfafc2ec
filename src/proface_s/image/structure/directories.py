"""Image file directories of TIFF files and EXIF blocks (TIFF 6.0, BigTIFF), read without trusting them.

A directory may claim thousands of values of gigabytes each, may point to itself, and may be one of a hundred thousand.
Nothing is read until the caller asks for it, no value exceeds the length that the caller allows, and loops end.
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
    """One entry of a directory: its type, the number of its values, and their offset in the data."""

    kind: int
    count: int
    offset: int

    @property
    def size(self) -> int:
        """Number of bytes of all values."""
        return _SIZES.get(self.kind, 1) * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory: its fields by tag, and the offset of the next directory (0 if it is the last)."""

    fields: dict[int, Field]
    following: int


class TiffStructure:
    """A TIFF file or EXIF block whose directories can be read.

    Args:
        data: the whole file or block.

    Raises:
        ValueError: if it is neither TIFF nor BigTIFF.
    """

    def __init__(self, data: bytes) -> None:
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        if order is None or len(data) < 8:
            raise ValueError("not a TIFF structure")
        self._data, self._order = data, order
        version = int(struct.unpack_from(order + "H", data, 2)[0])
        if version not in (_CLASSIC, _BIG) or (version == _BIG and len(data) < 16):
            raise ValueError("not a TIFF structure")
        self._big = version == _BIG
        self.first: int = struct.unpack_from(order + ("Q" if self._big else "I"), data, 8 if self._big else 4)[0]

    def directory(self, offset: int) -> Directory:
        """Read the directory at an offset; of repeated tags, the first one counts, as in most readers.

        Raises:
            ValueError: if the directory is empty, lies outside the data, or reaches beyond the end.
        """
        head, entry, pointer = ("Q", "HHQ", "Q") if self._big else ("H", "HHI", "I")
        size = struct.calcsize(self._order + entry) + struct.calcsize(self._order + pointer)
        start = offset + struct.calcsize(self._order + head)
        if offset < 8 or start > len(self._data):
            raise ValueError("a directory lies outside the file")
        count = int(struct.unpack_from(self._order + head, self._data, offset)[0])
        end = start + count * size
        if not count or end > len(self._data):
            raise ValueError("a directory reaches beyond the end of the file")
        fields: dict[int, Field] = {}
        inline = size - struct.calcsize(self._order + entry)
        for at in range(start, end, size):
            tag, kind, number = struct.unpack_from(self._order + entry, self._data, at)
            position = at + size - inline
            if _SIZES.get(kind, 1) * number > inline:
                position = int(struct.unpack_from(self._order + pointer, self._data, position)[0])
            fields.setdefault(tag, Field(kind, number, position))
        has_next = end + struct.calcsize(self._order + pointer) <= len(self._data)
        following = int(struct.unpack_from(self._order + pointer, self._data, end)[0]) if has_next else 0
        return Directory(fields, following)

    def raw(self, field: Field | None, most: int) -> bytes:
        """Return at most ``most`` bytes of a field; empty if it is None or reaches beyond the end."""
        if field is None or field.offset + field.size > len(self._data):
            return b""
        return self._data[field.offset : field.offset + min(field.size, most)]

    def integers(self, field: Field | None, most: int = MAX_VALUES) -> list[int]:
        """Return at most ``most`` values of a field of integers; empty if it is None, damaged, or of another type."""
        code = _CODES.get(field.kind) if field else None
        if field is None or code is None or field.offset + field.size > len(self._data):
            return []
        return list(struct.unpack_from(f"{self._order}{min(field.count, most)}{code}", self._data, field.offset))

    def integer(self, field: Field | None, default: int) -> int:
        """Return the first value of a field of integers, or the default."""
        return next(iter(self.integers(field, 1)), default)

    def fractions(self, field: Field | None, most: int = 64) -> list[float]:
        """Return at most ``most`` values of a field of rationals; empty if it is None, damaged, or divides by zero."""
        code = _RATIONALS.get(field.kind) if field else None
        if field is None or code is None or field.offset + field.size > len(self._data):
            return []
        numbers = struct.unpack_from(f"{self._order}{2 * min(field.count, most)}{code}", self._data, field.offset)
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        return [top / bottom for top, bottom in pairs] if all(bottom for _, bottom in pairs) else []

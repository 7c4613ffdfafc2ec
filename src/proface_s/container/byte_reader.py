"""A cursor for parsing untrusted bytes."""

from __future__ import annotations

from ..errors import DamagedFileError


class ByteReader:
    """Cursor over untrusted bytes: nothing is read, or allocated, beyond their end.

    Args:
        data: the bytes.
        name: the name of the structure in error messages.
    """

    def __init__(self, data: bytes, name: str = "header") -> None:
        self._data = data
        self._at = 0
        self._name = name

    def take(self, count: int, part: str) -> bytes:
        """Return the next ``count`` bytes.

        Args:
            count: how many.
            part: the name of the part in error messages.

        Raises:
            DamagedFileError: if fewer are left.
        """
        end = self._at + count
        if end > len(self._data):
            raise DamagedFileError(f"invalid {self._name}: it ends inside {part}")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def integer(self, width: int, part: str) -> int:
        """Return the next ``width`` bytes as an unsigned big-endian integer."""
        return int.from_bytes(self.take(width, part), "big")

    def count(self, width: int, limit: int, items: str, least: int = 0) -> int:
        """Return an integer that says how many ``items`` follow.

        Raises:
            DamagedFileError: if it is below ``least`` or exceeds ``limit``.
        """
        value = self.integer(width, f"the number of {items}")
        if not least <= value <= limit:
            raise DamagedFileError(f"invalid {self._name}: {value} {items}; {least} to {limit} are allowed")
        return value

    @property
    def left(self) -> int:
        """Number of bytes that remain."""
        return len(self._data) - self._at

    def rest(self) -> bytes:
        """Return all remaining bytes."""
        return self.take(len(self._data) - self._at, "the rest")

    def finish(self) -> None:
        """Refuse trailing bytes.

        Raises:
            DamagedFileError: if any bytes remain.
        """
        if self._at != len(self._data):
            raise DamagedFileError(f"invalid {self._name}: {len(self._data) - self._at} bytes too many")

"""How many bytes of uploads and answers are held at the moment."""

from __future__ import annotations


class Ledger:
    """Counts bytes against a limit; used by the event loop alone.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.held = limit, 0

    def room_for(self, count: int) -> bool:
        """Whether so many bytes would fit now."""
        return self.held + count <= self.limit


class Hold:
    """One request's share of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._count = ledger, 0

    def add(self, count: int) -> None:
        """Hold more bytes."""
        self._count += count
        self._ledger.held += count

    def release(self) -> None:
        """Hold nothing any more."""
        self._ledger.held -= self._count
        self._count = 0

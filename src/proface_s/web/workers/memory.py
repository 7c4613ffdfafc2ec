"""Bytes that are held at the moment: of uploads and answers, and by the jobs of all workers together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from ..problems import refused
from ..settings import MIB

_LOOK_SECONDS = 0.25  # how often a job that waits for memory looks whether its client is still there


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


class Budget:
    """Memory for decoded pictures and key derivation, shared by the jobs of all workers; used by their threads.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.used = limit, 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def share(self) -> Iterator[Share]:
        """One job's share, given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self._give_back(share.bytes)

    def take(self, count: int, check: Callable[[], None]) -> None:
        """Wait until so many bytes are free, and take them.

        Args:
            count: in bytes.
            check: called now and then; what it raises ends the waiting.

        Raises:
            RefusedError: 413, there will never be so many.
        """
        if count > self.limit:
            raise refused(
                413,
                "memory",
                "The picture is too large for this service",
                f"working on it takes about {count // MIB} MiB of memory; the limit is {self.limit // MIB} MiB",
                "scale the picture down",
            )
        with self._changed:
            while self.used + count > self.limit:
                check()
                self._changed.wait(_LOOK_SECONDS)
            self.used += count

    def _give_back(self, count: int) -> None:
        with self._changed:
            self.used -= count
            self._changed.notify_all()


class Share:
    """Bytes that one job has taken from a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self.bytes = budget, 0

    def take(self, count: int, check: Callable[[], None]) -> None:
        """Take more; see `Budget.take`."""
        self._budget.take(count, check)
        self.bytes += count

"""Budgets for memory: that of uploads and responses, and that of the jobs of all workers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from ..problems import refused
from ..settings import MIB

_LOOK_SECONDS = 0.25  # how often a job that waits for memory checks that its client is still connected


class MemoryBudget:
    """Memory for uploads and responses; used in the event loop only.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.held = limit, 0

    def room_for(self, count: int) -> bool:
        """Return whether this many more bytes fit into the budget now."""
        return self.held + count <= self.limit


class MemoryHold:
    """The memory that one request holds."""

    def __init__(self, memory: MemoryBudget) -> None:
        self._memory, self._count = memory, 0

    def add(self, count: int) -> None:
        """Hold this many more bytes."""
        self._count += count
        self._memory.held += count

    def release(self) -> None:
        """Release all bytes."""
        self._memory.held -= self._count
        self._count = 0


class JobMemory:
    """Memory for decoded pictures and key derivation, shared by the jobs of all workers; thread-safe.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.used = limit, 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def share(self) -> Iterator[JobMemoryShare]:
        """Yield one job's share, and release it at the end."""
        share = JobMemoryShare(self)
        try:
            yield share
        finally:
            self._give_back(share.bytes)

    def take(self, count: int, check: Callable[[], None]) -> None:
        """Wait until this many bytes are free, and take them.

        Args:
            count: in bytes.
            check: called now and then; an exception from it ends the wait.

        Raises:
            RefusedError: 413 if the whole budget is smaller.
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


class JobMemoryShare:
    """The memory that one job has taken."""

    def __init__(self, budget: JobMemory) -> None:
        self._budget, self.bytes = budget, 0

    def take(self, count: int, check: Callable[[], None]) -> None:
        """Take more memory; see `JobMemory.take`."""
        self._budget.take(count, check)
        self.bytes += count

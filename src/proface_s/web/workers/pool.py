"""A pool with few workers and few places to wait: more work is refused at once, and abandoned work is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...progress import Stage
from ..problems import busy

T = TypeVar("T")


class LeftError(Exception):
    """The client of this work has left."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job's progress; see `proface_s.progress`."""

    stage: Stage
    done: int
    total: int


class Listener:
    """Receive the progress of a job, and know whether its client is still there.

    Args:
        hear: called with every step.
    """

    def __init__(self, hear: Callable[[Step], None]) -> None:
        self._hear, self._left, self._lock = hear, False, threading.Lock()
        self._stop: Callable[[], None] | None = None

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        """Hear one step.

        Raises:
            LeftError: if the client has left.
        """
        self.check()
        self._hear(Step(stage, done, total))

    def check(self) -> None:
        """Raise `LeftError` if the client has left."""
        if self._left:
            raise LeftError

    @contextlib.contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have ``stop`` called, from any thread, if the client leaves while the block runs.

        Raises:
            LeftError: if the client has left already.
        """
        with self._lock:
            self.check()
            self._stop = stop
        try:
            yield
        finally:
            with self._lock:
                self._stop = None

    def leave(self) -> None:
        """Note that the client has left, and stop the work."""
        with self._lock:
            self._left = True
            if self._stop is not None:
                self._stop()


@dataclass(eq=False, slots=True)
class Job(Generic[T]):
    """Work that was accepted.

    Attributes:
        steps: what it tells, then None at its end; belongs to the event loop.
    """

    future: Future[T]
    steps: asyncio.Queue[Step | None]
    _listener: Listener

    async def result(self) -> T:
        """Wait for the result of the work, or raise its exception."""
        return await asyncio.wrap_future(self.future)

    def drop(self) -> None:
        """Give the work up: never begin it, or stop it at once if it can be stopped, else at its next step."""
        self.future.cancel()
        self._listener.leave()


class Pool:
    """Worker threads with a bounded queue.

    Args:
        workers: threads.
        waiting: jobs that may wait for one.
    """

    def __init__(self, workers: int, waiting: int) -> None:
        self._places = threading.BoundedSemaphore(workers + waiting)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="proface")
        self._jobs: set[Job[object]] = set()

    def submit(self, work: Callable[[Listener], T]) -> Job[T]:
        """Accept work.  It reports its progress to the listener, and lets the exceptions of the listener pass.

        Raises:
            RefusedError: 503, there is no place.
        """
        if not self._places.acquire(blocking=False):
            raise busy("all workers are busy, and so are all places to wait")
        loop, steps = asyncio.get_running_loop(), asyncio.Queue[Step | None]()
        listener = Listener(lambda step: _post(loop, lambda: steps.put_nowait(step)))
        job = Job(self._threads.submit(work, listener), steps, listener)
        kept: Job[object] = job  # type: ignore[assignment]  # only ever dropped
        self._jobs.add(kept)

        def ended(_: Future[T]) -> None:
            self._places.release()
            self._jobs.discard(kept)
            _post(loop, lambda: steps.put_nowait(None))

        job.future.add_done_callback(ended)
        return job

    def close(self) -> None:
        """Stop everything; see `Job.drop`."""
        for job in list(self._jobs):
            job.drop()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _post(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Run something in the event loop, unless that has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)

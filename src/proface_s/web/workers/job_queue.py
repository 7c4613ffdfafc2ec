"""A short queue of jobs for a few threads: further jobs are rejected at once, abandoned jobs are stopped."""

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


class ClientLeftError(Exception):
    """The client of this job has disconnected."""


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """One step of a job's progress; see `proface_s.progress`."""

    stage: Stage
    done: int
    total: int


class ProgressListener:
    """Receives the progress of a job and knows whether its client is still connected.

    Args:
        hear: called with every step.
    """

    def __init__(self, hear: Callable[[ProgressStep], None]) -> None:
        self._hear, self._left, self._lock = hear, False, threading.Lock()
        self._stop: Callable[[], None] | None = None

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        """Hear one step.

        Raises:
            LeftError: if the client has left.
        """
        self.check()
        self._hear(ProgressStep(stage, done, total))

    def check(self) -> None:
        """Raise `ClientLeftError` if the client has left."""
        if self._left:
            raise ClientLeftError

    @contextlib.contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call ``stop``, from any thread, if the client leaves while the block runs.

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
        """Record that the client has left, and stop the job."""
        with self._lock:
            self._left = True
            if self._stop is not None:
                self._stop()


@dataclass(eq=False, slots=True)
class QueuedJob(Generic[T]):
    """A job that was accepted.

    Attributes:
        steps: its progress, then None at its end; used in the event loop only.
    """

    future: Future[T]
    steps: asyncio.Queue[ProgressStep | None]
    _listener: ProgressListener

    async def result(self) -> T:
        """Wait for the result of the job, or raise its exception."""
        return await asyncio.wrap_future(self.future)

    def when_ended(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        """Run a function in the event loop once the job has ended, in whatever way."""
        self.future.add_done_callback(lambda _: _post(loop, call))

    def drop(self) -> None:
        """Abandon the job: do not begin it, or stop it at once if possible, otherwise at its next step."""
        self.future.cancel()
        self._listener.leave()


class JobQueue:
    """Threads that run jobs, with a bounded queue in front of them.

    Args:
        workers: number of threads.
        waiting: jobs that may wait for a thread.
    """

    def __init__(self, workers: int, waiting: int) -> None:
        self._places = threading.BoundedSemaphore(workers + waiting)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="proface")
        self._jobs: set[QueuedJob[object]] = set()

    def submit(self, work: Callable[[ProgressListener], T]) -> QueuedJob[T]:
        """Queue a job, which reports its progress to a listener and must let the listener's exceptions pass.

        Raises:
            RefusedError: 503 if the queue is full.
        """
        if not self._places.acquire(blocking=False):
            raise busy("all workers are busy, and so are all places to wait")
        loop, steps = asyncio.get_running_loop(), asyncio.Queue[ProgressStep | None]()
        listener = ProgressListener(lambda step: _post(loop, lambda: steps.put_nowait(step)))
        job = QueuedJob(self._threads.submit(work, listener), steps, listener)
        kept: QueuedJob[object] = job  # type: ignore[assignment]  # the result is only ever dropped
        self._jobs.add(kept)

        def ended(_: Future[T]) -> None:
            self._places.release()
            self._jobs.discard(kept)
            _post(loop, lambda: steps.put_nowait(None))

        job.future.add_done_callback(ended)
        return job

    def close(self) -> None:
        """Stop all jobs; see `QueuedJob.drop`."""
        for job in list(self._jobs):
            job.drop()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _post(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Run a function in the event loop, unless the loop has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)

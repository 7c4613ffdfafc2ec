"""Few workers, few places to wait: work beyond that is refused at once, work that nobody waits for is stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..api.progress import Progress, Stage
from .problems import busy

T = TypeVar("T")


class _LeftError(Exception):
    """Nobody waits for this work any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a job is; see `proface_s.api.progress`."""

    stage: Stage
    done: int
    total: int


@dataclass(eq=False, slots=True)
class Job(Generic[T]):
    """Work that was accepted.

    Attributes:
        steps: what it tells, then None at its end; belongs to the event loop.
    """

    future: Future[T]
    steps: asyncio.Queue[Step | None]
    _left: threading.Event = field(default_factory=threading.Event)

    async def result(self) -> T:
        """What the work gave, or raises what it raised."""
        return await asyncio.wrap_future(self.future)

    def drop(self) -> None:
        """Nobody waits any more: never begin, or stop at the next step."""
        self._left.set()
        self.future.cancel()


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

    def submit(self, work: Callable[[Progress], T]) -> Job[T]:
        """Accept work; it is given a listener to tell its progress to, and must let what that raises pass.

        Raises:
            RefusedError: 503, there is no place.
        """
        if not self._places.acquire(blocking=False):
            raise busy("all workers are busy, and so are all places to wait")
        loop, steps, left = asyncio.get_running_loop(), asyncio.Queue[Step | None](), threading.Event()

        def tell(stage: Stage, done: int, total: int) -> None:
            if left.is_set():
                raise _LeftError
            _post(loop, lambda: steps.put_nowait(Step(stage, done, total)))

        job = Job(self._threads.submit(work, tell), steps, left)
        kept: Job[object] = job  # type: ignore[assignment]  # only ever dropped
        self._jobs.add(kept)

        def ended(_: Future[T]) -> None:
            self._places.release()
            self._jobs.discard(kept)
            _post(loop, lambda: steps.put_nowait(None))

        job.future.add_done_callback(ended)
        return job

    def close(self) -> None:
        """Stop everything, at the next step of each."""
        for job in list(self._jobs):
            job.drop()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _post(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Run something in the event loop, unless that has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)

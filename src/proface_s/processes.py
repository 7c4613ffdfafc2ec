"""Worker processes of this machine: start them, hand out tasks, survive their deaths, leave none behind.

``--jobs`` and ``--engine local`` work through this module; the engines dask and ray bring processes of their own and
share `run_tasks`.

::

    tasks ──► run_tasks ──► Executor.submit ──► ThisProcess | WorkerPool | Dask | Ray
                  │
                  └──► Attempt, as tasks end; a task whose worker died is tried again, alone

Every worker has its own models and does one task at a time, so memory grows with the number of workers and not with
that of the tasks.  Interruptions are the parent's business: Ctrl-C and a closed terminal reach all processes, and
workers ignore them.  The parent then finishes the tasks that are being worked on and starts no others.  A worker whose
parent has died leaves through its ``finally`` clauses, so that no temporary file stays.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from ctypes import c_bool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any, Final, Generic, Protocol, TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")

AHEAD_PER_WORKER: Final = 2
"""Tasks handed out per worker: one to work on, one that is ready when it has ended."""

_GRACE_SECONDS: Final = 10.0  # for a worker whose parent has died to clean up after its task


class Executor(Protocol):
    """Calls functions, usually in other processes.

    Attributes:
        ahead: number of tasks to hand out before one of them has ended.
        death_errors: exceptions of a future whose worker died.
    """

    ahead: int
    death_errors: tuple[type[BaseException], ...]

    def submit(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Hand out one call."""
        ...

    def outage(self) -> str:
        """Return why no call can be handed out any more; empty if it can."""
        ...


class ThisProcess:
    """Calls each function at once, in this process."""

    ahead = 1
    death_errors: tuple[type[BaseException], ...] = ()

    def submit(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Call the function now."""
        return completed_future(function, *arguments)

    def outage(self) -> str:
        """Return an empty text: this process is always there."""
        return ""


class WorkerPool:
    """A number of worker processes; those that die are replaced.

    Use it as a context manager, or call `close`.

    Args:
        processes: how many; each is started when there is work for it.
    """

    death_errors: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.ahead = AHEAD_PER_WORKER * processes
        # spawn: a fork would copy the locks of all threads of this process
        self._context = multiprocessing.get_context("spawn")
        _start_resource_tracker()
        self._closing = self._context.RawValue(c_bool, False)  # without a lock, which a killed worker could hold
        self._pool = self._new_pool()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Hand out one call; function, arguments and result are pickled.

        If a worker dies, every call that was handed out fails with one of `death_errors`; the next call goes to new
        workers.
        """
        try:
            return self._pool.submit(_call, function, *arguments)
        except BrokenProcessPool:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = self._new_pool()
            return self._pool.submit(_call, function, *arguments)

    def outage(self) -> str:
        """Return an empty text: dead workers are replaced."""
        return ""

    def close(self) -> None:
        """Let the calls that are being worked on end, drop the others, and end the processes."""
        self._closing.value = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.processes,
            mp_context=self._context,
            initializer=_start_worker,
            initargs=(self.processes, self._closing),
        )


@dataclass(frozen=True, slots=True)
class Attempt(Generic[Item, Result]):
    """The last attempt at a task.

    Attributes:
        task: what was handed out.
        number: of the attempt, from 1; higher if workers died.
        future: has ended; holds the result, or what was raised.
        worker_died: whether this attempt ended with the death of its worker, as all before it did.
    """

    task: Item
    number: int
    future: Future[Result]
    worker_died: bool = False


@contextmanager
def local_executor(processes: int) -> Iterator[ThisProcess | WorkerPool]:
    """Yield an executor on this machine: this process if one is enough, else a pool that is closed at the end."""
    if processes <= 1:
        yield ThisProcess()
    else:
        with WorkerPool(processes) as pool:
            yield pool


def completed_future(function: Callable[..., Result], *arguments: object) -> Future[Result]:
    """Call a function, and return its result or exception as a future that has ended."""
    future: Future[Result] = Future()
    try:
        future.set_result(function(*arguments))
    except Exception as error:
        future.set_exception(error)
    return future


def run_tasks(
    tasks: Iterable[Item],
    executor: Executor,
    submit: Callable[[Item, int], Future[Result]],
    *,
    max_attempts: int = 2,
    keep_going: Callable[[], bool] = lambda: True,
    clean_up: Callable[[Item], None] = lambda task: None,
) -> Iterator[Attempt[Item, Result]]:
    """Hand out tasks, and yield each as it ends.

    A death may have been any task's fault that was handed out then.  These tasks are laid aside until all others have
    ended, and are then tried one at a time: so the task that kills its worker is known, and takes no other with it.

    Args:
        tasks: read as they are needed; at most ``executor.ahead`` are handed out at a time.
        executor: what ``submit`` hands tasks to.
        submit: hands out a task, given it and the number of the attempt, from 1.
        max_attempts: how many workers may die before a task is given up.
        keep_going: asked before a task is handed out; once it returns False, those handed out are still waited for.
        clean_up: called with a task whose worker has died, when no other task is being worked on.
    """
    suspects: list[Item] = []
    for attempt in _run_ahead(tasks, executor, submit, keep_going):
        if attempt.worker_died:
            suspects.append(attempt.task)
        else:
            yield attempt
    for task in suspects:
        if not keep_going():
            return
        yield _run_alone(task, executor, submit, max_attempts, clean_up)


def threads_per_process(threads: int, processes: int) -> int:
    """Return the threads that each of several processes may use.

    Args:
        threads: what the user asked for; 0 for a fair share of the cores.
        processes: that work side by side.

    Returns:
        At least 1 if there are several processes; 0, for all cores, if there is one and nothing was asked for.
    """
    return threads or (max(1, (os.cpu_count() or 1) // processes) if processes > 1 else 0)


def share_cores(processes: int) -> None:
    """Limit OpenMP in this process to its share of the cores, unless the user has set a limit.

    Call it before a library that uses OpenMP is loaded.  OpenMP takes all cores and keeps them busy waiting: two
    detectors side by side were half as fast as one.  Needed where a library cannot be told how many threads to use.

    Args:
        processes: that work side by side.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _run_ahead(
    tasks: Iterable[Item],
    executor: Executor,
    submit: Callable[[Item, int], Future[Result]],
    keep_going: Callable[[], bool],
) -> Iterator[Attempt[Item, Result]]:
    """Yield the first attempt at every task."""
    left = iter(tasks)
    handed_out: dict[Future[Result], Item] = {}
    while True:
        for task in islice(left, executor.ahead - len(handed_out) if keep_going() else 0):
            handed_out[submit(task, 1)] = task
        if not handed_out:
            return
        for future in wait(handed_out, return_when=FIRST_COMPLETED).done:
            yield Attempt(handed_out.pop(future), 1, future, _worker_died(future, executor))


def _run_alone(
    task: Item,
    executor: Executor,
    submit: Callable[[Item, int], Future[Result]],
    max_attempts: int,
    clean_up: Callable[[Item], None],
) -> Attempt[Item, Result]:
    """Try a task whose worker died once already, with nothing else handed out."""
    clean_up(task)
    attempt: Attempt[Item, Result] = Attempt(task, 1, Future(), worker_died=True)
    while attempt.worker_died and attempt.number < max_attempts:
        future = submit(task, attempt.number + 1)
        wait([future])
        attempt = Attempt(task, attempt.number + 1, future, _worker_died(future, executor))
        if attempt.worker_died:
            clean_up(task)
    return attempt


def _worker_died(future: Future[Any], executor: Executor) -> bool:
    try:
        error = future.exception()
    except CancelledError:
        return False
    return isinstance(error, executor.death_errors) and not executor.outage()


def _start_resource_tracker() -> None:
    """Start the process that cleans up after workers, so that a closed terminal does not end it before them."""
    if not hasattr(signal, "SIGHUP"):
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # new processes inherit the mask
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_closing: Any = None  # in a worker: shared with its parent, true once the pool is being closed


def _start_worker(processes: int, closing: Any) -> None:
    """Prepare a worker: share the cores, leave interruptions to the parent, and leave when the parent is gone."""
    global _closing
    _closing = closing
    if sys.stderr is not None:  # which may be closed
        faulthandler.enable()  # a crash in a library says where, without values
    share_cores(processes)
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
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


def _call(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a worker, unless the pool is being closed."""
    if _closing is not None and _closing.value:
        raise CancelledError
    try:
        return function(*arguments)
    except SystemExit as stop:  # the pool would take it for the call's result, and the worker would go on
        os._exit(stop.code if isinstance(stop.code, int) else 1)

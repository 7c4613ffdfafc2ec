"""Threads for work that releases Python's global lock (networks, encoders), and what they share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial, update_wrapper
from typing import Final, Generic, TypeVar

from .errors import UsageError

First = TypeVar("First")
Second = TypeVar("Second")


class Once(Generic[First]):
    """A function without arguments that runs once: calls made meanwhile, by other threads, wait for its result.

    `functools.cache` would run it in each of these threads.  An exception is not kept: the next call tries again.

    Args:
        function: the function.

    Example:
        >>> answer = Once(lambda: [42])
        >>> answer() is answer()
        True
    """

    def __init__(self, function: Callable[[], First]) -> None:
        self._function, self._lock = function, threading.Lock()
        self._made: list[First] = []
        update_wrapper(self, function)

    def __call__(self) -> First:
        """Return what the function returned."""
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._function())
        return self._made[0]

    def forget(self) -> None:
        """Let the next call run the function again."""
        with self._lock:
            self._made = []


class SharedSetting:
    """A setting of the whole process, changed while at least one block needs it.

    The first block that is entered changes it and the last one that is left puts it back; blocks in between take what
    they find.
    """

    def __init__(self) -> None:
        self._lock, self._users = threading.Lock(), 0
        self._restore: Callable[[], object] = list

    @contextmanager
    def changed(self, change: Callable[[], Callable[[], object]]) -> Iterator[None]:
        """Keep the setting changed until the block ends.

        Args:
            change: changes it, and returns a function that puts it back.
        """
        with self._lock:
            if not self._users:
                self._restore = change()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._restore()


_opencv: Final = SharedSetting()


def threads_to_use(threads: int) -> int:
    """Return the number of threads to use: ``threads``, or if 0, ``PROFACE_THREADS``, or if that is 0 too, all cores.

    Raises:
        UsageError: if the variable is not a number.
    """
    text = os.environ.get("PROFACE_THREADS", "0")
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"PROFACE_THREADS is {text!r}, not a number", code="threads-variable")
    return threads or int(text) or os.cpu_count() or 1


def run_both(threads: int, first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Return the results of two functions, called concurrently if ``threads`` is at least 2.

    Raises:
        Exception: if a function raises it; raised once both have ended, the second function's if both fail.
    """
    if threads < 2:
        return first(), second()
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(first)
        now = second()
        return later.result(), now


def parallel_map(threads: int, work: Callable[[First], Second], items: Iterable[First]) -> list[Second]:
    """Like `map`, with up to ``threads`` calls at once; keeps the order of the items.

    Raises:
        Exception: if ``work`` raises it; the first one in the order of the items.
    """
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def opencv_threads(threads: int) -> AbstractContextManager[None]:
    """Let OpenCV work with a number of threads until the block ends.

    OpenCV has one number for the process, which belongs to the program that imported this package: see
    `SharedSetting`.  Nested blocks cost nothing.

    Args:
        threads: at least 1.
    """
    return _opencv.changed(partial(_set_opencv_threads, threads))


def _set_opencv_threads(threads: int) -> Callable[[], object]:
    """Set the number, and return a function that puts it back."""
    import cv2

    before = cv2.getNumThreads()
    if before == threads:  # OpenCV would stop its threads, and start them again
        return list
    cv2.setNumThreads(threads)
    return partial(cv2.setNumThreads, before)

"""Threads for work that releases Python's global lock: networks, encoders, key derivation."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from .errors import UsageError

First = TypeVar("First")
Second = TypeVar("Second")

_opencv = threading.Lock()
_opencv_users = 0  # blocks of `opencv_threads` that are open
_opencv_before = 0  # threads that OpenCV had before the first of them


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


@contextmanager
def opencv_threads(threads: int) -> Iterator[None]:
    """Let OpenCV work with a number of threads until the block ends.

    OpenCV has one number for the process, which belongs to the program that imported this package.  So it is set by the
    first block that is entered and put back by the last one that is left; blocks in between take what they find.
    Nested blocks cost nothing.

    Args:
        threads: at least 1.
    """
    global _opencv_users, _opencv_before
    import cv2

    with _opencv:
        if not _opencv_users:
            _opencv_before = cv2.getNumThreads()
            _set_opencv_threads(threads)
        _opencv_users += 1
    try:
        yield
    finally:
        with _opencv:
            _opencv_users -= 1
            if not _opencv_users:
                _set_opencv_threads(_opencv_before)


def _set_opencv_threads(threads: int) -> None:
    """Change the number only if it is another: OpenCV would stop its threads, and start them again."""
    import cv2

    if cv2.getNumThreads() != threads:
        cv2.setNumThreads(threads)

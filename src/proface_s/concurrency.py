"""Threads: how many, and work side by side that leaves Python's lock alone: networks, encoders, key derivation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .errors import UsageError

First = TypeVar("First")
Second = TypeVar("Second")


def threads_to_use(threads: int) -> int:
    """A number of threads as it was asked for; where that is 0, ``PROFACE_THREADS``, and where that is too, all cores.

    Raises:
        UsageError: the variable is not a number.
    """
    text = os.environ.get("PROFACE_THREADS", "0")
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"PROFACE_THREADS is {text!r}, not a number", "unset it, or set it to the threads to use")
    return threads or int(text) or os.cpu_count() or 1


def both(threads: int, first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """The results of two functions, called at the same time where there is a second thread for it.

    Raises:
        Exception: whatever one of them raises, once both have ended; the second one's first.
    """
    if threads < 2:
        return first(), second()
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(first)
        now = second()
        return later.result(), now


def each(threads: int, work: Callable[[First], Second], items: Iterable[First]) -> list[Second]:
    """What a function gives for every item, in their order, so many at a time as there are threads.

    Raises:
        Exception: what it raised first, in the order of the items.
    """
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))

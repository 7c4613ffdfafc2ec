"""Threads for work that releases Python's global lock: networks, encoders, key derivation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .errors import UsageError

First = TypeVar("First")
Second = TypeVar("Second")


def threads_to_use(threads: int) -> int:
    """Return the number of threads to use: ``threads``, or if 0, ``PROFACE_THREADS``, or if that is 0 too, all cores.

    Raises:
        UsageError: if the variable is not a number.
    """
    text = os.environ.get("PROFACE_THREADS", "0")
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"PROFACE_THREADS is {text!r}, not a number", "unset it, or set it to the threads to use")
    return threads or int(text) or os.cpu_count() or 1


def both(threads: int, first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
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


def each(threads: int, work: Callable[[First], Second], items: Iterable[First]) -> list[Second]:
    """Like `map`, with up to ``threads`` calls at once; keeps the order of the items.

    Raises:
        Exception: if ``work`` raises it; the first one in the order of the items.
    """
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))

"""Two things at once, for work that leaves Python's lock alone: encoders, decoders, key derivation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


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

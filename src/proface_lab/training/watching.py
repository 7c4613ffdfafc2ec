"""Progress of an export: a function that items pass through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Watch(Protocol):
    """Passes items on, and shows progress as they are taken."""

    def __call__(self, part: str, items: Sequence[Item], /) -> Iterable[Item]:
        """Return the items, in order.

        Args:
            part: name of the work, for people.
            items: all of them.
        """
        ...


def unwatched(part: str, items: Sequence[Item], /) -> Iterable[Item]:
    """Ignore progress."""
    return items

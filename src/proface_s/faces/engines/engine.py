"""The description of an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ...types import UInt8Image
from ..looks import Reach


class RawFace(NamedTuple):
    """A face as a network reports it: its box in pixels of the patch, and the confidence, 0..1."""

    x: float
    y: float
    w: float
    h: float
    score: float


FindInPatch = Callable[[UInt8Image, float, int], list[RawFace]]
"""Find the faces of a patch: (H, W, 3) uint8 RGB of any size, least confidence (0..1), threads to use (at least 1).

Returns every face once, in any order; boxes may reach beyond the patch.  May be called from several threads at once.
Raises `UsageError` if the engine is not installed.
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """One network that finds faces.

    Attributes:
        name: what users call it.
        licence: of code and weights, as SPDX identifier.
        origin: address of the project that trained it.
        weights: name of the file with the weights in this folder; None if they are part of another package.
        weights_sha256: SHA-256 of that file, in hexadecimal.
        reach: the faces that it knows, and how closely it searches a picture.
        thorough_reach: likewise, if time does not matter.
        threshold: least confidence (0..1) of an upright face.
        thorough_threshold: likewise, if mistakes do not matter.
        turned_threshold: least confidence in turned looks, which yield more mistakes.
        side_by_side: most patches at a time.
        find: runs the network.
    """

    name: str
    licence: str
    origin: str
    weights: str | None
    weights_sha256: str | None
    reach: Reach
    thorough_reach: Reach
    threshold: float
    thorough_threshold: float
    turned_threshold: float
    side_by_side: int
    find: FindInPatch

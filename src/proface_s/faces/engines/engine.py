"""The description of an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ...types import Face, UInt8Image
from ..looks import Look, Reach, closer_look


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
class SecondLook:
    """How an engine looks again at what it, or another engine, is not sure of.

    Attributes:
        side: longer side in patch pixels of the face then.
        threshold: least confidence (0..1) then.
        turned: whether it also looks again at faces seen in turned looks.
        followed_side: longer side in patch pixels of a face that is followed from frame to frame.
    """

    side: float
    threshold: float
    turned: bool
    followed_side: float

    def at(self, place: Face, size: tuple[int, int]) -> Look:
        """Return the look at a place where there may be a face, in a picture of (width, height) pixels."""
        return closer_look(place.box, size, round(place.roll or 0.0) % 360, self.side)

    def around(self, place: Face, size: tuple[int, int]) -> Look:
        """Return the look at a place where a face was a moment ago, for any face that is seen there whole."""
        look = closer_look(place.box, size, round(place.roll or 0.0) % 360, self.followed_side)
        tile = look.tile
        return replace(look, inner_edges=(tile.x > 0, tile.y > 0, tile.right < size[0], tile.bottom < size[1]))


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
        unsure_threshold: least confidence of what counts if a second look, or another engine, confirms it.
        second_look: how it looks again; None if it does not.
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
    unsure_threshold: float
    second_look: SecondLook | None
    side_by_side: int
    find: FindInPatch

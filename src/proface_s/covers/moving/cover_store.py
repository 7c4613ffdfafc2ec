"""Cover people frame after frame, so that each cover stays with its face."""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

import numpy as np

from ...types import Box, Face, Style, UInt8Image
from .. import FaceRegion, apply_style
from .memory import CoverMemory, CoverPlace, PersonChoices

_SLOW: Final = 1.0  # seconds, time constant of the sides of a region over those of the face in it
_FORGOTTEN: Final = 1.0  # seconds after which a track that comes again is a new one
_SEEDS: Final = 1 << 40


class CoveredFace(NamedTuple):
    """A face to cover in a frame.

    Attributes:
        person: number of the person.
        track: number of the track.
        box: tight box of the face, in the frame.
        region: box to cover, inside the frame.
    """

    person: int
    track: int
    box: Box
    region: Box


class CoverStore:
    """What covers remember of the people of a clip, while its frames are covered in order."""

    def __init__(self) -> None:
        self._people: dict[int, PersonChoices] = {}
        self._tracks: dict[int, tuple[float, CoverMemory]] = {}

    def draw(self, pixels: UInt8Image, face: CoveredFace, style: Style, seconds: float) -> UInt8Image:
        """Return the cover of a face.

        Args:
            pixels: (h, w, 3) uint8 RGB, what is in the region.
            face: the face and its region.
            style: of the cover.
            seconds: time of the frame; not earlier than before.

        Returns:
            (h, w, 3) uint8 RGB.

        Raises:
            UsageError: if the style is unknown, or refuses its strength or option.
        """
        memory = self._memory(face, seconds)
        box, region = face.box, face.region
        across, down = map(float, memory.eased("growth", np.array([region.w / box.w, region.h / box.h]), _SLOW))
        x, y = box.x - region.x, box.y - region.y
        memory.place = CoverPlace(x + box.w / 2, y + box.h / 2, across * box.w, down * box.h)
        place = Box(x, y, box.w, box.h)
        return apply_style(FaceRegion(np.ascontiguousarray(pixels), (Face(place),), memory), style)

    def _memory(self, face: CoveredFace, seconds: float) -> CoverMemory:
        """Return the memory of a face, with the time since the frame before."""
        choices = self._people.setdefault(face.person, PersonChoices(secrets.randbelow(_SEEDS)))
        then, memory = self._tracks.get(face.track, (seconds, None))
        if memory is None or seconds - then > _FORGOTTEN:
            memory = CoverMemory(choices, CoverPlace(0.0, 0.0, 0.0, 0.0))
            self._tracks = {each: known for each, known in self._tracks.items() if seconds - known[0] <= _FORGOTTEN}
        memory.elapsed = max(0.0, seconds - then)
        self._tracks[face.track] = seconds, memory
        return memory

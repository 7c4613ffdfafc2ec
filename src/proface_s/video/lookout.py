"""Look for faces in the frames of a stream, also for those of which the detector is in doubt.

A photo is looked at in many sizes, parts and turns (`proface_s.faces.looks`), which takes a second of one core at 720p.
In a stream it is known where faces were a moment ago, and whatever is overlooked in one frame is there in the next::

    first and last frame of a shot   everything, as in a photo
    other frames                     close looks at the faces that are expected, a coarse look at the whole frame,
                                     and some of all other looks: each has its turn once in `ROUND` seconds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from ..faces import Detector, EngineDetector, UnionDetector, non_maximum_suppression
from ..faces.detection_check import detected_sightings
from ..faces.engine_detector import Sightings, upright_first
from ..faces.looks import Look
from ..faces.patches import Pyramid
from ..faces.union import confirmed
from ..threads import parallel_map, threads_to_use
from ..types import Box, Face, UInt8Image
from .look_schedule import LookSchedule, cost

DOUBTFUL: Final = 0.3  # confidence from which an upright sighting may be a face
ROUND: Final = 1.44
"""Seconds in which every part of a frame is looked at in every way: twelve looks at the usual interval.

On the clips of `bench/video/video_leaks.py`, 1.08 and 1.8 leave as little uncovered; longer than `LOOK_AHEAD` would be
too long to cover a face from before it was seen."""


class Sighting(NamedTuple):
    """A tight box in which there may be a face.

    Attributes:
        box: in pixels of the frame.
        sure: whether the detector by itself reports it as a face.
        roll: degrees by which it is turned; None if it is upright or that is unknown.
    """

    box: Box
    sure: bool = True
    roll: float | None = None


def look(detector: Detector, rgb: UInt8Image) -> list[Sighting]:
    """Look at all of a frame in every way; return what may be faces, sorted by box.

    Args:
        detector: any.  Those of this package also tell what they are unsure of; whatever others report is sure.
        rgb: (H, W, 3) uint8 RGB.

    Raises:
        UsageError: if the detector fails.
    """
    return _sorted(detected_sightings(detector, rgb))


class Lookout:
    """Looks at the frames of a stream, which have one size.

    Detectors of other packages look at all of every frame, and so does a detector if ``interval`` is `ROUND` or longer.

    Args:
        detector: any.
        interval: seconds from one look to the next.
    """

    def __init__(self, detector: Detector, interval: float) -> None:
        parts = detector.detectors if isinstance(detector, UnionDetector) else (detector,)
        engines = [each for each in parts if isinstance(each, EngineDetector)]
        self._detector, self._looks = detector, max(1, int(ROUND / interval)) if len(engines) == len(parts) else 1
        self._threads = max((threads_to_use(each.threads) for each in engines), default=1)
        self._engines = [replace(each, threads=1) for each in engines]
        self._schedule: LookSchedule | None = None

    def see(self, rgb: UInt8Image, expected: Sequence[Face] | None = None) -> list[Sighting]:
        """Return what may be faces in a frame, sorted by box.

        Args:
            rgb: (H, W, 3) uint8 RGB.
            expected: the faces that may be there, and their rolls; None to look at everything.

        Raises:
            UsageError: if the detector fails.
        """
        if expected is None or self._looks == 1:
            return look(self._detector, rgb)
        return _sorted(detected_sightings(self._detector, rgb, partial(self._glance, expected)))

    def _glance(self, expected: Sequence[Face], rgb: UInt8Image) -> Sightings:
        """Look at the faces that are expected, and some of the rest."""
        picture = Pyramid(rgb)
        if self._schedule is None:
            self._schedule = LookSchedule([each.plan(picture.size) for each in self._engines], self._looks)
        places = [replace(face, roll=None) for face in expected] + [face for face in expected if face.roll is not None]
        jobs = [
            (engine, part)
            for engine, looks in enumerate(self._schedule.next_looks())
            for part in _parts(self._engines[engine], looks)
        ]
        found = parallel_map(self._threads, lambda job: self._engines[job[0]].search(picture, job[1]), jobs)
        close = parallel_map(self._threads, lambda engine: engine.look_at(picture, places), self._engines)
        seen = [Sightings([], []) for _ in self._engines]
        for (engine, _), part in zip(jobs, found, strict=True):
            seen[engine].sure.extend(part.sure)
            seen[engine].unsure.extend(part.unsure)
        whole = confirmed(self._engines, picture, [Sightings(upright_first(each.sure), each.unsure) for each in seen])
        return Sightings(whole.sure, [*whole.unsure, *(face for faces in close for face in faces)])


def _parts(engine: EngineDetector, looks: Sequence[Look]) -> list[list[Look]]:
    """Return the looks of an engine in parts that may be made at the same time, the largest first."""
    if engine.engine.side_by_side == 1:
        return [list(looks)]
    return [[look] for look in sorted(looks, key=cost, reverse=True)]


def _sorted(seen: Sightings) -> list[Sighting]:
    """Return what counts in a stream."""
    doubtful = [face for face in seen.unsure if face.roll is None and face.score >= DOUBTFUL]
    others = non_maximum_suppression(doubtful, kept=seen.sure)[len(seen.sure) :]
    sure = [Sighting(face.box, roll=face.roll) for face in seen.sure]
    return sorted([*sure, *(Sighting(face.box, sure=False) for face in others)], key=lambda each: each[:2])

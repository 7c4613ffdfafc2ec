"""Find the people of a clip: the first of the two passes over its frames."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from ...faces import Detector
from ...types import UInt8Image
from ..clock import DEFAULT_RATE
from ..lookout import Lookout
from ..tracking import INTERVAL, LOOK_AHEAD, TrackedFace, TrackedFrame, Tracker
from .merging import TrackOverlaps
from .people import People, PersonTrack


class TimedFrame(Protocol):
    """A frame, upright: `proface_s.video.clip.planes.ClipFrame`, or another of the same form."""

    @property
    def seconds(self) -> float:
        """Time at which it is shown."""

    @property
    def grey(self) -> UInt8Image:
        """(H, W) uint8."""

    def rgb(self) -> UInt8Image:
        """Return (H, W, 3) uint8 RGB."""


class PeopleFinder:
    """Finds the people of a clip whose frames are pushed into it; 16 bytes are kept for each box.

    Args:
        detector: the face detector.
        interval: seconds from one look to the next, see `Tracker`.
        look_ahead: see `Tracker`.
        rate: frames a second, see `Tracker`.
    """

    def __init__(
        self,
        detector: Detector,
        interval: float = INTERVAL,
        look_ahead: float = LOOK_AHEAD,
        rate: float = DEFAULT_RATE,
    ) -> None:
        self._tracker = Tracker(Lookout(detector, interval).see, interval, look_ahead, rate)
        self._times, self._overlaps, self._size = array("d"), TrackOverlaps(), (0, 0)
        self._followed: dict[int, _Growing] = {}

    def push(self, frame: TimedFrame) -> None:
        """Take the next frame.

        Raises:
            UsageError: if the detector fails.
        """
        grey = frame.grey
        self._size = grey.shape[1], grey.shape[0]
        self._keep(self._tracker.push(grey, frame.seconds, frame.rgb))

    def finish(self) -> People:
        """Return the people, numbered by when they come, and those of one frame from left to right.

        Raises:
            UsageError: if the detector fails.
        """
        self._keep(self._tracker.finish())
        groups = sorted(self._overlaps.groups(), key=lambda group: min(self._followed[track].order for track in group))
        person_of = {track: person for person, group in enumerate(groups, 1) for track in group}
        by_order = sorted(self._followed, key=lambda track: (person_of[track], self._followed[track].order))
        tracks = (self._followed[track].track(number, person_of[track]) for number, track in enumerate(by_order, 1))
        return People(self._size, np.array(self._times), tuple(tracks))

    def _keep(self, frames: Iterable[TrackedFrame]) -> None:
        for frame in frames:
            self._times.append(frame.seconds)
            self._overlaps.add(frame.faces)
            for face in frame.faces:
                if face.track not in self._followed:
                    self._followed[face.track] = _Growing(frame.number, face)
                self._followed[face.track].add(frame.number, face)


class _Growing:
    """A track that is being followed.

    Attributes:
        order: by which tracks are numbered.
    """

    def __init__(self, frame: int, face: TrackedFace) -> None:
        self.order = frame, face.box, face.track
        self._start, self._boxes = frame, array("i")
        self._best, self._area = frame, 0

    def add(self, frame: int, face: TrackedFace) -> None:
        """Add the box of a frame, which is later than those before."""
        missed = frame - self._start - len(self._boxes) // 4
        self._boxes.extend([0, 0, 0, 0] * missed)
        self._boxes.extend((face.box.x, face.box.y, face.box.w, face.box.h))
        if face.sure and face.box.area > self._area:
            self._best, self._area = frame, face.box.area

    def track(self, number: int, person: int) -> PersonTrack:
        """Return the track."""
        boxes = np.array(self._boxes, np.int32).reshape(-1, 4)
        return PersonTrack(number, person, self._start, boxes, self._best)


def find_people(
    frames: Iterable[TimedFrame],
    detector: Detector,
    interval: float = INTERVAL,
    look_ahead: float = LOOK_AHEAD,
    rate: float = DEFAULT_RATE,
    *,
    told: Callable[[float], None] | None = None,
) -> People:
    """Find the people of a clip.

    Args:
        frames: all of one size; read once.
        detector: the face detector.
        interval: see `Tracker`.
        look_ahead: see `Tracker`.
        rate: see `Tracker`.
        told: called with the time of each frame that was taken, in seconds.

    Raises:
        UsageError: if the detector fails.
    """
    finder = PeopleFinder(detector, interval, look_ahead, rate)
    for frame in frames:
        finder.push(frame)
        if told is not None:
            told(frame.seconds)
    return finder.finish()

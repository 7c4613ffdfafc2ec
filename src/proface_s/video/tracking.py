"""Follow the faces of a stream, so that nobody shows in the frames in which the detector misses them.

::

    frame ─ shots ─► detect if due ─ link with the tracks ─► ring of grey frames, two seconds ─► boxes of each frame
                                     │
                  no sighting here:  follow the face with optical flow, for `FOLLOW` seconds
                  seen again:        flow from there back to where it was lost, the rest interpolated
                  sure for once:     flow back from its first sighting, for `ROUND` seconds

Frames wait in a ring, because what happens later decides who is in a frame: a face of which the detector is in doubt is
covered from its first sighting on if the detector becomes sure of it later, and a face that is lost and found again is
covered in between.  No track crosses a cut.  Several tracks may follow one face; all of them are covered.

The flow needs brightness alone, so that the ring holds one byte a pixel; colours are asked for where the detector
looks.  Spans are measured in seconds by the times of the frames, whose rate may vary; each is at least one frame.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from ..types import Box, Face, UInt8Image
from .clock import DEFAULT_RATE, SLACK, Clock
from .linking import link
from .lookout import ROUND, Sighting
from .motion import CentredBox, Motion, measure_motion
from .scenes import Thumbnail, differs, is_cut, thumbnail
from .tracks import HOLD, FaceTrack

FOLLOW: Final = 0.48  # seconds for which a face is followed without being seen
LOOK_AHEAD: Final = 2.0  # seconds
INTERVAL: Final = 0.12  # seconds from one look to the next
LONGEST_SIDE: Final = 1280  # pixels: larger frames are shrunk to this for the flow
RING_BYTES: Final = 96 * 2**20  # of frames that wait: at 720p for two seconds up to 54 frames a second, then for less
_MARGIN: Final = 0.08  # seconds for which a face is followed beyond the next look
_FEW_LOOKS: Final = 2  # within which a face may be found again, however much time has passed


class TrackedFace(NamedTuple):
    """A face in a frame.

    Attributes:
        box: tight box, inside the frame.
        track: number of its track in the stream, from 0.
        sure: whether the detector was sure of it in this frame.
    """

    box: Box
    track: int
    sure: bool = False


class TrackedFrame(NamedTuple):
    """What is known of a frame: its number from 0, its time in seconds, and its faces, of which several may overlap."""

    number: int
    seconds: float
    faces: tuple[TrackedFace, ...]


@dataclass(slots=True, eq=False)
class _Followed:
    """A track that may go on, and where its face is expected.

    Attributes:
        track: the track.
        box: where the face is, or was when it was lost.
        missed: number of looks since it was seen.
        lost: whether the flow lost it.
        roll: degrees by which it was turned when it was seen; None if it was upright.
    """

    track: FaceTrack
    box: CentredBox
    missed: int = 0
    lost: bool = False
    roll: float | None = None


class Tracker:
    """Finds the boxes of the faces of a stream that is pushed into it frame by frame.

    The frames of a stream have one shape.  A tracker is for one stream.

    Args:
        see: returns what may be faces in a frame, (H, W, 3) uint8 RGB, sorted, of which some are expected
            (`Lookout.see`).  It is called for the first and last frame of the stream, those before and after a sudden
            change, and in between for the first frame after every ``interval``.  At the ends of a shot, it gets None
            for the faces, and looks at everything.
        interval: seconds.
        look_ahead: seconds after a frame that are known when it leaves; at least ``interval``, unless `RING_BYTES` are
            full.
        rate: frames a second after the last one that came; it matters where boxes are held at the end only.
    """

    def __init__(
        self,
        see: Callable[[UInt8Image, Sequence[Face] | None], Sequence[Sighting]],
        interval: float = INTERVAL,
        look_ahead: float = LOOK_AHEAD,
        rate: float = DEFAULT_RATE,
    ) -> None:
        self._see, self._interval, self._ahead = see, interval, max(interval, look_ahead)
        self._follow = min(max(FOLLOW, interval + _MARGIN), self._ahead)
        self._back = min(max(ROUND, interval) + _MARGIN, self._ahead)
        self._clock, self._due = Clock(rate), 0.0
        self._ring: deque[UInt8Image] = deque()  # from number `_out` on, shrunk
        self._size, self._shrink = (0, 0), 1.0
        self._colours: Callable[[], UInt8Image]  # of the last frame that came
        self._out = self._taken = 0  # numbers of the next frame to leave, and of the next to be looked at
        self._small: deque[Thumbnail] = deque(maxlen=3)  # the last frames that came
        self._shot = self._begun = 0  # first frame of the shot, and number of tracks of the stream
        self._live: list[_Followed] = []
        self._tracks: list[FaceTrack] = []  # those that cover frames in the ring, or might

    @property
    def waiting(self) -> int:
        """Number of frames that are held."""
        return len(self._ring)

    def push(self, grey: UInt8Image, seconds: float, colours: Callable[[], UInt8Image]) -> list[TrackedFrame]:
        """Take the next frame; return those whose boxes are now settled.

        Args:
            grey: (H, W) uint8, brightness, in the full or the limited range of values; copied or held until it leaves.
            seconds: time of the frame.
            colours: returns the frame, (H, W, 3) uint8 RGB; called during this call or the next one, or not at all.

        Returns:
            Frames in order.

        Raises:
            UsageError: if ``see`` fails.
        """
        small = thumbnail(grey)
        if self._small:
            self._take(small)
        else:
            self._size = grey.shape[1], grey.shape[0]
            self._shrink = min(1.0, LONGEST_SIDE / max(self._size))
            self._due = seconds
        self._ring.append(self._shrunk(grey))
        self._clock.add(seconds)
        self._small.append(small)
        self._colours = colours
        settled = []
        while self._taken > self._out and (
            len(self._ring) * self._ring[0].nbytes > RING_BYTES
            or self._clock.reached(self._out, self._taken - 1, self._ahead)
        ):
            settled.append(self._leave())
        return settled

    def finish(self) -> list[TrackedFrame]:
        """Return the remaining frames of the stream, which has ended; see `push`.

        Raises:
            UsageError: if ``see`` fails.
        """
        if self._ring:
            self._take(None)
        return [self._leave() for _ in range(len(self._ring))]

    def _take(self, after: Thumbnail | None) -> None:
        """Look at the last frame that came, now that the one after it is known; None at the end of the stream."""
        number, here = self._taken, self._small[-1]
        self._taken += 1
        before = self._small[-2] if len(self._small) > 1 else None
        earlier = self._small[-3] if len(self._small) > 2 else None
        changed = before is None or differs(before, here)
        if before is not None and changed and is_cut(earlier, before, here, after):
            self._cut(number)
        for each in self._live:
            self._step(each, number)
        last = after is None or differs(here, after)
        if self._is_due(number) or changed or last:
            whole = number == self._shot or last
            self._meet(number, self._see(self._colours(), None if whole else self._expected()))
        forgotten = self._clock.before(self._clock.before(self._out, HOLD), self._follow) - 1
        for each in self._live:
            each.track.forget(forgotten)
        self._live = [
            each
            for each in self._live
            if each.missed < _FEW_LOOKS or not self._clock.reached(each.track.last_seen, number, self._ahead)
        ]

    def _expected(self) -> list[Face]:
        """Return the faces that may be in a frame, where they are expected, or were when they were lost."""
        boxes = ((each.box.within(*self._size), each.roll) for each in self._live)
        return [Face(box, roll=roll) for box, roll in boxes if box is not None]

    def _is_due(self, number: int) -> bool:
        """Return whether it is time for the next look, which then follows after the interval."""
        since = self._clock[number] - self._due + SLACK
        if since < 0:
            return False
        self._due += (1 + math.floor(since / self._interval)) * self._interval
        return True

    def _cut(self, number: int) -> None:
        """Begin a new shot."""
        for each in self._live:
            each.track.end = number
        self._live, self._shot, self._due = [], number, self._clock[number]

    def _step(self, followed: _Followed, number: int) -> None:
        """Follow a face from the frame before."""
        track = followed.track
        if followed.lost or (
            number - track.last_seen > 1 and self._clock.passed(track.last_seen, number, self._follow)
        ):
            followed.lost = True
            return
        motion = self._motion(number - 1, number, followed.box)
        if motion is None:
            followed.lost = True
            return
        track.motions[number] = motion
        followed.box = motion.carry(followed.box)

    def _meet(self, number: int, sightings: Sequence[Sighting]) -> None:
        """Link the sightings in a frame with the tracks, and begin tracks for the others."""
        boxes = [CentredBox.of(each.box) for each in sightings]
        for each in self._live:
            each.missed += 1
        of_sighting = link([each.box for each in self._live], [each.missed for each in self._live], boxes)
        for index, (box, (_, sure, roll)) in enumerate(zip(boxes, sightings, strict=True)):
            followed = self._live[of_sighting[index]] if index in of_sighting else self._begin(number, box)
            track = followed.track
            if followed.lost:
                self._follow_back(track, number, box, stop=track.last + 1)
            track.seen[number] = followed.box = box
            followed.lost, followed.missed, followed.roll = False, 0, roll
            if sure:
                track.certain.add(number)
            if sure and not track.sure:
                track.sure = True
                first = min(track.seen)
                self._follow_back(track, first, track.seen[first], stop=self._clock.before(first, self._back))

    def _begin(self, number: int, box: CentredBox) -> _Followed:
        """Begin a track."""
        followed = _Followed(FaceTrack(self._shot, {number: box}, clock=self._clock, number=self._begun), box)
        self._begun += 1
        self._live.append(followed)
        self._tracks.append(followed.track)
        return followed

    def _follow_back(self, track: FaceTrack, number: int, box: CentredBox, stop: int) -> None:
        """Follow a face backward from where it was seen, to a frame that is still here and in this shot."""
        for frame in range(number, max(stop, self._shot, self._out), -1):
            motion = self._motion(frame, frame - 1, box)
            if motion is None:
                return
            track.motions[frame] = motion.reverse
            box = motion.carry(box)

    def _motion(self, start: int, stop: int, box: CentredBox) -> Motion | None:
        """Measure the motion of a face between two frames in the ring."""
        scale = self._shrink
        seen = CentredBox(*(scale * each for each in box))
        motion = measure_motion(self._ring[start - self._out], self._ring[stop - self._out], seen)
        return motion and Motion(motion.dx / scale, motion.dy / scale, motion.scale)

    def _leave(self) -> TrackedFrame:
        """Return what is known of the oldest frame."""
        number = self._out
        self._ring.popleft()
        self._out += 1
        covers = [(track, track.cover(number)) for track in self._tracks if track.sure]
        live = {id(each.track) for each in self._live}
        self._tracks = [
            each for each in self._tracks if id(each) in live or self._clock.after(each.last, HOLD) >= self._out
        ]
        faces = [
            TrackedFace(box, track.number, number in track.certain)
            for track, cover in covers
            if cover is not None and (box := cover.within(*self._size)) is not None
        ]
        return TrackedFrame(number, self._clock[number], tuple(faces))

    def _shrunk(self, grey: UInt8Image) -> UInt8Image:
        """Return a copy of a frame for the ring."""
        if self._shrink == 1.0:
            return grey
        import cv2

        size = (max(1, round(self._shrink * side)) for side in self._size)
        return np.asarray(cv2.resize(grey, tuple(size), interpolation=cv2.INTER_AREA), np.uint8)

"""Follow the faces of a stream, so that nobody shows in the frames in which the detector misses them.

::

    frame ─ shots ─► detect if due ─ link with the tracks ─► ring of frames, two seconds ─► frame, boxes
                                     │
                  no sighting here:  follow the face with optical flow, for `FOLLOW` frames
                  seen again:        flow from there back to where it was lost, the rest interpolated
                  sure for once:     flow back from its first sighting, for `FOLLOW` frames

Frames wait in a ring, because what happens later decides who is in a frame: a face of which the detector is in doubt is
covered from its first sighting on if the detector becomes sure of it later, and a face that is lost and found again is
covered in between.  No track crosses a cut.  Several tracks may follow one face; all of them are covered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ..faces import Detector
from ..types import Box, UInt8Image
from .linking import link
from .lookout import Sighting, look
from .motion import CentredBox, measure_motion
from .scenes import Thumbnail, differs, is_cut, thumbnail
from .tracks import HOLD, FaceTrack

FOLLOW: Final = 12  # frames for which a face is followed without being seen: half a second at 25 frames a second
LOOK_AHEAD: Final = 50  # frames: two seconds


@dataclass(slots=True, eq=False)
class _Followed:
    """A track that may go on, and where its face is expected.

    Attributes:
        track: the track.
        box: where the face is, or was when it was lost.
        lost: whether the flow lost it.
    """

    track: FaceTrack
    box: CentredBox
    lost: bool = False


class Tracker:
    """Finds the boxes of the faces of a stream that is pushed into it frame by frame.

    The frames of a stream have one shape.  A tracker is for one stream.

    Args:
        see: returns what may be faces in a frame, (H, W, 3) uint8 RGB, sorted (`lookout.look`).  It is called for the
            first and last frame of the stream, those before and after a sudden change, and every N-th in between.
        every: N, from 1.
        look_ahead: number of later frames that are known when a frame leaves; at least ``every`` are.
    """

    def __init__(
        self, see: Callable[[UInt8Image], Sequence[Sighting]], every: int, look_ahead: int = LOOK_AHEAD
    ) -> None:
        self._see, self._every, self._ahead = see, every, max(every, look_ahead)
        self._follow = min(max(FOLLOW, every + 2), self._ahead)
        self._frames: deque[UInt8Image] = deque()  # from number `_out` on
        self._out = self._taken = 0  # numbers of the next frame to leave, and of the next to be looked at
        self._small: deque[Thumbnail] = deque(maxlen=3)  # the last frames that came
        self._shot = 0
        self._live: list[_Followed] = []
        self._tracks: list[FaceTrack] = []  # those that cover frames in the ring, or might

    @property
    def waiting(self) -> int:
        """Number of frames that are held; at most the look-ahead and two."""
        return len(self._frames)

    def push(self, frame: UInt8Image) -> list[tuple[UInt8Image, list[Box]]]:
        """Take the next frame; return those whose boxes are now settled.

        Args:
            frame: (H, W, 3) uint8 RGB; held until it leaves.

        Returns:
            Frames in order, each with the tight boxes of its faces: inside the frame, several may overlap.

        Raises:
            UsageError: if ``see`` fails.
        """
        small = thumbnail(frame)
        if self._small:
            self._take(small)
        self._frames.append(frame)
        self._small.append(small)
        return [self._leave() for _ in range(self._taken - self._out - self._ahead)]

    def finish(self) -> list[tuple[UInt8Image, list[Box]]]:
        """Return the remaining frames of the stream, which has ended, with their boxes; see `push`.

        Raises:
            UsageError: if ``see`` fails.
        """
        if self._frames:
            self._take(None)
        return [self._leave() for _ in range(len(self._frames))]

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
        due = (number - self._shot) % self._every == 0
        if due or changed or after is None or differs(here, after):
            self._meet(number, self._see(self._frame(number)))
        for each in self._live:
            each.track.forget(self._out - HOLD - self._follow)
        self._live = [each for each in self._live if number - each.track.last_seen < self._ahead]

    def _cut(self, number: int) -> None:
        """Begin a new shot."""
        for each in self._live:
            each.track.end = number
        self._live, self._shot = [], number

    def _step(self, followed: _Followed, number: int) -> None:
        """Follow a face from the frame before."""
        track = followed.track
        if followed.lost or number - track.last_seen > self._follow:
            followed.lost = True
            return
        motion = measure_motion(self._frame(number - 1), self._frame(number), followed.box)
        if motion is None:
            followed.lost = True
            return
        track.motions[number] = motion
        followed.box = motion.carry(followed.box)

    def _meet(self, number: int, sightings: Sequence[Sighting]) -> None:
        """Link the sightings in a frame with the tracks, and begin tracks for the others."""
        boxes = [CentredBox.of(each.box) for each in sightings]
        missed = [(number - each.track.last_seen) // self._every for each in self._live]
        of_sighting = link([each.box for each in self._live], missed, boxes)
        for index, (box, (_, sure)) in enumerate(zip(boxes, sightings, strict=True)):
            followed = self._live[of_sighting[index]] if index in of_sighting else None
            if followed is None:
                followed = _Followed(FaceTrack(self._shot, {number: box}), box)
                self._live.append(followed)
                self._tracks.append(followed.track)
            track = followed.track
            if followed.lost:
                self._follow_back(track, number, box, stop=track.last + 1)
            track.seen[number] = followed.box = box
            followed.lost = False
            if sure and not track.sure:
                track.sure = True
                first = min(track.seen)
                self._follow_back(track, first, track.seen[first], stop=first - self._follow)

    def _follow_back(self, track: FaceTrack, number: int, box: CentredBox, stop: int) -> None:
        """Follow a face backward from where it was seen, to a frame that is still here and in this shot."""
        for frame in range(number, max(stop, self._shot, self._out), -1):
            motion = measure_motion(self._frame(frame), self._frame(frame - 1), box)
            if motion is None:
                return
            track.motions[frame] = motion.reverse
            box = motion.carry(box)

    def _leave(self) -> tuple[UInt8Image, list[Box]]:
        """Return the oldest frame and the boxes of its faces."""
        number, frame = self._out, self._frames.popleft()
        self._out += 1
        covers = [track.cover(number) for track in self._tracks if track.sure]
        size = frame.shape[1], frame.shape[0]
        live = {id(each.track) for each in self._live}
        self._tracks = [each for each in self._tracks if id(each) in live or each.last + HOLD >= self._out]
        return frame, [box for cover in covers if cover is not None and (box := cover.within(*size)) is not None]

    def _frame(self, number: int) -> UInt8Image:
        return self._frames[number - self._out]


def tracked(
    frames: Iterable[UInt8Image], detector: Detector, every: int, look_ahead: int = LOOK_AHEAD
) -> Iterator[tuple[UInt8Image, list[Box]]]:
    """Yield the frames with the tight boxes of their faces.

    If the source fails, the frames before are yielded first.

    Args:
        frames: (H, W, 3) uint8 RGB, all of one shape; at most ``look_ahead + 2`` of them are held at a time.
        detector: the face detector.
        every: see `Tracker`.
        look_ahead: see `Tracker`.

    Raises:
        UsageError: if the detector fails.
    """
    tracker, source = Tracker(partial(look, detector), every, look_ahead), iter(frames)
    failure: Exception | None = None
    while True:
        try:
            frame = next(source)
        except StopIteration:
            break
        except Exception as error:
            failure = error
            break
        yield from tracker.push(frame)
    yield from tracker.finish()
    if failure is not None:
        raise failure

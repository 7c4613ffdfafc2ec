"""A face over time: where it was seen, how it moved, and the box that covers it in each frame.

::

    frames     1   2   3   4   5   6   7   8   9  10  11  12  13  14
    seen                   ●       ●                   ●
    motion         ← - ← - ← - → - → - →         ← - ←     → - →
    covered    h   m   m   s   m   s   m   m   i   m   m   s   m   m   h    held, moved, seen, interpolated

A box that was seen is carried along the motion, and two that were seen are blended on the way from one to the other, so
that the drift of the flow ends at the next one.  Then each box is averaged with its neighbours, carried to its frame:
this steadies the boxes without letting them lag behind the face.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from .clock import Clock
from .motion import CentredBox, Motion, hull, overlap

HOLD: Final = 0.12  # seconds for which a box stays where it was, before and after all that is known of its face
GROWTH: Final = 0.035  # of a box's side, on every side
_DOUBT: Final = 0.1  # likewise, where a place is a guess
_ALIKE: Final = 0.7  # intersection over union below which two ways from one sighting to the next are different
_SMOOTH: Final = 0.16  # seconds before and after of which a box is averaged with the boxes there; ...
_MOST_SMOOTH: Final = 12  # ... at most so many frames on either side


class Place(NamedTuple):
    """The box of a face in a frame.

    Attributes:
        box: where the face is.
        guess: whether it was neither seen there nor carried along motions.
        trusted: whether the motions around it lead to where it was seen next.
    """

    box: CentredBox
    guess: bool = False
    trusted: bool = True


class _Carried(NamedTuple):
    """A box that was seen, carried along motions, and the number of frames for which it was carried."""

    box: CentredBox
    frames: int


@dataclass(slots=True, eq=False)
class FaceTrack:
    """A face in one shot, as far as it is known.

    Attributes:
        shot: number of the first frame of the shot.
        seen: frame -> box in which the face was seen there.
        motions: frame -> motion from the frame before to this one.
        sure: whether the detector was sure of the face at least once.
        certain: frames in which it was.
        end: number of the first frame after the shot; None as long as the shot goes on.
        clock: times of the frames.
        number: tells the tracks of a stream apart.
    """

    shot: int
    seen: dict[int, CentredBox]
    motions: dict[int, Motion] = field(default_factory=dict)
    sure: bool = False
    certain: set[int] = field(default_factory=set)
    end: int | None = None
    clock: Clock = field(default_factory=Clock, repr=False)
    number: int = 0

    @property
    def last_seen(self) -> int:
        """Number of the last frame in which the face was seen."""
        return max(self.seen)

    @property
    def last(self) -> int:
        """Number of the last frame to which the face was seen or followed."""
        return self._followed(self.last_seen, 1)

    def forget(self, before: int) -> None:
        """Drop what is known of earlier frames than this and does not matter for it."""
        keep = max((frame for frame in self.seen if frame <= before), default=before)
        self.seen = {frame: box for frame, box in self.seen.items() if frame >= keep}
        self.certain = {frame for frame in self.certain if frame >= keep}
        self.motions = {frame: motion for frame, motion in self.motions.items() if frame >= keep}

    def cover(self, frame: int) -> CentredBox | None:
        """Return the box that covers the face in a frame; None if the face is not there.

        The box holds whatever was seen in the frame, and where the face is; if that is a guess, also where it is in the
        frame before and the one after.
        """
        reach = min(self.clock.after(frame, _SMOOTH) - frame, _MOST_SMOOTH)
        places = self._places(frame - reach - 1, frame + reach + 1)
        if frame not in places:
            return None
        cover = self._steadied(places, frame, reach).grown(GROWTH)
        if places[frame].guess:
            around = [self._steadied(places, near, reach) for near in range(frame - 1, frame + 2) if near in places]
            cover = hull(around).grown(_DOUBT)
        return hull([cover, self.seen[frame]]) if frame in self.seen else cover

    def _places(self, start: int, stop: int) -> dict[int, Place]:
        """Return the place of the face in each frame from ``start`` to ``stop`` in which it has one."""
        first = max((each for each in self.seen if each <= start), default=None)
        last = min((each for each in self.seen if each >= stop), default=None)
        first = self._followed(min(self.seen), -1) if first is None else first
        last = self.last if last is None else last
        forward, backward = self._carried(range(first, last + 1)), self._carried(range(last, first - 1, -1))
        places = {
            frame: self._place(frame, forward.get(frame), backward.get(frame))
            for frame in range(first, last + 1)
            if frame in forward or frame in backward
        }
        known = sorted(places)
        for here, there in pairwise(known):
            for frame in range(here + 1, there):
                share = self.clock.share(here, frame, there)
                places[frame] = Place(places[here].box.towards(places[there].box, share), guess=True)
        for frame in range(self.clock.before(first, HOLD), first):
            places[frame] = Place(places[first].box)
        for frame in range(last + 1, self.clock.after(last, HOLD) + 1):
            places[frame] = Place(places[last].box)
        within = range(max(start, self.shot), (stop + 1) if self.end is None else min(stop + 1, self.end))
        return {frame: places[frame] for frame in within if frame in places}

    def _place(self, frame: int, before: _Carried | None, after: _Carried | None) -> Place:
        """Return the place of a face to which motions lead.

        Flow that ends where the face was seen next is only corrected for its drift.  Flow that ends elsewhere, or not
        at all, may have followed something else: the box then also holds the straight way between the two sightings.

        Args:
            frame: number of the frame.
            before: from the sighting before, if motions lead here.
            after: from the sighting after, likewise.
        """
        reached = [each for each in (before, after) if each is not None]
        box, span = reached[0].box, sum(each.frames for each in reached)
        if len(reached) == 2:
            box = box.towards(reached[1].box, reached[0].frames / span if span else 0.0)
            if overlap(reached[0].box, reached[1].box) >= _ALIKE:
                return Place(box)
        start = max((each for each in self.seen if each < frame), default=None)
        stop = min((each for each in self.seen if each > frame), default=None)
        if frame in self.seen or start is None or stop is None:
            return Place(box)
        straight = self.seen[start].towards(self.seen[stop], self.clock.share(start, frame, stop))
        return Place(hull([box, straight]), trusted=False)

    def _followed(self, frame: int, direction: int) -> int:
        """Return the last frame to which a face was followed from one in which it was seen.

        Args:
            frame: where it was seen.
            direction: 1 to go forward, -1 backward.
        """
        while self._motion(frame, frame + direction) is not None:
            frame += direction
        return frame

    def _carried(self, frames: range) -> dict[int, _Carried]:
        """Carry the sightings along the motions, in the direction of the frames; return what reaches each frame."""
        carried: dict[int, _Carried] = {}
        for frame in frames:
            before = carried.get(frame - frames.step)
            if frame in self.seen:
                carried[frame] = _Carried(self.seen[frame], 0)
            elif before is not None and (motion := self._motion(frame - frames.step, frame)) is not None:
                carried[frame] = _Carried(motion.carry(before.box), before.frames + 1)
        return carried

    def _motion(self, start: int, stop: int) -> Motion | None:
        """Return the motion from a frame to one of its neighbours."""
        motion = self.motions.get(max(start, stop))
        return motion if motion is None or stop > start else motion.reverse

    def _steadied(self, places: dict[int, Place], frame: int, reach: int) -> CentredBox:
        """Return the average of a box and its neighbours, carried to its frame; ``reach`` before and as many after.

        At the ends of what is known there are fewer neighbours, so that the average leans to no side.
        """
        if not places[frame].trusted:
            return places[frame].box
        total, weight = [float(reach + 1) * each for each in places[frame].box], float(reach + 1)
        ways: list[list[Motion]] = [[], []]
        for distance in range(1, reach + 1):
            neighbours = [frame - distance, frame + distance]
            steps = [self._motion(near, near + back) for near, back in zip(neighbours, (1, -1), strict=True)]
            if any(
                step is None or near not in places or not places[near].trusted
                for step, near in zip(steps, neighbours, strict=True)
            ):
                break
            share = float(reach + 1 - distance)
            for way, step, near in zip(ways, steps, neighbours, strict=True):
                way.insert(0, step or Motion(0, 0, 1))
                box = places[near].box
                for motion in way:
                    box = motion.carry(box)
                total = [a + share * b for a, b in zip(total, box, strict=True)]
            weight += 2 * share
        return CentredBox(*(each / weight for each in total))

"""Who is where in a clip."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import UsageError
from ...types import Box

_SLACK: Final = 0.002  # seconds: times in files are rounded

Boxes = npt.NDArray[np.int32]
"""(N, 4): x, y, w, h in pixels of the upright frame, for N frames in a row; w is 0 where there is no box."""


class PersonBox(NamedTuple):
    """A person in a frame: number from 1, tight box of the face, and number of the track that it is from."""

    person: int
    box: Box
    track: int


@dataclass(frozen=True, slots=True, eq=False)
class PersonTrack:
    """A face followed over frames.

    Attributes:
        number: from 1; tells the tracks of a clip apart.
        person: number of the person, from 1.
        start: number of the first frame.
        boxes: tight boxes of the face from there on, inside the frame.
        best: number of the frame in which the face is seen best.
        by_hand: whether a person marked the place.
    """

    number: int
    person: int
    start: int
    boxes: Boxes
    best: int
    by_hand: bool = False

    @property
    def stop(self) -> int:
        """Number of the first frame after the track."""
        return self.start + len(self.boxes)

    def box(self, frame: int) -> Box | None:
        """Return the box in a frame; None if there is none."""
        if not self.start <= frame < self.stop:
            return None
        x, y, w, h = map(int, self.boxes[frame - self.start])
        return Box(x, y, w, h) if w else None


@dataclass(frozen=True, eq=False)
class People:
    """The people of a clip.

    Attributes:
        size: (width, height) of the upright frames in pixels.
        times: of the frames in seconds, ascending.
        tracks: by number.
    """

    size: tuple[int, int]
    times: npt.NDArray[np.float64]
    tracks: tuple[PersonTrack, ...] = field(default=())

    def __repr__(self) -> str:
        return f"<People: {len(self.persons)} in {len(self.tracks)} tracks, {len(self.times)} frames>"

    @cached_property
    def persons(self) -> tuple[int, ...]:
        """Numbers of the people, ascending; not all numbers need to be taken."""
        return tuple(sorted({track.person for track in self.tracks}))

    def of(self, person: int) -> list[PersonTrack]:
        """Return the tracks of a person.

        Raises:
            UsageError: if there is no such person.
        """
        self._check([person])
        return [track for track in self.tracks if track.person == person]

    def in_frame(self, frame: int) -> list[PersonBox]:
        """Return who is in a frame, by track; one person may be there several times, and boxes may overlap."""
        found = ((track, track.box(frame)) for track in self._around(frame))
        return [PersonBox(track.person, box, track.number) for track, box in found if box is not None]

    def spans(self, person: int) -> list[tuple[float, float]]:
        """Return from when to when a person is seen, in seconds: first and last frame of each span.

        Raises:
            UsageError: if there is no such person.
        """
        spans: list[tuple[int, int]] = []
        for first, last in sorted((track.start, track.stop - 1) for track in self.of(person)):
            if spans and first <= spans[-1][1] + 1:
                spans[-1] = spans[-1][0], max(spans[-1][1], last)
            else:
                spans.append((first, last))
        return [(float(self.times[first]), float(self.times[last])) for first, last in spans]

    def joined(self, persons: Collection[int]) -> People:
        """Return these people with some of them taken for one, who gets the lowest of their numbers.

        Raises:
            UsageError: if fewer than two are named, or one does not exist.
        """
        if len(set(persons)) < 2:
            raise UsageError("at least two people are needed to be taken for one", code="bad-same")
        self._check(persons)
        first = min(persons)
        return self._with(replace(each, person=first) if each.person in persons else each for each in self.tracks)

    def kept(self, persons: Collection[int]) -> People:
        """Return these people without all but some; their numbers do not change.

        Raises:
            UsageError: if one does not exist.
        """
        self._check(persons)
        return self._with(each for each in self.tracks if each.person in persons)

    def with_box(self, box: Box, start: float, stop: float, person: int | None = None) -> People:
        """Return these people and one who was marked by hand.

        Args:
            box: the place; parts outside the frame are ignored.
            start: from when on, in seconds.
            stop: until when, in seconds; frames at this time are included.
            person: number of the person; the next one that is free if None.

        Raises:
            UsageError: if the box lies outside the frame, or the clip has no frame in this time.
        """
        x, y = max(0, box.x), max(0, box.y)
        w, h = min(self.size[0], box.right) - x, min(self.size[1], box.bottom) - y
        if w <= 0 or h <= 0:
            raise UsageError(f"box {box} lies outside the {self.size[0]}x{self.size[1]} frame", code="bad-box")
        first = int(np.searchsorted(self.times, start - _SLACK))
        end = int(np.searchsorted(self.times, stop + _SLACK))
        if end <= first:
            length = self.times[-1] if len(self.times) else 0.0
            raise UsageError(
                f"no frame is shown from {start:g} to {stop:g} s; the last one is at {length:.2f} s", code="empty-span"
            )
        number = max((track.number for track in self.tracks), default=0) + 1
        person = max(self.persons, default=0) + 1 if person is None else person
        boxes: Boxes = np.tile(np.array([x, y, w, h], np.int32), (end - first, 1))
        return self._with([*self.tracks, PersonTrack(number, person, first, boxes, first, by_hand=True)])

    def check_frame(self, frame: int, seconds: float, size: tuple[int, int]) -> None:
        """Check that a frame of a clip is one of those in which the people were found.

        Args:
            frame: its number.
            seconds: its time.
            size: (width, height) of the upright frame.

        Raises:
            UsageError: if there is no such frame, or its size or time differs.
        """
        if size != self.size:
            was = f"{self.size[0]}x{self.size[1]}"
            raise UsageError(
                f"the people were found in frames of {was} pixels, not {size[0]}x{size[1]}", code="other-clip"
            )
        if frame >= len(self.times):
            raise UsageError(f"the people were found in {len(self.times)} frames; the clip has more", code="other-clip")
        if abs(self.times[frame] - seconds) > _SLACK:
            raise UsageError(
                f"frame {frame} is shown at {seconds:.3f} s, and was at {self.times[frame]:.3f} s when the people were "
                "found",
                code="other-clip",
            )

    def _with(self, tracks: Iterable[PersonTrack]) -> People:
        return People(self.size, self.times, tuple(tracks))

    def _check(self, persons: Collection[int]) -> None:
        for person in persons:
            if person not in self.persons:
                known = ", ".join(map(str, self.persons)) if self.persons else "nobody"
                raise UsageError(f"there is no person {person} in the clip: {known}", code="unknown-person")

    def _around(self, frame: int) -> Sequence[PersonTrack]:
        """Return the tracks that may be in a frame."""
        return self._buckets.get(frame // _BUCKET, ())

    @cached_property
    def _buckets(self) -> dict[int, list[PersonTrack]]:
        """Tracks by the spans of `_BUCKET` frames that they reach into."""
        found: dict[int, list[PersonTrack]] = {}
        for track in self.tracks:
            for bucket in range(track.start // _BUCKET, (track.stop - 1) // _BUCKET + 1):
                found.setdefault(bucket, []).append(track)
        return found


_BUCKET: Final = 64  # frames

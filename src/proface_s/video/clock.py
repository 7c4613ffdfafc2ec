"""Times of the frames of a stream, whose rate need not be constant."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from typing import Final

DEFAULT_RATE: Final = 25.0  # frames a second of streams that have no times
SLACK: Final = 0.002  # seconds: times in files are rounded, in WebM to a millisecond


class Clock:
    """Times of frames, which are numbered from 0 and added in order.

    Frames that have not been added yet follow the last one at a steady rate; so do all frames of an empty clock.

    Args:
        rate: frames a second of the frames that are not known.
    """

    def __init__(self, rate: float = DEFAULT_RATE) -> None:
        self._times, self._rate = array("d"), rate

    def __len__(self) -> int:
        """Return the number of frames that were added."""
        return len(self._times)

    def __getitem__(self, frame: int) -> float:
        """Return the time of a frame in seconds."""
        known = len(self._times)
        if 0 <= frame < known:
            return self._times[frame]
        if not known:
            return frame / self._rate
        nearest = 0 if frame < 0 else known - 1
        return self._times[nearest] + (frame - nearest) / self._rate

    def add(self, seconds: float) -> None:
        """Add the time of the next frame; one that is earlier than the last frame's counts as the same."""
        self._times.append(max(seconds, self._times[-1]) if self._times else seconds)

    def reached(self, first: int, second: int, seconds: float) -> bool:
        """Return whether a frame is at least so much later than another, as far as rounded times tell."""
        return self[second] - self[first] >= seconds - SLACK

    def passed(self, first: int, second: int, seconds: float) -> bool:
        """Return whether a frame is later than so much after another, as far as rounded times tell."""
        return self[second] - self[first] > seconds + SLACK

    def after(self, frame: int, seconds: float) -> int:
        """Return the last frame that is at most so much later than another; at least the next one."""
        latest = self[frame] + seconds + SLACK
        found = bisect_right(self._times, latest) - 1
        known = len(self._times) - 1
        if found == known:  # also if the clock is empty
            found += int((latest - self[known]) * self._rate)
        return max(found, frame + 1)

    def before(self, frame: int, seconds: float) -> int:
        """Return the first frame that is at most so much earlier than another; at most the one before."""
        earliest = self[frame] - seconds - SLACK
        found, known = bisect_left(self._times, earliest), len(self._times)
        if found in (0, known):  # also if the clock is empty
            found = max(found - 1, 0)
            found += math.ceil((earliest - self[found]) * self._rate)
        return min(found, frame - 1)

    def share(self, first: int, frame: int, second: int) -> float:
        """Return how much of the time from one frame to a later one has passed at a frame in between, 0..1."""
        whole = self[second] - self[first]
        return (self[frame] - self[first]) / whole if whole > 0 else (frame - first) / (second - first)

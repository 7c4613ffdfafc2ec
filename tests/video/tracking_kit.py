"""Drawn streams with textured faces that move, and eyes that see of them what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np

from proface_s.types import Box, Face, UInt8Image
from proface_s.video.lookout import Sighting
from proface_s.video.tracking import TrackedFrame, Tracker

SIZE = (240, 160)


@cache
def texture(seed: int, width: int, height: int) -> UInt8Image:
    """Return soft spots of full contrast, (height, width, 3)."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.clip(128 + 60 * soft / soft.std(), 0, 255).astype(np.uint8)


def draw(number: int, faces: Sequence[Box], background: int = 99) -> UInt8Image:
    """Return a frame with faces, the last one in front; parts of them may lie outside.  It encodes its number."""
    width, height = SIZE
    frame = texture(background, width, height) // 2
    for seed, face in enumerate(faces):
        left, top, right, bottom = max(0, face.x), max(0, face.y), min(width, face.right), min(height, face.bottom)
        if left < right and top < bottom:
            picture = texture(seed, face.w, face.h)
            frame[top:bottom, left:right] = picture[top - face.y : bottom - face.y, left - face.x : right - face.x]
    frame[0, 0] = number % 256, number // 256, 0
    return frame


def number_of(frame: UInt8Image) -> int:
    """Return the number that `draw` has written into a frame."""
    return int(frame[0, 0, 0]) + 256 * int(frame[0, 0, 1])


@dataclass
class Eyes:
    """Look at frames: see in each what ``at`` returns for its number; note what was asked.

    Attributes:
        at: the sightings in a frame.
        asked: numbers of the frames, in order.
        expected: for each of them, the faces that were expected, or None for a look at everything.
    """

    at: Callable[[int], Sequence[Sighting]]
    asked: list[int] = field(default_factory=list)
    expected: list[list[Face] | None] = field(default_factory=list)

    def look(self, frame: UInt8Image, expected: Sequence[Face] | None) -> list[Sighting]:
        self.asked.append(number_of(frame))
        self.expected.append(None if expected is None else list(expected))
        return list(self.at(self.asked[-1]))


def visible(face: Box) -> Box | None:
    """Return the part of a face in the frame."""
    left, top, right, bottom = max(0, face.x), max(0, face.y), min(SIZE[0], face.right), min(SIZE[1], face.bottom)
    return Box(left, top, right - left, bottom - top) if left < right and top < bottom else None


def share(boxes: Sequence[Box], face: Box) -> float:
    """Return the share of the visible part of a face that the boxes hold together."""
    part = visible(face)
    assert part is not None
    covered = np.zeros((SIZE[1], SIZE[0]), bool)
    for box in boxes:
        covered[box.y : box.bottom, box.x : box.right] = True
    return float(covered[part.y : part.bottom, part.x : part.right].mean())


def stream(count: int, faces: Callable[[int], Sequence[Box]]) -> Iterator[UInt8Image]:
    """Draw a stream."""
    return (draw(number, faces(number)) for number in range(count))


def grey(frame: UInt8Image) -> UInt8Image:
    """Return the brightness of a frame."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def push(tracker: Tracker, frame: UInt8Image, seconds: float) -> list[TrackedFrame]:
    """Give a tracker a frame in colour."""
    return tracker.push(grey(frame), seconds, lambda: frame)

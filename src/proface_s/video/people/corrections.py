"""Corrections of what was found in a clip, in the order in which they are made."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ...errors import UsageError
from ...faces import parse_box
from ...types import Box
from .people import People

_TIME: Final = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,6})?)", re.ASCII)


class TimedBox(NamedTuple):
    """A place marked by hand, from one time to another, in seconds."""

    start: float
    stop: float
    box: Box


@dataclass(frozen=True, slots=True)
class Corrections:
    """What a person changed of what was found; numbers of people are those that were found.

    Attributes:
        same: groups of numbers, each of one person in truth.
        faces: numbers of the people to keep; None for all.  A number that ``same`` has joined to another stands for it.
        boxes: places to add, each a person of its own, with the numbers after those that were found.
    """

    same: tuple[tuple[int, ...], ...] = ()
    faces: tuple[int, ...] | None = None
    boxes: tuple[TimedBox, ...] = ()

    def apply(self, people: People) -> People:
        """Return the corrected people.

        Raises:
            UsageError: if a person does not exist, or a place lies outside the clip.
        """
        joined, stands_for = people, {person: person for person in people.persons}
        for group in self.same:
            people.joined(group)  # checks the numbers, also those that an earlier group has joined
            members = {stands_for[person] for person in group}
            if len(members) > 1:
                joined = joined.joined(members)
                stands_for.update({person: min(members) for person, now in stands_for.items() if now in members})
        if self.faces is not None:
            people.kept(self.faces)
            joined = joined.kept({stands_for[person] for person in self.faces})
        for number, (start, stop, box) in enumerate(self.boxes, max(people.persons, default=0) + 1):
            joined = joined.with_box(box, start, stop, number)
        return joined


def parse_timed_box(text: str) -> TimedBox:
    """Read a place that is marked by hand.

    Args:
        text: ``T0-T1:x,y,w,h`` with times in seconds, ``minutes:seconds`` or ``hours:minutes:seconds``; ``x,y,w,h``
            alone for the whole clip.

    Raises:
        UsageError: if it reads otherwise, or ends before it starts.
    """
    span, colon, box = text.rpartition(":")
    if not colon:
        return TimedBox(0.0, math.inf, parse_box(box))
    first, dash, second = span.partition("-")
    times = [_TIME.fullmatch(each.strip()) for each in (first, second)]
    if not dash or None in times:
        raise UsageError(f"{text!r} does not say from when to when and where", code="bad-timed-box")
    start, stop = (_seconds(found) for found in times if found is not None)
    if stop < start:
        raise UsageError(f"{text!r} ends before it starts", code="bad-timed-box")
    return TimedBox(start, stop, parse_box(box))


def parse_same(texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Read groups of numbers, such as ``3,7``.

    Raises:
        UsageError: if one reads otherwise, or has fewer than two numbers.
    """
    groups = []
    for text in texts:
        parts = [part.strip() for part in text.split(",")]
        if len(set(parts)) < 2 or not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
            raise UsageError(f"{text!r} is not two or more numbers of people", code="bad-same")
        groups.append(tuple(int(part) for part in parts))
    return tuple(groups)


def _seconds(found: re.Match[str]) -> float:
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds

"""Options of clips: who is in them, and how often faces are looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .common import in_order
from .types import PATH

if TYPE_CHECKING:
    from ...types import Box
    from ...video.people.corrections import Corrections, TimedBox

_EVERY: Final = 3
_FRAMES: Final = 25  # a second, of which --every counts


@dataclass(frozen=True, slots=True)
class PeopleOptions:
    """Who is in a clip.

    Attributes:
        file: people file to start from; None to look for faces.
        same: groups of numbers, as text.
        every: N, to look for faces in every N-th of 25 frames a second.
    """

    file: Path | None = None
    same: tuple[str, ...] = ()
    every: int = _EVERY

    @property
    def interval(self) -> float:
        """Seconds from one look to the next."""
        return self.every / _FRAMES

    @property
    def given(self) -> dict[str, bool]:
        """Which options were given: photos have none of them."""
        return {"--people": self.file is not None, "--same": bool(self.same), "--every": self.every != _EVERY}

    def corrections(self, faces: tuple[int, ...] | None, boxes: Sequence[Box | TimedBox]) -> Corrections:
        """Return what the user changes of what was found; boxes without times are for the whole clip.

        Raises:
            UsageError: if ``same`` is malformed.
        """
        from ...types import Box
        from ...video.people.corrections import Corrections, TimedBox, parse_same

        timed = tuple(TimedBox(0.0, float("inf"), box) if isinstance(box, Box) else box for box in boxes)
        return Corrections(parse_same(self.same), faces, timed)


def people_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add --people, --same and --every; the command gets them as ``people``."""

    @wraps(function)
    def bundled(*, people: Path | None, same: tuple[str, ...], every: int, **rest: Any) -> int:
        return function(people=PeopleOptions(people, same, every), **rest)

    return in_order(
        click.option(
            "--people",
            type=PATH,
            metavar="FILE",
            help="Of a clip: take who is where from this file, which `proface detect CLIP -o FILE` writes.",
        ),
        click.option(
            "--same",
            multiple=True,
            metavar="N,N",
            help="Of a clip: take these people for one, with one key; numbers as on the contact sheet.  Repeatable.",
        ),
        click.option(
            "--every",
            type=click.IntRange(1, 10 * _FRAMES),
            default=_EVERY,
            show_default=True,
            metavar="N",
            help="Of a clip: look for faces every N 25ths of a second; larger is faster and misses more.",
        ),
    )(bundled)


def photo_boxes(people: PeopleOptions, boxes: Sequence[Box | TimedBox], others: Mapping[str, bool]) -> tuple[Box, ...]:
    """Return the boxes for photos, after a check that no option was given that only clips have.

    Args:
        people: options of the user.
        boxes: likewise.
        others: further options of clips, and whether they were given.

    Raises:
        UsageError: if one was given.
    """
    from ...errors import UsageError
    from ...hints import hinted
    from ...types import Box

    untimed = tuple(box for box in boxes if isinstance(box, Box))
    timed = {"--box with times": len(untimed) < len(boxes)}
    given = [name for name, was in (people.given | dict(others) | timed).items() if was]
    if given:
        raise hinted(UsageError(f"{given[0]} is for clips, not for photos"), "leave it out")
    return untimed

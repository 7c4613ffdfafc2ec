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

_CODECS: Final = ("h264", "hevc", "av1")
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


class SecondsText(click.ParamType):  # type: ignore[type-arg]
    """A time: seconds, ``m:ss`` or ``h:mm:ss``."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        seconds = 0.0
        try:
            for part in str(value).split(":"):
                if not part.replace(".", "", 1).isdigit():
                    raise ValueError
                seconds = 60 * seconds + float(part)
        except ValueError:
            self.fail("a time is given as seconds, or as 1:02:03", param, ctx)
        return seconds


@dataclass(frozen=True, slots=True)
class ClipChoices:
    """What the user wants of a protected clip; fields as in `ClipOptions`."""

    codec: str | None = None
    exact: bool = False
    mute: bool = False
    start: float | None = None
    stop: float | None = None

    @property
    def given(self) -> dict[str, bool]:
        """Which options were given: photos have none of them."""
        return {
            "--codec": self.codec is not None, "--exact": self.exact, "--mute": self.mute,
            "--from": self.start is not None, "--to": self.stop is not None,
        }  # fmt: skip


def clip_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add --exact, --codec, --mute, --from and --to; the command gets them as ``clip``."""

    @wraps(function)
    def bundled(
        *, exact: bool, codec: str | None, mute: bool, start: float | None, stop: float | None, **rest: Any
    ) -> int:
        return function(clip=ClipChoices(codec, exact, mute, start, stop), **rest)

    return in_order(
        click.option(
            "--exact",
            is_flag=True,
            help="Of a clip: seal the whole original file, which comes back bit for bit; everybody has the same keys.",
        ),
        click.option(
            "--codec",
            type=click.Choice(_CODECS),
            help="Of a clip: codec of the pictures; by default h264, which plays everywhere, and hevc for 10 bits.",
        ),
        click.option("--mute", is_flag=True, help="Of a clip: leave the sound out; a voice tells who somebody is."),
        click.option("--from", "start", type=SecondsText(), metavar="TIME", help="Of a clip: begin at this time."),
        click.option("--to", "stop", type=SecondsText(), metavar="TIME", help="Of a clip: end at this time."),
    )(bundled)


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

    untimed = untimed_boxes(boxes)
    timed = {"--box with times": len(untimed) < len(boxes)}
    given = [name for name, was in (people.given | dict(others) | timed).items() if was]
    if given:
        raise hinted(UsageError(f"{given[0]} is for clips, not for photos"), "leave it out")
    return untimed


def about_one_clip(people: PeopleOptions, boxes: Sequence[Box | TimedBox]) -> dict[str, bool]:
    """Return the options that are about the people of a single clip, and whether they were given."""
    return {
        "--people": people.file is not None,
        "--same": bool(people.same),
        "--box with times": len(untimed_boxes(boxes)) < len(boxes),
    }


def untimed_boxes(boxes: Sequence[Box | TimedBox]) -> tuple[Box, ...]:
    """Return the boxes without times, which photos can have."""
    from ...types import Box

    return tuple(box for box in boxes if isinstance(box, Box))

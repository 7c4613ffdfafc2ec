"""The contact sheet: one tile a person, with number and times, to look at before anything is published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from ...faces.boxes import reversible_box
from ...image.write import encode_png
from ...types import Box, Picture, UInt8Image
from ...wording import counted
from .finding import TimedFrame
from .people import People, PersonTrack

_SIDE: Final = 160  # pixels of a tile
_LINE: Final = 20  # pixels
_LINES: Final = 3
_GAP: Final = 12
_COLUMNS: Final = 6  # or more, if the sheet would be higher than wide
_MOST: Final = 1000  # people
_AROUND: Final = 0.5  # of the face, on every side


def best_track(tracks: Sequence[PersonTrack]) -> PersonTrack:
    """Return the track in which a person is seen best: where the face is largest at its best."""
    return max(tracks, key=lambda track: (_area(track), -track.number))


class BestView(NamedTuple):
    """Where a person is seen best: time in seconds, and tight box of the face in the upright frame."""

    seconds: float
    box: Box


def best_view(people: People, person: int) -> BestView:
    """Return where a person is seen best.

    Raises:
        UsageError: if there is no such person.
    """
    track = best_track(people.of(person))
    box = track.box(track.best) or next(box for box in map(track.box, range(track.start, track.stop)) if box)
    return BestView(float(people.times[track.best]), box)


def cut_tiles(people: People, frames: Iterable[TimedFrame]) -> dict[int, UInt8Image]:
    """Cut a picture of each person out of the frame in which the face is seen best.

    Args:
        people: at most 1000 of them get one.
        frames: all of the clip, in order; they are read as far as needed.

    Returns:
        Number of the person -> (160, 160, 3) uint8 RGB; without those for whom the clip is too short.

    Raises:
        UsageError: if the frames are not those in which the people were found.
    """
    wanted: dict[int, list[PersonTrack]] = {}
    for person in people.persons[:_MOST]:
        track = best_track(people.of(person))
        wanted.setdefault(track.best, []).append(track)
    tiles: dict[int, UInt8Image] = {}
    last = max(wanted, default=-1)
    for number, frame in enumerate(frames):
        if number > last:
            break
        if number not in wanted:
            continue
        rgb = frame.rgb()
        people.check_frame(number, frame.seconds, (rgb.shape[1], rgb.shape[0]))
        for track in wanted[number]:
            tiles[track.person] = _tile(rgb, track)
    return tiles


def draw_sheet(people: People, tiles: Mapping[int, UInt8Image]) -> bytes:
    """Return the sheet as a PNG file.

    Args:
        people: whose numbers and times are written below the tiles.
        tiles: see `cut_tiles`; a person without one gets a grey one.
    """
    from PIL import Image, ImageDraw

    shown = people.persons[:_MOST]
    columns = max(_COLUMNS, math.ceil(math.sqrt(len(shown))))
    cell = _SIDE + _GAP, _SIDE + _LINES * _LINE + _GAP
    rows = max(1, -(-len(shown) // columns))
    size = columns * cell[0] + _GAP, rows * cell[1] + 2 * _LINE + _GAP
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    count = len(people.persons)
    title = counted(count, "person")
    draw.text((_GAP, _GAP), title + (f", {_MOST} of them here" if count > _MOST else ""), "black", font_size=18)
    for index, person in enumerate(shown):
        x, y = _GAP + index % columns * cell[0], _GAP + 2 * _LINE + index // columns * cell[1]
        if person in tiles:
            sheet.paste(Image.fromarray(tiles[person]), (x, y))
        else:
            draw.rectangle((x, y, x + _SIDE - 1, y + _SIDE - 1), "lightgrey")
        draw.text((x, y + _SIDE + 2), str(person), "black", font_size=18)
        for line, text in enumerate(_times(people.spans(person)), 1):
            draw.text((x, y + _SIDE + line * _LINE + 2), text, "black", font_size=13)
    return encode_png(Picture(rgb=np.asarray(sheet, np.uint8)))


def _times(spans: Sequence[tuple[float, float]]) -> list[str]:
    """Return when a person is seen, on at most two lines."""
    lines = [f"{_clock(start)} - {_clock(stop)}" for start, stop in spans[: _LINES - 1]]
    if len(spans) > len(lines):
        lines[-1] += f", and {len(spans) - len(lines)} more"
    return lines


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def _area(track: PersonTrack) -> int:
    box = track.box(track.best)
    return 0 if box is None else box.area


def _tile(rgb: UInt8Image, track: PersonTrack) -> UInt8Image:
    """Return the head in a square, with grey beside it where the frame ends."""
    import cv2

    box = track.box(track.best)
    tile = np.full((_SIDE, _SIDE, 3), 211, np.uint8)
    if box is None:
        return tile
    head = reversible_box(box, (rgb.shape[1], rgb.shape[0]), _AROUND)
    part = rgb[head.y : head.bottom, head.x : head.right]
    scale = _SIDE / max(head.w, head.h)
    size = min(_SIDE, max(1, round(scale * head.w))), min(_SIDE, max(1, round(scale * head.h)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile

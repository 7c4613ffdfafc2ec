"""The people file: JSON that lists who is where in a clip.  It holds no picture, but tells where faces are."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np

from ...errors import UsageError
from .people import People, PersonTrack

FORMAT: Final = "proface-people"
VERSION: Final = 1
LARGEST_FILE: Final = 256 * 2**20  # bytes: ten hours with six people
_LARGEST_SIDE: Final = 1 << 16
_MOST: Final = 1 << 30


def encode_people(people: People) -> bytes:
    """Return a people file: JSON in UTF-8, with a line for each track; `decode_people` is the inverse.

    Times are rounded to microseconds.
    """
    head = {
        "format": FORMAT, "version": VERSION, "width": people.size[0], "height": people.size[1],
        "times": [round(float(each), 6) for each in people.times],
    }  # fmt: skip
    tracks = ",\n".join(json.dumps(_track_fields(track)) for track in people.tracks)
    return f'{json.dumps(head)[:-1]},\n"tracks": [\n{tracks}\n]}}\n'.encode()


def decode_people(data: bytes, name: str = "the people file") -> People:
    """Read a people file; inverse of `encode_people`.

    Args:
        data: the file.
        name: of the file, for messages.

    Raises:
        UsageError: if it is no people file, of a later version, or something in it is wrong.
    """
    if len(data) > LARGEST_FILE:
        raise UsageError(f"{name} is too large: {len(data)} bytes", code="bad-people")
    try:
        found = json.loads(data)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError("it does not begin like one")
        version = _number(found.get("version"), "version", 1)
        if version > VERSION:
            raise UsageError(f"{name} is of version {version}, which this release cannot read", code="newer-version")
        size = tuple(_number(found.get(side), side, 1, _LARGEST_SIDE) for side in ("width", "height"))
        times = _times(found.get("times"))
        tracks = found.get("tracks")
        if not isinstance(tracks, list):
            raise ValueError("tracks are missing")
        people = People(
            (size[0], size[1]), times, tuple(_track(each, index, size, len(times)) for index, each in enumerate(tracks))
        )
        if len({track.number for track in people.tracks}) < len(people.tracks):
            raise ValueError("two tracks have one number")
    except (ValueError, RecursionError) as error:  # JSON's and UTF-8's errors are ValueErrors
        raise UsageError(f"{name} is not a people file: {error}", code="bad-people") from None
    return people


def _track_fields(track: PersonTrack) -> dict[str, Any]:
    boxes = [list(box) if box[2] else None for box in track.boxes.tolist()]
    return {
        "track": track.number, "person": track.person, "start": track.start, "best": track.best,
        "by_hand": track.by_hand, "boxes": boxes,
    }  # fmt: skip


def _track(found: Any, index: int, size: tuple[int, ...], frames: int) -> PersonTrack:
    """Read a track.

    Raises:
        ValueError: if something in it is wrong.
    """
    place = f"track {index + 1} of the list"
    if not isinstance(found, dict):
        raise ValueError(f"{place} is no object")
    number, person = (_number(found.get(key), f"{place}: {key}", 1) for key in ("track", "person"))
    start, best = (_number(found.get(key), f"{place}: {key}", 0, frames - 1) for key in ("start", "best"))
    boxes, by_hand = found.get("boxes"), found.get("by_hand", False)
    if not isinstance(boxes, list) or not boxes or start + len(boxes) > frames:
        raise ValueError(f"{place}: boxes are missing, or there are more than frames")
    if not isinstance(by_hand, bool):
        raise ValueError(f"{place}: by_hand is neither true nor false")
    values = np.array([_box(box, f"{place}: box {k + 1}", size) for k, box in enumerate(boxes)], np.int32)
    if not values[:, 2].any():
        raise ValueError(f"{place}: it has no box")
    return PersonTrack(number, person, start, values, best, by_hand)


def _box(found: Any, place: str, size: tuple[int, ...]) -> tuple[int, ...]:
    if found is None:
        return 0, 0, 0, 0
    if not isinstance(found, list) or len(found) != 4 or any(type(value) is not int for value in found):
        raise ValueError(f"{place} is not four whole numbers")
    x, y, w, h = found
    if x < 0 or y < 0 or w < 1 or h < 1 or x + w > size[0] or y + h > size[1]:
        raise ValueError(f"{place} lies outside the frame")
    return x, y, w, h


def _times(found: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    if not isinstance(found, list) or any(type(each) not in (int, float) for each in found):
        raise ValueError("times are missing, or are not numbers")
    times = np.array(found, np.float64)
    if not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise ValueError("times do not ascend")
    return times


def _number(found: Any, name: str, least: int, most: int = _MOST) -> int:
    if type(found) is not int or not least <= found <= most:
        raise ValueError(f"{name} is not a whole number from {least} to {most}")
    return found

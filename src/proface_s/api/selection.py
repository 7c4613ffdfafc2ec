"""Which regions of a picture are protected, how they are numbered, and who may open each."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..errors import UsageError
from ..faces import (
    Detector,
    non_maximum_suppression,
    open_edges,
    parse_box,
    parse_boxes,
    reading_order,
    resolve_overlaps,
    reversible_box,
    select_faces,
)
from ..faces.boxes import intersection
from ..image.transparency import composites
from ..keys.access import Lock
from ..types import Box, Face, Picture, Style
from .options import FaceRef
from .results.results import DetectedFace

Own = TypeVar("Own", Lock, Style)

ALWAYS_LOOKED_FOR = 16.5  # longer side in pixels of a face, with room for rounding
SMALLEST_REGION = 8  # side in pixels below which the flow cannot hide a region; only tiny pictures have such


@dataclass(frozen=True, slots=True)
class Choice:
    """What will be protected.

    Attributes:
        regions: disjoint reversible boxes, left to right, then top to bottom: the faces of the protected file.
        faces: the tight boxes inside them, each with the number of its region, in that order.
        size: (width, height) of the picture.
        notes: what the user should know about how faces were looked for.
    """

    regions: tuple[Box, ...]
    faces: tuple[DetectedFace, ...]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()

    @property
    def edges(self) -> list[tuple[bool, bool]]:
        """For each region, whether the last column to its right, and the last row below it, belong to a face too."""
        return open_edges(self.regions, [face.box for face in self.faces], self.size)

    def found_in(self, number: int) -> set[int]:
        """Numbers that detection alone gives to the faces of a region; empty if all were given by hand."""
        return {face.found for face in self.faces if face.number == number and face.found is not None}


def find_faces(detector: Detector, picture: Picture) -> list[Face]:
    """Detect faces in the picture's colours, and in what is shown of them on backgrounds where it is transparent.

    A face may be drawn with alpha alone, or be seen only where alpha hides the rest; and colours under full
    transparency are in the file although nobody sees them.
    """
    seen = [detector.detect(picture.rgb)]
    seen += [detector.detect(shown) for shown in composites(picture.rgb, picture.alpha)]
    if len(seen) == 1:
        return seen[0]
    return reading_order(non_maximum_suppression(face for faces in seen for face in faces))


def notes_on(detector: Detector, size: tuple[int, int]) -> tuple[str, ...]:
    """Warn of faces that the detector does not look for in a picture of (width, height), if it can tell."""
    smallest = getattr(detector, "smallest_face", None)
    pixels = smallest(size) if callable(smallest) else 0.0
    if pixels <= ALWAYS_LOOKED_FOR:
        return ()
    return (f"the picture is so large that faces under {math.ceil(pixels)} pixels were not looked for",)


def choose_regions(
    picture: Picture, found: Sequence[Face], numbers: Collection[int] | None, boxes: Sequence[Box]
) -> Choice:
    """Make the chosen detected faces (with a margin) and the boxes given by hand disjoint, and number them.

    Args:
        picture: the photo.
        found: detected faces.
        numbers: those of `number_faces` to protect; all if None.
        boxes: further faces given by hand; clipped to the picture.

    Raises:
        UsageError: if a box lies outside the picture, there is no face of some number, or the picture is too small.
    """
    by_hand = parse_boxes(boxes, picture.size)
    chosen = [face for group in select_faces(number_faces(found, picture.size), numbers) for face in group]
    regions = disjoint_regions([face.box for face in chosen], by_hand, picture.size)
    for region in regions:
        if min(region.w, region.h) < SMALLEST_REGION:
            raise UsageError(
                f"{picture.source} has {picture.size[0]}x{picture.size[1]} pixels; "
                f"a face needs at least {SMALLEST_REGION}x{SMALLEST_REGION}",
                "use a larger picture",
            )
    faces = [DetectedFace(_region_of(face.box, regions) + 1, face.box, face.score, face.found) for face in chosen]
    faces += [DetectedFace(_region_of(box, regions) + 1, box, 1.0, None) for box in by_hand]
    return Choice(tuple(regions), tuple(sorted(faces, key=lambda face: (face.number, face.box))), picture.size)


def number_faces(found: Sequence[Face], size: tuple[int, int]) -> list[list[DetectedFace]]:
    """Number detected faces in the order in which a file would have them if all were protected.

    Args:
        found: detected faces, in any order.
        size: (width, height) of the picture.

    Returns:
        Face ``n`` at position ``n - 1``: usually one detected face; several if they overlap so much that they are
        hidden as one region.
    """
    regions = disjoint_regions([face.box for face in found], [], size)
    groups: list[list[DetectedFace]] = [[] for _ in regions]
    for face in found:
        index = _region_of(face.box, regions)
        groups[index].append(DetectedFace(index + 1, face.box, face.score, index + 1))
    return groups


def _region_of(box: Box, regions: Sequence[Box]) -> int:
    """Position of the region that hides most of a face, which may lie at an open edge beside it."""
    beside = Box(box.x - 1, box.y - 1, box.w + 1, box.h + 1)
    shared = [(intersection(box, region), intersection(beside, region)) for region in regions]
    return shared.index(max(shared))


def disjoint_regions(found: Sequence[Box], by_hand: Sequence[Box], size: tuple[int, int]) -> list[Box]:
    """Reversible regions of detected faces (grown by the margin) and of boxes given by hand (not grown)."""
    if not found and not by_hand:
        return []
    grown = [reversible_box(box, size) for box in found] + [reversible_box(box, size, 0.0) for box in by_hand]
    return resolve_overlaps(grown, size, [*found, *by_hand])


def locks_for(choice: Choice, default: Lock, own: Mapping[FaceRef, Lock]) -> list[Lock]:
    """Who may open each region.

    Args:
        choice: what is protected.
        default: for faces without a lock of their own; may be empty if every face has one.
        own: number of a face in the file, or a box given by hand -> its own lock; see `ProtectOptions`.

    Raises:
        UsageError: a number or box that no chosen face has, a face that nobody could open, or faces that are hidden
            as one region but should be opened by different keys.
    """
    locks = _per_region(choice, default, own, "keys")
    for index, lock in enumerate(locks):
        if lock.empty:
            raise UsageError(f"face {index + 1} has no passphrase and no recipient", "give one for all faces")
    return locks


def styles_for(choice: Choice, default: Style, own: Mapping[FaceRef, Style]) -> list[Style]:
    """How each region is covered; arguments and errors as in `locks_for`."""
    return _per_region(choice, default, own, "style")


def _per_region(choice: Choice, default: Own, own: Mapping[FaceRef, Own], what: str) -> list[Own]:
    """What holds for each region: its own, if a key of ``own`` names its number or a box in it."""
    by_number: dict[int, Own] = {}
    by_box: dict[Box, Own] = {}
    for key, value in own.items():
        if isinstance(key, int):
            by_number[_checked(choice, key)] = value
        else:
            box = parse_box(key, choice.size)
            if all(face.found is not None or face.box != box for face in choice.faces):
                raise UsageError(f"no face was given by hand at {box}")
            by_box[box] = value
    inside: list[list[DetectedFace]] = [[] for _ in choice.regions]
    for face in choice.faces:
        inside[face.number - 1].append(face)
    chosen: list[Own] = []
    for number, faces in enumerate(inside, 1):
        whole: Own = by_number.get(number, default)
        wanted: list[Own] = [by_box.get(face.box, whole) if face.found is None else whole for face in faces]
        wanted += [whole] if number in by_number or not wanted else []
        different: list[Own] = list(dict.fromkeys(wanted))
        if len(different) > 1:
            places = " and ".join(str(face.box) for face in faces)
            raise UsageError(
                f"the faces at {places} overlap and are hidden as one region, "
                f"face {number} at {choice.regions[number - 1]}",
                f"give them the same {what}",
            )
        chosen.append(different[0])
    return chosen


def _checked(choice: Choice, number: int) -> int:
    """Return a number, if a face has it.

    Raises:
        UsageError: if there is no such face.
    """
    if not 1 <= number <= len(choice.regions):
        raise UsageError(f"there is no face {number}: {_numbers(choice)}")
    return number


def _numbers(choice: Choice) -> str:
    """The numbers there are, with places, for a message."""
    count = len(choice.regions)
    merged = "; faces that overlap are hidden as one" if len(choice.faces) > count else ""
    if count == 1:
        return f"the only one is face 1, at {choice.regions[0]}{merged}"
    return f"they are numbered from 1, at {choice.regions[0]}, to {count}, at {choice.regions[-1]}{merged}"


def grouped(locks: Sequence[Lock]) -> tuple[list[int], list[Lock]]:
    """Faces that open alike form a group: the group number of every face, and the lock of every group."""
    distinct = list(dict.fromkeys(locks))
    return [distinct.index(lock) for lock in locks], distinct

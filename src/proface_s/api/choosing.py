"""Which regions of a picture are protected, and who may open each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..detect import choose, parse_box, resolve_overlaps, reversible_box
from ..detect.boxes import intersection
from ..errors import UsageError
from ..keys.access import Lock
from ..types import Box, Face, Picture, Style

Own = TypeVar("Own", Lock, Style)

SMALLEST_REGION = 8  # side in pixels below which the flow cannot hide a region; only tiny pictures have such


@dataclass(frozen=True, slots=True)
class Choice:
    """What will be protected.

    Attributes:
        regions: disjoint reversible boxes in reading order: the faces of the protected file.
        numbered: number of a face -> its tight box: detected faces as `Session.detect` numbers them, then the boxes
            given by hand.
    """

    regions: tuple[Box, ...]
    numbered: dict[int, Box]


def choose_regions(picture: Picture, found: Sequence[Face], wanted: str, boxes: Sequence[Box | str]) -> Choice:
    """The chosen detected faces with a margin, and the ones given by hand, made disjoint.

    Args:
        picture: the photo.
        found: detected faces; not looked at where ``wanted`` is ``"none"``.
        wanted: ``"all"``, ``"none"``, or numbers such as ``"0,2"``.
        boxes: further faces, ``x,y,w,h``.

    Raises:
        UsageError: a box or a selection that makes no sense, or a picture too small.
    """
    by_hand = [parse_box(str(box), picture.size) for box in boxes]
    if wanted.strip().lower() == "none":
        found = chosen = []
    else:
        chosen = choose(found, wanted)
    regions = disjoint_regions([face.box for face in chosen], by_hand, picture.size)
    for region in regions:
        if min(region.w, region.h) < SMALLEST_REGION:
            raise UsageError(
                f"{picture.source} has {picture.size[0]}x{picture.size[1]} pixels; "
                f"a face needs at least {SMALLEST_REGION}x{SMALLEST_REGION}", "use a larger picture",
            )
    numbered = {number: face.box for number, face in enumerate(found) if face in chosen}
    return Choice(tuple(regions), numbered | {len(found) + i: box for i, box in enumerate(by_hand)})


def disjoint_regions(found: Sequence[Box], by_hand: Sequence[Box], size: tuple[int, int]) -> list[Box]:
    """Reversible regions of detected faces (grown by the margin) and of boxes given by hand (not grown)."""
    if not found and not by_hand:
        return []
    grown = [reversible_box(box, size) for box in found] + [reversible_box(box, size, 0.0) for box in by_hand]
    return resolve_overlaps(grown, size, [*found, *by_hand])


def locks_for(choice: Choice, default: Lock, own: Mapping[int, Lock]) -> list[Lock]:
    """Who may open each region.

    Args:
        choice: what is protected.
        default: for faces without a lock of their own; may be empty where every face has one.
        own: number of a face -> its own lock.

    Raises:
        UsageError: a number that no chosen face has, a face that nobody could open, or faces that are hidden as
            one region but should be opened by different keys.
    """
    chosen = _per_region(choice, default, own, "keys")
    for names, lock in chosen:
        if lock.empty:
            raise UsageError(f"face {names} has no passphrase and no recipient", "give one for all faces")
    return [lock for _, lock in chosen]


def styles_for(choice: Choice, default: Style, own: Mapping[int, Style]) -> list[Style]:
    """How each region is covered; arguments and errors as in `locks_for`."""
    return [style for _, style in _per_region(choice, default, own, "style")]


def _per_region(choice: Choice, default: Own, own: Mapping[int, Own], what: str) -> list[tuple[str, Own]]:
    """For each region the faces it hides, by their numbers, and what they share."""
    missing = sorted(set(own) - set(choice.numbered))
    if missing:
        raise UsageError(
            f"there is no face {missing[0]} among those to protect",
            "faces have the numbers of `proface detect`; the boxes given by hand follow",
        )
    faces_of: list[dict[int, Own]] = [{} for _ in choice.regions]
    for number, box in choice.numbered.items():
        shared = [intersection(box, region) for region in choice.regions]
        faces_of[shared.index(max(shared))][number] = own.get(number, default)
    chosen = []
    for region, faces in zip(choice.regions, faces_of, strict=True):
        different = list(dict.fromkeys(faces.values())) or [default]
        names = " and ".join(map(str, faces))
        if len(different) > 1:
            raise UsageError(
                f"faces {names} overlap and are hidden as one region, at {region}", f"give them the same {what}"
            )
        chosen.append((names or str(region), different[0]))
    return chosen


def grouped(locks: Sequence[Lock]) -> tuple[list[int], list[Lock]]:
    """Faces that open alike form a group: the group number of every face, and the lock of every group."""
    distinct = list(dict.fromkeys(locks))
    return [distinct.index(lock) for lock in locks], distinct

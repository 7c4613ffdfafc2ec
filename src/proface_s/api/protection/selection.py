"""Choose the regions of a picture to protect, number them, and settle cover and locks of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ...container.header.footprint import Footprint
from ...covers import FaceRegion, get_style
from ...errors import UsageError
from ...faces import (
    open_edges,
    parse_box,
    parse_boxes,
    resolve_overlaps,
    reversible_box,
    select_faces,
)
from ...faces.boxes import HEAD_MARGIN
from ...faces.disjoint_regions import region_of
from ...image.transparency import constant_alpha
from ...keys.access import Lock
from ...types import Box, Face, Picture, Style
from ..face_search import FoundFaces
from ..options import FaceRef, ProtectOptions
from ..results.detected import DetectedFace

Own = TypeVar("Own", Lock, Style)
Placing = Callable[[Sequence[Box], Sequence[Box], tuple[int, int], float], list[Box]]

SMALLEST_REGION = 8  # side in pixels below which the flow cannot hide a region; only tiny pictures have such


@dataclass(frozen=True, slots=True)
class Choice:
    """Regions that will be protected, and the faces inside them.

    Attributes:
        regions: disjoint reversible boxes, left to right, then top to bottom: the faces of the protected file.
        faces: the tight boxes inside them, each with the number of its region, in that order.
        size: (width, height) of the picture.
        warnings: what the user should know about how faces were looked for.
        heads: the detected ones of ``faces``, with what the detector says of roll and landmarks.
        smallest: longer side in pixels of the smallest face that was looked for, if that is unusually large; else None.
    """

    regions: tuple[Box, ...]
    faces: tuple[DetectedFace, ...]
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()
    heads: tuple[Face, ...] = ()
    smallest: float | None = None

    def fallbacks(self, picture: Picture, style: Style) -> dict[int, str]:
        """Return which regions, or faces in them, a style covers by a blurred oval: number -> one of `FALLBACKS`."""
        found: dict[int, str] = {}
        for number, box in enumerate(self.regions, 1):
            by_hand = [face.box for face in self.faces if face.number == number and face.found is None]
            region = FaceRegion.of(picture.rgb, box, self.heads, by_hand)
            codes = [code for code in get_style(style.name).fallbacks(region) if code is not None]
            if codes:
                found[number] = codes[0]
        return found


def choose_regions(
    picture: Picture,
    find: Callable[[Picture], FoundFaces],
    numbers: Collection[int] | None,
    boxes: Sequence[Box],
    margin: float = HEAD_MARGIN,
    place: Placing | None = None,
) -> Choice:
    """Make the chosen detected faces (with a margin) and the boxes given by hand disjoint, and number them.

    Args:
        picture: the photo.
        find: detects faces; not called if ``numbers`` is empty.
        numbers: those of `number_faces` to protect; all if None.
        boxes: further faces given by hand; clipped to the picture.
        margin: growth of detected faces, as in `reversible_box`.
        place: makes regions of detected faces, boxes given by hand, size and margin; `disjoint_regions` if None.

    Raises:
        UsageError: if a box lies outside the picture, there is no face of some number, or the picture is too small.
    """
    by_hand = parse_boxes(boxes, picture.size)
    found = find(picture) if numbers is None or numbers else FoundFaces()
    numbered = number_faces(found.faces, picture.size, margin) if found.faces else []
    chosen = [face for group in select_faces(numbered, numbers) for face in group]
    regions = (place or disjoint_regions)([face.box for face in chosen], by_hand, picture.size, margin)
    for region in regions if place is None else ():
        if min(region.w, region.h) < SMALLEST_REGION:
            raise UsageError(
                f"{picture.source} has {picture.size[0]}x{picture.size[1]} pixels; "
                f"a face needs at least {SMALLEST_REGION}x{SMALLEST_REGION}",
                code="small-picture",
            )
    faces = [replace(face, number=region_of(face.box, regions) + 1) for face in chosen]
    faces += [DetectedFace(region_of(box, regions) + 1, box, 1.0, None) for box in by_hand]
    in_order = tuple(sorted(faces, key=lambda face: (face.number, face.box)))
    boxes_found = {face.box for face in chosen}
    heads = tuple(face for face in found.faces if face.box in boxes_found)
    return Choice(tuple(regions), in_order, picture.size, found.warnings, heads, found.smallest)


def number_faces(found: Sequence[Face], size: tuple[int, int], margin: float = HEAD_MARGIN) -> list[list[DetectedFace]]:
    """Number detected faces in the order in which a file would have them if all were protected.

    Args:
        found: detected faces, in any order.
        size: (width, height) of the picture.
        margin: growth of the faces, as in `reversible_box`.

    Returns:
        Face ``n`` at position ``n - 1``: usually one detected face; several if they overlap so much that they are
        hidden as one region.
    """
    regions = disjoint_regions([face.box for face in found], [], size, margin)
    groups: list[list[DetectedFace]] = [[] for _ in regions]
    for face in found:
        index = region_of(face.box, regions)
        groups[index].append(DetectedFace(index + 1, face.box, face.score, index + 1, face.source))
    return groups


def disjoint_regions(
    found: Sequence[Box], by_hand: Sequence[Box], size: tuple[int, int], margin: float = HEAD_MARGIN
) -> list[Box]:
    """Reversible regions of detected faces (grown by the margin) and of boxes given by hand (not grown)."""
    if not found and not by_hand:
        return []
    grown = [reversible_box(box, size, margin) for box in found] + [reversible_box(box, size, 0.0) for box in by_hand]
    return resolve_overlaps(grown, size, [*found, *by_hand])


@dataclass(frozen=True, slots=True)
class FacePlan:
    """One face of the file to be: how it is covered, and who can open it.

    Attributes:
        box: its region.
        style: its cover.
        lock: who can open it.
        group: number of the faces that open alike, from 0 in the order of the file.
        footprint: what the cover replaces besides the region's RGB values.
        found: numbers that detection alone gives to the faces in it; empty if all were given by hand.
        heads: the detected faces that are protected, here or beside it, for covers that follow heads.
        by_hand: the boxes given by hand in it.
    """

    box: Box
    style: Style
    lock: Lock
    group: int
    footprint: Footprint
    found: tuple[int, ...]
    heads: tuple[Face, ...] = ()
    by_hand: tuple[Box, ...] = ()


def plan_faces(picture: Picture, choice: Choice, options: ProtectOptions) -> list[FacePlan]:
    """Settle everything about each region that will be hidden.

    Args:
        picture: the photo.
        choice: its regions.
        options: locks and styles, of all faces and of single ones.

    Raises:
        UsageError: if an option names a face that is not chosen, nobody could open a face, or faces that are hidden as
            one region have different locks or styles.
    """
    styles, locks = [options.style] * len(choice.regions), [options.lock] * len(choice.regions)
    if options.own_styles:
        styles = values_for(choice, options.style, options.own_styles, "style")
    if options.own:
        locks = values_for(choice, options.lock, options.own, "keys")
    edges = open_edges(choice.regions, [face.box for face in choice.faces], choice.size)
    groups: dict[Lock, int] = {}
    plans = []
    for number, (box, style, lock, (right, bottom)) in enumerate(
        zip(choice.regions, styles, locks, edges, strict=True), 1
    ):
        if lock.empty:
            raise UsageError(f"face {number} has no passphrase and no recipient", code="face-without-keys")
        found = sorted({face.found for face in choice.faces if face.number == number and face.found is not None})
        footprint = Footprint(right=right, bottom=bottom)
        alpha = constant_alpha(picture.alpha, footprint.area(box))
        footprint = replace(footprint, varied=True) if alpha is None else replace(footprint, alpha=alpha)
        by_hand = tuple(face.box for face in choice.faces if face.number == number and face.found is None)
        group = groups.setdefault(lock, len(groups))
        plans.append(FacePlan(box, style, lock, group, footprint, tuple(found), choice.heads, by_hand))
    return plans


def largest_head(face: FacePlan) -> Face | None:
    """Return the largest detected face in a region; None if there is none."""
    inside = [head for head in face.heads if _holds(face.box, head.box)]
    return max(inside, key=lambda head: head.box.area) if inside else None


def _holds(region: Box, box: Box) -> bool:
    """Return whether the centre of a box is in a region."""
    return region.x <= box.x + box.w // 2 < region.right and region.y <= box.y + box.h // 2 < region.bottom


def values_for(choice: Choice, default: Own, own: Mapping[FaceRef, Own], what: str) -> list[Own]:
    """Return what holds for each region: its own value, if a key of ``own`` names its number or a box in it.

    Args:
        choice: what is protected.
        default: for faces without a value of their own.
        own: face -> its own value.
        what: name of the values, for messages.

    Raises:
        UsageError: if a number or box is that of no chosen face, or faces that are hidden as one region have different
            values.
    """
    by_number: dict[int, Own] = {}
    by_box: dict[Box, Own] = {}
    for key, value in own.items():
        if isinstance(key, int):
            if not 1 <= key <= len(choice.regions):
                raise UsageError(f"there is no face {key}: {_numbers(choice)}")
            by_number[key] = value
            continue
        box = parse_box(key, choice.size)
        if all(face.found is not None or face.box != box for face in choice.faces):
            raise UsageError(f"no face was given by hand at {box}")
        by_box[box] = value
    chosen: list[Own] = []
    for number, region in enumerate(choice.regions, 1):
        faces = [face for face in choice.faces if face.number == number]
        whole: Own = by_number.get(number, default)
        wanted: list[Own] = [by_box.get(face.box, whole) if face.found is None else whole for face in faces]
        wanted += [whole] if number in by_number or not wanted else []
        different: list[Own] = list(dict.fromkeys(wanted))
        if len(different) > 1:
            places = " and ".join(str(face.box) for face in faces)
            raise UsageError(
                f"the faces at {places} overlap and are hidden as one region, face {number} at {region}",
                code="overlapping-faces",
                what=what,
            )
        chosen.append(different[0])
    return chosen


def _numbers(choice: Choice) -> str:
    """List the numbers there are, with places, for a message."""
    count = len(choice.regions)
    merged = "; faces that overlap are hidden as one" if len(choice.faces) > count else ""
    if count == 1:
        return f"the only one is face 1, at {choice.regions[0]}{merged}"
    return f"they are numbered from 1, at {choice.regions[0]}, to {count}, at {choice.regions[-1]}{merged}"

"""Making the reversible regions of a picture disjoint.

Two faces may be close enough for their grown boxes to overlap, but every pixel can be hidden only once.  The
regions are found in two steps, both on a grid of two pixels so that all sides come out even:

1. *cores*: the tight face boxes, made disjoint.  A pair that overlaps a little is cut in two; the neighbour
   takes over what the cut leaves uncovered.  A pair that overlaps a lot is one region.
2. *regions*: every core grows back to its head region.  Disjoint cores have a straight line between them, and
   two regions that meet are both trimmed at such a line; this uncovers no core and needs no second round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proface_s.detect.boxes import HEAD_MARGIN, SMALLEST_SIDE, intersection, reversible_box, union
from proface_s.errors import UsageError
from proface_s.types import Box

_STEP = 2
_SMALLEST = SMALLEST_SIDE // _STEP
_SAME_REGION = 0.5  # cores that share more than this of the smaller one become one region


@dataclass(frozen=True, slots=True)
class _Region:
    """A core and the region it wants, in grid cells; the core lies inside the region."""

    core: Box
    wanted: Box


def protectable_regions(faces: Sequence[Box], picture_size: tuple[int, int], margin: float = HEAD_MARGIN) -> list[Box]:
    """Turn tight face boxes into the disjoint regions to protect: `reversible_box`, then `resolve_overlaps`.

    Args:
        faces: tight face boxes.
        picture_size: (width, height) in pixels.
        margin: growth per side, see `reversible_box`.

    Returns:
        Disjoint boxes as `resolve_overlaps` describes; possibly fewer than there are faces.

    Raises:
        UsageError: as `reversible_box`.
    """
    grown = [reversible_box(face, picture_size, margin) for face in faces]
    return resolve_overlaps(grown, picture_size, faces)


def resolve_overlaps(
    boxes: Sequence[Box], picture_size: tuple[int, int], faces: Sequence[Box] | None = None
) -> list[Box]:
    """Make reversible boxes disjoint without uncovering any face.

    A single box, or boxes that do not touch, come back unchanged if they lie on even coordinates.

    Args:
        boxes: grown boxes of one picture.
        picture_size: (width, height) in pixels, both at least 2.
        faces: the tight face box of each; None means that the whole boxes must stay covered.

    Returns:
        Boxes in reading order: disjoint, inside the picture, on even coordinates, with even sides (at least
        `SMALLEST_SIDE` where the picture allows it).  Together they hold every pixel of the visible parts of
        the faces, save the last column or row of a picture of odd size.  Input order does not matter.

    Raises:
        UsageError: if the two lists differ in length or the picture is too small.
    """
    tight = boxes if faces is None else faces
    if len(tight) != len(boxes):
        raise UsageError(f"{len(boxes)} boxes but {len(tight)} faces")
    grid = Box(0, 0, picture_size[0] // _STEP, picture_size[1] // _STEP)
    if not grid.area:
        raise UsageError(f"a {picture_size[0]}x{picture_size[1]} picture is too small to hide anything in")
    regions = []
    for box, face in sorted(zip(boxes, tight, strict=True)):
        core = _to_grid(face, grid)
        regions.append(_Region(core, union(core, _to_grid(box, grid, enlarge=False))))
    trimmed = _trim(_separate(regions))
    return sorted(Box(*(_STEP * value for value in (box.x, box.y, box.w, box.h))) for box in trimmed)


def _to_grid(box: Box, grid: Box, enlarge: bool = True) -> Box:
    """Smallest box of whole cells that holds ``box``, at least `_SMALLEST` cells a side if ``enlarge``."""
    x, w = _axis_to_grid(box.x, box.right, grid.w, _SMALLEST if enlarge else 1)
    y, h = _axis_to_grid(box.y, box.bottom, grid.h, _SMALLEST if enlarge else 1)
    return Box(x, y, w, h)


def _axis_to_grid(start: int, stop: int, cells: int, smallest: int) -> tuple[int, int]:
    low = min(max(start // _STEP, 0), cells - 1)
    high = min(max(-(-stop // _STEP), low + 1), cells)
    length = min(max(high - low, smallest), cells)
    low = min(max(low - (length - (high - low)) // 2, 0), cells - length)
    return low, length


def _separate(regions: list[_Region]) -> list[_Region]:
    """Step 1: cut or merge until no two cores overlap."""
    cuts_left = 8 * len(regions)  # a bound, so that cuts cannot chase each other; merging always ends
    regions = sorted(regions, key=_core_first)
    pair = _first_overlap(regions)
    while pair is not None:
        first, second = (regions[index] for index in pair)
        replaced = _cut(first, second) if cuts_left > 0 else None
        cuts_left -= 1
        if replaced is None:
            replaced = [_Region(union(first.core, second.core), union(first.wanted, second.wanted))]
        regions = [region for index, region in enumerate(regions) if index not in pair]
        regions = sorted([*regions, *replaced], key=_core_first)
        pair = _first_overlap(regions)
    return regions


def _core_first(region: _Region) -> tuple[Box, Box]:
    return region.core, region.wanted


def _first_overlap(regions: list[_Region]) -> tuple[int, int] | None:
    """First pair, in order, whose cores overlap; ``regions`` are sorted by their core's left edge."""
    for i in range(len(regions)):
        core = regions[i].core
        for j in range(i + 1, len(regions)):
            if regions[j].core.x >= core.right:
                break
            if intersection(core, regions[j].core):
                return i, j
    return None


def _cut(a: _Region, b: _Region) -> list[_Region] | None:
    """Split two overlapping cores by a straight line; None if they should be one region instead.

    Of the cuts at either end of the overlap, along either axis, the one that adds the least area wins.  The
    core that keeps the overlap is stretched sideways over what the other one loses.
    """
    if intersection(a.core, b.core) > _SAME_REGION * min(a.core.area, b.core.area):
        return None
    options: list[tuple[int, Box, Box]] = []
    for keeper, loser, swapped in ((a.core, b.core, False), (b.core, a.core, True)):
        for rest in _rests(keeper, loser):
            lost = _bounding_rest(loser, rest)
            stretched = union(keeper, lost)
            if rest.area * 2 >= loser.area and min(rest.w, rest.h) >= _SMALLEST and not intersection(stretched, rest):
                pair = (rest, stretched) if swapped else (stretched, rest)
                options.append((stretched.area + rest.area, *pair))
    if not options:
        return None
    _, core_a, core_b = min(options)
    return [_Region(core_a, union(core_a, a.wanted)), _Region(core_b, union(core_b, b.wanted))]


def _rests(keeper: Box, loser: Box) -> list[Box]:
    """What is left of ``loser`` beyond each side of ``keeper`` that cuts it."""
    rests = []
    if loser.x < keeper.x:
        rests.append(Box(loser.x, loser.y, keeper.x - loser.x, loser.h))
    if loser.right > keeper.right:
        rests.append(Box(keeper.right, loser.y, loser.right - keeper.right, loser.h))
    if loser.y < keeper.y:
        rests.append(Box(loser.x, loser.y, loser.w, keeper.y - loser.y))
    if loser.bottom > keeper.bottom:
        rests.append(Box(loser.x, keeper.bottom, loser.w, loser.bottom - keeper.bottom))
    return rests


def _bounding_rest(whole: Box, part: Box) -> Box:
    """``whole`` without ``part``, where ``part`` is all that lies beyond one line."""
    if part.h == whole.h:
        x = part.right if part.x == whole.x else whole.x
        return Box(x, whole.y, whole.w - part.w, whole.h)
    y = part.bottom if part.y == whole.y else whole.y
    return Box(whole.x, y, whole.w, whole.h - part.h)


def _trim(regions: list[_Region]) -> list[Box]:
    """Step 2: shrink the wanted regions until they are disjoint; every one keeps its core."""
    boxes = [region.wanted for region in regions]
    for i, first in enumerate(regions):
        for j in range(i + 1, len(regions)):
            if intersection(boxes[i], boxes[j]):
                boxes[i], boxes[j] = _trim_pair(boxes[i], boxes[j], first.core, regions[j].core)
    return boxes


def _trim_pair(a: Box, b: Box, core_a: Box, core_b: Box) -> tuple[Box, Box]:
    """Trim two overlapping boxes at the line between their cores that costs the least area."""
    options: list[tuple[int, Box, Box]] = []
    for flip in (_same, _transposed):
        for swapped in (False, True):
            first, second, core_1, core_2 = (b, a, core_b, core_a) if swapped else (a, b, core_a, core_b)
            pair = _trim_columns(flip(first), flip(second), flip(core_1), flip(core_2))
            if pair is not None:
                one, two = flip(pair[0]), flip(pair[1])
                options.append((-one.area - two.area, *((two, one) if swapped else (one, two))))
    _, box_a, box_b = min(options)
    return box_a, box_b


def _trim_columns(left: Box, right: Box, core_left: Box, core_right: Box) -> tuple[Box, Box] | None:
    """Trim at a vertical line; None if the cores do not lie on its two sides."""
    if core_left.right > core_right.x:
        return None
    line = min(max((right.x + left.right) // 2, core_left.right), core_right.x)
    start, stop = max(right.x, line), min(left.right, line)
    return Box(left.x, left.y, stop - left.x, left.h), Box(start, right.y, right.right - start, right.h)


def _same(box: Box) -> Box:
    return box


def _transposed(box: Box) -> Box:
    return Box(box.y, box.x, box.h, box.w)

"""Make the reversible regions of a picture disjoint.

Two faces may be so close that their grown boxes overlap, but every pixel can be hidden only once.  Regions are found in
three steps, the first two on a grid of two pixels so that all sides are even:

1. *Cores* are the tight face boxes, made disjoint.  Two that overlap a little are separated by a straight cut, and one
   takes over the part that the other loses.  Two that overlap a lot become one region.
2. *Regions* are cores grown back to head regions.  A straight line separates any two disjoint cores, and two regions
   that overlap are both trimmed at such a line; this uncovers no core, so one round is enough.
3. *Edges*: the grid ends one pixel before the edge of a picture with an odd side.  The region of a face that reaches
   the edge grows by one pixel on both sides, off the grid, or moves by one pixel, unless it would take a pixel of
   another region or uncover a face.  In that case, `open_edges` tells which edge has to be covered in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..types import Box
from .boxes import HEAD_MARGIN, SMALLEST_SIDE, intersection, reversible_box, union

_STEP = 2
_SMALLEST = SMALLEST_SIDE // _STEP
_SAME_REGION = 0.5  # cores that share more than this of the smaller one become one region


@dataclass(frozen=True, slots=True)
class _Region:
    """A core and the region that it would grow to, in grid cells; the core lies inside the region."""

    core: Box
    wanted: Box


def protectable_regions(faces: Sequence[Box], picture_size: tuple[int, int], margin: float = HEAD_MARGIN) -> list[Box]:
    """Turn tight face boxes into the disjoint regions to protect: `reversible_box`, then `resolve_overlaps`.

    Args:
        faces: tight face boxes.
        picture_size: (width, height) in pixels.
        margin: growth per side, as in `reversible_box`.

    Returns:
        Disjoint boxes, as described in `resolve_overlaps`; possibly fewer than faces.

    Raises:
        UsageError: as `reversible_box`.
    """
    grown = [reversible_box(face, picture_size, margin) for face in faces]
    return resolve_overlaps(grown, picture_size, faces)


def resolve_overlaps(
    boxes: Sequence[Box], picture_size: tuple[int, int], faces: Sequence[Box] | None = None
) -> list[Box]:
    """Make reversible boxes disjoint without uncovering any face.

    A single box, or boxes that do not touch, are returned unchanged if they lie on even coordinates, or reach the last
    column or row of a picture of odd size.

    Args:
        boxes: grown boxes of one picture.
        picture_size: (width, height) in pixels, both at least 2.
        faces: the tight face box of each; if None, the whole boxes stay covered.

    Returns:
        Boxes in reading order: disjoint, inside the picture, with even sides (at least `SMALLEST_SIDE` if the picture
        allows it), on even coordinates unless they reach the last column or row of a picture of odd size.  Together
        with the edges that `open_edges` tells, they hold every pixel of the visible parts of the faces.  The order of
        the input does not matter.

    Raises:
        UsageError: if the two lists differ in length or the picture is too small.
    """
    tight = boxes if faces is None else faces
    if len(tight) != len(boxes):
        raise UsageError(f"{len(boxes)} boxes but {len(tight)} faces")
    grid = Box(0, 0, picture_size[0] // _STEP, picture_size[1] // _STEP)
    if not grid.area:
        raise UsageError(
            f"a {picture_size[0]}x{picture_size[1]} picture is too small to hide anything in", code="small-picture"
        )
    if _fit_already(boxes, tight, picture_size):
        return sorted(boxes)
    regions = []
    for box, face in sorted(zip(boxes, tight, strict=True)):
        core = _to_grid(face, grid)
        regions.append(_Region(core, union(core, _to_grid(box, grid, enlarge=False))))
    trimmed = _trim(_separate(regions))
    found = sorted(Box(*(_STEP * value for value in (box.x, box.y, box.w, box.h))) for box in trimmed)
    return sorted(_reach_edges(found, tight, picture_size))


def disjoint_areas(boxes: Sequence[Box], faces: Sequence[Box]) -> list[Box]:
    """Make areas on a coarse grid disjoint: steps 1 and 2 of this module, in cells of any size.

    Args:
        boxes: grown boxes, in cells, inside the grid.
        faces: the tight face box of each, likewise.

    Returns:
        Disjoint areas, in cells, that cover all faces; possibly fewer than faces.
    """
    regions = [_Region(face, union(face, box)) for box, face in sorted(zip(boxes, faces, strict=True))]
    return _trim(_separate(regions, smallest=1))


def open_edges(regions: Sequence[Box], faces: Sequence[Box], picture_size: tuple[int, int]) -> list[tuple[bool, bool]]:
    """Tell which regions stop one pixel before an edge of the picture that belongs to a face.

    Args:
        regions: result of `resolve_overlaps`.
        faces: the tight face boxes that it was given.
        picture_size: (width, height) in pixels.

    Returns:
        For each region, whether the column to its right and the row below it have to be covered too.
    """
    width, height = picture_size
    turned = [_transposed(face) for face in faces]
    return [
        (_is_open(region, faces, width, height), _is_open(_transposed(region), turned, height, width))
        for region in regions
    ]


def _is_open(region: Box, faces: Sequence[Box], width: int, height: int) -> bool:
    """Return whether a face reaches the last column of the picture, and a region beside it stops just before."""
    if region.right != width - 1:
        return False
    bottom = height if region.bottom == height - 1 else region.bottom
    return any(face.right >= width and face.y < bottom and face.bottom > region.y for face in faces)


def _fit_already(boxes: Sequence[Box], faces: Sequence[Box], picture_size: tuple[int, int]) -> bool:
    """Return whether boxes are valid regions unchanged, with one at an edge that the grid does not reach."""
    width, height = picture_size
    least = tuple(min(SMALLEST_SIDE, side - side % _STEP) for side in picture_size)
    at_edge = any((width % 2 and box.right == width) or (height % 2 and box.bottom == height) for box in boxes)
    whole = Box(0, 0, width, height)
    return at_edge and all(
        box.w % 2 == box.h % 2 == 0
        and box.w >= least[0]
        and box.h >= least[1]
        and intersection(box, whole) == box.area
        and intersection(box, face) == intersection(whole, face)
        and not any(intersection(box, other) for other in boxes[:number])
        for number, (box, face) in enumerate(zip(boxes, faces, strict=True))
    )


def _reach_edges(regions: Sequence[Box], faces: Sequence[Box], picture_size: tuple[int, int]) -> list[Box]:
    """Do step 3 along both axes."""
    width, height = picture_size
    reached = _reach_right(list(regions), faces, width, height)
    turned = [_transposed(region) for region in reached]
    return [_transposed(region) for region in _reach_right(turned, list(map(_transposed, faces)), height, width)]


def _reach_right(regions: list[Box], faces: Sequence[Box], width: int, height: int) -> list[Box]:
    """Do step 3 for the last column of a picture."""
    for index, region in enumerate(regions):
        if not _is_open(region, faces, width, height) or not region.x:
            continue
        others = [*regions[:index], *regions[index + 1 :]]
        grown = Box(region.x - 1, region.y, region.w + 2, region.h)
        # The row below may belong to the region too: `open_edges` covers it if a face reaches it.
        first = Box(region.x, region.y, 1, region.h + (region.bottom == height - 1))
        if not any(intersection(grown, other) for other in others):
            regions[index] = grown
        elif not any(intersection(first, face) for face in faces):
            regions[index] = Box(region.x + 1, region.y, region.w, region.h)
    return regions


def _to_grid(box: Box, grid: Box, enlarge: bool = True) -> Box:
    """Return the smallest box of whole cells that holds ``box``, at least `_SMALLEST` cells a side if ``enlarge``."""
    x, w = _axis_to_grid(box.x, box.right, grid.w, _SMALLEST if enlarge else 1)
    y, h = _axis_to_grid(box.y, box.bottom, grid.h, _SMALLEST if enlarge else 1)
    return Box(x, y, w, h)


def _axis_to_grid(start: int, stop: int, cells: int, smallest: int) -> tuple[int, int]:
    low = min(max(start // _STEP, 0), cells - 1)
    high = min(max(-(-stop // _STEP), low + 1), cells)
    length = min(max(high - low, smallest), cells)
    low = min(max(low - (length - (high - low)) // 2, 0), cells - length)
    return low, length


def _separate(regions: list[_Region], smallest: int = _SMALLEST) -> list[_Region]:
    """Do step 1: cut or merge until no two cores overlap."""
    cuts_left = 8 * len(regions)  # a bound, since cuts could follow each other for ever; merging always ends
    regions = sorted(regions, key=_core_first)
    pair = _first_overlap(regions)
    while pair is not None:
        first, second = (regions[index] for index in pair)
        replaced = _cut(first, second, smallest) if cuts_left > 0 else None
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
    """Return the first pair whose cores overlap; ``regions`` are sorted by the left edge of their cores."""
    for i in range(len(regions)):
        core = regions[i].core
        for j in range(i + 1, len(regions)):
            if regions[j].core.x >= core.right:
                break
            if intersection(core, regions[j].core):
                return i, j
    return None


def _cut(a: _Region, b: _Region, smallest: int) -> list[_Region] | None:
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
            if rest.area * 2 >= loser.area and min(rest.w, rest.h) >= smallest and not intersection(stretched, rest):
                pair = (rest, stretched) if swapped else (stretched, rest)
                options.append((stretched.area + rest.area, *pair))
    if not options:
        return None
    _, core_a, core_b = min(options)
    return [_Region(core_a, union(core_a, a.wanted)), _Region(core_b, union(core_b, b.wanted))]


def _rests(keeper: Box, loser: Box) -> list[Box]:
    """Return the parts of ``loser`` beyond each side of ``keeper`` that cuts it."""
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
    """Return ``whole`` without ``part``, which is everything on one side of a line."""
    if part.h == whole.h:
        x = part.right if part.x == whole.x else whole.x
        return Box(x, whole.y, whole.w - part.w, whole.h)
    y = part.bottom if part.y == whole.y else whole.y
    return Box(whole.x, y, whole.w, whole.h - part.h)


def _trim(regions: list[_Region]) -> list[Box]:
    """Do step 2: shrink the wanted regions until they are disjoint; each keeps its core."""
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


def region_of(box: Box, regions: Sequence[Box]) -> int:
    """Return the position of the region that hides most of a face, which may lie at an open edge beside it.

    Args:
        box: tight box of the face.
        regions: at least one, disjoint.
    """
    beside = Box(box.x - 1, box.y - 1, box.w + 1, box.h + 1)
    shared = [(intersection(box, region), intersection(beside, region)) for region in regions]
    return shared.index(max(shared))

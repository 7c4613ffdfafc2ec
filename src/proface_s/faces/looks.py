"""Looks at a picture: the sizes, parts and turns in which an engine sees it, so that every face is found alike.

::

    finest: up to 1.6 times the picture's own size, less for large ones   faces of any size up to `Reach.largest` pixels
    a quarter of that, if the finest is much finer than the next          `Reach.clear` to `Reach.largest` pixels
    long side 640                                                         `Reach.clear` to `Reach.largest` pixels
    long sides `Reach.turned`, turned by `Reach.angles`                   faces of any size up to `Reach.largest` pixels
    long side 320                                                         `Reach.clear` pixels up to the whole picture

A network knows faces of about 8 to 400 pixels.  It misplaces larger faces and reports many smaller ones by mistake.
Each look is therefore used only for faces of a size, in its own pixels, that the network knows; these ranges overlap.

A long picture is treated as a stack of ordinary ones: its *long side* counts as at most `LONGEST` times the short side.
A face in 1080x10000 is therefore seen exactly as in 1080x1620.  Looks longer than a tile are cut into tiles, which
overlap by as much as the largest face that the next coarser look does not see.  `closer_look` is a look at one place.

This module is geometry alone: it sees no pixels.  `proface_s.faces.patches` cuts them out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ..types import Box

ALWAYS_SOUGHT: Final = 14.0  # longer side in pixels of the smallest face that is sought in every ordinary picture
LONGEST: Final = 1.5  # long side over short side; longer pictures are seen in parts
TILE_OVERLAP: Final = 160  # patch pixels, at most, in the finest look; the next coarser one sees larger faces
LEAST_OVERLAP: Final = 96  # patch pixels; hard faces, as in the dark, are better seen at the finest size
COARSE_OVERLAP: Final = 320  # patch pixels
COARSER: Final = 4.0  # from one look to the next
COARSE_AREA: Final = 8e6  # most patch pixels of a coarse look; only strips reach it
CONTEXT: Final = 0.25  # of a face's longer side: networks misjudge a face so close to the edge of what they see
SURROUNDINGS: Final = 3.0  # times the longer side of a face: the part of the picture that a closer look shows
_ROUNDING: Final = 4.0  # patch pixels
_TOO_NARROW: Final = 0.5  # of `Reach.smallest`: a narrower picture shows no face

Corners = tuple[float, float, float, float]
"""Left, top, right and bottom of a box, in pixels with fractions."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The faces that an engine knows, and how closely a picture is searched for them.

    Attributes:
        smallest: longer side in patch pixels of the smallest faces that it finds; likewise the next two.
        clear: from this size on it makes few mistakes.
        largest: beyond this size it misplaces faces.
        tile: longest side of a tile in patch pixels, before it is turned.
        coarse: long sides in patch pixels of the looks at the whole picture.
        angles: counter-clockwise turns in degrees of further looks.
        turned: long sides in patch pixels of the turned looks.
        enlarged: the finest look enlarges a picture at most so much, ...
        finest_side: ... up to this long side in patch pixels, from which on it shrinks the picture, ...
        least_scale: ... but never below this scale, ...
        most_area: ... unless it had more patch pixels than this.
    """

    smallest: float
    clear: float
    largest: float
    tile: int
    coarse: tuple[int, ...]
    angles: tuple[int, ...]
    turned: tuple[int, ...]
    enlarged: float
    finest_side: float
    least_scale: float
    most_area: float


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a picture: a tile of it, scaled, then turned.

    Attributes:
        tile: the part of the picture, in its pixels.
        scale: patch pixels per picture pixel.
        angle: degrees by which the scaled tile is turned counter-clockwise, on a canvas that holds all of it.
        inner_edges: whether the left, top, right and bottom border of the tile adjoin another tile.
        sizes: (minimum, maximum) longer side of the faces that this look is used for, in patch pixels.
    """

    tile: Box
    scale: float
    angle: int
    inner_edges: tuple[bool, bool, bool, bool]
    sizes: tuple[float, float]

    @property
    def scaled_size(self) -> tuple[int, int]:
        """(width, height) of the tile in patch pixels, before it is turned; at least 1x1."""
        return max(1, round(self.tile.w * self.scale)), max(1, round(self.tile.h * self.scale))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the patch, which is turned."""
        (width, height), (cosine, sine) = self.scaled_size, self._direction
        across, down = abs(cosine) * width + abs(sine) * height, abs(sine) * width + abs(cosine) * height
        return math.ceil(across - 1e-6), math.ceil(down - 1e-6)

    @property
    def _direction(self) -> tuple[float, float]:
        """Cosine and sine of the angle, exact for quarter turns."""
        if self.angle % 90 == 0:
            return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[self.angle // 90 % 4]
        return math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))

    def turning(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Return the 2x3 affine matrix from points of the scaled tile to points of the patch.

        Points are continuous: the first pixel reaches from 0 to 1.
        """
        (width, height), (across, down), (cosine, sine) = self.scaled_size, self.size, self._direction
        x = (across - cosine * width - sine * height) / 2
        y = (down + sine * width - cosine * height) / 2
        return (cosine, sine, x), (-sine, cosine, y)

    def to_picture(self, x: float, y: float, w: float, h: float) -> Corners | None:
        """Return a box of the patch in pixels of the picture.

        A face is taken for an ellipse in its box; turned back, it gets the box around the turned ellipse.

        Args:
            x: left edge in patch pixels; ``y``, ``w`` and ``h`` likewise.

        Returns:
            The corners, not clipped; None if the box lies at an inner edge, since another tile shows the face with all
            that is around it, or if its centre lies beside the tile.
        """
        (width, height), (cosine, sine) = self.scaled_size, self._direction
        (_, _, shift_x), (_, _, shift_y) = self.turning()
        along, down = x + w / 2 - shift_x, y + h / 2 - shift_y
        centre_x, centre_y = cosine * along - sine * down, sine * along + cosine * down
        half_w, half_h = math.hypot(cosine * w, sine * h) / 2, math.hypot(sine * w, cosine * h) / 2
        corners = centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h
        near = CONTEXT * max(half_w, half_h) * 2
        touches = (
            corners[0] <= near, corners[1] <= near, corners[2] >= width - near, corners[3] >= height - near
        )  # fmt: skip
        if any(touch and inner for touch, inner in zip(touches, self.inner_edges, strict=True)):
            return None
        if not (0 <= centre_x <= width and 0 <= centre_y <= height):
            return None
        across, upright = self.tile.w / width, self.tile.h / height
        return (
            self.tile.x + corners[0] * across,
            self.tile.y + corners[1] * upright,
            self.tile.x + corners[2] * across,
            self.tile.y + corners[3] * upright,
        )


def effective_side(width: int, height: int, reach: Reach) -> float:
    """Return the long side in pixels; for a long picture, that of the ordinary pictures that it is a stack of."""
    long, short = max(width, height), min(width, height)
    return min(long, max(LONGEST * short, reach.coarse[-1]))


def finest_scale(width: int, height: int, reach: Reach) -> float:
    """Return the scale of the finest look: its pixels per pixel of the picture.  See `Reach`."""
    side = effective_side(width, height, reach)
    wanted = max(reach.coarse[-1] / side, min(reach.enlarged, reach.finest_side / side), reach.least_scale)
    return min(wanted, math.sqrt(reach.most_area / (width * height)))


def smallest_face(width: int, height: int, reach: Reach) -> float:
    """Return the longer side in pixels of the smallest face that is looked for in a picture of this size."""
    return reach.smallest / finest_scale(width, height, reach)


def plan_looks(width: int, height: int, reach: Reach) -> list[Look]:
    """Return all looks at a picture; none if it is so narrow that it can show no face.

    Args:
        width: of the picture in pixels; ``height`` likewise.
        reach: of the engine.
    """
    side, finest = effective_side(width, height, reach), finest_scale(width, height, reach)
    if min(width, height) * min(finest, 1.0) < _TOO_NARROW * reach.smallest:
        return []
    tiles = partial(_tiles, width, height, reach.tile)
    overlap = TILE_OVERLAP
    if finest > reach.coarse[-1] / side:  # the whole picture will be seen at that scale
        needed = math.ceil(_overlap_needed(finest, reach.coarse[-1] / side, reach))
        overlap = min(overlap, max(LEAST_OVERLAP, needed))
    found = list(tiles(finest, overlap, (0.0, reach.largest)))
    between = finest
    while _overlap_needed(between, reach.coarse[-1] / side, reach) > overlap:
        between, overlap = between / COARSER, COARSE_OVERLAP
        found += tiles(between, overlap, (reach.clear, reach.largest))
    turned = 0.0  # scale of the last turned looks; a tiny picture has the same for all
    for long in sorted({*reach.coarse, *reach.turned}):
        scale = min(long / side, math.sqrt(COARSE_AREA / (width * height)), finest)
        most = reach.largest if long > reach.coarse[0] else max(reach.largest, 2.0 * long)
        if long in reach.coarse and scale < finest:
            found += tiles(scale, COARSE_OVERLAP, (reach.clear, most))
        if long in reach.turned and scale > turned:
            turned = scale
            for tile in tiles(scale, COARSE_OVERLAP, (0.0, reach.largest)):
                found += [replace(tile, angle=angle) for angle in reach.angles]
    return found


def _overlap_needed(scale: float, coarser: float, reach: Reach) -> float:
    """Return how far tiles must overlap, in patch pixels, to show every face that is too small for a coarser look."""
    return reach.clear * (1 + 2 * CONTEXT) * scale / coarser + _ROUNDING


def closer_look(box: Box, size: tuple[int, int], angle: int, side: float) -> Look:
    """Return a look at one place of a picture, where there may be a face.

    Args:
        box: the place, in pixels of the picture.
        size: (width, height) of the picture in pixels.
        angle: degrees by which the patch is turned counter-clockwise.
        side: longer side of the box in patch pixels.
    """
    longer = max(box.w, box.h)
    around = math.ceil(SURROUNDINGS * longer / 2)
    x, y = box.x + box.w // 2, box.y + box.h // 2
    left, top = max(0, x - around), max(0, y - around)
    right, bottom = min(size[0], x + around), min(size[1], y + around)
    part = Box(left, top, right - left, bottom - top)
    return Look(part, side / longer, angle, (False, False, False, False), (side / 2, side * 2))


def _tiles(
    width: int, height: int, tile: int, scale: float, overlap: int, sizes: tuple[float, float]
) -> Iterator[Look]:
    """Cut a picture into overlapping tiles of equal size, ``tile`` patch pixels a side at most."""
    most, shared = max(2, int(tile / scale)), math.ceil(overlap / scale)
    for top, bottom in _spans(height, most, shared):
        for left, right in _spans(width, most, shared):
            edges = (left > 0, top > 0, right < width, bottom < height)
            yield Look(Box(left, top, right - left, bottom - top), scale, 0, edges, sizes)


def _spans(length: int, most: int, overlap: int) -> list[tuple[int, int]]:
    """Return the fewest equal spans (start, stop) of at most ``most`` pixels that cover a length and overlap."""
    count = 1 if length <= most else -(-(length - overlap) // (most - overlap))
    size = -(-(length + (count - 1) * overlap) // count)
    starts = [round(index * (length - size) / max(1, count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]

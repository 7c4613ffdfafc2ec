"""The areas of a JPEG file in MCUs, and what the upright picture shows of them (docs/format.md, section 1.7)."""

from __future__ import annotations

from collections.abc import Sequence

from .extensions import Coefficients
from .fields import Box, require

TURNED = range(5, 9)  # orientations that exchange rows and columns


def check_areas(found: Coefficients, width: int, height: int, boxes: Sequence[Box]) -> None:
    """Areas lie in the picture, are disjoint, and are those of the boxes; `width`, `height` are of the upright one."""
    stored = (height, width) if found.orientation in TURNED else (width, height)
    units = [8 * factor for factor in found.sampling]
    mcus = [-(-size // unit) for size, unit in zip(stored, units, strict=True)]
    seen: list[Box] = []
    for area, box in zip(found.areas, boxes, strict=True):
        x, y, w, h = area
        require(w > 0 and h > 0 and x + w <= mcus[0] and y + h <= mcus[1], "an area outside the picture")
        apart = (x + w <= a or a + c <= x or y + h <= b or b + d <= y for a, b, c, d in seen)
        require(all(apart), "areas that overlap")
        seen.append(area)
        left, right = x * units[0], min((x + w) * units[0], stored[0])
        top, bottom = y * units[1], min((y + h) * units[1], stored[1])
        require(_shown(found.orientation, stored, (left, top, right, bottom)) == box, "a box of another area")


def _shown(orientation: int, stored: tuple[int, int], edges: Box) -> Box:
    """The box in the upright picture, with even sides, of left, top, right and bottom edges in the stored one."""
    left, top, right, bottom = edges
    if orientation in (2, 3, 7, 8):
        left, right = stored[0] - right, stored[0] - left
    if orientation in (3, 4, 6, 7):
        top, bottom = stored[1] - bottom, stored[1] - top
    if orientation in TURNED:
        left, top, right, bottom = top, left, bottom, right
    return left, top, (right - left) // 2 * 2, (bottom - top) // 2 * 2

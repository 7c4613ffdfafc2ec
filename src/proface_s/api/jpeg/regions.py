"""Regions of a JPEG: boxes grown to whole MCUs, disjoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import UsageError
from ...faces import disjoint_areas, reversible_box
from ...faces.boxes import HEAD_MARGIN
from ...image.jpeg.geometry import even_box, mcus_of, stored_size, to_stored, upright_pixels
from ...image.jpeg.picture import JpegPicture
from ...types import Box

_SMALLEST = 2  # pixels of a side: a header's boxes have even sides


@dataclass(frozen=True, slots=True)
class McuGrid:
    """The MCUs of a JPEG picture, in which regions are placed.

    Attributes:
        size: (width, height) of the upright picture.
        mcu: (width, height) of an MCU in pixels, as stored.
        orientation: EXIF orientation.
    """

    size: tuple[int, int]
    mcu: tuple[int, int]
    orientation: int

    @classmethod
    def of(cls, jpeg: JpegPicture) -> McuGrid:
        """Return the grid of a picture.

        Raises:
            UsageError: if the picture is too small.
        """
        if min(jpeg.upright_size) < _SMALLEST:
            width, height = jpeg.upright_size
            raise UsageError(f"a {width}x{height} picture is too small to hide anything in", code="small-picture")
        return cls(jpeg.upright_size, jpeg.mcu, jpeg.orientation)

    def place(
        self, found: Sequence[Box], by_hand: Sequence[Box], size: tuple[int, int], margin: float = HEAD_MARGIN
    ) -> list[Box]:
        """Return disjoint regions of detected faces (grown by the margin) and of boxes given by hand (not grown).

        Args:
            found: tight boxes of detected faces.
            by_hand: boxes given by hand.
            size: (width, height) of the upright picture.
            margin: growth of detected faces, as in `reversible_box`.

        Returns:
            Boxes in reading order: the even parts of whole MCUs, which `area` gives back.
        """
        grown = [reversible_box(box, size, margin) for box in found] + [
            reversible_box(box, size, 0.0) for box in by_hand
        ]
        tight = [*found, *by_hand]
        areas = disjoint_areas([self.area(box) for box in grown], [self.area(box) for box in tight])
        return sorted(even_box(self.pixels(area)) for area in areas)

    def area(self, box: Box) -> Box:
        """Return the MCUs that a box of the upright picture touches; inverse of `pixels`.

        An MCU of which the picture shows a single column or row belongs to the one beside it.
        """
        stored = stored_size(self.size, self.orientation)
        x, y = max(box.x, 0), max(box.y, 0)
        inside = Box(x, y, min(box.right, self.size[0]) - x, min(box.bottom, self.size[1]) - y)
        area = mcus_of(to_stored(inside, self.size, self.orientation), self.mcu)
        left, width = _whole(area.x, area.w, stored[0], self.mcu[0])
        top, height = _whole(area.y, area.h, stored[1], self.mcu[1])
        return Box(left, top, width, height)

    def pixels(self, area: Box) -> Box:
        """Return the pixels of the upright picture that belong to an area of MCUs."""
        return upright_pixels(area, self.mcu, self.size, self.orientation)


def _whole(start: int, count: int, side: int, mcu: int) -> tuple[int, int]:
    """Join the last two MCUs of a row or column if the picture shows one pixel of the last."""
    number = -(-side // mcu)
    if side % mcu == 1 and number > 1 and start + count >= number - 1:
        start = min(start, number - 2)
        return start, number - start
    return start, count

"""A JPEG photo and its supposed output, for a resumed run: whether the coefficients are those that would be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...container.header.header import Header, header_areas
from ...covers import FaceRegion, apply_style
from ...image.jpeg.picture import JpegPicture
from ...image.jpeg.transform import area_blocks, encode_area, with_area_blocks
from ...keys.secrets import FaceKey
from ...types import Box, Picture
from ..protection.selection import FacePlan
from .protected import area_digest, open_face
from .protecting import same_coefficients
from .regions import McuGrid


@dataclass(frozen=True, slots=True, eq=False)
class JpegPair:
    """The coefficients of a photo and of its supposed output.

    Attributes:
        original: those of the photo, or of the JPEG that is made of it.
        protected: those of the output.
    """

    original: JpegPicture
    protected: JpegPicture

    def same_outside(self, areas: Sequence[Box]) -> bool:
        """Return whether both have the same frame, scans, orientation and profile, and equal coefficients outside."""
        one, other = self.original, self.protected
        if one.frame_digest != other.frame_digest or one.process != other.process:
            return False
        blank = {area: [np.zeros_like(each) for each in area_blocks(one, area)] for area in areas}
        return same_coefficients(with_area_blocks(one, blank), with_area_blocks(other, blank))

    def same_face(self, header: Header, index: int, key: FaceKey, seal: bytes) -> bool:
        """Return whether the seal of a face holds its original coefficients.

        Raises:
            DamagedFileError: if the seal was altered.
        """
        sealed = open_face(self.protected, header, index, key, seal)
        original = area_blocks(self.original, header_areas(header)[index])
        return all(np.array_equal(one, other) for one, other in zip(sealed, original, strict=True))

    def same_cover(self, photo: Picture, header: Header, index: int, face: FacePlan) -> bool:
        """Return whether the cover that is wanted is the one that a face has."""
        area = header_areas(header)[index]
        pixels = McuGrid.of(self.original).pixels(area)
        cover = apply_style(FaceRegion.of(photo.rgb, pixels, face.heads, face.by_hand), face.style)
        return area_digest(encode_area(self.original, area, cover)) == header.faces[index].digest

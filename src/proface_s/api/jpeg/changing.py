"""Changing a protected JPEG without its original: for `forget` and `rewrap`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...container.header.header import Header, header_areas
from ...image.jpeg.file import JpegFile
from ...image.jpeg.picture import JpegPicture
from ...image.jpeg.transform import encode_area, with_area_blocks
from ...image.jpeg.write_coefficients import write_jpeg
from ...image.metadata import kept_exif
from ...image.read import read_picture
from ...image.regions import cut
from ...types import Picture
from ..changes.erase import blurred_copy
from .protected import open_protected_jpeg
from .regions import McuGrid
from .sources import kept_profile


def with_erased_areas(picture: Picture, header: Header, faces: Collection[int]) -> Picture:
    """Return a protected JPEG whose covers of some faces are replaced by a blur of themselves, without its metadata.

    Nothing is hidden in a cover; this keeps the promise of `forget` that erased pixels are overwritten, whatever made
    them.

    Args:
        picture: the protected photo.
        header: its header.
        faces: positions of the faces.
    """
    jpeg = open_protected_jpeg(picture, header)
    grid = McuGrid.of(jpeg)
    areas = [header_areas(header)[index] for index in faces]
    erased = with_area_blocks(
        jpeg, {area: encode_area(jpeg, area, blurred_copy(cut(picture.rgb, grid.pixels(area)))) for area in areas}
    )
    data = write_jpeg(erased, kept_exif(picture, jpeg.orientation))
    return replace(picture, rgb=read_picture(data, name=picture.source).rgb, jpeg=JpegFile(data, picture.source))


def encode_again(picture: Picture) -> bytes:
    """Encode a JPEG again: the same coefficients, the metadata that its file keeps, and nothing else.

    Raises:
        ValueError: if the picture was not read from a JPEG file.
        ImageError: if the file is damaged.
    """
    if picture.jpeg is None:
        raise ValueError("the picture was not read from a JPEG file")
    jpeg: JpegPicture = picture.jpeg.coefficients
    return write_jpeg(replace(jpeg, icc_profile=kept_profile(picture, jpeg)), kept_exif(picture, jpeg.orientation))

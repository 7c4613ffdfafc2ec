"""A protected JPEG against its header: whether its coefficients are those that the digests and seals are of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...container.header.header import Header, header_areas
from ...container.seal import header_seal_context, open_coefficient_seal
from ...errors import DamagedFileError, ImageError
from ...image.jpeg.coefficient_code import decode_coefficients
from ...image.jpeg.geometry import even_box
from ...image.jpeg.picture import BLOCK, Coefficients, JpegPicture
from ...image.jpeg.transform import area_blocks
from ...keys.secrets import FaceKey
from ...types import Box, Picture
from .regions import McuGrid


def open_protected_jpeg(picture: Picture, header: Header) -> JpegPicture:
    """Read the coefficients of a protected JPEG, and make sure that the header's areas fit them.

    Args:
        picture: the photo, with the file that it was read from.  Its orientation does not matter: that of the header
            counts.
        header: its header, that of a JPEG.

    Raises:
        DamagedFileError: if the file was recompressed or converted since, or its coefficients are damaged.
    """
    described = header.coefficients
    if described is None:
        raise ValueError("the header is not that of a JPEG")
    if picture.jpeg is None:
        raise DamagedFileError(
            f"{picture.source} was protected as a JPEG and has been converted; the exact copies no longer fit",
            code="recompressed",
        )
    try:
        jpeg: JpegPicture = picture.jpeg.coefficients
    except ImageError as error:  # it was protected once: what is wrong with it is damage
        raise DamagedFileError(error.message, code=error.code) from None
    jpeg = replace(jpeg, orientation=described.orientation)  # another one was added since
    if jpeg.frame_digest != described.frame_digest or jpeg.sampling != described.sampling:
        raise DamagedFileError(
            f"{picture.source} was recompressed; the exact copies no longer fit", code="recompressed"
        )
    grid = McuGrid.of(jpeg)
    for index, (face, area) in enumerate(zip(header.faces, described.areas, strict=True)):
        if even_box(grid.pixels(area)) != face.box:
            raise DamagedFileError(f"invalid header: face {index + 1} has box {face.box}, but area {area}")
    return jpeg


def changed_areas(jpeg: JpegPicture, header: Header) -> list[int]:
    """Positions of faces whose coefficients are not as they were published; not those that were erased on purpose."""
    return [
        index
        for index, (face, area) in enumerate(zip(header.faces, header_areas(header), strict=True))
        if not face.erased and area_digest(area_blocks(jpeg, area)) != face.digest
    ]


def area_digest(blocks: Sequence[Coefficients], prefix: bytes = b"") -> bytes:
    """Return the SHA-256 (32 bytes) of the coefficients of an area.

    Args:
        blocks: per component, (rows, columns, 8, 8) int16; hashed in this order, big-endian.
        prefix: is hashed before them.
    """
    digest = hashlib.sha256(prefix)
    for each in blocks:
        digest.update(np.ascontiguousarray(each).astype(">i2").data)
    return digest.digest()


def coefficient_digest(jpeg: JpegPicture) -> bytes:
    """Return the SHA-256 (32 bytes) of a picture's frame digest and all its coefficients, for a sidecar."""
    return area_digest([each.coefficients for each in jpeg.components], jpeg.frame_digest)


def area_shapes(jpeg: JpegPicture, area: Box) -> list[tuple[int, int]]:
    """Return the (rows, columns) of blocks of an area, per component."""
    return [(area.h * each.v, area.w * each.h) for each in jpeg.components]


def open_face(jpeg: JpegPicture, header: Header, index: int, key: FaceKey, seal: bytes) -> list[Coefficients]:
    """Open the seal of a face.

    Args:
        jpeg: the protected picture.
        header: its header.
        index: the face's position.
        key: its key.
        seal: its seal.

    Returns:
        The original coefficients of its area, per component (rows, columns, 8, 8) int16.

    Raises:
        DamagedFileError: if the seal does not belong to this face and picture, or is damaged.
    """
    code = open_coefficient_seal(key, seal, header_seal_context(header, index))
    shapes = [(rows, columns, BLOCK, BLOCK) for rows, columns in area_shapes(jpeg, header_areas(header)[index])]
    return list(decode_coefficients(code, shapes, [each.table for each in jpeg.components]))

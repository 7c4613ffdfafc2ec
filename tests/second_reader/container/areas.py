"""What the header says of a picture's pixels (docs/format.md, sections 1.5 and 2)."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from .carriers import Bytes, Picture
from .fields import Box, require
from .header import Face, Header


def cut(array: Bytes, box: Box) -> Bytes:
    """The pixels of a box."""
    x, y, w, h = box
    return np.ascontiguousarray(array[y : y + h, x : x + w])


def region_digest(rgb: Bytes, reserved: int) -> bytes:
    """SHA-256 of a region, with the lowest bits of its reserved samples cleared."""
    samples = rgb.reshape(-1).copy()
    samples[:reserved] &= 254
    return sha256(samples.tobytes()).digest()


def regions_match(header: Header, picture: Picture) -> bool:
    """Whether the digests of all faces are those of the picture; those of erased faces need not be."""
    return all(
        region_digest(cut(picture.rgb, face.box), header.reserved[face.index]) == face.digest
        for face in header.faces
        if not face.erased
    )


def check(header: Header, picture: Picture) -> None:
    """Size, digests, alpha and edges."""
    require(picture.rgb.shape[:2] == (header.height, header.width), "a header of a picture of another size")
    require(regions_match(header, picture), "a region that was changed")
    for face in header.faces:
        if header.footprints and not face.erased:
            _check_area(header, face, picture)


def _check_area(header: Header, face: Face, picture: Picture) -> None:
    footprint = header.footprint(face)
    area = footprint.area(face.box)
    alpha = 255 if picture.alpha is None else cut(picture.alpha, area)
    require(bool(np.all(alpha == np.uint8(footprint.alpha))), "alpha that was changed")
    found = cut(picture.rgb, area)
    w, h = face.box[2:]
    nearest = np.pad(found[:h, :w] & 254, ((0, area[3] - h), (0, area[2] - w), (0, 0)), mode="edge")
    nearest[:h, :w] = found[:h, :w]
    require(np.array_equal(found, nearest), "an edge that was changed")

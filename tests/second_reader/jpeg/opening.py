"""Opening the faces of a JPEG file: coefficients out of seals (docs/format.md, sections 1.7 and 5)."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from ..container.extensions import Coefficients
from ..container.fields import require
from ..container.header import Face, Header
from ..container.seals import unsealed
from . import coefficient_code
from .frame import Frame

CODEC = 3


def matches(header: Header, frame: Frame) -> bool:
    """Whether the frame and the digests of all faces are those of the picture; those of erased faces need not be.

    The picture gets the header's orientation, whatever another program has made of it.
    """
    said = header.coefficients
    if said is None:
        return False
    frame.orientation = said.orientation
    if said.frame_digest != frame.frame_digest or said.sampling != frame.sampling:
        return False
    digests = {face.index: sha256(frame.coefficient_bytes(said.areas[face.index])).digest() for face in header.faces}
    return all(face.erased or digests[face.index] == face.digest for face in header.faces)


def open_face(header: Header, face: Face, seal: bytes, key: bytes, frame: Frame) -> None:
    """Put the original coefficients of a face into `frame`."""
    said = header.coefficients
    assert said is not None
    area = said.areas[face.index]
    context = header.context(face) + header.width.to_bytes(4) + header.height.to_bytes(4) + face.digest
    codec, content = unsealed(seal, key, context + _bound(said, face))
    require(codec == CODEC, "an unknown codec")
    places = [frame.blocks_of(component, area) for component in frame.components]
    sizes = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in places]
    found = coefficient_code.decode(content, sizes, [component.steps for component in frame.components])
    for component, place, values in zip(frame.components, places, found, strict=True):
        component.blocks[place] = values.reshape(*values.shape[:2], 64).astype(np.int32)


def _bound(said: Coefficients, face: Face) -> bytes:
    return said.frame_digest + b"".join(number.to_bytes(2) for number in said.areas[face.index])

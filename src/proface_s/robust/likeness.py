"""Codes of faces: what the entries of a share copy hold, once decrypted.  A directory names the codec of each face."""

from __future__ import annotations

from typing import Final

import numpy.typing as npt

from ..errors import DamagedFileError
from ..types import UInt8Image
from .face_codec.codec import decode_face, encode_face

FACE_CODE: Final = 1
CODEC: Final = FACE_CODE
"""Codec of new share copies."""


def encode_likeness(pixels: UInt8Image, length: int, points: npt.ArrayLike | None = None) -> bytes:
    """Encode a region with the codec `CODEC`; `decode_likeness` is the inverse, with loss.

    Args:
        pixels: (h, w, 3) uint8 sRGB, the region of the face.
        length: of the code in bytes: it never tells anything about the face.
        points: (5, 2) landmarks in pixels of the region, as in `Face.landmarks`, or None if they are not known.

    Raises:
        ValueError: if the length is too small for a code.
        ModelError: if a file of the codec is missing or altered.
    """
    return encode_face(pixels, length, points)


def decode_likeness(codec: int, code: bytes, cover: UInt8Image) -> UInt8Image:
    """Lay the face of a code over its cover; inverse of `encode_likeness`.

    Args:
        codec: of the directory.
        code: authenticated bytes.
        cover: (h, w, 3) uint8 sRGB, what the received picture shows in the face's place.

    Returns:
        (h, w, 3) uint8 sRGB.

    Raises:
        DamagedFileError: if there is no such codec.
        ModelError: if a file of the codec is missing or altered.
    """
    if codec != FACE_CODE:
        raise DamagedFileError(f"a face of the share copy has codec {codec}", code="newer-version")
    return decode_face(code, cover.shape[1], cover.shape[0]).over(cover)

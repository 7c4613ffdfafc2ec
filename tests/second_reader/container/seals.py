"""Opening a seal (docs/format.md, section 5)."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from PIL import Image

from ..keys.derivations import derive
from ..outcomes import Damaged
from .carriers import Bytes
from .fields import Fields, require
from .header import Face, Header

CODECS = {1: "PNG", 2: "WEBP"}


def open_seal(seal: bytes, face_key: bytes, face: Face, header: Header) -> Bytes:
    """The original area (h, w, 3), or (h, w, 4) where alpha varied.  The face's digest has been checked before."""
    footprint = header.footprint(face)
    extent = header.width.to_bytes(4) + header.height.to_bytes(4)
    context = header.context(face) + extent + face.digest + (b"" if footprint.plain else bytes(footprint))
    codec, content = unsealed(seal, face_key, context)
    require(codec in CODECS, "an unknown codec")
    return _decoded(content, CODECS[codec], footprint.area(face.box)[2:], "RGBA" if footprint.varied else "RGB")


def unsealed(seal: bytes, face_key: bytes, context: bytes) -> tuple[int, bytes]:
    """The codec and the content of a seal that opens."""
    require(len(seal) >= 12 + 5 + 16, "a seal that is too short")
    try:
        payload = ChaCha20Poly1305(derive(face_key, "seal")).decrypt(seal[:12], seal[12:], context)
    except InvalidTag as error:
        raise Damaged("a seal that was altered") from error
    fields = Fields(payload)
    return fields.number(1), fields.take(fields.number(4))


def _decoded(content: bytes, codec: str, size: tuple[int, int], mode: str) -> Bytes:
    try:
        image = Image.open(BytesIO(content), formats=[codec])
        require(image.size == size and image.mode == mode, "content of another size or kind")
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise Damaged("content that is not a picture of the codec") from error
    return np.array(image)

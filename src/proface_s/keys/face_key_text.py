"""The key of one face as text, to be copied, written down or shown as a QR code, and given to the person it shows.

::

    pfk1...   Bech32m of   version u8 = 1 | face index u16 | slot tag, 8 bytes | face key, 32 bytes

The text has 79 characters.  The tag is the beginning of the SHA-256 of the face's slot in the header.  It identifies
the key of another file, or of another protection of the same photo, before anything is tried, and is not secret.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from ..errors import UsageError
from .bech32 import decode_bech32, encode_bech32
from .derive import KEY_BYTES
from .secrets import FaceKey

PREFIX: Final = "pfk"
TAG_BYTES: Final = 8
_VERSION: Final = 1
_LENGTH: Final = 3 + TAG_BYTES + KEY_BYTES


@dataclass(frozen=True, slots=True)
class PortableFaceKey:
    """The key of one face, with the face and the file that it belongs to.

    Attributes:
        index: the face's position in the header, 0..65535.
        tag: the first 8 bytes of the slot's SHA-256.
        key: the face key itself; never shown by ``repr``.
    """

    index: int
    tag: bytes
    key: FaceKey

    def belongs_to(self, index: int, slot_digest: bytes) -> bool:
        """Return whether this is the key of the face with this index and slot."""
        return index == self.index and hmac.compare_digest(self.tag, slot_digest[:TAG_BYTES])


def encode_face_key(face_key: PortableFaceKey) -> str:
    """Encode a face key as text; `decode_face_key` is the inverse."""
    head = bytes([_VERSION]) + face_key.index.to_bytes(2, "big") + face_key.tag
    return encode_bech32(PREFIX, head + face_key.key.reveal())


def decode_face_key(text: str) -> PortableFaceKey:
    """Decode a face key; inverse of `encode_face_key`.  White space is ignored, because mail programs break lines.

    Raises:
        UsageError: if the text is not a face key or has a typing error; the message does not repeat it.
    """
    try:
        data = decode_bech32("".join(text.split()), PREFIX)
        if not data or data[0] != _VERSION:
            raise ValueError("it was made by a later version")
        if len(data) != _LENGTH:
            raise ValueError("its length is wrong")
    except ValueError as problem:
        raise UsageError(f"the face key is not usable: {problem}", code="bad-face-key") from None
    index, tag = int.from_bytes(data[1:3], "big"), data[3 : 3 + TAG_BYTES]
    return PortableFaceKey(index, tag, FaceKey(data[3 + TAG_BYTES :]))

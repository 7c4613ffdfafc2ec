"""One face's key as text: to be copied, written down or drawn, and given to whom the face belongs.

::

    pfk1...   Bech32m of   version u8 = 1 | face index u16 | slot tag, 8 bytes | face key, 32 bytes

79 characters.  The tag is the beginning of the SHA-256 of the face's slot in the header: with it the key of another
file, or of another protection of the same photo, is recognised as such before anything is tried.  It is no secret.
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
    """The key of one face, and which face of which file it belongs to.

    Attributes:
        index: the face's number in the header, 0..65535.
        tag: 8 bytes, the first of the slot's SHA-256.
        key: the face key itself; never shown by ``repr``.
    """

    index: int
    tag: bytes
    key: FaceKey

    def belongs_to(self, index: int, slot_digest: bytes) -> bool:
        """Whether it is the key of that face of that file."""
        return index == self.index and hmac.compare_digest(self.tag, slot_digest[:TAG_BYTES])


def encode_face_key(face_key: PortableFaceKey) -> str:
    """The text of a face key.  `decode_face_key` is the inverse."""
    head = bytes([_VERSION]) + face_key.index.to_bytes(2, "big") + face_key.tag
    return encode_bech32(PREFIX, head + face_key.key.reveal())


def decode_face_key(text: str) -> PortableFaceKey:
    """Read a face key; white space anywhere in it is ignored, because mail programs break lines.

    Raises:
        UsageError: it is none, or has a typing error.  The text is not repeated.
    """
    try:
        data = decode_bech32("".join(text.split()), PREFIX)
        if not data or data[0] != _VERSION:
            raise ValueError("it is of a later version")
        if len(data) != _LENGTH:
            raise ValueError("its length is wrong")
    except ValueError as problem:
        raise UsageError(
            f"the face key is not usable: {problem}", "copy it again, from pfk1 to its last character"
        ) from None
    index, tag = int.from_bytes(data[1:3], "big"), data[3 : 3 + TAG_BYTES]
    return PortableFaceKey(index, tag, FaceKey(data[3 + TAG_BYTES :]))

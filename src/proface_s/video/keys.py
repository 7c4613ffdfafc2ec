"""The key of a video, from which a separate key is derived for every face of every frame."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from typing import Final

from ..keys.derive import subkey
from ..keys.secrets import MODEL_ID_BYTES, FaceKey, Secret
from ..types import Box

STREAM_BYTES: Final = 16
TAG_BYTES: Final = 16
_CONTEXT: Final = struct.Struct(">B16sQHIIII16s")
_VERSION: Final = 1


class VideoKey(Secret):
    """The key of all faces of the streams that were protected with it.

    A face's key is HKDF-SHA256 of this key, bound to stream, frame, face, box and model.  A fresh stream id is drawn
    whenever a stream is protected, so that no two frames share a one-time pad: neither two of one stream, nor the same
    frame of two runs under one key.
    """

    __slots__ = ()

    def face_key(self, stream: bytes, frame: int, face: int, box: Box, model_id: bytes) -> FaceKey:
        """Return the key of one face.

        Args:
            stream: 16 bytes, see `new_stream`.
            frame: number of the frame in its stream, 0..2**64 - 1.
            face: position of the face in its frame, from 0, at most 65535.
            box: the protected region.
            model_id: 16 bytes.

        Raises:
            ValueError: if an argument is out of range.
        """
        if len(stream) != STREAM_BYTES or len(model_id) != MODEL_ID_BYTES:
            raise ValueError(f"stream and model ids have 16 bytes, not {len(stream)} and {len(model_id)}")
        try:
            context = _CONTEXT.pack(_VERSION, stream, frame, face, box.x, box.y, box.w, box.h, model_id)
        except struct.error as error:
            raise ValueError(f"frame {frame}, face {face + 1} at {box}: {error}") from None
        return FaceKey(subkey(self.reveal(), "video-face", context))

    def tag(self, covered: bytes, version: int = 2) -> bytes:
        """Authenticate a record.

        Args:
            covered: canonical bytes of the record, see `FrameRecord.covered`.
            version: version of the record.  Each has its own subkey, so that none can be passed off as another.

        Returns:
            16 bytes of HMAC-SHA256.
        """
        label = "video-record" if version == 1 else "video-record-2"
        return hmac.new(subkey(self.reveal(), label), covered, hashlib.sha256).digest()[:TAG_BYTES]

    def verify_tag(self, covered: bytes, tag: bytes, version: int = 2) -> bool:
        """Return whether ``tag`` is the `tag` of these bytes, in constant time."""
        return hmac.compare_digest(self.tag(covered, version), tag)


def new_stream() -> bytes:
    """Draw a stream's id: 16 random bytes, public."""
    return secrets.token_bytes(STREAM_BYTES)

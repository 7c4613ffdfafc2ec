"""Frame records: the data, besides the key, that recovers a frame; public, small and authenticated by the key."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Final

from ..errors import DamagedFileError
from ..types import Box
from .keys import STREAM_BYTES, TAG_BYTES

MAX_FACES: Final = 65535
_MAX_SIDE: Final = 2**31 - 1
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """The protected faces of one frame.

    Attributes:
        stream: id of the stream, 16 bytes.
        index: number of the frame in it, from 0.
        model_id: 16 bytes.
        boxes: the protected regions, disjoint.
        digests: SHA-256 of each region's protected pixels, 32 bytes.
        tag: 16 bytes with which the video's key authenticates all other fields (`VideoKey.tag`).
        frame_digest: `picture_digest` of the whole protected frame, 32 bytes; empty in records of early versions, which
            cannot show that a frame without faces was exchanged.
        last: whether the clip ends with this frame.
    """

    stream: bytes
    index: int
    model_id: bytes
    boxes: tuple[Box, ...] = ()
    digests: tuple[bytes, ...] = ()
    tag: bytes = b""
    frame_digest: bytes = b""
    last: bool = False

    @property
    def version(self) -> int:
        """Version of the record, 1 or 2, on which its tag depends (`VideoKey.tag`)."""
        return 2 if self.frame_digest else 1

    def covered(self) -> bytes:
        """Return the canonical bytes that the tag covers: everything but the tag, big-endian."""
        faces = b"".join(
            struct.pack(">IIII", box.x, box.y, box.w, box.h) + digest
            for box, digest in zip(self.boxes, self.digests, strict=True)
        )
        whole = self.frame_digest + bytes([self.last]) if self.frame_digest else b""
        return whole + self.stream + struct.pack(">QI", self.index, len(self.boxes)) + self.model_id + faces


def encode_frame_record(record: FrameRecord) -> str:
    """Serialise a record as one line of JSON, without its line end; `decode_frame_record` is the inverse."""
    faces = [
        {"box": [box.x, box.y, box.w, box.h], "sha256": digest.hex()}
        for box, digest in zip(record.boxes, record.digests, strict=True)
    ]
    whole = {"sha256": record.frame_digest.hex(), "last": record.last} if record.frame_digest else {}
    return json.dumps(
        {"stream": record.stream.hex(), "frame": record.index, "model": record.model_id.hex(), "faces": faces, **whole,
         "tag": record.tag.hex()}
    )  # fmt: skip


def decode_frame_record(text: str) -> FrameRecord:
    """Parse a record; inverse of `encode_frame_record`.

    Raises:
        DamagedFileError: if the text is not a record.
    """
    try:
        found = json.loads(text)
        faces = found["faces"]
        record = FrameRecord(
            _bytes(found["stream"], STREAM_BYTES), _number(found["frame"], 2**64 - 1), _bytes(found["model"], 16),
            tuple(_box(face["box"]) for face in faces), tuple(_bytes(face["sha256"], _DIGEST_BYTES) for face in faces),
            _bytes(found["tag"], TAG_BYTES), *_frame_fields(found),
        )  # fmt: skip
        if len(faces) > MAX_FACES:
            raise ValueError("too many faces")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedFileError(f"a frame's record is damaged: {error}") from None
    return record


def _frame_fields(found: dict[str, object]) -> tuple[bytes, bool]:
    """Return (digest of the whole frame, whether it is the last); (b"", False) in records of early versions."""
    if "sha256" not in found and "last" not in found:
        return b"", False
    last = found["last"]
    if not isinstance(last, bool):
        raise ValueError("true or false expected")
    return _bytes(found["sha256"], _DIGEST_BYTES), last


def _bytes(text: object, length: int) -> bytes:
    if not isinstance(text, str) or len(text) != 2 * length:
        raise ValueError(f"{2 * length} hexadecimal digits expected")
    return bytes.fromhex(text)


def _number(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"a whole number from 0 to {most} expected")
    return value


def _box(values: object) -> Box:
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError("a box has four numbers")
    return Box(*(_number(value, _MAX_SIDE) for value in values))

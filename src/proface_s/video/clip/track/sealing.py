"""Seal the track of a person in a chunk: small pictures of the face, in H.264, under the person's key.

::

    sealed   = ciphertext | tag (16)                     ChaCha20-Poly1305, key of the chunk, nonce of zeros
    payload  = width u16 | height u16 | bits u8 | frames u16 | per frame: offset in the chunk u16, x u16, y u16
               packets u16 | lengths u32 | packets | zeros up to a multiple of 2048 bytes

Each chunk of each person has a key of its own, which is used once; hence the nonce.  What is sealed is bound to the
clip, to the person, and to the table of the chunk with its number, times and boxes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ....container.byte_reader import ByteReader
from ....errors import DamagedFileError
from ....keys.secrets import FaceKey
from ....types import Box
from ..engine import packet_of
from ..plane_covers import paste_planes
from ..planes import EIGHT, TEN, FramePlanes, read_planes, write_planes
from .tables import MAX_CHUNK_FRAMES

PADDING: Final = 2048
LARGEST_WINDOW: Final = 16384
_TUNED: Final = 3.0
"""Added to the constant rate factor: without adjustments for the eye, the same error takes a tenth fewer bytes.  What
is sealed is compressed again when it is recovered; so it should be near to what it was, not only look like it."""

_ONCE: Final = bytes(12)
_HEAD: Final = struct.Struct(">HHBH")
_PLACE: Final = struct.Struct(">3H")
_LABEL: Final = b"proface-s clip"


class PicturePlace(NamedTuple):
    """Where a picture of a track belongs: the frame's offset in its chunk, and the left upper corner in the frame."""

    offset: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class FaceTrackPayload:
    """Pictures of one person in one chunk, as they are sealed.

    Attributes:
        size: (width, height) of every picture.
        ten_bits: whether samples have 10 bits.
        places: of the pictures.
        packets: of H.264, with start codes.
    """

    size: tuple[int, int]
    ten_bits: bool
    places: tuple[PicturePlace, ...]
    packets: tuple[bytes, ...]


def seal_track(key: FaceKey, payload: FaceTrackPayload, stream: bytes, number: int, face: int, table: bytes) -> bytes:
    """Encrypt a track; `open_track` is the inverse.

    Args:
        key: of the person.
        payload: what to seal.
        stream: id of the clip.
        number: of the chunk.
        face: index of the person.
        table: bytes of the chunk's table.
    """
    plain = _encode(payload)
    plain += bytes(-len(plain) % PADDING)
    return ChaCha20Poly1305(key.chunk_key(stream, number)).encrypt(_ONCE, plain, _bound(stream, face, table))


def open_track(key: FaceKey, sealed: bytes, stream: bytes, number: int, face: int, table: bytes) -> FaceTrackPayload:
    """Decrypt a track; inverse of `seal_track`.

    Raises:
        DamagedFileError: if it was altered, belongs elsewhere, or is malformed.
    """
    try:
        plain = ChaCha20Poly1305(key.chunk_key(stream, number)).decrypt(_ONCE, sealed, _bound(stream, face, table))
    except InvalidTag:
        raise DamagedFileError(f"the sealed track of person {face + 1} was altered", code="altered-chunk") from None
    return _decode(plain)


def seal_piece(key: bytes, piece: bytes, stream: bytes, number: int) -> bytes:
    """Encrypt a piece of the original file; `open_piece` is the inverse.

    Args:
        key: of the piece.
        piece: its bytes.
        stream: id of the clip.
        number: of the piece.
    """
    return ChaCha20Poly1305(key).encrypt(_ONCE, piece, _LABEL + stream + number.to_bytes(4, "big"))


def open_piece(key: bytes, sealed: bytes, stream: bytes, number: int) -> bytes:
    """Decrypt a piece; inverse of `seal_piece`.

    Raises:
        DamagedFileError: if it was altered.
    """
    try:
        return ChaCha20Poly1305(key).decrypt(_ONCE, sealed, _LABEL + stream + number.to_bytes(4, "big"))
    except InvalidTag:
        raise DamagedFileError(f"piece {number + 1} of the original was altered", code="altered-chunk") from None


class TrackEncoder:
    """Encodes the pictures of one person in one chunk.

    Only a part of each picture is needed.  Around it, the picture stays as it was before, which costs next to nothing.

    Args:
        av: the library.
        size: (width, height), even.
        ten_bits: whether samples have 10 bits.
        crf: constant rate factor of x264.
    """

    def __init__(self, av: Any, size: tuple[int, int], ten_bits: bool, crf: float) -> None:
        from fractions import Fraction

        self._av, self._size, self._ten = av, size, ten_bits
        self._places: list[PicturePlace] = []
        self._packets: list[bytes] = []
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = size
        context.pix_fmt = TEN if ten_bits else EIGHT
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        context.options = {"preset": "medium", "tune": "psnr", "crf": f"{crf + _TUNED:g}"}
        context.gop_size, context.thread_count = MAX_CHUNK_FRAMES, 1
        self._context = context
        self._picture: FramePlanes | None = None

    def add(self, place: PicturePlace, part: FramePlanes, at: tuple[int, int]) -> None:
        """Take the next picture.

        Args:
            place: of the picture.
            part: what is needed of it; of even size.
            at: (x, y) of the part in the picture; even.
        """
        box = Box(*at, *part.size)
        if self._picture is None:
            self._picture = _extended(part, box, self._size)
        paste_planes(self._picture, box, part)
        frame = write_planes(self._av, self._picture)
        frame.pts = len(self._places)
        self._places.append(place)
        self._packets += [bytes(packet) for packet in self._context.encode(frame)]

    def finish(self) -> FaceTrackPayload:
        """Return all pictures."""
        self._packets += [bytes(packet) for packet in self._context.encode(None)]
        return FaceTrackPayload(self._size, self._ten, tuple(self._places), tuple(self._packets))


def _extended(part: FramePlanes, box: Box, size: tuple[int, int]) -> FramePlanes:
    """Return a picture of (width, height) with a part of it in a box; the part's edges are repeated around it."""
    left, top, right, bottom = box.x, box.y, size[0] - box.right, size[1] - box.bottom
    return FramePlanes(*(
        np.pad(plane, ((top // unit, bottom // unit), (left // unit, right // unit)), mode="edge")
        for plane, unit in zip(part, (1, 2, 2), strict=True)
    ))  # fmt: skip


def decode_track(av: Any, payload: FaceTrackPayload) -> Iterator[tuple[PicturePlace, FramePlanes]]:
    """Yield the pictures of a track, with their places; inverse of `TrackEncoder`.

    Raises:
        DamagedFileError: if they are not what the payload says.
    """
    context = av.CodecContext.create("h264", "r")
    context.thread_count = 1
    places = iter(payload.places)
    wanted = TEN if payload.ten_bits else EIGHT
    try:
        for packet in (*payload.packets, None):
            for frame in context.decode(None if packet is None else packet_of(av, packet)):
                if (frame.width, frame.height) != payload.size or frame.format.name != wanted:
                    raise DamagedFileError("a sealed picture has another size or depth than its track")
                place = next(places, None)
                if place is None:
                    raise DamagedFileError("a sealed track has more pictures than places")
                yield place, read_planes(frame)
    except av.FFmpegError:
        raise DamagedFileError("a sealed track cannot be decoded") from None
    if next(places, None) is not None:
        raise DamagedFileError("a sealed track has fewer pictures than places")


def _bound(stream: bytes, face: int, table: bytes) -> bytes:
    return _LABEL + stream + face.to_bytes(2, "big") + hashlib.sha256(table).digest()


def _encode(payload: FaceTrackPayload) -> bytes:
    head = _HEAD.pack(*payload.size, 10 if payload.ten_bits else 8, len(payload.places))
    lengths = [len(packet).to_bytes(4, "big") for packet in payload.packets]
    places = [_PLACE.pack(*place) for place in payload.places]
    return b"".join([head, *places, len(lengths).to_bytes(2, "big"), *lengths, *payload.packets])


def _decode(plain: bytes) -> FaceTrackPayload:
    reader = ByteReader(plain, "sealed track")
    width, height, bits, frames = _HEAD.unpack(reader.take(_HEAD.size, "its head"))
    if bits not in (8, 10) or frames > MAX_CHUNK_FRAMES or max(width, height) > LARGEST_WINDOW:
        raise DamagedFileError("invalid sealed track: its head is out of range")
    places = tuple(PicturePlace(*_PLACE.unpack(reader.take(_PLACE.size, "a place"))) for _ in range(frames))
    count = reader.count(2, 2 * MAX_CHUNK_FRAMES, "packets")
    lengths = [reader.integer(4, "a length") for _ in range(count)]
    packets = tuple(reader.take(length, "a packet") for length in lengths)
    return FaceTrackPayload((width, height), bits == 10, places, packets)

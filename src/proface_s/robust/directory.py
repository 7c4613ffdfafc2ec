"""The directory of a share copy: the public list of what is hidden in it, in bytes and back.

docs/format.md, section 9, has the layout byte by byte.  Everything in it is a function of the boxes, the size of the
picture, the keys' kinds and the writer's options, never of a face's pixels.  Readers trust nothing in it before its
CRC-32 has been checked, and no length afterwards before it has been compared with what the picture can hold.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from ..errors import DamagedFileError
from ..types import Box
from .regions import REGIONS, Region

VERSION: Final = 1
SALT_BYTES: Final = 16
LENGTHS: Final = (40, 64, 128, 256)
"""Lengths in bytes that a directory can have, padding and CRC included."""

UNIT: Final = 4  # pixels; boxes of the directory lie on this grid
MOST_SIDE: Final = 4092
_HEAD: Final = struct.Struct(">BBB3s16sBB")
_FACE: Final = struct.Struct(">5sBBH")
_CRC: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class SharedFace:
    """One face of a share copy.

    Attributes:
        box: where it is at canonical size, on a grid of 4 pixels.
        group: 0: its key is derived from a passphrase directly; otherwise the number of its key group, 1 to 15.
        base_bytes: length of its entry in the base layer; 0 if it has none.
        fine_bytes: length of its entry in the fine layer; 0 if it has none.
        codec: what its entries hold, once decrypted: 0 to 15.
    """

    box: Box
    group: int
    base_bytes: int
    fine_bytes: int
    codec: int = 1


@dataclass(frozen=True, slots=True)
class KeyStanza:
    """One way to open the faces of a key group.

    Attributes:
        group: number of the group, from 1.
        kind: 1 passphrase, 2 recipient.
        body: 32 bytes wrapped key, for a recipient preceded by the 32 bytes of an ephemeral public key.
    """

    group: int
    kind: int
    body: bytes


STANZA_BYTES: Final = {1: 32, 2: 64}


@dataclass(frozen=True, slots=True)
class ShareDirectory:
    """What a share copy says about itself.

    Attributes:
        width: of the picture at canonical size, in pixels.
        height: the same.
        region: which blocks carry.
        salt: 16 random bytes: Argon2id's salt, and the seed of the carriers' order.
        passes: Argon2id passes.
        memory_log: binary logarithm of Argon2id's memory in KiB.
        lanes: Argon2id lanes.
        faces: in order.
        stanzas: ways to open key groups.
    """

    width: int
    height: int
    region: Region
    salt: bytes
    passes: int
    memory_log: int
    lanes: int
    faces: tuple[SharedFace, ...]
    stanzas: tuple[KeyStanza, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height


def directory_length(faces: int, stanza_kinds: tuple[int, ...] = ()) -> int | None:
    """Return the encoded length of a directory, one of `LENGTHS`; None if it would be too long."""
    used = _HEAD.size + faces * _FACE.size + sum(1 + STANZA_BYTES[kind] for kind in stanza_kinds) + _CRC.size
    return next((length for length in LENGTHS if length >= used), None)


def encode_directory(directory: ShareDirectory) -> bytes:
    """Serialise a directory; `decode_directory` is the inverse.

    Raises:
        ValueError: if a field is out of range or the result would be too long.
    """
    length = directory_length(len(directory.faces), tuple(each.kind for each in directory.stanzas))
    if length is None:
        raise ValueError(f"{len(directory.faces)} faces and {len(directory.stanzas)} stanzas do not fit")
    _check_fields(directory)
    head = _HEAD.pack(
        VERSION << 4 | REGIONS.index(directory.region),
        directory.passes << 4 | directory.lanes,
        directory.memory_log,
        (directory.width << 12 | directory.height).to_bytes(3, "big"),
        directory.salt,
        len(directory.faces),
        len(directory.stanzas),
    )
    faces = b"".join(
        _FACE.pack(_pack_box(face.box), face.codec << 4 | face.group, face.base_bytes, face.fine_bytes)
        for face in directory.faces
    )
    stanzas = b"".join(bytes([each.group << 4 | each.kind]) + each.body for each in directory.stanzas)
    body = (head + faces + stanzas).ljust(length - _CRC.size, b"\0")
    return body + _CRC.pack(zlib.crc32(body))


def decode_directory(data: bytes) -> ShareDirectory:
    """Parse a directory; inverse of `encode_directory`.

    Raises:
        DamagedFileError: if the bytes are no directory, or break a rule of the format.
    """
    if len(data) not in LENGTHS or zlib.crc32(data[: -_CRC.size]) != _CRC.unpack(data[-_CRC.size :])[0]:
        raise DamagedFileError("the share copy's directory is damaged")
    first, cost, memory_log, size, salt, faces, stanzas = _HEAD.unpack_from(data)
    if first >> 4 != VERSION:
        raise DamagedFileError(f"the share copy's directory has version {first >> 4}, which is unknown")
    if first & 15 >= len(REGIONS):
        raise DamagedFileError("the share copy's directory names an unknown region")
    at, end = _HEAD.size, len(data) - _CRC.size
    if at + faces * _FACE.size > end:
        raise DamagedFileError(f"the share copy's directory claims {faces} faces, more than it has room for")
    listed = tuple(_unpack_face(data, at + number * _FACE.size) for number in range(faces))
    at += faces * _FACE.size
    found = []
    for _ in range(stanzas):
        kind = data[at] & 15 if at < end else 0
        stop = at + 1 + STANZA_BYTES.get(kind, end)
        if stop > end:
            raise DamagedFileError("the share copy's directory ends inside a stanza, or has one of an unknown kind")
        found.append(KeyStanza(data[at] >> 4, kind, data[at + 1 : stop]))
        at = stop
    packed = int.from_bytes(size, "big")
    directory = ShareDirectory(
        packed >> 12, packed & 0xFFF, REGIONS[first & 15], salt, cost >> 4, memory_log, cost & 15, listed, tuple(found)
    )
    try:
        _check_fields(directory)
    except ValueError as error:
        raise DamagedFileError(f"the share copy's directory is invalid: {error}") from None
    if any(data[at:end]):
        raise DamagedFileError("the share copy's directory is not padded with zeros")
    return directory


def _pack_box(box: Box) -> bytes:
    x, y, w, h = (side // UNIT for side in (box.x, box.y, box.w, box.h))
    return (x << 30 | y << 20 | w << 10 | h).to_bytes(5, "big")


def _unpack_face(data: bytes, at: int) -> SharedFace:
    box, kinds, base, fine = _FACE.unpack_from(data, at)
    packed = int.from_bytes(box, "big")
    return SharedFace(
        Box(*(UNIT * (packed >> shift & 0x3FF) for shift in (30, 20, 10, 0))), kinds & 15, base, fine, kinds >> 4
    )


def _check_fields(directory: ShareDirectory) -> None:
    """Check every rule that both writers and readers keep.

    Raises:
        ValueError: if one is broken.
    """
    if not (16 <= directory.width <= MOST_SIDE and 16 <= directory.height <= MOST_SIDE):
        raise ValueError(f"a picture of {directory.width} x {directory.height} pixels")
    if len(directory.salt) != SALT_BYTES:
        raise ValueError(f"a salt of {len(directory.salt)} bytes")
    if not (1 <= directory.passes <= 15 and 1 <= directory.lanes <= 15 and 10 <= directory.memory_log <= 20):
        raise ValueError("a cost of Argon2id outside its range")
    if not directory.faces:
        raise ValueError("no face")
    groups = {each.group for each in directory.stanzas}
    for stanza in directory.stanzas:
        if not 1 <= stanza.group <= 15 or len(stanza.body) != STANZA_BYTES.get(stanza.kind):
            raise ValueError("a stanza of another kind or length")
    for face in directory.faces:
        box = face.box
        if any(side % UNIT for side in (box.x, box.y, box.w, box.h)) or min(box.w, box.h) <= 0 or min(box.x, box.y) < 0:
            raise ValueError(f"a box {box} off the grid")
        if box.right > directory.width or box.bottom > directory.height:
            raise ValueError(f"a box {box} outside the picture")
        if not (0 <= face.group <= 15 and 0 <= face.codec <= 15) or (face.group and face.group not in groups):
            raise ValueError(f"a face of group {face.group}, which nothing opens")
        if not (0 <= face.base_bytes <= 255 and 0 <= face.fine_bytes <= 0xFFFF and face.base_bytes + face.fine_bytes):
            raise ValueError("a face of no length")

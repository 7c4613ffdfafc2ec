"""The content of an in-pixel record: everything that the recovery of one face from its own pixels needs.

::

    version u8 | flags u8 | model id 16 | samples reserved u16
    | width | height | x | y | w | h | index | group      (numbers: LEB128)
    | number of stanzas u8 | stanzas, as in a header | slot, to the end

`RecordMessage.of` takes a message from a header, and `encode_record_message` / `decode_record_message` serialise and
parse it; `headers_from_records` puts the messages of one picture together again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ...errors import DamagedFileError, FileFormatError
from ...keys.secrets import MODEL_ID_BYTES
from ...types import Box, WrongKey
from ..byte_reader import ByteReader
from ..header.header import DIGEST_BYTES, FaceEntry, Group, Header, slot_digest
from ..header.header_bytes import decode_stanzas, encode_stanzas
from ..header.stanzas import Stanza
from ..header.validation import MAX_FACES, MAX_GROUPS, check_header
from .pixel_records import FoundRecord

RECORD_VERSION: Final = 1
UNKNOWN: Final = "unknown"
"""Style of a face known from its record alone: records do not hold the style."""

_SEALED: Final = 1
_COVER_MODE: Final = 2
_MAX_NUMBER_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class RecordMessage:
    """One record: the part of a header that concerns one face; attributes as in `Header` and `FaceEntry`.

    Attributes:
        reserved: how many samples the flow left out, which may be more than this record needs.
    """

    width: int
    height: int
    model_id: bytes
    reserved: int
    index: int
    box: Box
    group: int
    stanzas: tuple[Stanza, ...]
    slot: bytes
    sealed: bool
    wrong_key: WrongKey = "noise"

    @classmethod
    def of(cls, header: Header, index: int) -> RecordMessage:
        """Take the message of one face from a header.

        Args:
            header: a header that reserves samples for records (`with_reserved_samples`).  Without, the message has the
                same length, but does not say how many samples the flow left out.
            index: the face.

        Raises:
            ValueError: if the face is forgotten, so that there is nothing to recover it with.
        """
        face = header.faces[index]
        if face.forgotten:
            raise ValueError(f"face {index + 1} is forgotten")
        stanzas, reserved = header.groups[face.group].stanzas, header.reserved(index)
        return cls(
            header.width, header.height, header.model_id, reserved, index, face.box, face.group, stanzas, face.slot,
            face.sealed, header.wrong_key,
        )  # fmt: skip

    def face_entry(self) -> FaceEntry:
        """Return a header's entry for the face, without the style and the digest, which records do not hold."""
        return FaceEntry(self.box, self.group, UNKNOWN, None, bytes(DIGEST_BYTES), self.slot, self.sealed)

    def empty_header(self) -> Header:
        """Return a header of the record's picture without groups and faces."""
        return Header(self.width, self.height, self.model_id, (), (), wrong_key=self.wrong_key)


def encode_record_message(message: RecordMessage) -> bytes:
    """Serialise a message as the bytes of a record; `decode_record_message` is the inverse."""
    box = message.box
    numbers = (message.width, message.height, box.x, box.y, box.w, box.h, message.index, message.group)
    flags = (_SEALED if message.sealed else 0) | (_COVER_MODE if message.wrong_key == "cover" else 0)
    front = bytes([RECORD_VERSION, flags]) + message.model_id + message.reserved.to_bytes(2, "big")
    stanzas = encode_stanzas(Group(message.stanzas, b""))
    return b"".join([front, *map(_encode_number, numbers), stanzas, message.slot])


def decode_record_message(data: bytes) -> RecordMessage:
    """Parse a record from untrusted bytes; inverse of `encode_record_message`.

    Raises:
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if it breaks a rule of the format.
    """
    reader = ByteReader(data, "record")
    if (version := reader.integer(1, "the version")) != RECORD_VERSION:
        raise FileFormatError(
            f"the record in the pixels uses version {version}, which is unknown", code="newer-version"
        )
    if (flags := reader.integer(1, "the flags")) & ~(_SEALED | _COVER_MODE):
        raise FileFormatError(f"the record in the pixels sets unknown flags {flags:#04x}", code="newer-version")
    model_id = reader.take(MODEL_ID_BYTES, "the model id")
    reserved = reader.integer(2, "the number of reserved samples")
    width, height, x, y, w, h, index, group = (_decode_number(reader) for _ in range(8))
    stanzas = decode_stanzas(reader)
    mode: WrongKey = "cover" if flags & _COVER_MODE else "noise"
    sealed = bool(flags & _SEALED)
    box = Box(x, y, w, h)
    message = RecordMessage(width, height, model_id, reserved, index, box, group, stanzas, reader.rest(), sealed, mode)
    _check_message(message)
    return message


def face_record(header: Header, index: int) -> bytes:
    """Return the record of one face: `encode_record_message` of `RecordMessage.of`, with the same errors."""
    return encode_record_message(RecordMessage.of(header, index))


def decode_found(found: FoundRecord, size: tuple[int, int]) -> RecordMessage:
    """Parse a record that was found in a picture of (width, height) ``size``.

    Raises:
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if it breaks a rule of the format, or its region does not lie in the picture.
    """
    message = decode_record_message(found.record)
    place = Box(found.x, found.y, message.box.w, message.box.h)
    if found.width != place.w or place.right > size[0] or place.bottom > size[1]:
        raise DamagedFileError(f"invalid record: its region {place} does not lie in the picture")
    return message


def record_agrees(header: Header, index: int, record: bytes) -> bool:
    """Return whether a record can be read and says the same about a face as the header.

    Its stanzas may have been changed since, and the face may have been forgotten.
    """
    try:
        message = decode_record_message(record)
    except FileFormatError:
        return False
    face = header.faces[index]
    of_picture = (header.wrong_key, header.model_id, header.width, header.height)
    of_face = (index, face.box, face.group, header.reserved(index), slot_digest(face.slot))
    return (*of_picture, *of_face) == (
        message.wrong_key, message.model_id, message.width, message.height,
        message.index, message.box, message.group, message.reserved, slot_digest(message.slot),
    )  # fmt: skip


def _check_message(message: RecordMessage) -> None:
    """Apply the rules of headers to a header of this face alone."""
    if message.index >= MAX_FACES or message.group >= MAX_GROUPS:
        raise DamagedFileError(f"invalid record: face {message.index + 1} of group {message.group}")
    if len(message.slot) == DIGEST_BYTES:
        raise DamagedFileError("invalid record: its face is forgotten")
    if message.reserved > 3 * message.box.area:
        raise DamagedFileError(f"invalid record: it reserves {message.reserved} samples of {message.box}")
    face = replace(message.face_entry(), group=0)
    group = Group(message.stanzas, bytes(DIGEST_BYTES))
    check_header(replace(message.empty_header(), groups=(group,), faces=(face,)))


def _encode_number(number: int) -> bytes:
    """Serialise a number as unsigned LEB128: seven bits a byte, lowest first, bit 7 set on all bytes but the last."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _decode_number(reader: ByteReader) -> int:
    """Parse the next number; inverse of `_encode_number`."""
    number = 0
    for place in range(_MAX_NUMBER_BYTES):
        byte = reader.integer(1, "a number")
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if byte == 0 and place:
                break  # every number has one encoding
            return number
    raise DamagedFileError("invalid record: a number is too long")

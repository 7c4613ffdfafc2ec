"""What an in-pixel record says: all that the recovery of one face from its own pixels needs.

::

    version u8 | flags u8 | model id 16 | samples reserved u16
    | width | height | x | y | w | h | index | group      (numbers: LEB128)
    | number of stanzas u8 | stanzas, as in a header | slot, to the end

`encode_record` takes it out of a header, `headers_from_records` puts what was found in a picture together again:
headers without MACs, digests, styles and seals, so *partial* ones, that are unlocked like whole ones.  What vouches
for a record is the face's own wrapped secret, which is bound to index, box, model and version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ...errors import DamagedFileError, FileFormatError
from ...keys.secrets import MODEL_ID_BYTES
from ...types import Box
from ..header.header import DIGEST_BYTES, FaceRecord, Group, Header, Stanza, WrongKey, reserve
from ..header.header_bytes import Reader, encode_stanzas, read_stanzas
from ..header.validation import MAX_FACES, MAX_GROUPS, check_header, check_total_cost
from .pixel_records import FoundRecord

RECORD_VERSION: Final = 1
NO_MAC: Final = b""
"""The MAC of a group that was put together from records: there is nothing to verify."""

LOST: Final = "lost"
"""Style of a face of a partial header of which no record was found."""

UNKNOWN: Final = "unknown"
"""Style of a face of which a record was found: records do not tell it."""

MAX_PARTIALS: Final = 16
_SEALED: Final = 1
_COVER_MODE: Final = 2
_MAX_NUMBER_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class FaceNotice:
    """One decoded record: the part of a header that concerns one face; attributes as there.

    ``reserved`` is how many samples the flow left out, which may be more than this record needs.
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


@dataclass(frozen=True, slots=True)
class Partial:
    """A header put together from records, and where in the picture its faces were found.

    Attributes:
        header: groups have no MAC (`NO_MAC`); faces without a record are forgotten ones of style `LOST`.  Size and
            boxes are those of the picture as it was protected.
        places: (face index, box in the picture at hand); a face may be in several places.
    """

    header: Header
    places: tuple[tuple[int, Box], ...]

    @property
    def faces(self) -> list[int]:
        """Indices of the faces that were found, ascending."""
        return sorted({index for index, _ in self.places})


def encode_record(header: Header, index: int) -> bytes:
    """The record of one face.

    Args:
        header: a header that reserves samples for records (`reserve`); without, a record of the same length results,
            but one that does not tell how many samples the flow left out.
        index: the face.

    Raises:
        ValueError: the face is forgotten: there is nothing to recover it with.
    """
    face = header.faces[index]
    if face.forgotten:
        raise ValueError(f"face {index + 1} is forgotten")
    box = face.box
    numbers = (header.width, header.height, box.x, box.y, box.w, box.h, index, face.group)
    flags = (_SEALED if face.sealed else 0) | (_COVER_MODE if header.wrong_key == "cover" else 0)
    front = bytes([RECORD_VERSION, flags]) + header.model_id + header.reserved(index).to_bytes(2, "big")
    return b"".join([front, *map(_encode_number, numbers), encode_stanzas(header.groups[face.group]), face.slot])


def decode_record(data: bytes) -> FaceNotice:
    """Inverse of `encode_record`, for data from anywhere.

    Raises:
        FileFormatError: written by a later version of the format.
        DamagedFileError: it breaks a rule of the format.
    """
    reader = Reader(data)
    version, flags = reader.integer(1, "a record"), reader.integer(1, "a record")
    if version != RECORD_VERSION or flags & ~(_SEALED | _COVER_MODE):
        raise FileFormatError(
            f"the record in the pixels uses version {version}, flags {flags:#04x}, which are unknown",
            "install a newer version of proface-s to open it",
        )
    model_id = reader.take(MODEL_ID_BYTES, "a record")
    reserved = reader.integer(2, "a record")
    width, height, x, y, w, h, index, group = (_read_number(reader) for _ in range(8))
    stanzas = read_stanzas(reader)
    mode: WrongKey = "cover" if flags & _COVER_MODE else "noise"
    sealed = bool(flags & _SEALED)
    box = Box(x, y, w, h)
    notice = FaceNotice(width, height, model_id, reserved, index, box, group, stanzas, reader.rest(), sealed, mode)
    _check_notice(notice)
    return notice


def headers_from_records(found: Iterable[FoundRecord], size: tuple[int, int]) -> list[Partial]:
    """Put records together that belong together; several pictures in one (a collage) give several headers.

    Args:
        found: what `find_records` found.
        size: (width, height) of the picture at hand.

    Returns:
        Headers for all records that can be used; those that cannot are passed over, and so is what would make more
        than `MAX_PARTIALS` headers.

    Raises:
        DamagedFileError: opening them would cost more than a header may ask for.
    """
    partials: list[Partial] = []
    for each in found:
        try:
            notice = decode_record(each.record)
        except FileFormatError:
            continue
        place = Box(each.x, each.y, notice.box.w, notice.box.h)
        if each.width != place.w or place.right > size[0] or place.bottom > size[1]:
            continue
        for number, partial in enumerate(partials):
            joined = _joined(partial, notice, place)
            if joined is not None:
                partials[number] = joined
                break
        else:
            if len(partials) < MAX_PARTIALS:
                partials.append(_started(notice, place))
    check_total_cost([group for partial in partials for group in partial.header.groups])
    return partials


def same_face(header: Header, index: int, record: bytes) -> bool:
    """Whether a record speaks of this face as the header does; the stanzas may have been changed since."""
    try:
        notice = decode_record(record)
    except FileFormatError:
        return False
    expected = decode_record(encode_record(header, index))
    return notice == replace(expected, stanzas=notice.stanzas, sealed=notice.sealed)


def _check_notice(notice: FaceNotice) -> None:
    """The rules of headers, applied to a header of this face alone."""
    if notice.index >= MAX_FACES or notice.group >= MAX_GROUPS:
        raise DamagedFileError(f"invalid record: face {notice.index + 1} of group {notice.group}")
    if len(notice.slot) == DIGEST_BYTES:
        raise DamagedFileError("invalid record: its face is forgotten")
    if notice.reserved > 3 * notice.box.area:
        raise DamagedFileError(f"invalid record: it reserves {notice.reserved} samples of {notice.box}")
    face = replace(_face(notice), group=0)
    group = Group(notice.stanzas, bytes(DIGEST_BYTES))
    check_header(replace(_empty(notice), groups=(group,), faces=(face,)))


def _face(notice: FaceNotice) -> FaceRecord:
    digest = bytes(DIGEST_BYTES)
    return FaceRecord(notice.box, notice.group, UNKNOWN, None, digest, notice.slot, notice.sealed)


def _started(notice: FaceNotice, place: Box) -> Partial:
    return Partial(_with_face(_empty(notice), notice), ((notice.index, place),))


def _empty(notice: FaceNotice) -> Header:
    return Header(notice.width, notice.height, notice.model_id, (), (), wrong_key=notice.wrong_key)


def _joined(partial: Partial, notice: FaceNotice, place: Box) -> Partial | None:
    """The header with one more face, or None where they contradict each other."""
    header = partial.header
    known = header.groups[notice.group].stanzas if notice.group < len(header.groups) else ()
    if replace(header, groups=(), faces=(), extensions=()) != _empty(notice):
        return None
    if known and known != notice.stanzas:
        return None
    if notice.index < len(header.faces) and header.faces[notice.index].style != LOST:
        if header.faces[notice.index] != _face(notice) or header.reserved(notice.index) != notice.reserved:
            return None
    else:
        header = _with_face(header, notice)
    return Partial(header, (*partial.places, (notice.index, place)))


def _with_face(header: Header, notice: FaceNotice) -> Header:
    groups, faces = list(header.groups), list(header.faces)
    groups += [Group((), NO_MAC)] * (notice.group + 1 - len(groups))
    lost = FaceRecord(Box(0, 0, 0, 0), 0, LOST, None, bytes(DIGEST_BYTES), bytes(DIGEST_BYTES), False)
    faces += [lost] * (notice.index + 1 - len(faces))
    groups[notice.group] = Group(notice.stanzas, NO_MAC)
    faces[notice.index] = _face(notice)
    counts = [header.reserved(index) for index in range(len(header.faces))]
    counts += [0] * (len(faces) - len(counts))
    counts[notice.index] = notice.reserved
    return reserve(replace(header, groups=tuple(groups), faces=tuple(faces)), counts)


def _encode_number(number: int) -> bytes:
    """Unsigned LEB128: seven bits a byte, lowest first, bit 7 set on all bytes but the last."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _read_number(reader: Reader) -> int:
    number = 0
    for place in range(_MAX_NUMBER_BYTES):
        byte = reader.integer(1, "a record")
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if byte == 0 and place:
                break  # every number has one encoding
            return number
    raise DamagedFileError("invalid record: a number is too long")

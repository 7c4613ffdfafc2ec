"""Headers put together from the records that were found in a picture.

They have no MACs, digests, styles and seals, so they are *partial*, but they unlock like whole ones.  A record is
authenticated by the face's own wrapped secret, which is bound to index, box, model and version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ...errors import DamagedFileError, FileFormatError
from ...types import Box
from ..header.header import DIGEST_BYTES, FaceEntry, Group, Header, with_reserved_samples
from ..header.validation import check_total_cost
from .pixel_records import FoundRecord
from .record_message import RecordMessage, decode_found

NO_MAC: Final = b""
"""The MAC of a group that was put together from records: there is nothing to verify."""

LOST: Final = "lost"
"""Style of a face in a partial header whose record was not found."""

MAX_PARTIAL_HEADERS: Final = 16


@dataclass(frozen=True, slots=True)
class PartialHeader:
    """A header put together from records, and where in the picture its faces were found.

    Attributes:
        header: groups have no MAC (`NO_MAC`); faces without a record are forgotten ones of style `LOST`.  Size and
            boxes are those of the picture as it was protected.
        places: (face index, box in the picture that was searched); a face may be in several places.
    """

    header: Header
    places: tuple[tuple[int, Box], ...]

    @property
    def faces(self) -> list[int]:
        """Indices of the faces that were found, ascending."""
        return sorted({index for index, _ in self.places})


def headers_from_records(found: Iterable[FoundRecord], size: tuple[int, int]) -> list[PartialHeader]:
    """Put the records of each picture together; several pictures in one (a collage) give several headers.

    Args:
        found: as `find_records` returns them.
        size: (width, height) of the picture that was searched.

    Returns:
        Headers for all usable records.  Unusable records are ignored, and so are those that would make more than
        `MAX_PARTIAL_HEADERS` headers.

    Raises:
        FileFormatError: if no record is usable, and a later version of the format wrote one of them.
        DamagedFileError: if opening them would cost more than a header may ask for.
    """
    partials: list[PartialHeader] = []
    newer: FileFormatError | None = None
    for each in found:
        try:
            message = decode_found(each, size)
        except DamagedFileError:
            continue
        except FileFormatError as error:
            newer = newer or error
            continue
        place = Box(each.x, each.y, message.box.w, message.box.h)
        for number, partial in enumerate(partials):
            joined = _joined(partial, message, place)
            if joined is not None:
                partials[number] = joined
                break
        else:
            if len(partials) < MAX_PARTIAL_HEADERS:
                header = _with_face(message.empty_header(), message)
                partials.append(PartialHeader(header, ((message.index, place),)))
    if newer and not partials:
        raise newer
    check_total_cost([group for partial in partials for group in partial.header.groups])
    return partials


def _joined(partial: PartialHeader, message: RecordMessage, place: Box) -> PartialHeader | None:
    """Return the header with one more face, or None if the two contradict each other."""
    header = partial.header
    known = header.groups[message.group].stanzas if message.group < len(header.groups) else ()
    if replace(header, groups=(), faces=(), extensions=()) != message.empty_header():
        return None
    if known and known != message.stanzas:
        return None
    if message.index < len(header.faces) and header.faces[message.index].style != LOST:
        same = header.faces[message.index] == message.face_entry()
        if not same or header.reserved(message.index) != message.reserved:
            return None
    else:
        header = _with_face(header, message)
    return PartialHeader(header, (*partial.places, (message.index, place)))


def _with_face(header: Header, message: RecordMessage) -> Header:
    """Return the header with the face and the group of a record."""
    groups, faces = list(header.groups), list(header.faces)
    groups += [Group((), NO_MAC)] * (message.group + 1 - len(groups))
    lost = FaceEntry(Box(0, 0, 0, 0), 0, LOST, None, bytes(DIGEST_BYTES), bytes(DIGEST_BYTES), False)
    faces += [lost] * (message.index + 1 - len(faces))
    groups[message.group] = Group(message.stanzas, NO_MAC)
    faces[message.index] = message.face_entry()
    counts = [header.reserved(index) for index in range(len(header.faces))]
    counts += [0] * (len(faces) - len(counts))
    counts[message.index] = message.reserved
    return with_reserved_samples(replace(header, groups=tuple(groups), faces=tuple(faces)), counts)

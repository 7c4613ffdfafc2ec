"""Space for records in the pixels of faces, and rewriting records so that they agree with the header."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt

from ...errors import DamagedFileError, FileFormatError
from ...types import Box, UInt8Image
from ..header.header import Header
from .pixel_records import FoundRecord, erase_record, read_record, record_fits, record_samples, write_record
from .record_message import decode_found, face_record, record_agrees


def planned_reserves(header: Header, most_reserved: Callable[[int, int], int]) -> list[int]:
    """Return how many leading samples the record of each face will take; 0 if the region has no room for it.

    The model must know before it runs, and the header can be locked only afterwards; but the length of a record
    depends only on what is known before.

    Args:
        header: as `plan_header` makes it.
        most_reserved: how many leading samples of a region of (height, width) the model can leave to a record.
    """
    reserves = []
    for index, face in enumerate(header.faces):
        length = len(face_record(header, index))
        samples = record_samples(length) if record_fits(face.box.w, face.box.h, length) else 0
        reserves.append(samples if samples <= most_reserved(face.box.h, face.box.w) else 0)
    return reserves


def with_current_records(rgb: UInt8Image, header: Header, faces: Collection[int] | None = None) -> UInt8Image:
    """Make in-pixel records agree with the header: rewrite them, or clear them if there can be none.

    Whatever else the reserved samples held is cleared, for all faces of the picture: behind a record there may be the
    end of a longer one, with wrapped keys that no longer count.

    Args:
        rgb: (H, W, 3) uint8, the protected picture.
        header: its header; only samples that it reserves are changed.
        faces: faces whose records are rewritten; all if None.  The records of the others stay.

    Returns:
        (H, W, 3) uint8; reserved samples differ by at most 1, all others not at all.
    """
    result = rgb.copy(order="C")
    for index, face in enumerate(header.faces):
        current = with_current_record if faces is None or index in faces else _without_leftovers
        region = _region(result, face.box)
        region[:] = current(region, header, index)
    return result


def with_current_record(region: UInt8Image, header: Header, index: int) -> UInt8Image:
    """`with_current_records` for the region of one face alone: (h, w, 3) uint8."""
    if header.faces[index].erased:
        return region
    cleared, record = erase_record(region, header.reserved(index)), _fitting_record(header, index)
    return write_record(cleared, record) if record else cleared


def leftovers(rgb: UInt8Image, header: Header) -> list[int]:
    """Faces whose reserved samples hold more than their record, such as the end of a longer, earlier one.

    Early versions of `rewrap` left that behind, with the wrapped keys of those who could open the file before.

    Args:
        rgb: (H, W, 3) uint8, the picture the header belongs to.
        header: its header.
    """
    return [index for index, face in enumerate(header.faces) if has_leftovers(rgb, face.box, header, index)]


def has_leftovers(rgb: UInt8Image, box: Box, header: Header, index: int) -> bool:
    """`leftovers` for one face, wherever in the picture it is.

    Args:
        rgb: (H, W, 3) uint8.
        box: where the face's region is, perhaps elsewhere than in its own picture.
        header: its header, perhaps one that was put together from records.
        index: its position in the header.
    """
    return not header.faces[index].erased and bool(_leftover(_region(rgb, box), header, index).any())


def _region(rgb: UInt8Image, box: Box) -> UInt8Image:
    """The pixels of a box as a view; the box lies inside the picture: headers are checked when they are read."""
    return rgb[box.y : box.bottom, box.x : box.right]


def _fitting_record(header: Header, index: int) -> bytes:
    """The record of a face as the header has it; empty if there can be none."""
    face, reserved = header.faces[index], header.reserved(index)
    if face.forgotten or not reserved:
        return b""
    record = face_record(header, index)
    fits = record_fits(face.box.w, face.box.h, len(record)) and record_samples(len(record)) <= reserved
    return record if fits else b""


def _record_end(region: UInt8Image, header: Header, index: int) -> int:
    """Number of leading samples that a face's record takes: the one in the region, or else that of the header."""
    found = None if header.faces[index].forgotten else read_record(region)
    return record_samples(len(found.record if found else _fitting_record(header, index)))


def _leftover(region: UInt8Image, header: Header, index: int) -> npt.NDArray[np.uint8]:
    """The lowest bits of the reserved samples behind a face's record: uint8, 0 or 1 each."""
    samples = region.reshape(-1)[: header.reserved(index)]
    return samples[_record_end(region, header, index) :] & np.uint8(1)


def _without_leftovers(region: UInt8Image, header: Header, index: int) -> UInt8Image:
    """A region whose reserved samples hold nothing but its record: (h, w, 3) uint8."""
    if header.faces[index].erased or not _leftover(region, header, index).any():
        return region
    result = region.copy(order="C")
    result.reshape(-1)[_record_end(region, header, index) : header.reserved(index)] &= 0xFE
    return result


def contradictions(rgb: UInt8Image, header: Header, faces: Collection[int]) -> list[int]:
    """Faces whose in-pixel record can be read and speaks of another face, key or picture than the header does.

    A record that is damaged or cleared, or breaks a rule of the format, contradicts nothing.

    Args:
        rgb: (H, W, 3) uint8, the picture the header belongs to.
        header: its header.
        faces: which faces to look at.
    """
    wrong = []
    for index in faces:
        found = record_of(rgb, header.faces[index].box)
        if found is not None and not record_agrees(header, index, found.record):
            wrong.append(index)
    return wrong


def record_of(rgb: UInt8Image, box: Box) -> FoundRecord | None:
    """Return the record that begins at the first pixel of a box.

    Args:
        rgb: (H, W, 3) uint8, the picture.
        box: a box inside it.

    Returns:
        The record; None if there is none, or it is beyond repair, or breaks a rule of the format.
    """
    found = read_record(rgb, box.x, box.y)
    try:
        if found is not None:
            decode_found(found, (rgb.shape[1], rgb.shape[0]))
    except DamagedFileError:
        return None
    except FileFormatError:
        pass  # a later version may say anything
    return found

"""Records in the pixels of faces: how much room they need, and keeping them true to the header."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..container.header import (
    DIGEST_BYTES,
    BareStanza,
    FaceRecord,
    Group,
    Header,
    PassphraseStanza,
    RecipientStanza,
    Stanza,
)
from ..container.inband import erase_record, read_record, record_fits, record_samples, write_record
from ..container.lock import KeyRing
from ..container.record import encode_record, same_face
from ..imaging.regions import cut, paste_all
from ..keys.access import Lock
from ..keys.derive import SALT_BYTES, KdfParams
from ..keys.passphrase import normalise_passphrase
from ..keys.wrap import WRAPPED_BYTES
from ..types import UInt8Image


def planned_reserves(ring: KeyRing, size: tuple[int, int], locks: Sequence[Lock]) -> list[int]:
    """How many leading samples the record of each face will need; 0 where the region has no room for it.

    The flow must know before it runs, and the header can be locked only afterwards; but a record's length depends
    on nothing but what is known now.

    Args:
        ring: the secrets the faces will be protected with.
        size: (width, height) of the picture.
        locks: one per group.
    """
    groups = tuple(Group(_stand_ins(lock, bool(ring.bare)), bytes(DIGEST_BYTES)) for lock in locks)
    faces = tuple(
        FaceRecord(box, group, "", None, bytes(DIGEST_BYTES), slot)
        for box, group, slot in zip(ring.boxes, ring.groups, ring.slots, strict=True)
    )
    header = Header(*size, ring.model_id, groups, faces, wrong_key="cover" if ring.bare else "noise")
    lengths = [len(encode_record(header, index)) for index in range(len(faces))]
    return [
        record_samples(length) if record_fits(box.w, box.h, length) else 0
        for box, length in zip(ring.boxes, lengths, strict=True)
    ]


def with_current_records(rgb: UInt8Image, header: Header, faces: Collection[int] | None = None) -> UInt8Image:
    """Make in-pixel records say what the header says: rewritten, or cleared where there can be none.

    Args:
        rgb: (H, W, 3) uint8, the protected picture.
        header: its header; only what it reserves is touched.
        faces: of these faces; of all where None.

    Returns:
        (H, W, 3) uint8; samples of records differ by at most 1, all others not at all.
    """
    boxes = {index: header.faces[index].box for index in (range(len(header.faces)) if faces is None else faces)}
    return paste_all(rgb, [(box, with_current_record(cut(rgb, box), header, i)) for i, box in boxes.items()])


def with_current_record(region: UInt8Image, header: Header, index: int) -> UInt8Image:
    """`with_current_records` for the region of one face alone: (h, w, 3) uint8."""
    reserved, face = header.reserved(index), header.faces[index]
    if not reserved or face.erased:
        return region
    record = b"" if face.forgotten else encode_record(header, index)
    fits = record_fits(face.box.w, face.box.h, len(record)) and record_samples(len(record)) <= reserved
    return write_record(region, record) if fits else erase_record(region, reserved)


def contradictions(rgb: UInt8Image, header: Header, faces: Collection[int]) -> list[int]:
    """Faces whose in-pixel record can be read and speaks of another face, key or picture than the header does.

    A record that is damaged or cleared contradicts nothing.

    Args:
        rgb: (H, W, 3) uint8, the picture the header belongs to.
        header: its header.
        faces: which faces to look at.
    """
    wrong = []
    for index in faces:
        face = header.faces[index]
        found = read_record(rgb, face.box.x, face.box.y) if header.reserved(index) and not face.forgotten else None
        if found is not None and not same_face(header, index, found.record):
            wrong.append(index)
    return wrong


def _stand_ins(lock: Lock, bare: bool) -> tuple[Stanza, ...]:
    """Stanzas of the kinds, and so of the sizes, that a lock will make."""
    if bare:
        return (BareStanza(bytes(SALT_BYTES), KdfParams()),)
    texts = dict.fromkeys(map(normalise_passphrase, lock.passphrases))
    recipients = dict.fromkeys(lock.recipients)
    return (
        *(PassphraseStanza(bytes(SALT_BYTES), KdfParams(), bytes(WRAPPED_BYTES)) for _ in texts),
        *(RecipientStanza(bytes(32), bytes(WRAPPED_BYTES)) for _ in recipients),
    )

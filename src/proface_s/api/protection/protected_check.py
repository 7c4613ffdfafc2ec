"""Check a finished protected file before anything of it is written: the last step of `protect_picture`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ...container.carriers.carrier import from_chunks, read_chunks
from ...container.carriers.sidecar import decode_sidecar, picture_digest
from ...container.header.header import Header, region_digest
from ...container.header.key_ring import KeyRing
from ...container.header.unlock import try_passphrases, unwrap_face_keys
from ...container.records.pixel_records import FoundRecord, read_record
from ...container.records.record_message import face_record
from ...container.seal import header_seal_context, open_seal
from ...errors import ProFaceError
from ...faces.numbering import number_of
from ...flow.model import Model
from ...image.measures import psnr
from ...image.read import read_picture
from ...image.regions import cut
from ...keys.access import Lock
from ...keys.derive import KdfLimits, KekDeriver
from ...keys.secrets import FaceKey
from ...threads import run_both
from ...types import Picture, UInt8Image
from ..footprints import is_altered, same_elsewhere

ESTIMATE_FLOOR_DB: Final = 25.0
"""Recovery of a face without a seal below this deserves a warning."""


def check_protected(
    data: bytes,
    sidecar: bytes | None,
    picture: Picture,
    originals: Sequence[UInt8Image],
    ring: KeyRing,
    locks: Sequence[Lock],
    model: Model,
    limits: KdfLimits | None = None,
) -> list[str]:
    """Read a finished file as its receiver will, open it, and compare it with the original.

    Args:
        data: the file.
        sidecar: its sidecar, or None.
        picture: the original.
        originals: what the seal of each face has to hold; empty if there are none.
        ring: all of its keys.
        locks: one per group of faces: who should be able to open it.
        model: reads faces without a seal.
        limits: what key derivation may cost; those of the format if None.

    Returns:
        Warnings, if the file is sound but the recovery of a face without a seal is poor.

    Raises:
        ProFaceError: if it does not bring the original back; it must not be written then.
    """
    carried = [from_chunks(each) for each in (read_chunks(data), decode_sidecar(sidecar)[1] if sidecar else {}) if each]
    header, seals = carried[0]
    opens, again = run_both(
        model.threads,
        lambda: all_keys_open(header, ring, locks, KekDeriver(limits)),
        lambda: read_picture(data, name="the protected file"),
    )
    if carried[-1] != carried[0] or (sidecar and decode_sidecar(sidecar)[0] != picture_digest(again.rgb)):
        raise ProFaceError("verification failed: the sidecar is not the picture's", code="verification-failed")
    if not opens:
        raise ProFaceError("verification failed: the keys would not open the file", code="verification-failed")
    warnings: list[str] = []
    for index, box in enumerate(ring.boxes):
        region, key, reserved = cut(again.rgb, box), ring.face_key(index), header.reserved(index)
        sound = header.faces[index].box == box and header.faces[index].digest == region_digest(region, reserved)
        sound = sound and not is_altered(again, header, index)
        if reserved:
            expected = FoundRecord(0, 0, box.w, face_record(header, index), repaired=0)
            sound = sound and read_record(region) == expected
        if index in seals:
            original = originals[index]
            exact = open_seal(key, seals[index], original.shape, header_seal_context(header, index))
            sound = sound and np.array_equal(exact, original)
        elif sound:
            warnings += _poor_estimate(cut(picture.rgb, box), region, key, model, header, index)
        if not sound:
            why = f"verification failed: face {number_of(index)} would not come back"
            raise ProFaceError(why, code="verification-failed")
    if not same_elsewhere(again, picture, [header.area(index) for index in range(len(ring.boxes))]):
        raise ProFaceError("verification failed: pixels outside the faces changed", code="verification-failed")
    return warnings


def _poor_estimate(
    original: UInt8Image, region: UInt8Image, key: FaceKey, model: Model, header: Header, index: int
) -> list[str]:
    """Return the warning that a face without a seal comes back badly, if it does."""
    reading = model.recover(region, key, reserved=header.reserved(index), wrong_key=header.wrong_key)
    quality = psnr(reading.image, original)
    if quality >= ESTIMATE_FLOOR_DB:
        return []
    which = f"face {number_of(index)} at {header.faces[index].box}"
    return [f"{which} will come back at {quality:.1f} dB only, and has no seal"]


def all_keys_open(header: Header, ring: KeyRing, locks: Sequence[Lock], deriver: KekDeriver) -> bool:
    """Return whether every passphrase opens its group, and every group its faces.

    What recipients unwrap cannot be tried: it takes their private keys.  In ``cover`` mode the keys were derived from
    the passphrase and from fields of the header, so the header must hold just these.
    """
    if header.wrong_key == "cover":
        same = [group.stanzas for group in header.groups] == [(stanza,) for stanza in ring.bare]
        return same and [face.slot for face in header.faces] == list(ring.slots)
    for number, (lock, file_key) in enumerate(zip(locks, ring.file_keys, strict=True)):
        for passphrase in lock.passphrases:
            if try_passphrases(header.groups[number], number, [passphrase], deriver) != file_key:
                return False
    keys = unwrap_face_keys(header, dict(enumerate(ring.file_keys)))
    return keys == {index: ring.face_key(index) for index in range(len(ring.boxes))}

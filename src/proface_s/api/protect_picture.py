"""Photo -> protected file, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..container.carriers.carrier import from_chunks, read_chunks, to_chunks, write_chunks
from ..container.carriers.sidecar import decode_sidecar, encode_sidecar, picture_digest
from ..container.header.footprint import OPAQUE
from ..container.header.header import Header, WrongKey, region_digest
from ..container.header.key_ring import KeyRing
from ..container.header.lock import FaceDescription, lock_header
from ..container.header.lock_plan import plan_header
from ..container.header.unlock import try_passphrases, unwrap_face_keys
from ..container.records.pixel_records import FoundRecord, read_record
from ..container.records.record_message import face_record
from ..container.seal import header_seal_context, open_seal, seal_at_full_length, seal_region
from ..covers import apply_style, is_uninformative
from ..errors import ProFaceError, UsageError
from ..faces.numbering import format_numbers, number_of
from ..flow.model import Model
from ..image.measures import psnr
from ..image.read import read_picture
from ..image.regions import cut
from ..image.write import Format, encode_picture
from ..keys.access import Lock
from ..keys.derive import KdfLimits, KekDeriver
from ..keys.secrets import FaceKey
from ..progress import Progress, silent
from ..threads import run_both
from ..types import Box, Picture, Style, UInt8Image
from .footprints import covered, footprints_of, is_altered, original_of, same_elsewhere
from .options import Sidecar
from .records import planned_reserves, with_current_record
from .selection import grouped

ESTIMATE_FLOOR_DB = 25.0  # below this an unsealed recovery deserves a warning
_REPORT = "please report this"


@dataclass(frozen=True, slots=True, eq=False)
class Protected:
    """A protected picture: its pixels, the covers of its faces, its header, and the whole file."""

    picture: Picture
    covers: tuple[UInt8Image, ...]
    header: Header
    data: bytes
    sidecar: bytes | None
    warnings: tuple[str, ...]


def protect_picture(
    picture: Picture,
    boxes: Sequence[Box],
    styles: Sequence[Style],
    locks: Sequence[Lock],
    model: Model,
    *,
    seal: bool = True,
    wrong_key: WrongKey = "noise",
    keep_metadata: bool = False,
    file_format: Format = "png",
    sidecar: Sidecar = "none",
    record: bool = True,
    edges: Sequence[tuple[bool, bool]] = (),
    limits: KdfLimits | None = None,
    progress: Progress = silent,
) -> Protected:
    """Hide every box of a picture under fresh keys.

    Args:
        picture: the photo.
        boxes: at least one; disjoint, even sides, inside the picture.
        styles: one per box.
        locks: one per box: who may open it.
        model: hides the faces.
        seal: also store an exact, encrypted copy of each region; not in ``cover`` mode.
        wrong_key: what a wrong key gives.
        keep_metadata: write the whitelisted metadata.
        file_format: of the file.
        sidecar: whether header and seals are ``also`` written to a sidecar, or there ``instead`` of to the file.
        record: also write what recovery needs into the faces' own pixels, where they have room for it.
        edges: one per box: whether the column to its right, and the row below it, belong to the face too; they have to
            be the picture's last.  None do where empty.
        limits: what key derivation may cost; those of the format if None.
        progress: is told about the stages ``hide`` and ``check``.

    Returns:
        The protected picture, already read back and checked against the original.

    Raises:
        UsageError: if the locks or the model do not fit the mode, or there are too many locks; nothing has been done
            then.
    """
    check_wrong_key(model, wrong_key)
    groups, group_locks = grouped(locks)
    planned = plan_header(
        model.card.model_id, picture.size, boxes, groups, group_locks, cover=_in_cover_mode(wrong_key, group_locks)
    )
    ring = _fresh_keys(planned, group_locks, KekDeriver(limits))
    keys = [ring.face_key(i) for i in range(len(boxes))]
    originals = [cut(picture.rgb, box) for box in boxes]
    covers = [apply_style(original, style) for original, style in zip(originals, styles, strict=True)]
    reserved = planned_reserves(planned, model) if record else [0] * len(boxes)
    regions: list[UInt8Image] = []
    for original, cover, key, kept in zip(originals, covers, keys, reserved, strict=True):
        progress("hide", len(regions), len(boxes))
        regions.append(model.protect(original, cover, key, reserved=kept))
    progress("check", 0, 1)
    digests = [region_digest(*each) for each in zip(regions, reserved, strict=True)]
    descriptions = [
        FaceDescription(style.name, style.strength, digest, seal) for style, digest in zip(styles, digests, strict=True)
    ]
    footprints = footprints_of(picture.alpha, boxes, edges)
    header = lock_header(
        ring,
        picture.size,
        descriptions,
        group_locks,
        reserved=reserved,
        deriver=KekDeriver(limits),
        footprints=footprints,
    )
    regions = [with_current_record(region, header, i) for i, region in enumerate(regions)]
    hidden = covered(picture, zip(boxes, footprints, regions, strict=True))
    data, seals = run_both(
        model.threads,
        lambda: encode_picture(hidden, file_format, keep_metadata=keep_metadata),
        lambda: (
            {
                i: _seal_for(styles[i], boxes[i])(
                    key, original_of(picture, boxes[i], footprints[i]), header_seal_context(header, i)
                )
                for i, key in enumerate(keys)
            }
            if seal
            else {}
        ),
    )
    chunks = to_chunks(header, seals)
    data = data if sidecar == "instead" else write_chunks(data, chunks)
    beside = None if sidecar == "none" else encode_sidecar(hidden.rgb, chunks)
    warnings = verify(data, beside, picture, boxes, ring, group_locks, model, limits)
    warnings += _lost_on_the_way(header, seal)
    if model.warning is not None:
        warnings.append(f"model {model.card.name}: {model.warning}")
    if record and not all(reserved):
        warnings.append(_recordless(reserved))
    return Protected(hidden, tuple(covers), header, data, beside, tuple(warnings))


def check_wrong_key(model: Model, wrong_key: WrongKey) -> None:
    """Refuse a mode that a model does not have.

    Raises:
        UsageError: names the modes that it has.
    """
    if wrong_key not in model.wrong_key_modes:
        raise UsageError(
            f"model {model.card.name} has no {wrong_key} mode, only {' and '.join(model.wrong_key_modes)}",
            code="model-mode",
        )


def _lost_on_the_way(header: Header, seal: bool) -> list[str]:
    """What transparency and edges of faces mean for whoever gets the file."""
    warnings = []
    for index, face in enumerate(header.faces):
        footprint = header.footprint(index)
        if footprint.varied:
            fate = "comes back with the seal" if seal else "does not come back, because there is no seal to keep it"
            warnings.append(f"the face at {face.box} is made opaque: its transparency would show it, and {fate}")
        elif footprint.alpha != OPAQUE:
            warnings.append(
                f"the face at {face.box} is transparent: programs that drop colours which cannot be seen, "
                "such as cwebp without -exact, destroy what is hidden there"
            )
        if (footprint.right or footprint.bottom) and not seal:
            warnings.append(
                f"the face at {face.box} reaches the edge of a picture with an odd side: the last column or row does "
                "not come back, because there is no seal to keep it"
            )
    return warnings


def _seal_for(style: Style, box: Box) -> Callable[[FaceKey, UInt8Image, bytes], bytes]:
    """How to seal a face under this cover: where the cover shows nothing, nor must the length of the seal."""
    return seal_at_full_length if is_uninformative(style, box.h, box.w) else seal_region


def _recordless(reserved: Sequence[int]) -> str:
    without = [index for index, count in enumerate(reserved) if not count]
    return (
        f"face {format_numbers(without)}: too small, or opened by too many, for a record in the pixels; "
        "cannot come back without the file's metadata or a sidecar"
    )


def _in_cover_mode(wrong_key: WrongKey, locks: Sequence[Lock]) -> bool:
    """Whether the file is to be in ``cover`` mode; refuses locks that do not go with it."""
    if wrong_key == "cover" and any(lock.recipients or len(lock.passphrases) != 1 for lock in locks):
        raise UsageError(
            "where a wrong key gives the cover, each face has exactly one passphrase and no recipient",
            "any second way to open it would tell whether the first one is right",
        )
    return wrong_key == "cover"


def _fresh_keys(planned: Header, locks: Sequence[Lock], deriver: KekDeriver) -> KeyRing:
    boxes, groups = [face.box for face in planned.faces], [face.group for face in planned.faces]
    if planned.wrong_key == "noise":
        return KeyRing.generate(planned.model_id, boxes, groups)
    passphrases = [lock.passphrases[0] for lock in locks]
    return KeyRing.derive(planned.model_id, boxes, groups, passphrases, deriver=deriver)


def verify(
    data: bytes,
    sidecar: bytes | None,
    picture: Picture,
    boxes: Sequence[Box],
    ring: KeyRing,
    locks: Sequence[Lock],
    model: Model,
    limits: KdfLimits | None = None,
) -> list[str]:
    """Open a finished file as a stranger would and compare it with the original.

    Returns:
        Warnings, if the file is sound but its unsealed recovery is poor.

    Raises:
        ProFaceError: it does not bring the original back; nothing of it must be kept.
    """
    carried = [chunks for chunks in (read_chunks(data), decode_sidecar(sidecar)[1] if sidecar else {}) if chunks]
    header, seals = from_chunks(carried[0])
    opens, again = run_both(
        model.threads,
        lambda: _opens(header, ring, locks, KekDeriver(limits)),
        lambda: read_picture(data, name="the protected file"),
    )
    if carried[-1] != carried[0] or (sidecar and decode_sidecar(sidecar)[0] != picture_digest(again.rgb)):
        raise ProFaceError("verification failed: the sidecar is not the picture's", _REPORT)
    keys = [ring.face_key(i) for i in range(len(boxes))]
    if not opens:
        raise ProFaceError("verification failed: the keys would not open the file", _REPORT)
    warnings = []
    for index, box in enumerate(boxes):
        region, footprint = cut(again.rgb, box), header.footprint(index)
        original = original_of(picture, box, footprint)
        reserved = header.reserved(index)
        sound = header.faces[index].box == box and header.faces[index].digest == region_digest(region, reserved)
        sound = sound and not is_altered(again, header, index)
        if reserved:
            found = read_record(region)
            record = face_record(header, index)
            sound = sound and found == FoundRecord(0, 0, box.w, record, repaired=0)
        if index in seals:
            exact = open_seal(keys[index], seals[index], original.shape, header_seal_context(header, index))
            sound = sound and np.array_equal(exact, original)
        elif sound:
            reading = model.recover(region, keys[index], reserved=reserved, wrong_key=header.wrong_key)
            quality = psnr(reading.image, cut(picture.rgb, box))
            if quality < ESTIMATE_FLOOR_DB:
                warnings.append(
                    f"face {number_of(index)} at {box} will come back at {quality:.1f} dB only, and has no seal"
                )
        if not sound:
            raise ProFaceError(f"verification failed: face {number_of(index)} would not come back", _REPORT)
    if not same_elsewhere(again, picture, [header.area(index) for index in range(len(boxes))]):
        raise ProFaceError("verification failed: pixels outside the faces changed", _REPORT)
    return warnings


def _opens(header: Header, ring: KeyRing, locks: Sequence[Lock], deriver: KekDeriver) -> bool:
    """Whether every passphrase opens its group, and the groups their faces.

    What recipients unwrap cannot be tried here: nobody has their private keys.  In ``cover`` mode the keys were made
    from the passphrase and from what the header holds, so that it must hold just that.
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

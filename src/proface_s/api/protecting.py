"""Photo -> protected PNG, step by step."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import obfuscate
from ..container.carrier import from_chunks, to_chunks
from ..container.header import Header, WrongKey, region_digest
from ..container.lock import FaceNote, KeyRing, lock_header
from ..container.png import attach_png, read_png_chunks
from ..container.seal import header_seal_context, open_seal, seal_context, seal_region
from ..container.unlock import face_keys, try_passphrases
from ..errors import ProFaceError, UsageError
from ..flow.model import FlowModel
from ..imaging.reading import read_picture
from ..imaging.regions import cut, paste
from ..imaging.writing import encode_png
from ..keys.access import Lock
from ..keys.derive import KdfParams
from ..types import Box, Picture, Style, UInt8Image
from .choosing import grouped

ESTIMATE_FLOOR_DB = 25.0  # below this an unsealed recovery deserves a warning
_REPORT = "please report this"


@dataclass(frozen=True, slots=True, eq=False)
class Protected:
    """A protected picture: its pixels, its covers, its header, and the whole file."""

    rgb: UInt8Image
    cover: UInt8Image
    header: Header
    png: bytes
    warnings: tuple[str, ...]


def protect_picture(
    picture: Picture, boxes: Sequence[Box], styles: Sequence[Style], locks: Sequence[Lock], model: FlowModel,
    *, seal: bool = True, wrong_key: WrongKey = "noise", keep_metadata: bool = False,
) -> Protected:
    """Hide every box of a picture under fresh keys.

    Args:
        picture: the photo.
        boxes: at least one; disjoint, even sides, inside the picture.
        styles: one per box.
        locks: one per box: who may open it.
        model: the flow.
        seal: also store an exact, encrypted copy of each region; not in ``cover`` mode.
        wrong_key: what a wrong key gives.
        keep_metadata: write the whitelisted metadata.

    Returns:
        The protected picture, already read back and checked against the original.

    Raises:
        UsageError: the locks do not fit the mode.
    """
    groups, group_locks = grouped(locks)
    ring = _fresh_keys(model.card.model_id, boxes, groups, group_locks, wrong_key)
    keys = [ring.face_key(i) for i in range(len(boxes))]
    originals = [cut(picture.rgb, box) for box in boxes]
    covers = [obfuscate.cover(original, style) for original, style in zip(originals, styles, strict=True)]
    regions = model.protect(originals, covers, keys)
    rgb, cover = picture.rgb, picture.rgb
    for box, region, plain in zip(boxes, regions, covers, strict=True):
        rgb, cover = paste(rgb, box, region), paste(cover, box, plain)
    digests = [region_digest(region) for region in regions]
    notes = [
        FaceNote(style.name, style.strength, digest, seal) for style, digest in zip(styles, digests, strict=True)
    ]
    header = lock_header(ring, picture.size, notes, group_locks)
    seals = {
        i: seal_region(keys[i], originals[i], seal_context(ring.context(i), picture.size, digests[i]))
        for i in range(len(boxes))
    } if seal else {}
    plain_png = encode_png(replace(picture, rgb=rgb), keep_metadata=keep_metadata)
    png = attach_png(plain_png, to_chunks(header, seals))
    warnings = verify(png, picture, boxes, ring, group_locks, model)
    return Protected(rgb, cover, header, png, tuple(warnings))


def _fresh_keys(
    model_id: bytes, boxes: Sequence[Box], groups: Sequence[int], locks: Sequence[Lock], wrong_key: WrongKey
) -> KeyRing:
    if wrong_key != "cover":
        return KeyRing.generate(model_id, boxes, groups)
    if any(lock.recipients or len(lock.passphrases) != 1 for lock in locks):
        raise UsageError(
            "with --wrong-key cover each face has exactly one passphrase and no recipient",
            "any second way to open it would tell whether the first one is right",
        )
    return KeyRing.derive(model_id, boxes, groups, [lock.passphrases[0] for lock in locks])


def verify(
    png: bytes, picture: Picture, boxes: Sequence[Box], ring: KeyRing, locks: Sequence[Lock], model: FlowModel
) -> list[str]:
    """Open a finished file as a stranger would and compare it with the original.

    Returns:
        Warnings, if the file is sound but its unsealed recovery is poor.

    Raises:
        ProFaceError: it does not bring the original back; nothing of it must be kept.
    """
    header, seals = from_chunks(read_png_chunks(io.BytesIO(png)))
    again = read_picture(png, name="the protected file")
    keys = [ring.face_key(i) for i in range(len(boxes))]
    if not _opens(header, ring, locks):
        raise ProFaceError("verification failed: the keys would not open the file", _REPORT)
    outside = again.rgb.copy()
    warnings = []
    for index, box in enumerate(boxes):
        original, region = cut(picture.rgb, box), cut(again.rgb, box)
        sound = header.faces[index].box == box and header.faces[index].digest == region_digest(region)
        if index in seals:
            exact = open_seal(keys[index], seals[index], original.shape, header_seal_context(header, index))
            sound = sound and np.array_equal(exact, original)
        elif sound:
            (estimate,) = model.recover([region], [keys[index]], wrong_key=header.wrong_key)
            quality = psnr(estimate, original)
            if quality < ESTIMATE_FLOOR_DB:
                warnings.append(f"face {index} at {box} will come back at {quality:.1f} dB only, and has no seal")
        outside[box.y : box.bottom, box.x : box.right] = original
        if not sound:
            raise ProFaceError(f"verification failed: face {index} would not come back", _REPORT)
    if not np.array_equal(outside, picture.rgb):
        raise ProFaceError("verification failed: pixels outside the faces changed", _REPORT)
    return warnings


def _opens(header: Header, ring: KeyRing, locks: Sequence[Lock]) -> bool:
    """Whether every passphrase opens its group, and the groups their faces.

    What recipients unwrap cannot be tried here: nobody has their private keys.  In ``cover`` mode the keys were made
    from the passphrase and from what the header holds, so that it must hold just that.
    """
    if header.wrong_key == "cover":
        same = [group.stanzas for group in header.groups] == [(stanza,) for stanza in ring.bare]
        return same and [face.slot for face in header.faces] == list(ring.slots)
    keks: dict[tuple[str, bytes, KdfParams], bytes] = {}
    for number, (lock, file_key) in enumerate(zip(locks, ring.file_keys, strict=True)):
        for passphrase in lock.passphrases:
            if try_passphrases(header.groups[number], number, [passphrase], keks) != file_key:
                return False
    keys = face_keys(header, dict(enumerate(ring.file_keys)))
    return keys == {index: ring.face_key(index) for index in range(len(ring.boxes))}


def psnr(a: UInt8Image, b: UInt8Image) -> float:
    """Peak signal-to-noise ratio of two uint8 images in dB (data range 255); infinite where they are equal."""
    error = float(np.square(a.astype(np.float64) - b).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255.0**2 / error))

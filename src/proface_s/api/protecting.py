"""Photo -> protected PNG, step by step."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import obfuscate
from ..container.carrier import from_chunks, to_chunks
from ..container.header import Header, region_digest
from ..container.png import attach_png, read_png_chunks
from ..container.seal import header_seal_context, open_seal, seal_context, seal_region
from ..container.unlock import FaceNote, KeyRing, lock_header, unlock_header
from ..errors import ProFaceError
from ..flow.model import FlowModel, with_headroom
from ..imaging.reading import read_picture
from ..imaging.regions import cut, paste
from ..imaging.writing import encode_png
from ..types import Box, Picture, Style, UInt8Image

ESTIMATE_FLOOR_DB = 25.0  # below this an unsealed recovery deserves a warning


@dataclass(frozen=True, slots=True, eq=False)
class Protected:
    """A protected picture: its pixels, its covers, its header, and the whole file."""

    rgb: UInt8Image
    cover: UInt8Image
    header: Header
    png: bytes
    warnings: tuple[str, ...]


def protect_picture(
    picture: Picture, boxes: Sequence[Box], styles: Sequence[Style], passphrase: str, model: FlowModel,
    *, seal: bool = True, keep_metadata: bool = False,
) -> Protected:
    """Hide every box of a picture under fresh keys.

    Args:
        picture: the photo.
        boxes: at least one; disjoint, even sides, inside the picture.
        styles: one per box.
        passphrase: opens all of them.
        model: the flow.
        seal: also store an exact, encrypted copy of each region.
        keep_metadata: write the whitelisted metadata.

    Returns:
        The protected picture, already read back and checked against the original.
    """
    ring = KeyRing.generate(model.card.model_id, boxes)
    keys = [ring.face_key(i) for i in range(len(boxes))]
    originals = [cut(picture.rgb, box) for box in boxes]
    covers = [
        with_headroom(obfuscate.cover(original, style))
        for original, style in zip(originals, styles, strict=True)
    ]
    regions = model.protect(originals, covers, keys)
    rgb, cover = picture.rgb, picture.rgb
    for box, region, plain in zip(boxes, regions, covers, strict=True):
        rgb, cover = paste(rgb, box, region), paste(cover, box, plain)
    digests = [region_digest(region) for region in regions]
    notes = [
        FaceNote(style.name, style.strength, digest, seal) for style, digest in zip(styles, digests, strict=True)
    ]
    header = lock_header(ring, picture.size, notes, [[passphrase]])
    seals = {
        i: seal_region(keys[i], originals[i], seal_context(ring.context(i), picture.size, digests[i]))
        for i in range(len(boxes))
    } if seal else {}
    plain_png = encode_png(replace(picture, rgb=rgb), keep_metadata=keep_metadata)
    png = attach_png(plain_png, to_chunks(header, seals))
    warnings = verify(png, picture, boxes, passphrase, model)
    return Protected(rgb, cover, header, png, tuple(warnings))


def verify(
    png: bytes, picture: Picture, boxes: Sequence[Box], passphrase: str, model: FlowModel
) -> list[str]:
    """Open a finished file as a stranger would and compare it with the original.

    Returns:
        Warnings, if the file is sound but its unsealed recovery is poor.

    Raises:
        ProFaceError: it does not bring the original back; nothing of it must be kept.
    """
    header, seals = from_chunks(read_png_chunks(io.BytesIO(png)))
    again = read_picture(png, name="the protected file")
    keys = unlock_header(header, passphrase)
    outside = again.rgb.copy()
    warnings = []
    for index, box in enumerate(boxes):
        original, region = cut(picture.rgb, box), cut(again.rgb, box)
        sound = header.faces[index].box == box and header.faces[index].digest == region_digest(region)
        if index in seals:
            exact = open_seal(keys[index], seals[index], original.shape, header_seal_context(header, index))
            sound = sound and np.array_equal(exact, original)
        elif sound:
            quality = psnr(model.recover([region], [keys[index]])[0], original)
            if quality < ESTIMATE_FLOOR_DB:
                warnings.append(f"face {index} at {box} will come back at {quality:.1f} dB only, and has no seal")
        outside[box.y : box.bottom, box.x : box.right] = original
        if not sound:
            raise ProFaceError(f"verification failed: face {index} would not come back", "please report this")
    if not np.array_equal(outside, picture.rgb):
        raise ProFaceError("verification failed: pixels outside the faces changed", "please report this")
    return warnings


def psnr(a: UInt8Image, b: UInt8Image) -> float:
    """Peak signal-to-noise ratio of two uint8 images in dB (data range 255); infinite where they are equal."""
    error = float(np.square(a.astype(np.float64) - b).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255.0**2 / error))

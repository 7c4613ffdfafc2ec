"""Photo -> protected file, step by step; `proface_s.api.recovery.recover_picture` is the way back.

::

    picture, faces -> keys -> regions (cover with the face hidden in it) -> header -> picture with regions -> file
                                                   face's own pixels --seal--> seals ----------------------^
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...container.carriers.carrier import to_chunks, write_chunks
from ...container.carriers.sidecar import encode_sidecar
from ...container.header.footprint import OPAQUE
from ...container.header.header import Header, region_digest
from ...container.header.key_ring import KeyRing
from ...container.header.lock import FaceDescription, lock_header
from ...container.header.lock_plan import plan_header
from ...container.records.pixel_records import write_record
from ...container.records.record_message import face_record
from ...container.records.record_space import planned_reserves
from ...container.seal import header_seal_context, seal_at_full_length, seal_region
from ...covers import FaceCover, FaceRegion, cover_face, cover_remarks, is_uninformative
from ...faces.numbering import format_numbers
from ...flow.model import Model
from ...image.write import Format, encode_picture
from ...keys.derive import KdfLimits, KekDeriver
from ...progress import Progress, silent
from ...threads import run_both
from ...types import Picture, UInt8Image
from ..footprints import covered, original_of
from ..options import ProtectOptions
from .protected_check import check_protected
from .selection import FacePlan


@dataclass(frozen=True, slots=True, eq=False)
class ProtectedPicture:
    """A protected picture, with the plain covers of its faces, its header and the complete file.

    Attributes:
        picture: the pixels.
        covers: the plain cover of each face, of the size of its region.
        header: the header in the file or its sidecar.
        data: the complete file.
        sidecar: the complete sidecar, or None.
        warnings: what the user should know.
    """

    picture: Picture
    covers: tuple[FaceCover, ...]
    header: Header
    data: bytes
    sidecar: bytes | None
    warnings: tuple[str, ...]


def protect_picture(
    picture: Picture,
    faces: Sequence[FacePlan],
    model: Model,
    options: ProtectOptions,
    *,
    covers: Sequence[FaceCover] = (),
    file_format: Format = "png",
    limits: KdfLimits | None = None,
    progress: Progress = silent,
) -> ProtectedPicture:
    """Hide the faces of a picture under fresh keys.

    Args:
        picture: the photo.
        faces: at least one; disjoint, even sides, inside the picture.
        model: hides the faces.
        options: mode (decided: `ProtectOptions.for_model`), seals, records, metadata, sidecar; not what ``faces`` says.
        covers: of the faces, if they are made already; else their styles make them.
        file_format: of the file.
        limits: what key derivation may cost; those of the format if None.
        progress: is told about the stages ``hide`` and ``check``.

    Returns:
        The protected picture, already read back and checked against the original.

    Raises:
        UsageError: if there are too many locks; nothing has been done then.
        ProFaceError: if the finished file would not bring the faces back.
    """
    boxes = [face.box for face in faces]
    groups, locks = [face.group for face in faces], list(dict.fromkeys(face.lock for face in faces))
    planned = plan_header(model.card.model_id, picture.size, boxes, groups, locks, cover=options.wrong_key == "cover")
    reserved = planned_reserves(planned, model.most_reserved) if options.record else [0] * len(faces)
    ring = KeyRing.for_header(planned, locks, KekDeriver(limits))
    made, regions = _hidden_faces(picture, faces, model, ring, reserved, progress, covers)
    progress("check", 0, 1)
    described = [
        FaceDescription(cover.name, cover.style.strength, region_digest(region, samples), options.sealed)
        for cover, region, samples in zip(made, regions, reserved, strict=True)
    ]
    areas, deriver = [face.footprint for face in faces], KekDeriver(limits)
    header = lock_header(ring, picture.size, described, locks, reserved=reserved, deriver=deriver, footprints=areas)
    for index in range(len(faces)):
        if reserved[index]:  # the record is as long as planned, so that it fills the reserved samples
            regions[index] = write_record(regions[index], face_record(header, index))
    placed = zip(boxes, areas, regions, strict=True)
    hidden = replace(covered(picture, placed), synthetic=any(each.synthetic for each in made))
    originals = [original_of(picture, face.box, face.footprint) for face in faces] if options.sealed else []
    encode = partial(encode_picture, hidden, file_format, keep_metadata=options.keep_metadata)
    data, seals = run_both(model.threads, encode, lambda: _seals(originals, faces, ring, header))
    chunks = to_chunks(header, seals)
    data = data if options.sidecar == "instead" else write_chunks(data, chunks)
    sidecar = None if options.sidecar == "none" else encode_sidecar(hidden.rgb, chunks)
    doubts = check_protected(data, sidecar, picture, originals, ring, locks, model, limits)
    warnings = (*doubts, *cover_remarks(made), *_warnings(header, options, model))
    return ProtectedPicture(hidden, tuple(made), header, data, sidecar, warnings)


def _hidden_faces(
    picture: Picture,
    faces: Sequence[FacePlan],
    model: Model,
    ring: KeyRing,
    reserved: Sequence[int],
    progress: Progress,
    given: Sequence[FaceCover],
) -> tuple[list[FaceCover], list[UInt8Image]]:
    """Return the cover of each face, and the cover with the face hidden in it."""
    covers: list[FaceCover] = []
    regions: list[UInt8Image] = []
    for index, face in enumerate(faces):
        progress("hide", index, len(faces))
        region = FaceRegion.of(picture.rgb, face.box, face.heads, face.by_hand)
        covers.append(given[index] if given else cover_face(region, face.style))
        regions.append(model.protect(region.pixels, covers[-1].pixels, ring.face_key(index), reserved=reserved[index]))
    return covers, regions


def _seals(
    originals: Sequence[UInt8Image], faces: Sequence[FacePlan], ring: KeyRing, header: Header
) -> dict[int, bytes]:
    """Encrypt the originals, one per face or none at all: position in the header -> seal.

    Under a cover that shows nothing of the face, the length of the seal must not do so either.
    """
    seals = {}
    for index, original in enumerate(originals):
        face = faces[index]
        seal = seal_at_full_length if is_uninformative(face.style, face.box.h, face.box.w) else seal_region
        seals[index] = seal(ring.face_key(index), original, header_seal_context(header, index))
    return seals


def _warnings(header: Header, options: ProtectOptions, model: Model) -> list[str]:
    """Return what the sender should know about transparency, edges, the model and records that do not fit."""
    warnings = []
    for index, face in enumerate(header.faces):
        footprint = header.footprint(index)
        if footprint.varied:
            fate = (
                "comes back with the seal"
                if options.sealed
                else "does not come back, because there is no seal to keep it"
            )
            warnings.append(f"the face at {face.box} is made opaque: its transparency would show it, and {fate}")
        elif footprint.alpha != OPAQUE:
            warnings.append(
                f"the face at {face.box} is transparent: programs that drop colours which cannot be seen, "
                "such as cwebp without -exact, destroy what is hidden there"
            )
        if (footprint.right or footprint.bottom) and not options.sealed:
            warnings.append(
                f"the face at {face.box} reaches the edge of a picture with an odd side: the last column or row does "
                "not come back, because there is no seal to keep it"
            )
    if model.warning is not None:
        warnings.append(f"model {model.card.name}: {model.warning}")
    without = [index for index in range(len(header.faces)) if not header.reserved(index)]
    if options.record and without:
        warnings.append(
            f"face {format_numbers(without)}: too small, or opened by too many, for a record in the pixels; "
            "cannot come back without the file's metadata or a sidecar"
        )
    return warnings

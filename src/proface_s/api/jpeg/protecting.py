"""Photo -> protected JPEG; `proface_s.api.jpeg.recovering` is the way back.

::

    coefficients ─┬─ outside the faces: copied ──────────────────────────────┐
                  └─ of a face ─┬─ pixels ── cover ── the file's tables ─────┴─► coefficients ── file
                                └─ one code ── face key ── seal ── APP11 segments ───────────────┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ...container.carriers.carrier import from_chunks, read_chunks, to_chunks, write_chunks
from ...container.carriers.sidecar import decode_sidecar, encode_sidecar_of
from ...container.header.coefficient_map import CoefficientMap
from ...container.header.footprint import PLAIN
from ...container.header.header import NO_MODEL_ID, Header, header_areas
from ...container.header.key_ring import KeyRing
from ...container.header.lock import FaceDescription, lock_header
from ...container.header.lock_plan import plan_header
from ...container.seal import header_seal_context, seal_coefficients
from ...covers import FaceCover, FaceRegion, cover_face, cover_remarks, is_uninformative
from ...errors import ProFaceError
from ...image.jpeg.coefficient_code import encode_coefficients
from ...image.jpeg.picture import Coefficients, JpegPicture
from ...image.jpeg.read_coefficients import read_jpeg
from ...image.jpeg.transform import area_blocks, encode_area, put_area_blocks, with_area_blocks
from ...image.jpeg.write_coefficients import write_jpeg
from ...image.metadata import kept_exif
from ...image.provenance import with_synthetic_note
from ...image.read import read_picture
from ...keys.access import Lock
from ...keys.derive import KdfLimits, KekDeriver
from ...progress import Progress, silent
from ...threads import parallel_map, run_both
from ...types import Box, Picture
from ..options import ProtectOptions
from ..protection.protect_picture import ProtectedPicture
from ..protection.protected_check import all_keys_open
from ..protection.selection import FacePlan
from .protected import area_digest, changed_areas, coefficient_digest, open_face
from .regions import McuGrid


def protect_jpeg(
    picture: Picture,
    jpeg: JpegPicture,
    faces: Sequence[FacePlan],
    options: ProtectOptions,
    *,
    limits: KdfLimits | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> ProtectedPicture:
    """Cover the faces of a JPEG, and seal their coefficients under fresh keys.

    Args:
        picture: what the JPEG shows.
        jpeg: its coefficients.
        faces: at least one; regions of `McuGrid.place`.
        options: metadata and sidecar; what they say of faces is in ``faces``.
        limits: what key derivation may cost; those of the format if None.
        threads: to work with.
        progress: is told about the stages ``hide`` and ``check``.

    Returns:
        The protected picture, already read back and compared with the original.

    Raises:
        UsageError: if there are too many locks.
        ProFaceError: if the finished file would not bring every coefficient back.
    """
    boxes = [face.box for face in faces]
    groups, locks = [face.group for face in faces], list(dict.fromkeys(face.lock for face in faces))
    planned = plan_header(NO_MODEL_ID, picture.size, boxes, groups, locks)
    ring = KeyRing.for_header(planned, locks, KekDeriver(limits))
    areas = [McuGrid.of(jpeg).area(box) for box in boxes]
    covers, covered = _covered(picture, jpeg, faces, areas, progress)
    synthetic = any(each.synthetic for each in covers)
    progress("check", 0, 1)
    described = [
        FaceDescription(made.name, made.style.strength, area_digest(blocks))
        for made, blocks in zip(covers, covered, strict=True)
    ]
    kept = CoefficientMap(jpeg.orientation, jpeg.sampling, jpeg.frame_digest, tuple(areas))
    plain, deriver = [PLAIN] * len(faces), KekDeriver(limits)
    header = lock_header(ring, picture.size, described, locks, deriver=deriver, footprints=plain, coefficients=kept)
    exif = kept_exif(picture, jpeg.orientation) if options.keep_metadata else b""
    hidden = partial(_hidden, jpeg, dict(zip(areas, covered, strict=True)), exif, synthetic, options.sidecar != "none")
    (data, digest), seals = run_both(threads, hidden, lambda: _seals(ring, header, faces, jpeg, threads))
    chunks = to_chunks(header, dict(enumerate(seals)))
    data = data if options.sidecar == "instead" else write_chunks(data, chunks)
    sidecar = None if options.sidecar == "none" else encode_sidecar_of(digest, chunks)
    _check_keys(data, sidecar, ring, locks, limits)
    check = partial(_check, data, sidecar, jpeg, ring)
    _, shown = run_both(threads, check, lambda: read_picture(data, name=picture.source))
    shown, told = replace(shown, synthetic=synthetic), tuple(cover_remarks(covers))
    return ProtectedPicture(shown, tuple(covers), header, data, sidecar, told)


def _hidden(
    jpeg: JpegPicture, covered: Mapping[Box, Sequence[Coefficients]], exif: bytes, synthetic: bool, digested: bool
) -> tuple[bytes, bytes]:
    """Return the file with the covers, and the digest of its coefficients if it is wanted."""
    hidden = with_area_blocks(jpeg, covered)
    data = write_jpeg(hidden, exif)
    return with_synthetic_note(data) if synthetic else data, coefficient_digest(hidden) if digested else b""


def _covered(
    picture: Picture, jpeg: JpegPicture, faces: Sequence[FacePlan], areas: Sequence[Box], progress: Progress
) -> tuple[list[FaceCover], list[list[Coefficients]]]:
    """Return the cover of each face as pixels and as coefficients."""
    grid = McuGrid.of(jpeg)
    covers: list[FaceCover] = []
    covered: list[list[Coefficients]] = []
    for index, (face, area) in enumerate(zip(faces, areas, strict=True)):
        progress("hide", index, len(faces))
        region = FaceRegion.of(picture.rgb, grid.pixels(area), face.heads, face.by_hand)
        made = cover_face(region, face.style)
        shown = np.ascontiguousarray(made.pixels[: face.box.h, : face.box.w])
        covers.append(replace(made, pixels=shown))
        covered.append(encode_area(jpeg, area, made.pixels))
    return covers, covered


def _seals(ring: KeyRing, header: Header, faces: Sequence[FacePlan], jpeg: JpegPicture, threads: int) -> list[bytes]:
    """Encrypt the coefficients of all faces; under a cover that shows nothing of a face, nor must its seal's length."""

    def seal(index: int) -> bytes:
        face, blocks = faces[index], area_blocks(jpeg, header_areas(header)[index])
        return seal_coefficients(
            ring.face_key(index),
            encode_coefficients(blocks, [each.table for each in jpeg.components]),
            header_seal_context(header, index),
            blocks=sum(each.shape[0] * each.shape[1] for each in blocks),
            full_length=is_uninformative(face.style, face.box.h, face.box.w),
        )

    return parallel_map(threads, seal, range(len(faces)))


def _carried(data: bytes, sidecar: bytes | None) -> dict[str, list[bytes]]:
    """Return header and seals as chunks, of a finished file or its sidecar.

    Raises:
        ProFaceError: if both have some, and they differ.
    """
    carried = [chunks for chunks in (read_chunks(data), decode_sidecar(sidecar)[1] if sidecar else {}) if chunks]
    if carried[-1] != carried[0]:
        raise ProFaceError("verification failed: the sidecar is not the picture's", code="verification-failed")
    return carried[0]


def _check_keys(
    data: bytes, sidecar: bytes | None, ring: KeyRing, locks: Sequence[Lock], limits: KdfLimits | None
) -> None:
    """Check that everybody who should open a finished file can.

    This comes before the file is decoded: deriving a key takes as much memory as the coefficients of 20 megapixels.

    Raises:
        ProFaceError: if somebody could not.
    """
    header, _ = from_chunks(_carried(data, sidecar))
    if not all_keys_open(header, ring, locks, KekDeriver(limits)):
        raise ProFaceError("verification failed: the keys would not open the file", code="verification-failed")


def _check(data: bytes, sidecar: bytes | None, jpeg: JpegPicture, ring: KeyRing) -> None:
    """Read a finished file as its receiver will, open it, and compare every coefficient with the original.

    Raises:
        ProFaceError: if it does not bring the original back; it must not be written then.
    """
    header, seals = from_chunks(_carried(data, sidecar))
    again = read_jpeg(data, "the protected file")
    if sidecar and decode_sidecar(sidecar)[0] != coefficient_digest(again):
        raise ProFaceError("verification failed: the sidecar is not the picture's", code="verification-failed")
    areas = dict(enumerate(header_areas(header)))
    found = {area: open_face(again, header, index, ring.face_key(index), seals[index]) for index, area in areas.items()}
    if changed_areas(again, header):
        raise ProFaceError("verification failed: a cover is not as it was written", code="verification-failed")
    put_area_blocks(again, found)
    if not same_coefficients(again, jpeg):
        raise ProFaceError("verification failed: a coefficient would not come back", code="verification-failed")


def same_coefficients(one: JpegPicture, other: JpegPicture) -> bool:
    """Return whether two pictures have the same frame and the same coefficients everywhere."""
    return one.frame_digest == other.frame_digest and all(
        np.array_equal(first.coefficients, second.coefficients)
        for first, second in zip(one.components, other.components, strict=True)
    )

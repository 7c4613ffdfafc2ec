"""Compare an existing output with what a run would write now, so that a resumed run can skip it.

Nothing is noted about a run anywhere: such notes would say which photo a protected file was made from.  Instead the
file is compared with everything that is asked for now, and opened with the same keys.  It is finished only if all of
this is shown; what cannot be shown counts as not finished::

    file     pixels and alpha outside the faces, format, metadata, colour profile, sidecar
    header   regions, model, mode, seals, styles, groups of faces, records in the pixels
    locks    number and kind of stanzas, cost of passphrases; every passphrase and every recipient opens its group
    faces    the seal gives the original back; without one, hiding the face again gives the same pixels

Outputs are written atomically (`write_atomic`), so a file that opens is complete.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...container.carriers.carrier import from_chunks, read_chunks
from ...container.carriers.sidecar import decode_sidecar
from ...container.header.footprint import PLAIN
from ...container.header.header import NO_MODEL_ID, Header, header_areas
from ...container.records.pixel_records import find_records, read_record
from ...container.records.record_message import face_record
from ...container.records.record_space import planned_reserves
from ...covers import get_style, recorded_name, recorded_style
from ...errors import ProFaceError
from ...flow.model import Model
from ...image.jpeg.picture import JpegPicture
from ...image.metadata import NOTE_FIELD
from ...image.read import read_file, read_picture
from ...image.write import OutputFormat, format_of_bytes
from ...keys.recipients import Identity
from ...threads import Once
from ...types import Picture, Style, UInt8Image
from ..files.io import load
from ..files.kinds import output_kind
from ..files.sidecars import found_sidecar
from ..footprints import same_elsewhere
from ..header_checks import check_digests, read_header
from ..jpeg.comparing import JpegPair
from ..jpeg.protected import open_protected_jpeg
from ..jpeg.regions import McuGrid
from ..jpeg.sources import jpeg_source
from ..medium import medium_of
from ..options import ProtectOptions
from ..protection.selection import FacePlan, choose_regions, plan_faces
from ..session import Session
from .proof import OTHER_PHOTO, PhotoAndOutput, other_options, other_stanzas, unproved_reason
from .share_comparison import carrying_photo

Pathish = str | os.PathLike[str]


def unfinished(
    source: Pathish, target: Pathish, session: Session, options: ProtectOptions, identities: Sequence[Identity] = ()
) -> str | None:
    """Say why a file is not the finished output for a photo; None if it is.

    Args:
        source: the photo.
        target: the file that may be its output.
        session: finds the faces, and has the model.
        options: what was asked for now.
        identities: private keys of recipients.  Without them nothing shows for which recipients a file was made.

    Returns:
        A reason, without the files' names.

    Raises:
        ImageError: if the photo cannot be read.
        UsageError: if the request makes no sense for this photo, as in `Session.protect`.
    """
    original, jpeg, place = load(source), None, None
    kind, _ = output_kind(source, target, options.file_format, lambda: options.pixels_reason(session.model_name))
    if kind == "jpeg":
        original, jpeg, _ = jpeg_source(original, options.quality)
        place = McuGrid.of(jpeg).place
    find = partial(session.find, search=options.search)
    choose = Once(lambda: choose_regions(original, find, options.faces, options.boxes, options.search.margin, place))
    try:
        protected, chunks = load(target), _chunks_of(target)
    except ProFaceError as error:
        return error.message
    carrying = original if kind == "jpeg" else carrying_photo(original, protected, choose, options, identities)
    if isinstance(carrying, str):
        return carrying
    try:
        evidence = _evidence(carrying, protected, jpeg)
        reason = _other_file(carrying, protected, kind, evidence, chunks, options)
    except ProFaceError as error:
        return error.message
    if reason is not None:
        return reason
    choice = choose()
    if evidence is None or not choice.regions:
        same = evidence is None and not choice.regions and options.allow_no_face and not find_records(protected.rgb)
        return None if same else other_options("other faces") if evidence else "it is not a protected file"
    faces = plan_faces(original, choice, options)
    model = session.models.named(options.model)
    options = options.for_model(model)
    if jpeg is not None:
        faces = [replace(face, footprint=PLAIN) for face in faces]
    reason = _other_header(evidence, faces, options, model)
    if reason is not None:
        return reason
    try:
        return unproved_reason(evidence, list(dict.fromkeys(face.lock for face in faces)), faces, model, identities)
    except ProFaceError as error:
        return error.message


def same_file(made: bytes, target: Pathish) -> bool:
    """Return whether a file holds the same picture as one in memory, in the same format and with the same metadata.

    Args:
        made: a complete file, as `Session.recover` returns it.
        target: the file to look at.
    """
    try:
        data = read_file(target)
        if data == made:
            return True
        if format_of_bytes(data) != format_of_bytes(made) or any(read_chunks(data).values()):
            return False
        one, other = read_picture(made), read_picture(data)
    except ProFaceError:
        return False
    return _other_metadata(one, other, True) is None and _same_alpha(one, other) and np.array_equal(one.rgb, other.rgb)


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Header and seals of a file, as found in the file and in its sidecar."""

    format: str
    carried: dict[str, list[bytes]]
    beside: dict[str, list[bytes]]


def _chunks_of(target: Pathish) -> _Chunks:
    data = read_file(target)
    beside: dict[str, list[bytes]] = {}
    if (path := found_sidecar(target)) is not None:
        digest, chunks = decode_sidecar(read_file(path), str(path))
        header, _ = from_chunks(chunks, str(path))
        shown = medium_of(header).digest(load(data), header)
        beside = chunks if digest == shown else {}  # else it is another picture's
    return _Chunks(format_of_bytes(data), read_chunks(data, str(target)), beside)


def _evidence(original: Picture, protected: Picture, jpeg: JpegPicture | None) -> PhotoAndOutput | None:
    """Photo and file, with the file's header; None if it has none."""
    if not any(protected.chunks.values()):
        return None
    header, seals = read_header(protected)
    check_digests(protected, header)
    pair = None
    if jpeg is not None and not medium_of(header).in_pixels:
        pair = JpegPair(jpeg, open_protected_jpeg(protected, header))
    return PhotoAndOutput(original, protected, header, seals, pair)


def _other_file(
    original: Picture,
    protected: Picture,
    kind: OutputFormat,
    evidence: PhotoAndOutput | None,
    chunks: _Chunks,
    options: ProtectOptions,
) -> str | None:
    """Compare everything but the faces."""
    header = evidence.header if evidence else None
    areas = [header.area(index) for index in range(len(header.faces))] if header else []
    same = same_elsewhere(protected, original, areas)
    if evidence and header and evidence.jpeg:
        same = evidence.jpeg.same_outside(header_areas(header))
    if not same:
        return OTHER_PHOTO if evidence else "it is not a protected file"
    if chunks.format != kind:
        return other_options("another format")
    if reason := _other_metadata(original, protected, options.keep_metadata):
        return other_options(reason)
    where = (bool(chunks.carried), bool(chunks.beside))
    if evidence and where != (options.sidecar != "instead", options.sidecar != "none"):
        return other_options("with a sidecar" if chunks.beside else "without a sidecar")
    return "it and its sidecar disagree" if all(where) and chunks.carried != chunks.beside else None


def _other_metadata(original: Picture, protected: Picture, keep: bool) -> str | None:
    expected, found = (
        {name: text for name, text in picture.metadata.items() if name != NOTE_FIELD}
        for picture in (original, protected)
    )
    if found != (expected if keep else {}):
        return "with metadata" if found else "without metadata"
    return None if original.icc_profile == protected.icc_profile else "another colour profile"


def _same_alpha(one: Picture, other: Picture) -> bool:
    if one.alpha is None or other.alpha is None:
        return one.alpha is other.alpha
    return np.array_equal(one.alpha, other.alpha)


def _other_header(
    evidence: PhotoAndOutput, faces: Sequence[FacePlan], options: ProtectOptions, model: Model
) -> str | None:
    """Compare a header with the request, as far as that goes without a key."""
    header, locks = evidence.header, list(dict.fromkeys(face.lock for face in faces))
    if any(face.forgotten for face in header.faces):
        return "faces in it were forgotten"
    if [face.box for face in header.faces] != [face.box for face in faces]:
        return other_options("other faces")
    if [header.footprint(index) for index in range(len(faces))] != [face.footprint for face in faces]:
        return "it leaves transparency or an edge of a face uncovered: an earlier version made it"
    if header.model_id != (NO_MODEL_ID if evidence.jpeg else model.card.model_id):
        return other_options("another model")
    if header.wrong_key != (options.wrong_key or "noise"):
        return other_options("what a wrong key gives")
    if any(face.sealed != options.sealed for face in header.faces):
        return other_options("without seals" if options.sealed else "with seals")
    wanted = [(recorded_name(face.style), _stored(face.style)) for face in faces]
    named = [recorded_style(face.style, face.strength) for face in header.faces]  # fall-backs follow from the photo
    found = [(recorded_name(style), _stored(style)) for style in named]
    if found != wanted:
        return other_options("another style")
    if [face.group for face in header.faces] != [face.group for face in faces]:
        return other_options("keys of their own for other faces")
    recorded = options.record and evidence.jpeg is None
    return other_stanzas(header, locks) or _other_records(evidence.protected.rgb, header, recorded, model)


def _stored(style: Style) -> float:
    """A strength in single precision, as headers store it; the style's default where None."""
    return float(np.float32(get_style(style.name).default_strength if style.strength is None else style.strength))


def _other_records(rgb: UInt8Image, header: Header, wanted: bool, model: Model) -> str | None:
    """Compare the records in the pixels with those that the header leads to."""
    planned = planned_reserves(header, model.most_reserved) if wanted else [0] * len(header.faces)
    for index, (face, expected) in enumerate(zip(header.faces, planned, strict=True)):
        reserved = header.reserved(index)
        if reserved != expected:
            kind = "other" if expected and reserved else "with" if reserved else "without"
            return other_options(f"{kind} records in the pixels")
        found = read_record(rgb, face.box.x, face.box.y) if expected else None
        if expected and (found is None or found.record != face_record(header, index)):
            return "its records in the pixels are damaged"
    return None

"""Verify that a protected file is as it was written, without recovering or writing anything."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..container.carriers.carrier import from_chunks, read_chunks
from ..container.carriers.sidecar import decode_sidecar
from ..container.header.header import Header
from ..container.header.unlock import UnlockedHeader, unlock_header
from ..container.records.pixel_records import read_record
from ..container.records.record_message import face_record, record_agrees
from ..container.records.record_space import has_leftovers, leftovers
from ..errors import DamagedFileError, FileFormatError, NotProtectedError
from ..faces.numbering import number_of
from ..image.read import read_file
from ..keys.access import Credentials
from ..keys.derive import KdfLimits, KekDeriver
from ..keys.secrets import FaceKey
from ..robust.share_picture import find_layer, find_whole_layer
from ..types import Box, Picture, WrongKey
from .files.io import PictureInput, file_bytes, load_protected
from .files.sidecars import found_sidecar, read_sidecar
from .footprints import unprotected_alpha
from .header_checks import check_mode, read_header
from .medium import medium_of
from .recovery.recover_from_pixels import Opened, more_faces, open_partials, read_recorded_headers
from .results.verified import KeyState, PixelState, RecordState, SealState, Verification, VerifiedFace
from .share.recover_share import describe_inside, verify_layer


def verify(
    image: PictureInput,
    credentials: Credentials | None = None,
    *,
    expect: WrongKey | None = None,
    limits: KdfLimits | None = None,
) -> Verification:
    """Check a protected file: header, digests of the protected pixels and, with a key, MAC, wrapped keys and seals.

    Of a file without metadata the records in the pixels are checked; that the rest is gone is a problem.

    Args:
        image: a protected file.
        credentials: something that opens it; without, only what needs no key is checked.
        expect: the mode that the file must be in, ``"noise"`` or ``"cover"``; any if None.
        limits: what key derivation may cost; those of the format if None.

    Returns:
        What was found; the file is sound if there are no ``problems``.

    Raises:
        NotProtectedError: no header, and no record in the pixels.
        DamagedFileError: the header is malformed, not this picture's, or was altered.
        WrongKeyError: the credentials open nothing.
        UnexpectedModeError: if the file is in the other mode.
    """
    picture = load_protected(image)
    if not any(picture.chunks.values()):
        return _verified_without_header(picture, credentials or Credentials(), expect, KekDeriver(limits))
    header, seals = read_header(picture)
    check_mode(picture, [header], expect)
    checkable = header.wrong_key == "noise" and credentials is not None and not credentials.empty
    opened = UnlockedHeader({}, {})
    if checkable and credentials:
        opened = unlock_header(header, credentials, deriver=KekDeriver(limits))
    keys, authentic = opened.face_keys, bool(opened.groups)
    changed, leaking = medium_of(header).changed_faces(picture, header), leftovers(picture.rgb, header)
    faces = []
    for index, face in enumerate(header.faces):
        pixels: PixelState = "erased" if face.erased else "changed" if index in changed else "unchanged"
        key = _key_state(header, index, keys, checkable)
        seal, record = _seal_state(picture, header, index, seals, keys), _record_state(picture, header, index)
        record = "leftover" if index in leaking and record not in ("stale", "wrong") else record
        faces.append(VerifiedFace(number_of(index), face.box, pixels, key, seal, record))
    warnings = _warnings(header, checkable, authentic)
    layer = find_whole_layer(picture.rgb) if medium_of(header).in_pixels else None
    if layer is not None:
        warnings.append(describe_inside(layer, credentials or Credentials(), KekDeriver(limits)))
    which = [str(face.number) for face in faces if face.record in ("damaged", "gone")]
    if which:
        warnings.append(f"the record in the pixels of face {', '.join(which)} is damaged or gone; the header is used")
    problems = [*_problems(picture, faces), *_sidecar_problems(image, picture)]
    for index, varies in unprotected_alpha(picture, header).items():
        where = f"the transparency of the face at {header.faces[index].box}"
        if varies:
            problems.append(f"{picture.source}: {where} was not protected, and may show the face: protect it again")
        else:
            warnings.append(f"nothing vouches for {where}")
    return Verification(tuple(faces), authentic, tuple(problems), tuple(warnings))


def _verified_without_header(
    picture: Picture, credentials: Credentials, expect: WrongKey | None, deriver: KekDeriver
) -> Verification:
    """Check the records in the pixels, or else the layer of a share copy.

    Raises:
        NotProtectedError: if there is neither.
    """
    try:
        return _verified_pixels(picture, credentials, expect, deriver)
    except NotProtectedError:
        found = find_layer(picture.rgb)
        if found is None or expect == "cover":
            raise
        return verify_layer(found, picture.size, credentials, deriver)


def _verified_pixels(
    picture: Picture, credentials: Credentials, expect: WrongKey | None, deriver: KekDeriver
) -> Verification:
    """Check a file whose metadata are gone: its records, and whether the key opens them."""
    recorded = read_recorded_headers(picture)
    check_mode(picture, [partial.header for partial in recorded.partials], expect)
    opened = [Opened(partial, {}) for partial in recorded.partials]
    if not credentials.empty:
        opened, _ = open_partials(recorded.partials, credentials, False, deriver, recorded.lost)
    faces: list[VerifiedFace] = []
    for each in opened:
        checkable = not credentials.empty and each.partial.header.wrong_key == "noise"
        places = dict(reversed(each.partial.places))
        for index, face in enumerate(each.partial.header.faces):
            box = places.get(index)
            found = read_record(picture.rgb, box.x, box.y) if box else None
            record: RecordState = "gone" if found is None else "damaged" if found.repaired else "sound"
            if box and has_leftovers(picture.rgb, box, each.partial.header, index):
                record = "leftover"
            key: KeyState = "unchecked" if not checkable or box is None else "opens" if index in each.keys else "locked"
            seal: SealState = "stripped" if face.sealed and box else "none"
            faces.append(VerifiedFace(number_of(index), box or Box(0, 0, 0, 0), "unchecked", key, seal, record))
    problems = [
        f"{picture.source}: its metadata are gone; what the records in its pixels bring back is an estimate that "
        "nothing vouches for"
    ]
    if recorded.lost:
        problems.append(f"{picture.source}: of {more_faces(recorded.lost)} no record can be read")
    problems += [_leaking(picture, face.number) for face in faces if face.record == "leftover"]
    return Verification(tuple(faces), False, tuple(problems))


def _leaking(picture: Picture, number: int) -> str:
    """Describe the problem of a face whose reserved samples hold more than its record."""
    return (
        f"{picture.source}: the pixels of face {number} hold parts of an earlier record: passphrases and recipients "
        "that were removed may still open it; rewrap the file again"
    )


def _key_state(header: Header, index: int, keys: Mapping[int, FaceKey], checkable: bool) -> KeyState:
    if index in keys and checkable:
        return "opens"
    if header.faces[index].forgotten and index not in keys:
        return "forgotten"
    return "locked" if checkable else "unchecked"


def _seal_state(
    picture: Picture,
    header: Header,
    index: int,
    seals: Mapping[int, bytes],
    keys: Mapping[int, FaceKey],
) -> SealState:
    face = header.faces[index]
    if not face.sealed or (face.forgotten and index not in seals):
        return "none"
    if index not in seals:
        return "stripped"
    if index not in keys:
        return "unchecked"
    try:
        medium_of(header).check_seal(picture, header, index, keys[index], seals[index])
    except DamagedFileError:
        return "damaged"
    return "sound"


def _record_state(picture: Picture, header: Header, index: int) -> RecordState:
    """Compare the record in a face's own pixels with the header."""
    face = header.faces[index]
    if not header.reserved(index):
        return "none"
    found = read_record(picture.rgb, face.box.x, face.box.y)
    if face.forgotten:
        return "none" if found is None or face.erased else "wrong"
    if found is None:
        return "gone"
    if found.record != face_record(header, index):
        return "stale" if record_agrees(header, index, found.record) else "wrong"
    return "damaged" if found.repaired else "sound"


def _problems(picture: Picture, faces: list[VerifiedFace]) -> list[str]:
    problems = []
    for face in faces:
        if face.pixels == "changed":
            problems.append(f"{picture.source}: the protected pixels of face {face.number} were changed")
        if face.seal in ("damaged", "stripped"):
            what = "is damaged" if face.seal == "damaged" else "was stripped: only an estimate would come back"
            problems.append(f"{picture.source}: the seal of face {face.number} {what}")
        if face.record in ("stale", "wrong"):
            what = "is opened by other keys than the header" if face.record == "stale" else "says something else"
            problems.append(f"{picture.source}: the record in the pixels of face {face.number} {what}")
        if face.record == "leftover":
            problems.append(_leaking(picture, face.number))
    return problems


def _sidecar_problems(image: PictureInput, picture: Picture) -> list[str]:
    """Return the problems of a sidecar beside a file that carries its own header."""
    beside = found_sidecar(image) if isinstance(image, (str, os.PathLike)) else None
    if not isinstance(image, (str, os.PathLike)) or beside is None or not read_chunks(file_bytes(image)):
        return []
    try:
        chunks = decode_sidecar(read_file(beside), str(beside))[1]
    except FileFormatError as error:
        return [f"{error.message}; what it holds may open {picture.source}"]
    if from_chunks(chunks) == from_chunks(picture.chunks):
        return []
    try:
        read_sidecar(beside, picture)
    except FileFormatError:
        return []  # it belongs to another picture
    return [f"{beside} is not the sidecar of {picture.source} as it is now: other keys may open it, or more faces"]


def _warnings(header: Header, checkable: bool, authentic: bool) -> list[str]:
    if header.wrong_key == "cover":
        return ["a wrong key gives the cover: no key can be checked, and nothing vouches for the header"]
    if not checkable:
        return ["checked without a key: a change of header and pixels together would not be noticed"]
    if not authentic:
        return ["a face key vouches for its own face alone, not for the rest of the header"]
    return []

"""Protected file -> photo, step by step: the inverse of `proface_s.api.protection.protect_picture`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ...container.header.header import Header
from ...container.header.unlock import noise_keys, unlock_header
from ...container.records.record_space import contradictions, with_current_records
from ...container.seal import header_seal_context, open_seal
from ...covers import recorded_synthetic
from ...errors import DamagedFileError, WrongKeyError
from ...faces.numbering import format_numbers, number_of
from ...keys.derive import KekDeriver
from ...keys.secrets import FaceKey
from ...types import Picture, UInt8Image, WrongKey
from ..footprints import restored, unprotected_alpha
from ..header_checks import check_digests, check_faces, check_mode, read_header
from ..jpeg.recovering import recover_jpeg
from ..medium import medium_of
from ..results.recovered import Outcome, RecoveredFace
from .attempt import RecoveryAttempt
from .face_reading import check_readable, estimate_faces, pixel_warnings, unvouched


@dataclass(frozen=True, slots=True, eq=False)
class Recovered:
    """A recovered picture.

    Attributes:
        picture: its pixels, and everything else of it.
        faces: what became of each face.
        warnings: what the user should know.
        wrong_key: what a wrong key gives by the file's own words.
        authentic: whether a key vouched for the header, and so for all that it says, ``wrong_key`` included.
    """

    picture: Picture
    faces: tuple[RecoveredFace, ...]
    warnings: tuple[str, ...]
    wrong_key: WrongKey = "noise"
    authentic: bool = False


def recover_picture(picture: Picture, attempt: RecoveryAttempt) -> Recovered:
    """Bring back every face that the credentials open, with the header that the file carries.

    Where records in the pixels say something else, the header that a key has vouched for wins, with a warning; one
    that nothing vouches for (``cover`` mode, or a face key alone without a seal) does not.

    Args:
        picture: the protected photo.
        attempt: what there is to open it with, and what is wanted.

    Raises:
        NotProtectedError, DamagedFileError: see `read_header`; also where protected pixels were changed.
        UnexpectedModeError: the file is in the other mode than the one expected.
        WrongKeyError, UsageError: if nothing opens; if a face that is wanted does not, or there is none of that number.
    """
    header, seals = read_header(picture)
    check_mode(picture, [header], attempt.expect)
    check_faces(header, attempt.only or ())
    check_digests(picture, header)
    attempt.progress("open", 0, 1)
    keys, authentic, forced = _keys(header, attempt)
    if not medium_of(header).in_pixels:
        return _recovered_jpeg(picture, header, seals, keys, authentic, attempt)
    seals = {} if forced else seals
    exact, unsealed = [i for i in keys if i in seals], {i: key for i, key in keys.items() if i not in seals}
    contradicting = _contradicting(picture, header, keys, keys if authentic else exact)
    readings, unreadable = estimate_faces(picture, header, attempt.models, unsealed, forced, attempt.progress)
    estimates = {index: reading.image for index, reading in readings.items()}
    check_readable(picture, unreadable, [*exact, *estimates], attempt.only)
    found = estimates | {index: _unsealed(header, index, keys[index], seals[index]) for index in exact}
    outcomes: dict[int, Outcome] = {**dict.fromkeys(exact, "exact"), **dict.fromkeys(unreadable, "damaged")}
    outcomes |= dict.fromkeys(estimates, "noise" if forced else "estimate")
    faces = tuple(
        RecoveredFace(number_of(index), face.box, outcomes.get(index) or _why_not(header, index, attempt))
        for index, face in enumerate(header.faces)
    )
    doubtful = [index for index, reading in readings.items() if not reading.intact]
    warnings = [*_warnings(header, keys, seals, forced), *pixel_warnings(unreadable, doubtful)]
    warnings += [unvouched(header.wrong_key)] if estimates and not authentic and not forced else []
    warnings += [*_disagreements(contradicting), *_transparency(picture, header, estimates)]
    if authentic:  # what early versions of `rewrap` left behind does not stay in the faces that stay covered
        picture = replace(picture, rgb=with_current_records(picture.rgb, header, ()))
    picture = replace(picture, synthetic=_still_synthetic(header, found))
    return Recovered(restored(picture, found, header), faces, tuple(warnings), header.wrong_key, authentic)


def _recovered_jpeg(
    picture: Picture,
    header: Header,
    seals: Mapping[int, bytes],
    keys: Mapping[int, FaceKey],
    authentic: bool,
    attempt: RecoveryAttempt,
) -> Recovered:
    """Bring back the faces of a JPEG: by their seals or not at all."""
    faces = []
    for index, face in enumerate(header.faces):
        outcome: Outcome = _why_not(header, index, attempt)
        if index in keys:
            outcome = "exact" if index in seals else "lost"
        faces.append(RecoveredFace(number_of(index), face.box, outcome))
    back = [index for index in keys if index in seals]
    picture = replace(picture, synthetic=_still_synthetic(header, back))
    recovered = recover_jpeg(picture, header, seals, keys, threads=attempt.threads, progress=attempt.progress)
    return Recovered(recovered, tuple(faces), _warnings(header, keys, seals, False), header.wrong_key, authentic)


def _still_synthetic(header: Header, back: Collection[int]) -> bool:
    """Return whether faces that do not come back show somebody who does not exist."""
    return any(recorded_synthetic(face.style) for index, face in enumerate(header.faces) if index not in back)


def _keys(header: Header, attempt: RecoveryAttempt) -> tuple[dict[int, FaceKey], bool, bool]:
    """The keys to use, whether one vouched for the header, and whether they are wrong ones that the user insists on."""
    forced, authentic = False, False
    force = attempt.force and medium_of(header).in_pixels  # of a JPEG a wrong key reads nothing
    deriver = KekDeriver(attempt.limits)
    try:
        opened = unlock_header(header, attempt.credentials, deriver=deriver)
        keys, authentic = opened.face_keys, bool(opened.groups)
    except WrongKeyError:
        keys = noise_keys(header, attempt.credentials, deriver=deriver) if force else {}
        if not keys:
            raise
        forced = True
    keys = {index: key for index, key in keys.items() if not header.faces[index].erased}
    for index in attempt.only or ():
        if index not in keys:
            raise WrongKeyError(
                f"face {number_of(index)} was forgotten: no passphrase and no recipient opens it"
                if header.faces[index].forgotten
                else f"the key given does not open face {number_of(index)}"
            )
    return {index: key for index, key in keys.items() if attempt.wants(index)}, authentic, forced


def _contradicting(picture: Picture, header: Header, faces: Collection[int], vouched: Collection[int]) -> Sequence[int]:
    """Return the faces whose records contradict the header.

    Raises:
        DamagedFileError: names the first for which nothing vouches.
    """
    contradicting = contradictions(picture.rgb, header, faces)
    for index in contradicting:
        if index not in vouched:
            raise DamagedFileError(
                f"{picture.source}: the header and the record in the pixels of face {number_of(index)} disagree",
                code="contradiction",
            )
    return contradicting


def _unsealed(header: Header, index: int, key: FaceKey, seal: bytes) -> UInt8Image:
    """Return a face's own pixels, with alpha if it varied, from its seal."""
    shape = header.footprint(index).sealed_shape(header.faces[index].box)
    return open_seal(key, seal, shape, header_seal_context(header, index))


def _disagreements(contradicting: Sequence[int]) -> tuple[str, ...]:
    which = format_numbers(contradicting)
    told = f"the record in the pixels of face {which} disagrees with the header; the header was used"
    return (told,) if contradicting else ()


def _why_not(header: Header, index: int, attempt: RecoveryAttempt) -> Outcome:
    if header.faces[index].forgotten:
        return "forgotten"
    return "locked" if attempt.wants(index) else "left"


def _warnings(header: Header, keys: Mapping[int, FaceKey], seals: Mapping[int, bytes], forced: bool) -> tuple[str, ...]:
    if forced:
        return ("nothing opened this file; what was written in the faces' places is what a wrong key reads: noise",)
    stripped = sum(header.faces[i].sealed and not header.faces[i].forgotten and i not in seals for i in keys)
    return (f"{stripped} of {len(header.faces)} seals were stripped from this file",) if stripped else ()


def _transparency(picture: Picture, header: Header, estimates: Collection[int]) -> tuple[str, ...]:
    """Return warnings about alpha that is lost, or that nothing vouches for."""
    warnings = [
        f"the face at {header.faces[index].box} stays opaque: its transparency is in no seal"
        for index in estimates
        if header.footprint(index).varied
    ]
    warnings += [
        f"nothing vouches for the transparency of the face at {header.faces[index].box}"
        for index in unprotected_alpha(picture, header)
    ]
    return tuple(warnings)

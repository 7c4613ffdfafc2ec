"""Protected file -> photo, step by step: the inverse of `proface_s.api.protect_picture`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ..container.carriers.carrier import from_chunks
from ..container.header.header import Header, WrongKey, region_digest
from ..container.header.unlock import noise_keys, unlock_header
from ..container.seal import header_seal_context, open_seal
from ..errors import DamagedFileError, ModelError, UnexpectedModeError, UsageError, WrongKeyError
from ..faces.numbering import format_numbers, number_of
from ..flow.model import Model, Reading
from ..flow.registry import Models, model_names
from ..image.regions import cut
from ..keys.access import Credentials
from ..keys.derive import KdfLimits, KekDeriver
from ..keys.secrets import FaceKey
from ..progress import Progress, silent
from ..types import Picture, UInt8Image
from .footprints import is_altered, restored, unprotected_alpha
from .records import contradictions, with_current_records
from .results.results import Outcome, RecoveredFace

FROM_PIXELS = "without the header, the records in the pixels can still be read, if there are any"


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


def read_header(picture: Picture) -> tuple[Header, dict[int, bytes]]:
    """Header and seals of a protected picture, checked against its pixels as far as that goes without a key.

    Raises:
        NotProtectedError: if it carries no header.
        DamagedFileError: they are malformed, or were made for another picture.
    """
    header, seals = from_chunks(picture.chunks, picture.source)
    if (header.width, header.height) != picture.size:
        raise DamagedFileError(
            f"{picture.source} is {picture.size[0]}x{picture.size[1]}, but its header was made for "
            f"{header.width}x{header.height}",
            "the picture was resized, cropped or turned after it was protected, or the header is another file's; "
            + FROM_PIXELS,
            code="resized",
        )
    return header, seals


def recover_picture(
    picture: Picture,
    credentials: Credentials,
    models: Models,
    *,
    only: Collection[int] | None = None,
    force: bool = False,
    expect: WrongKey | None = None,
    limits: KdfLimits | None = None,
    progress: Progress = silent,
) -> Recovered:
    """Bring back every face that the credentials open, with the header that the file carries.

    Where records in the pixels say something else, the header that a key has vouched for wins, with a warning; one
    that nothing vouches for (``cover`` mode, or a face key alone without a seal) does not.

    Args:
        picture: the protected photo.
        credentials: what there is to open it with.
        models: the one that the header names reads the pixels.
        only: positions in the header of the faces to bring back; all that open if None.
        force: if nothing opens, write what the wrong key reads instead of refusing it.
        expect: the mode that the file must be in; any if None.
        limits: what key derivation may cost; those of the format if None.
        progress: is told about the stages ``open`` and ``restore``.

    Raises:
        NotProtectedError, DamagedFileError: see `read_header`; also where protected pixels were changed.
        UnexpectedModeError: the file is in the other mode than ``expect``.
        WrongKeyError: if nothing opens, or a face of ``only`` does not.
        UsageError: if there is no such face.
    """
    header, seals = read_header(picture)
    check_mode(picture, [header], expect)
    check_faces(header, only or ())
    check_digests(picture, header)
    progress("open", 0, 1)
    keys, authentic, forced = _keys(header, credentials, only, force, KekDeriver(limits))
    if forced:
        seals = {}
    exact = [index for index in keys if index in seals]
    contradicting = contradictions(picture.rgb, header, keys)
    for index in contradicting:
        if not authentic and index not in exact:
            raise DamagedFileError(
                f"{picture.source}: the header and the record in the pixels of face {number_of(index)} disagree",
                FROM_PIXELS,
                code="contradiction",
            )
    unsealed = {i: key for i, key in keys.items() if i not in seals}
    readings, unreadable = _estimates(picture, header, models, unsealed, forced, progress)
    estimates = {index: reading.image for index, reading in readings.items()}
    doubtful = [index for index, reading in readings.items() if not reading.intact]
    check_readable(picture, unreadable, [*exact, *estimates], only)
    found = dict(estimates)
    for index in exact:
        shape = header.footprint(index).sealed_shape(header.faces[index].box)
        found[index] = open_seal(keys[index], seals[index], shape, header_seal_context(header, index))
    outcomes: dict[int, Outcome] = dict.fromkeys(exact, "exact")
    outcomes |= dict.fromkeys(unreadable, "damaged")
    outcomes |= dict.fromkeys(estimates, "noise" if forced else "estimate")
    faces = tuple(
        RecoveredFace(number_of(index), face.box, outcomes.get(index) or _why_not(header, index, only))
        for index, face in enumerate(header.faces)
    )
    warnings = [*_warnings(header, keys, seals, forced), *pixel_warnings(unreadable, doubtful)]
    if not authentic and not forced and estimates:
        warnings.append(unvouched(header.wrong_key))
    if contradicting:
        which = format_numbers(contradicting)
        warnings.append(f"the record in the pixels of face {which} disagrees with the header; the header was used")
    warnings += _transparency(picture, header, estimates)
    if authentic:  # what early versions of `rewrap` left behind does not stay in the faces that stay covered
        picture = replace(picture, rgb=with_current_records(picture.rgb, header, ()))
    return Recovered(restored(picture, found, header), faces, tuple(warnings), header.wrong_key, authentic)


def check_mode(picture: Picture, headers: Sequence[Header], expect: WrongKey | None) -> None:
    """Refuse a file of another mode than the one that was demanded.

    The mode stands in the header.  In noise mode a key vouches for it; but anybody can turn such a file into one in
    cover mode, in which nothing can be checked and every key, the right one too, gives the covered face.

    Raises:
        UnexpectedModeError: if no header is in that mode.
    """
    if expect is not None and all(header.wrong_key != expect for header in headers):
        raise UnexpectedModeError(
            f"{picture.source} is in {headers[0].wrong_key} mode; {expect} mode was demanded",
            "somebody may have changed the file: ask for it again, or recover it without demanding a mode",
            code="mode",
        )


def check_readable(
    picture: Picture, unreadable: Collection[int], read: Collection[object], only: Collection[int] | None
) -> None:
    """Refuse a picture of which nothing that was asked for can be read, though the keys open it.

    Raises:
        DamagedFileError: names the faces.
    """
    if unreadable and (not read or any(index in unreadable for index in only or ())):
        which = format_numbers(sorted(unreadable))
        raise DamagedFileError(
            f"{picture.source}: the key opens face {which}, but what its pixels hold is no picture",
            "its pixels were changed after it was protected; use another copy of the file",
        )


def pixel_warnings(unreadable: Collection[int], doubtful: Collection[int]) -> list[str]:
    """Return warnings about faces that the key opens and whose pixels were changed.

    Args:
        unreadable: faces whose pixels hold no picture.
        doubtful: faces that can be read, though not all of their code is as it was written.
    """
    warnings = []
    if unreadable:
        which = format_numbers(sorted(unreadable))
        warnings.append(f"the pixels of face {which} were changed: what they hold is no picture; it stays covered")
    if doubtful:
        which = format_numbers(sorted(doubtful))
        warnings.append(f"the pixels of face {which} were changed: what came back is wrong, in parts or as a whole")
    return warnings


def unvouched(wrong_key: WrongKey) -> str:
    """Return the warning about estimates if no key vouched for the header."""
    if wrong_key == "cover":
        return (
            "the file is in cover mode: nothing vouches for what came back. A wrong key, or a right one for a file "
            "that somebody has changed, gives the covered face, and nothing tells"
        )
    return "a face key alone vouches for no estimate: nothing tells whether somebody has changed the file"


def check_faces(header: Header, faces: Collection[int]) -> None:
    """Refuse positions at which the header has no face.

    Raises:
        UsageError: names the first of them.
    """
    for index in faces:
        if not 0 <= index < len(header.faces):
            count = len(header.faces)
            raise UsageError(
                f"there is no face {number_of(index)}: the file has {count}", f"faces are numbered from 1 to {count}"
            )


def model_of(picture: Picture, header: Header, models: Models) -> Model:
    """Return the model that wrote a picture's protected pixels, which alone can read them.

    Raises:
        ModelError: if it is not installed.
        DamagedFileError: if the header claims a mode that the model does not have.
    """
    model = models.with_id(header.model_id)
    if model is None:
        raise ModelError(
            f"{picture.source} was protected with another model ({header.model_id.hex()})",
            f"this installation has {', '.join(model_names())}",
        )
    if header.wrong_key not in model.wrong_key_modes:
        raise DamagedFileError(
            f"{picture.source}: its header names {header.wrong_key} mode, which model {model.card.name} does not have"
        )
    return model


def changed_faces(picture: Picture, header: Header) -> list[int]:
    """Faces whose protected pixels or alpha are not as they were published; not those that were erased on purpose."""
    return [
        index
        for index, face in enumerate(header.faces)
        if not face.erased
        and (
            region_digest(cut(picture.rgb, face.box), header.reserved(index)) != face.digest
            or is_altered(picture, header, index)
        )
    ]


def check_digests(picture: Picture, header: Header) -> None:
    """Refuse a picture whose protected pixels were changed.

    Raises:
        DamagedFileError: names the faces.
    """
    changed: Sequence[int] = changed_faces(picture, header)
    if changed:
        raise DamagedFileError(
            f"{picture.source}: the protected pixels of face {format_numbers(changed)} were changed, "
            "or the header is another file's",
            "use the file as it was written when it was protected; " + FROM_PIXELS,
            code="pixels-changed",
        )


def _keys(
    header: Header, credentials: Credentials, only: Collection[int] | None, force: bool, deriver: KekDeriver
) -> tuple[dict[int, FaceKey], bool, bool]:
    """The keys to use, whether one vouched for the header, and whether they are wrong ones that the user insists on."""
    forced, authentic = False, False
    try:
        opened = unlock_header(header, credentials, deriver=deriver)
        keys, authentic = opened.face_keys, bool(opened.groups)
    except WrongKeyError:
        keys = noise_keys(header, credentials, deriver=deriver) if force else {}
        if not keys:
            raise
        forced = True
    keys = {index: key for index, key in keys.items() if not header.faces[index].erased}
    for index in only or ():
        if index not in keys:
            raise WrongKeyError(
                f"face {number_of(index)} was forgotten: no passphrase and no recipient opens it"
                if header.faces[index].forgotten
                else f"the key given does not open face {number_of(index)}"
            )
    return {index: key for index, key in keys.items() if only is None or index in only}, authentic, forced


def _why_not(header: Header, index: int, only: Collection[int] | None) -> Outcome:
    if header.faces[index].forgotten:
        return "forgotten"
    return "left" if only is not None and index not in only else "locked"


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


def _estimates(
    picture: Picture, header: Header, models: Models, keys: Mapping[int, FaceKey], forced: bool, progress: Progress
) -> tuple[dict[int, Reading], list[int]]:
    """Return what the flow reads from the pixels of the given faces, and the faces of which it reads no picture."""
    if not keys:
        return {}, []
    model = model_of(picture, header, models)
    estimates: dict[int, Reading] = {}
    unreadable: list[int] = []
    for number, (index, key) in enumerate(keys.items()):
        progress("restore", number, len(keys))
        read = estimate(model, cut(picture.rgb, header.faces[index].box), key, header, index, forced)
        if read is None:
            unreadable.append(index)
        else:
            estimates[index] = read
    return estimates, unreadable


def estimate(
    model: Model, region: UInt8Image, key: FaceKey, header: Header, index: int, forced: bool
) -> Reading | None:
    """Read one face from its pixels.

    Args:
        model: the one that wrote the region.
        region: (h, w, 3) uint8, the protected region.
        key: the face's key.
        header: what belongs to the region.
        index: the face's position in the header.
        forced: give what a wrong key reads, too: noise.

    Returns:
        What was read; None if it is no picture.  In cover mode it is the region itself then.
    """
    cover_mode = header.wrong_key == "cover"
    if min(region.shape[:2]) < model.smallest_side:
        return Reading(region) if cover_mode else None
    reading = model.recover(region, key, reserved=header.reserved(index), wrong_key=header.wrong_key)
    if not reading.readable and (cover_mode or forced):
        return Reading(reading.image)
    return reading if reading.readable else None

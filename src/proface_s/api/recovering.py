"""Protected file -> photo, step by step: the inverse of `proface_s.api.protecting`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..container.carrier import from_chunks
from ..container.header import Header, region_digest
from ..container.seal import header_seal_context, open_seal
from ..container.unlock import forced_keys, unlock_header
from ..errors import DamagedFileError, ModelError, UsageError, WrongKeyError
from ..flow.model import FlowModel
from ..imaging.regions import cut, paste_all
from ..keys.access import Credentials
from ..keys.derive import KdfLimits, KekDeriver
from ..keys.secret import FaceKey
from ..types import Picture, UInt8Image
from .numbering import listed, number_of
from .progress import Progress, silent
from .recording import contradictions
from .results import Outcome, RecoveredFace

FROM_PIXELS = "without the header, the records in the pixels can still be read, if there are any"


@dataclass(frozen=True, slots=True, eq=False)
class Recovered:
    """A recovered picture: its pixels, what became of each face, and what the user should know."""

    rgb: UInt8Image
    faces: tuple[RecoveredFace, ...]
    warnings: tuple[str, ...]


def read_header(picture: Picture) -> tuple[Header, dict[int, bytes]]:
    """Header and seals of a protected picture, checked against its pixels as far as that goes without a key.

    Raises:
        NotProtectedError: it carries none.
        DamagedFileError: they are malformed, or were made for another picture.
    """
    header, seals = from_chunks(picture.chunks, picture.source)
    if (header.width, header.height) != picture.size:
        raise DamagedFileError(
            f"{picture.source} is {picture.size[0]}x{picture.size[1]}, but its header was made for "
            f"{header.width}x{header.height}",
            "the picture was resized, cropped or turned after it was protected, or the header is another file's; "
            + FROM_PIXELS, code="resized",
        )
    return header, seals


def recover_picture(
    picture: Picture, credentials: Credentials, model: FlowModel,
    *, only: Collection[int] | None = None, force: bool = False, limits: KdfLimits | None = None,
    progress: Progress = silent,
) -> Recovered:
    """Bring back every face that the credentials open, with the header that the file carries.

    Where records in the pixels say something else, the header that a key has vouched for wins, with a warning; one
    that nothing vouches for (``cover`` mode) does not.

    Args:
        picture: the protected photo.
        credentials: what there is to open it with.
        model: the flow.
        only: positions in the header of the faces to bring back; all that open if None.
        force: where nothing opens, write what the wrong key reads instead of refusing it.
        limits: what key derivation may cost; those of the format if None.
        progress: is told about the stages ``open`` and ``restore``.

    Raises:
        NotProtectedError, DamagedFileError: see `read_header`; also where protected pixels were changed.
        WrongKeyError: nothing opens, or a face of ``only`` does not.
        UsageError: there is no such face.
    """
    header, seals = read_header(picture)
    check_faces(header, only or ())
    check_digests(picture, header)
    progress("open", 0, 1)
    keys, forced = _keys(header, credentials, only, force, KekDeriver(limits))
    contradicting = contradictions(picture.rgb, header, keys)
    if contradicting and header.wrong_key == "cover":
        raise DamagedFileError(
            f"{picture.source}: the header and the record in the pixels of face {number_of(contradicting[0])} disagree",
            FROM_PIXELS, code="contradiction",
        )
    if forced:
        seals = {}
    exact = [index for index in keys if index in seals]
    unsealed = {i: key for i, key in keys.items() if i not in seals}
    estimates = _estimates(picture, header, model, unsealed, progress)
    found = dict(estimates)
    for index in exact:
        box = header.faces[index].box
        found[index] = open_seal(keys[index], seals[index], (box.h, box.w, 3), header_seal_context(header, index))
    rgb = paste_all(picture.rgb, [(header.faces[index].box, original) for index, original in found.items()])
    read: Outcome = "noise" if forced else "estimate"
    faces = []
    for index, face in enumerate(header.faces):
        outcome: Outcome = "exact" if index in exact else read if index in estimates else _why_not(header, index, only)
        faces.append(RecoveredFace(number_of(index), face.box, outcome))
    warnings = _warnings(header, keys, seals, forced)
    if contradicting:
        which = listed(contradicting)
        warnings += (f"the record in the pixels of face {which} disagrees with the header; the header was used",)
    return Recovered(rgb, tuple(faces), warnings)


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


def check_model(picture: Picture, header: Header, model: FlowModel) -> None:
    """Refuse to read pixels with another model than wrote them.

    Raises:
        ModelError: names both.
    """
    if header.model_id != model.card.model_id:
        raise ModelError(
            f"{picture.source} was protected with another model ({header.model_id.hex()})",
            f"this installation has {model.card.name} ({model.card.model_id.hex()})",
        )


def changed_faces(picture: Picture, header: Header) -> list[int]:
    """Faces whose protected pixels are no longer those that were published; not those that were erased on purpose."""
    return [
        index for index, face in enumerate(header.faces)
        if not face.erased and region_digest(cut(picture.rgb, face.box), header.reserved(index)) != face.digest
    ]


def check_digests(picture: Picture, header: Header) -> None:
    """Refuse a picture whose protected pixels were changed.

    Raises:
        DamagedFileError: names the faces.
    """
    changed: Sequence[int] = changed_faces(picture, header)
    if changed:
        raise DamagedFileError(
            f"{picture.source}: the protected pixels of face {listed(changed)} were changed, "
            "or the header is another file's",
            "use the file as it was written when it was protected; " + FROM_PIXELS, code="pixels-changed",
        )


def _keys(
    header: Header, credentials: Credentials, only: Collection[int] | None, force: bool, deriver: KekDeriver
) -> tuple[dict[int, FaceKey], bool]:
    """The keys to use, and whether they are wrong ones that the user insists on."""
    forced = False
    try:
        keys = unlock_header(header, credentials, deriver=deriver).face_keys
    except WrongKeyError:
        keys = forced_keys(header, credentials, deriver=deriver) if force else {}
        if not keys:
            raise
        forced = True
    keys = {index: key for index, key in keys.items() if not header.faces[index].erased}
    for index in only or ():
        if index not in keys:
            raise WrongKeyError(
                f"face {number_of(index)} was forgotten: no passphrase and no recipient opens it"
                if header.faces[index].forgotten else f"the key given does not open face {number_of(index)}"
            )
    return {index: key for index, key in keys.items() if only is None or index in only}, forced


def _why_not(header: Header, index: int, only: Collection[int] | None) -> Outcome:
    if header.faces[index].forgotten:
        return "forgotten"
    return "left" if only is not None and index not in only else "locked"


def _warnings(
    header: Header, keys: Mapping[int, FaceKey], seals: Mapping[int, bytes], forced: bool
) -> tuple[str, ...]:
    if forced:
        return ("nothing opened this file; what was written in the faces' places is what a wrong key reads: noise",)
    stripped = sum(header.faces[i].sealed and not header.faces[i].forgotten and i not in seals for i in keys)
    return (f"{stripped} of {len(header.faces)} seals were stripped from this file",) if stripped else ()


def _estimates(
    picture: Picture, header: Header, model: FlowModel, keys: Mapping[int, FaceKey], progress: Progress
) -> dict[int, UInt8Image]:
    """What the flow reads from the pixels of the given faces."""
    if not keys:
        return {}
    check_model(picture, header, model)
    estimates: dict[int, UInt8Image] = {}
    for index, key in keys.items():
        progress("restore", len(estimates), len(keys))
        region = cut(picture.rgb, header.faces[index].box)
        (estimates[index],) = model.recover(
            [region], [key], reserved=[header.reserved(index)], wrong_key=header.wrong_key
        )
    return estimates

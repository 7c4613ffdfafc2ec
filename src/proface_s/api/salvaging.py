"""Recovering from the pixels alone: what is left when a program has dropped all metadata.

The inverse of `proface_s.api.protecting` again, but the header is put together from the records in the faces' own
pixels, wherever in the picture they are.  What comes back is the flow's estimate; nothing vouches for it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..container.inband import find_records
from ..container.record import LOST, Partial, headers_from_records
from ..container.unlock import check_cost, forced_keys, unlock_header
from ..errors import NotProtectedError, UsageError, WrongKeyError
from ..flow.model import FlowModel
from ..imaging.regions import cut, paste_all
from ..keys.access import Credentials
from ..keys.derive import KdfLimits, KekDeriver
from ..keys.secret import FaceKey
from ..types import Box, Picture, UInt8Image
from .numbering import number_of
from .progress import Progress, silent
from .recovering import Recovered, check_model
from .results import Outcome, RecoveredFace

_WARNING = "the file's metadata are gone; what was read from the pixels is an estimate that nothing vouches for"


@dataclass(frozen=True, slots=True)
class _Opened:
    """A partial header with the keys that fit it."""

    partial: Partial
    keys: dict[int, FaceKey]


def find_headers(picture: Picture) -> list[Partial]:
    """The headers that a picture's pixels hold, put together from their records; usually one.

    Raises:
        NotProtectedError: none.
        DamagedFileError: they ask for too much.
    """
    partials = headers_from_records(find_records(picture.rgb), picture.size)
    if not partials:
        raise NotProtectedError(
            f"{picture.source} carries no PRO-Face S header, and no record in its pixels",
            "either it was never protected, or it was compressed, scaled or drawn over since; a sidecar may help",
        )
    return partials


def recover_from_pixels(
    picture: Picture, credentials: Credentials, model: FlowModel,
    *, only: Collection[int] | None = None, force: bool = False, limits: KdfLimits | None = None,
    progress: Progress = silent,
) -> Recovered:
    """Estimate every face that the credentials open, with nothing but the pixels.

    Args:
        picture: the protected photo, perhaps cropped or pasted into another one.
        credentials: what there is to open it with.
        model: the flow.
        only: positions in the header of the faces to bring back; all that open if None.
        force: where nothing opens, write what the wrong key reads instead of refusing it.
        limits: what key derivation may cost, for all headers together; those of the format if None.
        progress: is told about the stages ``open`` and ``restore``.

    Raises:
        NotProtectedError: there is no record in the pixels.
        WrongKeyError: nothing opens, or a face of ``only`` does not.
    """
    partials = find_headers(picture)
    known = {index for partial in partials for index in partial.faces}
    for index in only or ():
        if index not in known:
            raise UsageError(f"there is no record of face {number_of(index)} in the pixels", code="no-record")
    progress("open", 0, 1)
    opened, forced = _open(partials, credentials, force, KekDeriver(limits))
    keys = {index for each in opened for index in each.keys}
    for index in only or ():
        if index not in keys:
            raise WrongKeyError(f"the key given does not open face {number_of(index)}")
    found: list[tuple[Box, UInt8Image]] = []
    faces: list[RecoveredFace] = []
    for each in opened:
        wanted = [i for i in each.keys if only is None or i in only]
        places = [(index, box) for index, box in each.partial.places if index in wanted]
        header = each.partial.header
        if places:
            check_model(picture, header, model)
        for number, (index, box) in enumerate(places):
            progress("restore", number, len(places))
            (estimate,) = model.recover(
                [cut(picture.rgb, box)], [each.keys[index]], reserved=[header.reserved(index)],
                wrong_key=header.wrong_key,
            )
            found.append((box, estimate))
        faces += _outcomes(each, wanted, only, "noise" if forced else "estimate")
    return Recovered(paste_all(picture.rgb, found), tuple(faces), tuple(_warnings(opened, forced)))


def _open(
    partials: list[Partial], credentials: Credentials, force: bool, deriver: KekDeriver
) -> tuple[list[_Opened], bool]:
    """Every header with the keys that open it, and whether they are wrong ones that the user insists on."""
    check_cost([partial.header for partial in partials], credentials, deriver)
    opened, refusal = [], None
    for partial in partials:
        try:
            keys = unlock_header(
                partial.header, credentials, authenticated=False, deriver=deriver
            ).face_keys
        except WrongKeyError as error:
            refusal, keys = refusal or error, {}
        opened.append(_Opened(partial, {i: key for i, key in keys.items() if i in partial.faces}))
    if refusal is None or any(each.keys for each in opened):
        return opened, False
    if force:
        keys_of = [forced_keys(partial.header, credentials, deriver=deriver) for partial in partials]
        return [_Opened(*each) for each in zip(partials, keys_of, strict=True)], True
    raise refusal


def _outcomes(
    opened: _Opened, wanted: Collection[int], only: Collection[int] | None, read: Outcome
) -> list[RecoveredFace]:
    """One per face by its number, lost ones included; then one for every further place of a face."""
    header, first = opened.partial.header, dict(reversed(opened.partial.places))
    outcomes: dict[int, Outcome] = {
        index: "lost" if face.style == LOST else read if index in wanted
        else "left" if only is not None and index not in only else "locked"
        for index, face in enumerate(header.faces)
    }
    listed = [
        RecoveredFace(number_of(index), first.get(index, Box(0, 0, 0, 0)), outcome)
        for index, outcome in outcomes.items()
    ]
    further = [(index, box) for index, box in opened.partial.places if box != first[index]]
    return listed + [RecoveredFace(number_of(index), box, outcomes[index]) for index, box in further]


def _warnings(opened: list[_Opened], forced: bool) -> list[str]:
    if forced:
        return ["nothing opened this file; what was written in the faces' places is what a wrong key reads: noise"]
    warnings = [_WARNING]
    lost = sum(face.style == LOST for each in opened for face in each.partial.header.faces)
    if lost:
        warnings.append(f"of at least {lost} more faces there is no record in the pixels; they stay covered")
    moved = any(box != each.partial.header.faces[i].box for each in opened for i, box in each.partial.places)
    if moved:
        warnings.append("the picture was cropped, or pasted into another one: faces are not where they were protected")
    return warnings

"""Recovering from the pixels alone: what is left when a program has dropped all metadata.

The inverse of `proface_s.api.protection.protect_picture` again, but the header is put together from the records in the
faces' own pixels, wherever in the picture they are.  What comes back is the flow's estimate; nothing vouches for it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...container.header.unlock import check_cost, noise_keys, unlock_header
from ...container.records.partial_headers import LOST, PartialHeader, headers_from_records
from ...container.records.pixel_records import search_records
from ...errors import DamagedFileError, NotProtectedError, UsageError, WrongKeyError
from ...faces.numbering import number_of
from ...image.regions import cut, paste_all
from ...keys.access import Credentials
from ...keys.derive import KekDeriver
from ...keys.secrets import FaceKey
from ...types import Box, Picture, UInt8Image, WrongKey
from ..header_checks import check_mode
from ..results.recovered import Outcome, RecoveredFace
from .attempt import RecoveryAttempt
from .face_reading import check_readable, estimate_face, model_of, pixel_warnings, unvouched
from .recover_picture import Recovered

_GONE = "the file's metadata are gone; what was read from the pixels is an estimate that nothing vouches for"
_IGNORED = "header and seals were ignored; what was read from the pixels is an estimate that nothing vouches for"


@dataclass(frozen=True, slots=True)
class Opened:
    """A partial header with the keys that fit it."""

    partial: PartialHeader
    keys: dict[int, FaceKey]


@dataclass(frozen=True, slots=True)
class RecordedHeaders:
    """Headers and damaged records found in the pixels of a picture.

    Attributes:
        partials: the headers put together from their records; usually one, never none.
        ruined: how many further records are beyond repair.
    """

    partials: list[PartialHeader]
    ruined: int

    @property
    def lost(self) -> int:
        """At least how many faces there are of which no record can be read."""
        gaps = sum(face.style == LOST for partial in self.partials for face in partial.header.faces)
        return max(gaps, self.ruined)


def more_faces(lost: int) -> str:
    """``at least 2 more faces``, for messages."""
    return f"at least {lost} more face{'' if lost == 1 else 's'}"


def find_headers(picture: Picture) -> list[PartialHeader]:
    """Return the `partials` of `read_recorded_headers`."""
    return read_recorded_headers(picture).partials


def read_recorded_headers(picture: Picture) -> RecordedHeaders:
    """Look for records in a picture's pixels.

    Raises:
        NotProtectedError: there are none.
        DamagedFileError: they are all beyond repair, or ask for too much.
    """
    search = search_records(picture.rgb)
    partials = headers_from_records(search.records, picture.size)
    if not partials and search.ruined:
        raise DamagedFileError(
            f"{picture.source}: the records in its pixels are damaged beyond repair ({search.ruined} of them)",
            code="ruined-records",
        )
    if not partials:
        raise NotProtectedError(
            f"{picture.source} carries no PRO-Face S header, and no record in its pixels",
            code="no-records",
        )
    return RecordedHeaders(partials, search.ruined)


def recover_from_pixels(picture: Picture, attempt: RecoveryAttempt) -> Recovered:
    """Estimate every face that the credentials open, with nothing but the pixels.

    Args:
        picture: the protected photo, perhaps cropped or pasted into another one.
        attempt: what there is to open it with, and what is wanted.  Records of another mode than the one expected are
            passed over.

    Raises:
        NotProtectedError, DamagedFileError: see `read_recorded_headers`; also if opened faces hold no picture.
        WrongKeyError, UsageError: if nothing opens; or a face that is wanted does not, or has no record.
        UnexpectedModeError: no record is of the mode that was demanded.
    """
    recorded = read_recorded_headers(picture)
    check_mode(picture, [partial.header for partial in recorded.partials], attempt.expect)
    partials = [each for each in recorded.partials if attempt.expect in (None, each.header.wrong_key)]
    known = {index for partial in partials for index in partial.faces}
    for index in attempt.only or ():
        if index not in known:
            raise UsageError(f"there is no record of face {number_of(index)} in the pixels", code="no-record")
    attempt.progress("open", 0, 1)
    deriver = KekDeriver(attempt.limits)
    opened, forced = open_partials(partials, attempt.credentials, attempt.force, deriver, recorded.lost)
    keys = {index for each in opened for index in each.keys}
    for index in attempt.only or ():
        if index not in keys:
            raise WrongKeyError(f"the key given does not open face {number_of(index)}")
    found: list[tuple[Box, UInt8Image]] = []
    faces: list[RecoveredFace] = []
    failed: list[int] = []
    doubtful: list[int] = []
    for each in opened:
        wanted = [index for index in each.keys if attempt.wants(index)]
        estimates, unreadable, changed = _read(picture, each, wanted, forced, attempt)
        found += estimates
        doubtful += changed
        faces += _outcomes(each, wanted, attempt.only, unreadable, "noise" if forced else "estimate")
        failed += unreadable
    check_readable(picture, failed, found, attempt.only)
    modes = [each.partial.header.wrong_key for each in opened if each.keys]
    mode: WrongKey = "cover" if "cover" in modes else "noise"
    warnings = _warnings(picture, opened, forced, recorded.lost) + pixel_warnings(failed, doubtful)
    warnings += [unvouched(mode)] if mode == "cover" and not forced else []
    recovered = replace(picture, rgb=paste_all(picture.rgb, found))
    return Recovered(recovered, tuple(faces), tuple(warnings), mode)


def _read(
    picture: Picture, opened: Opened, wanted: Collection[int], forced: bool, attempt: RecoveryAttempt
) -> tuple[list[tuple[Box, UInt8Image]], list[int], list[int]]:
    """Return what the flow reads, with its places; the faces of which it reads no picture in any place; and those of
    which it reads one whose code was changed.
    """
    header = opened.partial.header
    places = [(index, box) for index, box in opened.partial.places if index in wanted]
    if not places:
        return [], [], []
    model = model_of(picture, header, attempt.models)
    found: list[tuple[Box, UInt8Image]] = []
    readable: set[int] = set()
    doubtful: set[int] = set()
    for number, (index, box) in enumerate(places):
        attempt.progress("restore", number, len(places))
        read = estimate_face(model, cut(picture.rgb, box), opened.keys[index], header, index, forced)
        if read is not None:
            found.append((box, read.image))
            readable.add(index)
            doubtful |= set() if read.intact else {index}
    return found, sorted({index for index, _ in places} - readable), sorted(doubtful)


def open_partials(
    partials: list[PartialHeader], credentials: Credentials, force: bool, deriver: KekDeriver, lost: int
) -> tuple[list[Opened], bool]:
    """Open headers that were put together from records.

    Args:
        partials: the headers.
        credentials: everything there is to try.
        force: if nothing opens, make wrong keys instead.
        deriver: makes keys of passphrases, within its limits.
        lost: number of faces of which no record can be read, which the credentials may be for.

    Returns:
        Every header with the keys that open it, and whether they are wrong ones that the user insists on.

    Raises:
        WrongKeyError: nothing opens.
        CostlyFileError: trying would take too much work.
    """
    check_cost([partial.header for partial in partials], credentials, deriver)
    opened, refusal = [], None
    for partial in partials:
        try:
            keys = unlock_header(partial.header, credentials, authenticated=False, deriver=deriver).face_keys
        except WrongKeyError as error:
            refusal, keys = refusal or error, {}
        opened.append(Opened(partial, {i: key for i, key in keys.items() if i in partial.faces}))
    if refusal is None or any(each.keys for each in opened):
        return opened, False
    if force:
        keys_of = [noise_keys(partial.header, credentials, deriver=deriver) for partial in partials]
        return [Opened(*each) for each in zip(partials, keys_of, strict=True)], True
    if lost:
        raise WrongKeyError(
            f"the key opens none of the faces whose records in the pixels can be read; of {more_faces(lost)} none can "
            "be read, and whether it opens those is not known",
            code="unread-records",
        )
    raise refusal


def _outcomes(
    opened: Opened, wanted: Collection[int], only: Collection[int] | None, unreadable: Collection[int], read: Outcome
) -> list[RecoveredFace]:
    """One per face by its number, lost ones included; then one for every further place of a face."""
    header, first = opened.partial.header, dict(reversed(opened.partial.places))
    outcomes: dict[int, Outcome] = {
        index: "lost"
        if face.style == LOST
        else "damaged"
        if index in unreadable
        else read
        if index in wanted
        else "left"
        if only is not None and index not in only
        else "locked"
        for index, face in enumerate(header.faces)
    }
    listed = [
        RecoveredFace(number_of(index), first.get(index, Box(0, 0, 0, 0)), outcome)
        for index, outcome in outcomes.items()
    ]
    further = [(index, box) for index, box in opened.partial.places if box != first[index]]
    return listed + [RecoveredFace(number_of(index), box, outcomes[index]) for index, box in further]


def _warnings(picture: Picture, opened: list[Opened], forced: bool, lost: int) -> list[str]:
    if forced:
        return ["nothing opened this file; what was written in the faces' places is what a wrong key reads: noise"]
    warnings = [_IGNORED if any(picture.chunks.values()) else _GONE]
    if lost:
        warnings.append(f"of {more_faces(lost)} no record can be read in the pixels; what they hide stays covered")
    moved = any(box != each.partial.header.faces[i].box for each in opened for i, box in each.partial.places)
    if moved:
        warnings.append("the picture was cropped, or pasted into another one: faces are not where they were protected")
    return warnings

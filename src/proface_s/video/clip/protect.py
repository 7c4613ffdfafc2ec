"""Protect clips: find out who is where, then cover and seal."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, overload

from ...api.options import FaceRef, ProtectOptions
from ...container.header.clip_mark import FACES, ORIGINAL, STREAM_ID_BYTES, ClipMark
from ...container.header.header import DIGEST_BYTES, NO_MODEL_ID, Header
from ...container.header.key_ring import KeyRing
from ...container.header.lock import FaceDescription, lock_header
from ...covers import format_style, get_style, is_weak, recorded_name
from ...errors import NoFaceError, ProFaceError, UsageError
from ...faces import Detector
from ...faces.boxes import intersection
from ...image.write import check_new_path
from ...keys.access import Lock
from ...keys.derive import KekDeriver
from ...progress import Progress, silent
from ...types import Box, Style
from ..clip_names import COMMENT, SIDECAR_COMMENT
from ..people.corrections import Corrections
from ..people.of_clip import find_clip_people, open_clip_detector
from ..people.people import People
from .areas import Area, covered_box, hull_box
from .hider import ClipKeys, HiddenFace
from .options import ClipOptions, check_clip_options, fits_clips
from .planes import stored_box
from .read import ClipInfo, damage_notes, open_clip, open_container
from .results import ProtectedClip, ProtectedPerson
from .second_pass import ClipPlan, hide_clip
from .track.reading import read_track_at
from .track.sidecar import appearing_clip, clip_sidecar, planned_sidecar

NOWHERE: Final = Box(0, 0, 2, 2)
"""Box in the header of a person who does not appear."""


class HiddenFrames(Sequence[Sequence[HiddenFace]]):
    """What is covered in each frame of a clip, worked out when it is asked for: an hour has 90,000 frames.

    Args:
        people: of the clip.
        chosen: numbers of those to cover; their indices in the file are their positions here.
        info: of the clip.
        size: (width, height) of the output's frames.
        margin: growth of tight boxes, as in `reversible_box`.
    """

    def __init__(
        self, people: People, chosen: Sequence[int], info: ClipInfo, size: tuple[int, int], margin: float
    ) -> None:
        self._people, self._info, self._size, self._margin = people, info, size, margin
        self._index = {number: position for position, number in enumerate(chosen)}

    def __len__(self) -> int:
        return len(self._people.times)

    @overload
    def __getitem__(self, frame: int) -> tuple[HiddenFace, ...]: ...
    @overload
    def __getitem__(self, frame: slice) -> Sequence[tuple[HiddenFace, ...]]: ...
    def __getitem__(self, frame: int | slice) -> Sequence[HiddenFace] | Sequence[tuple[HiddenFace, ...]]:
        """Return the faces of a frame, or of a range of frames."""
        if isinstance(frame, slice):
            return [self[number] for number in range(*frame.indices(len(self)))]
        if not 0 <= frame < len(self):
            raise IndexError(frame)
        info, hidden = self._info, []
        for person, box, track in self._people.in_frame(frame):
            face = stored_box(box, info.size, info.rotation)
            if person in self._index and intersection(face, Box(0, 0, *self._size)):
                area = Area(self._index[person], covered_box(face, self._size, self._margin))
                hidden.append(HiddenFace(area, face, track))
        return tuple(hidden)


def protect_clip(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: ProtectOptions,
    clip_options: ClipOptions | None = None,
    *,
    people: People | None = None,
    corrections: Corrections | None = None,
    detector: Detector | None = None,
    overwrite: bool = False,
    threads: int = 0,
    progress: Progress = silent,
) -> ProtectedClip:
    """Find the people of a clip, and write its protected copy; `recover_clip` is the inverse.

    Args:
        source: the clip.
        target: where to write an MP4 file.
        options: locks, styles, people to protect, and how faces are looked for.
        clip_options: everything that only clips have; the defaults if None.
        people: who is where, if that is known; nobody is looked for then.
        corrections: of who was found or is known; none if None.
        detector: that looks for people; the one that ``options.search`` names if None.
        overwrite: replace an existing file.
        threads: to work with; 0 for all cores.
        progress: is told about the stages ``find`` and ``hide``, with numbers of frames.

    Raises:
        UsageError: if the clip is protected already or the output itself, the options are not for clips, or a person
            is not there.
        NoFaceError: if there is nobody to protect.
        ImageError: if the source cannot be read or the target not be written.
    """
    source, target, chosen = Path(source), Path(target), clip_options or ClipOptions()
    check_clip_options(options)
    check_new_path(source, target, overwrite=overwrite)
    planned_sidecar(target, options.sidecar, overwrite=overwrite)
    wanted = corrections or Corrections()
    if people is None:
        check_unprotected(source)
        if detector is None or wanted.faces == ():
            detector = open_clip_detector(options.search, wanted, threads)
        people, _ = find_clip_people(source, detector, chosen.interval, threads=threads, progress=progress)
    people = wanted.apply(people)
    return write_protected(source, target, people, options, chosen, overwrite=overwrite, progress=progress)


def check_unprotected(source: Path) -> None:
    """Refuse a clip that is protected already, before any work.

    Raises:
        UsageError: if it is.
        ImageError: if it cannot be read.
    """
    with open_container(source) as container:
        if container.metadata.get("comment") in (COMMENT, SIDECAR_COMMENT) or clip_sidecar(source) is not None:
            raise UsageError(f"{source} is protected already", code="protected-already")


def write_protected(
    source: Path,
    target: Path,
    people: People,
    options: ProtectOptions,
    clip_options: ClipOptions,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> ProtectedClip:
    """Write the protected copy of a clip whose people are known.

    Args:
        source: the clip.
        target: where to write.
        people: who is where.
        options: locks, styles, people to protect and margin.
        clip_options: everything that only clips have.
        overwrite: replace an existing file.
        progress: is told about the stage ``hide``.

    Raises:
        UsageError: if the clip is protected already, the options are not for clips, or a person is not there.
        NoFaceError: if there is nobody to protect.
        ImageError: if the source cannot be read or the target not be written.
    """
    check_clip_options(options)
    chosen = _chosen(people, options)
    styles = _styles(len(chosen), options)
    check_unprotected(source)
    beside = planned_sidecar(target, options.sidecar, overwrite=overwrite)
    with open_clip(source) as clip:
        size = clip.info.width // 2 * 2, clip.info.height // 2 * 2
        frames = HiddenFrames(people, chosen, clip.info, size, options.search.margin)
        contents = ORIGINAL if clip_options.exact else FACES
        mark = ClipMark(secrets.token_bytes(STREAM_ID_BYTES), clip.info.time_base, contents)
        ring, header = _locked(frames, size, styles, options, mark)
        keys = ClipKeys(tuple(ring.face_key(index) for index in range(len(chosen))), ring.file_keys)
        with appearing_clip(target, beside, overwrite=overwrite, like=source) as (temporary, sidecar):
            carried = options.sidecar != "instead"
            plan = ClipPlan(header, keys, styles, people, frames, clip_options, sidecar, carried)
            notes = hide_clip(clip, temporary, plan, progress)
            if sidecar is not None:
                sidecar.finish()
                _check_written(temporary, sidecar.path, target, header, keys)
            if carried:
                _check_written(temporary, None, target, header, keys)
            bytes_written = temporary.stat().st_size
    weak = dict.fromkeys(format_style(style) for style in styles if is_weak(style))
    if beside is None and (earlier := clip_sidecar(target)) is not None:
        notes.append(f"{earlier} belongs to an earlier file of this name: delete it")
    warnings = (*notes, *(f"the cover {name} is weak" for name in weak), *damage_notes(clip.failures))
    done = tuple(
        ProtectedPerson(index + 1, number, face.box, format_style(styles[index]))
        for index, (number, face) in enumerate(zip(chosen, header.faces, strict=True))
    )
    return ProtectedClip(target, done, size, bytes_written, warnings + options.passphrase_warnings)


def _check_written(path: Path, sidecar: Path | None, target: Path, header: Header, keys: ClipKeys) -> None:
    """Read the sealed track back, from the clip or its sidecar, before the file gets its name.

    Raises:
        ProFaceError: if it is not what was written.
    """
    written = read_track_at(path, sidecar)
    covered = written.mark.stream + written.body
    sound = all(key.verify_list_mac(covered, mac) for key, mac in zip(keys.faces, written.macs, strict=True))
    if written.header != header or written.problems or not sound:
        raise ProFaceError(f"{target} differs from what was written to it", code="verification-failed")


def _chosen(people: People, options: ProtectOptions) -> list[int]:
    """Return the numbers of the people to protect; in the file they are numbered from 1 in this order.

    Raises:
        UsageError: if there is no person of a number.
        NoFaceError: if there is nobody to protect.
    """
    chosen = people.persons if options.faces is None else people.kept(options.faces).persons
    if not chosen:
        raise NoFaceError("nobody in the clip is to be protected", code="nobody")
    return list(chosen)


def _styles(people: int, options: ProtectOptions) -> list[Style]:
    """Return the cover of each person.

    Raises:
        UsageError: if one is not for videos, or is for a person who is not in the file.
    """
    own = {number: style for number, style in options.own_styles.items() if isinstance(number, int)}
    _check_numbers(options.own_styles, people)
    styles = [own.get(number, options.style) for number in range(1, people + 1)]
    for style in styles:
        if not fits_clips(get_style(style.name)):
            raise UsageError(f"style {style.name!r} would change from frame to frame", code="unsteady-style")
    return styles


def _locks(people: int, options: ProtectOptions) -> list[Lock]:
    """Return the lock of each person.

    Raises:
        UsageError: if somebody has none, or one is for a person who is not in the file.
    """
    _check_numbers(options.own, people)
    own = {number: lock for number, lock in options.own.items() if isinstance(number, int)}
    locks = [own.get(number, options.lock) for number in range(1, people + 1)]
    for number, lock in enumerate(locks, 1):
        if lock.empty:
            raise UsageError(f"person {number} has no passphrase and no recipient", code="face-without-keys")
    return locks


def _check_numbers(own: Mapping[FaceRef, object], people: int) -> None:
    for reference in own:
        if not isinstance(reference, int):
            raise UsageError("clips cannot be protected with boxes without times", code="not-for-clips", what="boxes")
        if not 1 <= reference <= people:
            raise UsageError(f"there is no person {reference}", code="unknown-face", count=people)


def _locked(
    frames: Sequence[Sequence[HiddenFace]],
    size: tuple[int, int],
    styles: Sequence[Style],
    options: ProtectOptions,
    mark: ClipMark,
) -> tuple[KeyRing, Header]:
    """Draw the keys of a clip, and lock its header.

    Raises:
        UsageError: if the original is sealed and people have different locks: it shows all of them.
    """
    locks = _locks(len(styles), options)
    if mark.contents == ORIGINAL and len(dict.fromkeys(locks)) > 1:
        raise UsageError("the original shows everybody, and cannot have a key for each", code="clip-exact-keys")
    boxes: dict[int, Box] = {}
    for hidden in frames:
        for face, box in (each.area for each in hidden):
            boxes[face] = hull_box([boxes.get(face, box), box])
    groups: dict[Lock, int] = {}
    numbers = [groups.setdefault(lock, len(groups)) for lock in locks]
    ring = KeyRing.generate(NO_MODEL_ID, [boxes.get(face, NOWHERE) for face in range(len(styles))], numbers)
    described = [FaceDescription(recorded_name(style), style.strength, bytes(DIGEST_BYTES)) for style in styles]
    return ring, lock_header(ring, size, described, list(groups), deriver=KekDeriver(), clip=mark)

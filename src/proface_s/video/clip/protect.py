"""Protect clips: find out who is where, then cover and seal."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ...api.options import FaceRef, ProtectOptions
from ...container.header.clip_mark import FACES, ORIGINAL, STREAM_ID_BYTES, ClipMark
from ...container.header.header import DIGEST_BYTES, NO_MODEL_ID, Header
from ...container.header.key_ring import KeyRing
from ...container.header.lock import FaceDescription, lock_header
from ...covers import format_style, get_style, is_weak, recorded_name
from ...errors import NoFaceError, UsageError
from ...faces.boxes import intersection
from ...image.atomic import PRIVATE, appearing_file
from ...keys.access import Lock
from ...keys.derive import KekDeriver
from ...progress import Progress, silent
from ...types import Box, Style
from .areas import Area, covered_box, hull
from .hide import ClipPlan, failures_of, hide_clip
from .hiding import ClipKeys, HiddenFace
from .options import ClipOptions, check_clip_options
from .planes import stored_box
from .read import ClipInfo, open_clip
from .results import ProtectedClip, ProtectedPerson

NOWHERE: Final = Box(0, 0, 2, 2)
"""Box in the header of a person who does not appear."""


class Appearance(NamedTuple):
    """A face in a frame: number of the person, from 1, and the tight box in the upright frame."""

    person: int
    box: Box


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is where in a clip.

    Attributes:
        people: how many; their numbers are 1 to that.
        frames: for each frame of the clip, who appears in it; a person may appear in several boxes.
        warnings: what the user should know.
    """

    people: int
    frames: Sequence[Sequence[Appearance]]
    warnings: tuple[str, ...] = ()


def write_protected(
    source: Path,
    target: Path,
    cast: Cast,
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
        cast: who is where.
        options: locks, styles, people to protect and margin.
        clip_options: everything that only clips have.
        overwrite: replace an existing file.
        progress: is told about the stage ``hide``.

    Raises:
        UsageError: if the options are not for clips, or name a person who is not there.
        NoFaceError: if there is nobody to protect.
        ImageError: if the source cannot be read or the target not be written.
    """
    check_clip_options(options)
    chosen = _chosen(cast, options)
    styles = _styles(len(chosen), options)
    with open_clip(source) as clip:
        size = clip.info.width // 2 * 2, clip.info.height // 2 * 2
        frames = _hidden_faces(cast, chosen, clip.info, size, options.search.margin)
        contents = ORIGINAL if clip_options.exact else FACES
        mark = ClipMark(secrets.token_bytes(STREAM_ID_BYTES), clip.info.time_base, contents)
        ring, header = _locked(frames, size, styles, options, mark)
        keys = ClipKeys(tuple(ring.face_key(index) for index in range(len(chosen))), ring.file_keys)
        with appearing_file(target, overwrite=overwrite, like=source) as temporary:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
            plan = ClipPlan(header, keys, styles, frames, clip_options)
            notes = hide_clip(clip, temporary, plan, progress)
            bytes_written = temporary.stat().st_size
    weak = dict.fromkeys(format_style(style) for style in styles if is_weak(style))
    warnings = (*cast.warnings, *notes, *(f"the cover {name} is weak" for name in weak), *failures_of(clip))
    people = tuple(
        ProtectedPerson(index + 1, number, face.box, format_style(styles[index]))
        for index, (number, face) in enumerate(zip(chosen, header.faces, strict=True))
    )
    return ProtectedClip(target, people, size, bytes_written, warnings + options.passphrase_warnings)


def _chosen(cast: Cast, options: ProtectOptions) -> list[int]:
    """Return the numbers of the people to protect; in the file they are numbered from 1 in this order.

    Raises:
        UsageError: if there is no person of a number.
        NoFaceError: if there is nobody to protect.
    """
    wanted = tuple(range(1, cast.people + 1)) if options.faces is None else options.faces
    for number in wanted:
        if number > cast.people:
            raise UsageError(f"there is no person {number}", code="unknown-face", count=cast.people)
    if not wanted:
        raise NoFaceError("no face was found in the clip" if not cast.people else "nobody was chosen")
    return list(wanted)


def _styles(people: int, options: ProtectOptions) -> list[Style]:
    """Return the cover of each person.

    Raises:
        UsageError: if one is not for videos, or is for a person who is not in the file.
    """
    own = {number: style for number, style in options.own_styles.items() if isinstance(number, int)}
    _check_numbers(options.own_styles, people)
    styles = [own.get(number, options.style) for number in range(1, people + 1)]
    for style in styles:
        if not get_style(style.name).steady:
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


def _hidden_faces(
    cast: Cast, chosen: Sequence[int], info: ClipInfo, size: tuple[int, int], margin: float
) -> list[tuple[HiddenFace, ...]]:
    """Return what is covered in each frame of the clip."""
    index = {number: position for position, number in enumerate(chosen)}
    whole = Box(0, 0, *size)
    frames = []
    for appearing in cast.frames:
        hidden = []
        for number, box in appearing:
            face = stored_box(box, info.size, info.rotation)
            if number in index and intersection(face, whole):
                hidden.append(HiddenFace(Area(index[number], covered_box(face, size, margin)), face))
        frames.append(tuple(hidden))
    return frames


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
            boxes[face] = hull([boxes.get(face, box), box])
    groups: dict[Lock, int] = {}
    numbers = [groups.setdefault(lock, len(groups)) for lock in locks]
    ring = KeyRing.generate(NO_MODEL_ID, [boxes.get(face, NOWHERE) for face in range(len(styles))], numbers)
    described = [FaceDescription(recorded_name(style), style.strength, bytes(DIGEST_BYTES)) for style in styles]
    return ring, lock_header(ring, size, described, list(groups), deriver=KekDeriver(), clip=mark)

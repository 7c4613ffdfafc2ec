"""Which files of a folder a command takes, and which named files it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from ...api.files.protected_files import has_records, is_protected, is_share_copy
from ...errors import FileFormatError, NotProtectedError, ProFaceError
from ...hints import hinted
from ...image.names import FOREIGN, PICTURES, PICTURES_BY_FORMAT, suffix_of
from ...image.write import FORMATS
from ...video.clip.track.sidecar import clip_sidecar
from ...video.clip_names import OUTPUT_SUFFIX, is_clip_name, is_protected_clip
from .plan import IGNORE, TAKE, FileTask, Plan
from .stdio import STDIN

LOSSLESS: Final = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
"""Suffixes of pictures whose pixels can hide faces."""

CARRIERS: Final = LOSSLESS | frozenset(PICTURES_BY_FORMAT["JPEG"])
"""Suffixes of pictures that can be protected files."""


def photos(path: Path) -> str:
    """Take pictures that are not outputs of this program.

    Pictures that cannot be read are taken too, and then fail: no photo may stay unprotected unnoticed.
    """
    name, suffix = path.name.lower(), suffix_of(path.name)
    if suffix not in PICTURES and suffix not in FOREIGN:
        return IGNORE
    if suffix in CARRIERS and _protected(path):
        return "is protected already"
    if name.removesuffix(suffix).endswith((".protected", ".recovered", ".share")) and suffix in CARRIERS:
        return "is named like an output of proface"
    return TAKE


def photos_and_clips(path: Path) -> str:
    """Take photos as `photos` does, and clips that are not outputs of this program."""
    if not is_clip_name(path):
        return photos(path)
    if _protected(path):
        return "is protected already"
    named = path.name.lower().endswith(tuple(f"{word}{OUTPUT_SUFFIX}" for word in (".protected", ".recovered")))
    return "is named like an output of proface" if named else TAKE


def protected_files(path: Path) -> str:
    """Take files with a header or a sidecar, damaged ones too, and files named like ours, which may have lost it.

    Clips are taken likewise, also those that a program has robbed of their sealed track.
    """
    if suffix_of(path.name) not in CARRIERS and not is_clip_name(path):
        return IGNORE
    return TAKE if path.stem.lower().endswith(".protected") or _protected(path) else IGNORE


def received_files(path: Path) -> str:
    """Take protected files and share copies; this decodes every other picture, and names those that are neither."""
    suffix = suffix_of(path.name)
    if protected_files(path) == TAKE:
        return TAKE
    if suffix not in PICTURES:
        return IGNORE
    if path.name.lower().removesuffix(suffix).endswith(".recovered"):
        return "is named like an output of proface"
    return TAKE if _is_share_copy(path) else "has nothing hidden in it that could be found"


def files_with_records(path: Path) -> str:
    """Take pictures with records in their pixels; this decodes every picture."""
    try:
        return TAKE if suffix_of(path.name) in LOSSLESS and has_records(path) else IGNORE
    except ProFaceError:
        return IGNORE


def only_protected(plan: Plan, *, share_copies: bool = False) -> Plan:
    """Return the plan in which named files that are not protected have failed, before a passphrase is asked for.

    Args:
        plan: of all files.
        share_copies: whether pictures with the layer of a share copy count as protected.
    """
    return replace(plan, tasks=tuple(_checked(task, share_copies) for task in plan.tasks))


def _protected(path: Path) -> bool:
    try:
        if is_clip_name(path):
            return is_protected_clip(path) or clip_sidecar(path) is not None
        return is_protected(path)
    except FileFormatError:
        return True
    except ProFaceError:
        return False


def _has_records(path: Path) -> bool:
    """Return whether there are records; False if the picture cannot be decoded: then the missing header is reported."""
    try:
        return has_records(path, ruined=True)
    except ProFaceError:
        return False


def _is_share_copy(path: Path) -> bool:
    """Return whether there is a layer; False if the picture cannot be decoded."""
    try:
        return is_share_copy(path)
    except ProFaceError:
        return False


def _checked(task: FileTask, share_copies: bool) -> FileTask:
    if task.failure is not None or task.source is STDIN or is_clip_name(task.source):
        return task  # of a clip, reading its sealed track says what is wrong
    try:
        if is_protected(task.source) or _has_records(task.source):
            return task
        is_share = _is_share_copy(task.source)
        if is_share and share_copies:
            return task
        error: ProFaceError = hinted(
            NotProtectedError(f"{task.source} is not a protected file"),
            "either it was never protected, or a program has dropped its metadata or changed its pixels; "
            "a sidecar may help",
        )
        if is_share:
            error = NotProtectedError(f"{task.source} is a share copy, which cannot be changed", code="share-fixed")
    except ProFaceError as damage:
        error = damage
    return replace(task, failure=error)

"""Which files of a folder a command takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...api.files.protected_files import has_records, is_protected
from ...errors import FileFormatError, NotProtectedError, ProFaceError
from ...image.names import FOREIGN, PICTURES, suffix_of
from ...image.write import FORMATS
from .pipes import STDIN
from .plan import OTHER, TAKE, Plan, Task

CARRIERS = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
"""Suffixes of pictures that can carry hidden faces."""


def photos(path: Path) -> str:
    """Take pictures that are not ours.

    Those that cannot be read are taken too, and fail: no photo may stay unprotected unnoticed.
    """
    name, suffix = path.name.lower(), suffix_of(path.name)
    if suffix not in PICTURES and suffix not in FOREIGN:
        return OTHER
    if suffix in CARRIERS and _protected(path):
        return "is protected already"
    if name.removesuffix(suffix).endswith((".protected", ".recovered")) and suffix in CARRIERS:
        return "is named like an output of proface"
    return TAKE


def protected_files(path: Path) -> str:
    """Files with our header or a sidecar; damaged ones too, which then say so; and those that are named like ours,
    whose metadata may be gone.
    """
    if suffix_of(path.name) not in CARRIERS:
        return OTHER
    return TAKE if path.stem.lower().endswith(".protected") or _protected(path) else OTHER


def files_with_records(path: Path) -> str:
    """Whatever has records in its pixels, which takes decoding every picture."""
    try:
        return TAKE if suffix_of(path.name) in CARRIERS and has_records(path) else OTHER
    except ProFaceError:
        return OTHER


def _protected(path: Path) -> bool:
    try:
        return is_protected(path)
    except FileFormatError:
        return True
    except ProFaceError:
        return False


def _has_records(path: Path) -> bool:
    """What cannot be decoded has none: whatever is wrong with it is said by the lack of a header."""
    try:
        return has_records(path, ruined=True)
    except ProFaceError:
        return False


def only_protected(plan: Plan) -> Plan:
    """Fail what was named but is no protected file at once, before a passphrase is asked for."""
    return replace(plan, tasks=tuple(map(_checked, plan.tasks)))


def _checked(task: Task) -> Task:
    if task.failure is not None or task.source is STDIN:
        return task
    try:
        if is_protected(task.source) or _has_records(task.source):
            return task
        error: ProFaceError = NotProtectedError(
            f"{task.source} is not a protected file",
            "either it was never protected, or a program has changed its pixels too when it saved it again",
        )
    except ProFaceError as damage:
        error = damage
    return replace(task, failure=error)

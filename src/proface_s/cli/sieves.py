"""Which files of a folder a command takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..api.files import is_protected
from ..api.session import PROTECTED_SUFFIX, RECOVERED_SUFFIX
from ..errors import FileFormatError, NotProtectedError, ProFaceError
from .plan import OTHER, TAKE, Plan, Task

PICTURES = frozenset((".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp"))
"""Suffixes of pictures that can be read."""

UNREADABLE = frozenset((".heic", ".heif", ".avif", ".gif", ".jxl"))
"""Suffixes of pictures that cannot.  They are taken and fail: no photo may stay unprotected
unnoticed."""


def photos(path: Path) -> str:
    """Pictures that are not ours."""
    name, suffix = path.name.lower(), path.suffix.lower()
    if suffix not in PICTURES and suffix not in UNREADABLE:
        return OTHER
    if suffix == ".png" and _protected(path):
        return "is protected already"
    if name.endswith((PROTECTED_SUFFIX, RECOVERED_SUFFIX)):
        return "is named like an output of proface"
    return TAKE


def protected_files(path: Path) -> str:
    """PNG files with our header; damaged ones too, which then say so."""
    return TAKE if path.suffix.lower() == ".png" and _protected(path) else OTHER


def _protected(path: Path) -> bool:
    try:
        return is_protected(path)
    except FileFormatError:
        return True
    except ProFaceError:
        return False


def only_protected(plan: Plan) -> Plan:
    """Fail what was named but is no protected file at once, before a passphrase is asked for."""
    return replace(plan, tasks=tuple(map(_checked, plan.tasks)))


def _checked(task: Task) -> Task:
    if task.failure is not None:
        return task
    try:
        if is_protected(task.source):
            return task
        error: ProFaceError = NotProtectedError(
            f"{task.source} is not a protected file",
            "either it was never protected, or a program that drops unknown data has saved it again",
        )
    except ProFaceError as damage:
        error = damage
    return replace(task, failure=error)

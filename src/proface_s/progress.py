"""Progress of the work on one picture, reported before each step; raising from the report ends the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Stage = Literal["read", "find", "hide", "check", "share", "open", "restore", "write"]
"""Protecting reads, finds the faces, hides one after the other, checks the finished file, and makes the share copy if
one was asked for; recovering reads, opens the locks, restores one face after the other, and writes."""

Progress = Callable[[Stage, int, int], None]
"""Called before every step with its stage, the number of finished parts of the stage, and the number of all its parts.
An exception that it raises ends the work before anything is written."""


def silent(stage: Stage, done: int, total: int) -> None:
    """Ignore progress."""

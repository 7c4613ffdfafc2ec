"""How far a picture is, told to whoever waits for it; and the moment at which the work can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Stage = Literal["read", "find", "hide", "check", "open", "restore", "write"]
"""Protecting reads, finds the faces, hides one after the other, and checks the finished file; recovering reads, opens
the locks, restores one face after the other, and writes."""

Progress = Callable[[Stage, int, int], None]
"""Called before every step with its stage, how many parts of the stage are done, and of how many.  What it raises ends
the work; nothing was written then."""


def silent(stage: Stage, done: int, total: int) -> None:
    """Nobody waits."""

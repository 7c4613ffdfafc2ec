"""Words that results and commands share."""

from __future__ import annotations

from typing import Final

_PLURALS: Final = {"person": "people"}  # all others end in s


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: ``1 face``, ``2 faces``, ``2 people``."""
    return f"{number} {noun if number == 1 else _PLURALS.get(noun, noun + 's')}"

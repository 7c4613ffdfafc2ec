"""Small pieces of text: what may be sent to a terminal, and how numbers of things are written."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape control characters, so that a file's name can neither break a line nor steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def count(number: int, noun: str) -> str:
    """``1 face``, ``2 faces``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

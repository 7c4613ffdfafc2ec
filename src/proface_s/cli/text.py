"""Small pieces of text: safe for a terminal, numbers with nouns, sizes, positions in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wording import counted

if TYPE_CHECKING:
    from ..types import Box


def printable(text: str) -> str:
    """Escape control characters, so that a file's name can neither break a line nor steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def file_size(size: int) -> str:
    """Write the size of a file: ``812 bytes``, ``303 kB``, ``2.1 MB``."""
    if size < 1000:
        return counted(size, "byte")
    return f"{size / 1000:.0f} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"


def file_sizes(before: int | None, after: int) -> str:
    """Write the sizes of an input and its output, to follow a sentence; nothing if the first is not known."""
    return "" if before is None else f", {file_size(before)} -> {file_size(after)}"


def position(box: Box, size: tuple[int, int]) -> str:
    """Say where in a picture a box is: ``left, top``, ``middle, bottom``, ``centre``.

    Args:
        box: in the picture.
        size: (width, height) of the picture, in pixels.
    """
    across = ("left", "middle", "right")[min(2, 3 * (2 * box.x + box.w) // (2 * size[0]))]
    down = ("top", "middle", "bottom")[min(2, 3 * (2 * box.y + box.h) // (2 * size[1]))]
    return "centre" if across == down == "middle" else f"{across}, {down}"

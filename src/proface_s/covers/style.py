"""Styles as users write them, ``name[:option][:strength]``, and the covers they make."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..types import Style, UInt8Image
from .registry import get_style


def parse_style(text: str) -> Style:
    """Read ``blur``, ``pixelate:8``, ``mask:cat``, ``mask:cat:110``, ``mask:sticker.png``, ``solid:#20407f``.

    The part after the name is the strength if it is a number, and otherwise the option, which may be followed by a
    strength.  Write ``./`` before a file name that is a number, and add a strength to a file name that ends in a
    colon and a number.

    Args:
        text: as typed by the user.

    Returns:
        A style that `apply_style` accepts; ``strength`` is None if the text does not give one.

    Raises:
        UsageError: if the style is unknown or refuses its strength or option.
    """
    name, _, rest = text.strip().partition(":")
    made = get_style(name.strip())
    if ":" in text and not rest.strip():
        raise UsageError(
            f"style {text!r} ends in a colon", code="style-option", style=name, default=made.default_strength
        )
    option: str | None = rest.strip() or None
    strength = _number(option) if option else None
    if strength is not None:
        option = None
    elif option and ":" in option:
        head, _, tail = option.rpartition(":")
        strength = _number(tail)
        option = head if strength is not None and head else option
    style = Style(made.name, strength, option)
    made.check(_strength(style), style.option)
    return style


def format_style(style: Style) -> str:
    """Return the text that `parse_style` reads back as ``style``."""
    strength = None if style.strength is None else f"{style.strength:g}"
    return ":".join(part for part in (style.name, style.option, strength) if part is not None)


def is_weak(style: Style) -> bool:
    """Return whether recognisers see through the chosen strength, according to our measurements."""
    return get_style(style.name).is_weak(_strength(style))


def is_uninformative(style: Style, height: int, width: int) -> bool:
    """Return whether every face gets the same cover in a box of ``height`` by ``width`` pixels."""
    return get_style(style.name).is_uninformative(height, width, _strength(style), style.option)


def sticker_file(style: Style) -> Path | None:
    """Return the file on whose content a cover depends; None if it depends on the face and the style alone."""
    return get_style(style.name).sticker_file(style.option)


def apply_style(original: UInt8Image, style: Style) -> UInt8Image:
    """Make the cover of a face region, y = O(x) (the paper: pre-obfuscated image).

    Args:
        original: (h, w, 3) uint8 RGB, h and w at least 2.
        style: the user's choice.

    Returns:
        (h, w, 3) uint8 RGB, C-contiguous; depends on the arguments alone.

    Raises:
        UsageError: if the style is unknown, refuses its strength or option, or makes anything but uint8 of the same
            shape.
    """
    made = get_style(style.name).apply(original, _strength(style), option=style.option)
    if not isinstance(made, np.ndarray) or made.dtype != np.uint8 or made.shape != original.shape:
        got = f"{made.dtype} {made.shape}" if isinstance(made, np.ndarray) else type(made).__name__
        raise UsageError(f"style {style.name!r} made {got} of a face that is uint8 {original.shape}")
    return np.ascontiguousarray(made)


def _strength(style: Style) -> float:
    return get_style(style.name).default_strength if style.strength is None else style.strength


def _number(text: str) -> float | None:
    """Parse a number, including NaN and infinities (`CoverStyle.check` refuses them); None if it is not a number."""
    try:
        return float(text)
    except ValueError:
        return None

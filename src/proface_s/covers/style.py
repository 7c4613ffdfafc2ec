"""Styles as users write them, ``name[:option][:strength]``, and `cover`, which makes a cover from one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..types import Style, UInt8Image
from .registry import get


def parse_style(text: str) -> Style:
    """Read ``blur``, ``pixelate:8``, ``mask:cat``, ``mask:cat:110``, ``mask:sticker.png``, ``solid:#20407f``.

    The part after the name is the strength if it is a number, and otherwise the option, which may be followed by a
    strength.  Write ``./`` before a file name that is a number, and add a strength to a file name that ends in a
    colon and a number.

    Args:
        text: as typed by the user.

    Returns:
        A style that `cover` accepts; ``strength`` is None if the text does not give one.

    Raises:
        UsageError: if the style is unknown or refuses its strength or option.
    """
    name, _, rest = text.strip().partition(":")
    obfuscator = get(name.strip())
    if ":" in text and not rest.strip():
        raise UsageError(f"style {text!r} ends in a colon", f"write {name} or {name}:{obfuscator.default_strength:g}")
    option: str | None = rest.strip() or None
    strength = _number(option) if option else None
    if strength is not None:
        option = None
    elif option and ":" in option:
        head, _, tail = option.rpartition(":")
        strength = _number(tail)
        option = head if strength is not None and head else option
    style = Style(obfuscator.name, strength, option)
    obfuscator.check(_strength(style), style.option)
    return style


def format_style(style: Style) -> str:
    """Return the text that `parse_style` reads back as ``style``."""
    strength = None if style.strength is None else f"{style.strength:g}"
    return ":".join(part for part in (style.name, style.option, strength) if part is not None)


def is_weak(style: Style) -> bool:
    """Return whether recognisers see through the chosen strength, according to our measurements."""
    return get(style.name).is_weak(_strength(style))


def shows_nothing(style: Style, height: int, width: int) -> bool:
    """Return whether this style's cover of a box of this size is the same for every face.

    Args:
        style: the user's choice.
        height: of the box, in pixels.
        width: of the box, in pixels.
    """
    known = getattr(get(style.name), "shows_nothing", None)  # third-party styles need not have it
    return bool(known is not None and known(height, width, _strength(style), style.option))


def picture_of(style: Style) -> Path | None:
    """Return the file that a cover is drawn from, None for covers without one."""
    find = getattr(get(style.name), "picture", None)
    found: Path | None = find(style.option) if find else None
    return found


def cover(original: UInt8Image, style: Style, rng: np.random.Generator | None = None) -> UInt8Image:
    """Make the cover of a face region, y = O(x) (the paper: pre-obfuscated image).

    Args:
        original: (h, w, 3) uint8 RGB, h and w at least 2.
        style: the user's choice.
        rng: for styles that choose at random.

    Returns:
        (h, w, 3) uint8 RGB; depends on the arguments alone.

    Raises:
        UsageError: if the style is unknown or refuses its strength or option.
    """
    made = get(style.name).apply(original, _strength(style), option=style.option, rng=rng)
    if not isinstance(made, np.ndarray) or made.dtype != np.uint8 or made.shape != original.shape:
        got = f"{made.dtype} {made.shape}" if isinstance(made, np.ndarray) else type(made).__name__
        raise UsageError(f"style {style.name!r} made {got} of a face that is uint8 {original.shape}")
    return np.ascontiguousarray(made)


def _strength(style: Style) -> float:
    return get(style.name).default_strength if style.strength is None else style.strength


def _number(text: str) -> float | None:
    """Parse a number, including NaN and infinities (the range check refuses them); None if it is not a number."""
    try:
        return float(text)
    except ValueError:
        return None

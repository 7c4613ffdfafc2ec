"""Styles as users write them, ``name[:option][:strength][@shape]``, and the covers they make."""

from __future__ import annotations

from pathlib import Path
from typing import Final, get_args

import numpy as np

from ..errors import UsageError
from ..types import Shape, Style, UInt8Image
from .heads.face_region import FaceRegion, as_region
from .registry import get_style

SHAPES: Final[tuple[Shape, ...]] = get_args(Shape)
"""Outlines of covers."""


def parse_style(text: str) -> Style:
    """Read ``blur``, ``pixelate:8@oval``, ``mask:cat``, ``mask:cat:110``, ``mask:sticker.png``, ``solid:#20407f``.

    The part after the name is the strength if it is a number, and otherwise the option, which may be followed by a
    strength.  Write ``./`` before a file name that is a number, and add a strength to a file name that ends in a
    colon and a number, and a shape to one that ends in ``@`` and letters.

    Args:
        text: as typed by the user.

    Returns:
        A style that `apply_style` accepts; ``strength`` is None if the text does not give one.

    Raises:
        UsageError: if the style or its shape is unknown, or it refuses its strength or option.
    """
    text, shape = _split_shape(text.strip())
    name, _, rest = text.partition(":")
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
    style = Style(made.name, strength, option, shape)
    made.check(_strength(style), style.option)
    return style


def _split_shape(text: str) -> tuple[str, Shape | None]:
    """Split ``blur:12@oval`` into style and shape; None if no shape is named.

    Raises:
        UsageError: if there is no such shape.
    """
    before, mark, after = text.rpartition("@")
    if not mark or not after.strip().isalpha():
        return text, None
    for shape in SHAPES:
        if shape == after.strip().lower():
            return before.strip(), shape
    raise UsageError(f"there is no shape {after.strip()!r}", code="unknown-shape", known=" and ".join(SHAPES))


def format_style(style: Style) -> str:
    """Return the text that `parse_style` reads back as ``style``."""
    strength = None if style.strength is None else f"{style.strength:g}"
    text = ":".join(part for part in (style.name, style.option, strength) if part is not None)
    return text if style.shape is None else f"{text}@{style.shape}"


def shape_of(style: Style) -> Shape:
    """Return the outline of a style's covers: the chosen one, or the style's default."""
    return style.shape or get_style(style.name).default_shape


def recorded_name(style: Style) -> str:
    """Return the text by which a header names a style: ``blur`` for a box, as ever, ``blur@oval`` for an oval."""
    shape = shape_of(style)
    return style.name if shape == "box" else f"{style.name}@{shape}"


def recorded_style(name: str, strength: float | None) -> Style:
    """Return the style that a header names, whether or not it exists here; inverse of `recorded_name`.

    Its shape is None if the header names none.
    """
    before, mark, after = name.rpartition("@")
    for shape in SHAPES:
        if mark and shape == after:
            return Style(before, strength, None, shape)
    return Style(name, strength)


def is_weak(style: Style) -> bool:
    """Return whether recognisers see through the chosen strength, according to our measurements."""
    return get_style(style.name).is_weak(_strength(style))


def is_uninformative(style: Style, height: int, width: int) -> bool:
    """Return whether every face gets the same cover in a box of ``height`` by ``width`` pixels.

    Around an oval, the photo shows.
    """
    return shape_of(style) == "box" and get_style(style.name).is_uninformative(
        height, width, _strength(style), style.option
    )


def is_synthetic(style: Style) -> bool:
    """Return whether the covers look like photos of people, who do not exist; False if the style is unknown."""
    try:
        return get_style(style.name).synthetic
    except UsageError:
        return False


def sticker_file(style: Style) -> Path | None:
    """Return the file on whose content a cover depends; None if it depends on the face and the style alone."""
    return get_style(style.name).sticker_file(style.option)


def apply_style(region: FaceRegion | UInt8Image, style: Style) -> UInt8Image:
    """Make the cover of a face region, y = O(x) (the paper: pre-obfuscated image).

    Args:
        region: pixels and faces; or the pixels alone, (h, w, 3) uint8 RGB, of one head that fills them.  h and w are at
            least 2.
        style: the user's choice.

    Returns:
        (h, w, 3) uint8 RGB, C-contiguous; depends on the arguments alone.

    Raises:
        UsageError: if the style is unknown, refuses its strength or option, or makes anything but uint8 of the same
            shape.
    """
    whole = as_region(region)
    original = whole.pixels
    made = get_style(style.name).apply(whole, _strength(style), option=style.option, shape=style.shape)
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

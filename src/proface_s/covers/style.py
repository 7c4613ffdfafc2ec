"""Styles as users write them, ``name[:option][:strength][@shape]``, and the covers they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args

import numpy as np

from ..errors import UsageError
from ..types import Shape, Style, UInt8Image
from .base import FALLBACKS
from .heads.face_region import FaceRegion, as_region
from .registry import get_style

SHAPES: Final[tuple[Shape, ...]] = get_args(Shape)
"""Outlines of covers."""

_LONGEST: Final = 32  # characters, of the field in a header

STRICTEST: Final = Style("solid", shape="box")
"""The strongest cover of all: an area of one grey, which shows nothing of the face, its hair or its colours."""


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


def recorded_name(style: Style, fallback: str | None = None) -> str:
    """Return the text by which a header names a style: ``blur`` for a box, as ever, ``blur@oval`` for an oval.

    Args:
        style: the user's choice.
        fallback: one of `FALLBACKS`, if no face of the region is covered by what the style shows; else None.  Left out
            if the name is too long for both.
    """
    shape = shape_of(style)
    ends = "" if shape == "box" else f"@{shape}"
    name = style.name if fallback is None else f"{style.name}.{fallback}"
    return (name if len(name + ends) <= _LONGEST else style.name) + ends


def recorded_style(name: str, strength: float | None) -> Style:
    """Return the style that a header names, whether or not it exists here; inverse of `recorded_name`.

    Its shape is None if the header names none, and the style's default, or a box, is meant.
    """
    before, mark, after = name.rpartition("@")
    for shape in SHAPES:
        if mark and shape == after:
            return Style(_split(before)[0], strength, None, shape)
    style = Style(_split(name)[0], strength)
    try:
        return style if shape_of(style) == "box" else replace(style, shape="box")
    except UsageError:  # the style does not exist here
        return style


def recorded_fallback(name: str) -> str | None:
    """Return the fall-back that a header names, one of `FALLBACKS`; None if the style shows what it should."""
    before, mark, after = name.rpartition("@")
    return _split(before if mark and after in SHAPES else name)[1]


def recorded_synthetic(name: str) -> bool:
    """Return whether a face that a header describes shows somebody who does not exist; False if the style is unknown.

    Files show what their makers had: a style that this installation lacks may be synthetic too.
    """
    return recorded_fallback(name) is None and is_synthetic(recorded_style(name, None))


def is_weak(style: Style) -> bool:
    """Return whether recognisers see through the chosen strength, according to our measurements."""
    return get_style(style.name).is_weak(_strength(style))


def weak_style_warnings(styles: Iterable[Style]) -> list[str]:
    """Return a warning for each style whose strength is weak."""
    weak = [format_style(style) for style in dict.fromkeys(styles) if is_weak(style)]
    return [f"style {text} is weak: recognisers may see through it" for text in weak]


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


@dataclass(frozen=True, slots=True, eq=False)
class FaceCover:
    """The cover of a face region.

    Attributes:
        style: as the user chose it.
        pixels: (h, w, 3) uint8 RGB, C-contiguous.
        fallbacks: for each of the region's own faces, why a blurred oval covers it instead of what the style shows, one
            of `FALLBACKS`; None if it is covered as usual.
        synthetic: whether a face of somebody who does not exist is seen.
    """

    style: Style
    pixels: UInt8Image
    fallbacks: tuple[str | None, ...]
    synthetic: bool

    @property
    def fallback(self) -> str | None:
        """Why nothing of what the style shows is seen, one of `FALLBACKS`; None if some of it is."""
        return next(iter(self.fallbacks), None) if all(self.fallbacks) else None

    @property
    def text(self) -> str:
        """The style as users write it."""
        return format_style(self.style)

    @property
    def name(self) -> str:
        """The text by which a header names the style, and its fall-back; see `recorded_name`."""
        return recorded_name(self.style, self.fallback)

    @property
    def remark(self) -> str | None:
        """What the user should know about it; None if there is nothing to say."""
        told = [FALLBACKS[each] for each in dict.fromkeys(self.fallbacks) if each is not None]
        return f"covered by a blurred oval instead of another face: {' and '.join(told)}" if told else None


def cover_face(region: FaceRegion, style: Style) -> FaceCover:
    """Make the cover of a face region, and say what is seen of it.

    Args:
        region: as for `apply_style`.
        style: likewise.

    Raises:
        UsageError: as `apply_style`, or if the style names a fall-back that is none of `FALLBACKS`.
    """
    made = get_style(style.name)
    pixels, fallbacks = apply_style(region, style), tuple(made.fallbacks(region))
    if unknown := {*fallbacks} - {None, *FALLBACKS}:
        raise UsageError(f"style {style.name!r} falls back for reasons that do not exist: {unknown}")
    return FaceCover(style, pixels, fallbacks, made.synthetic and not all(fallbacks))


def cover_remarks(covers: Sequence[FaceCover]) -> list[str]:
    """Return what the user should know about the covers of all faces of a file, which are numbered from 1."""
    return [f"face {number}: {each.remark}" for number, each in enumerate(covers, 1) if each.remark]


def oval_cost(style: Style) -> str | None:
    """Say what an oval costs against recognisers, in one sentence; None if the cover is a box."""
    if shape_of(style) == "box":
        return None
    rates, text = get_style(style.name).rates, format_style(style)
    if rates is None:
        return f"{text}: an oval shows hair and outline of the head; what recognisers make of that was not measured"
    return (
        f"{text}: hair and outline of the head are seen. At the default strength, recognisers that know photos of "
        f"the people covered alike find {rates.oval:.0f} % of them (behind a box: {rates.box:.0f} %), and from photos "
        f"as they are {rates.plain:.0f} %; chance is 1 %"
    )


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


def _split(name: str) -> tuple[str, str | None]:
    style, _, code = name.rpartition(".")
    return (style, code) if style and code in FALLBACKS else (name, None)

"""Covers: what is shown instead of a face, one module per style.

To add a style to this package, add a module to this folder with a `CoverStyle` decorated with `register_style`.  A
program registers its own styles with the same decorator; an installed package offers styles through entry points of
the group ``proface_s.covers``, which makes them available to the command line as well.
Importing this package loads numpy only; image filters are loaded when a style is first looked up.
"""

from .base import CoverStyle, Unit
from .registry import get_style, register_style, style_names
from .style import apply_style, format_style, is_uninformative, is_weak, parse_style, sticker_file

__all__ = [
    "CoverStyle",
    "Unit",
    "apply_style",
    "format_style",
    "get_style",
    "is_uninformative",
    "is_weak",
    "parse_style",
    "register_style",
    "sticker_file",
    "style_names",
]

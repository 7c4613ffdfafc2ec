"""Covers for faces: one module per style, found on first use.

To add a style to this package, add a module to this folder and decorate its `Obfuscator` with `@register`; nothing else
changes.  A program registers styles of its own with the same decorator; an installed package offers styles to the
command line, too, by entry points of the group ``proface_s.covers``.
Importing this package loads numpy only; the image filters are loaded when a style is first looked up.
"""

from .base import Obfuscator, StyleBase, Unit
from .registry import get, names, register
from .style import cover, format_style, is_weak, parse_style, picture_of, shows_nothing

__all__ = [
    "Obfuscator",
    "StyleBase",
    "Unit",
    "cover",
    "format_style",
    "get",
    "is_weak",
    "names",
    "parse_style",
    "picture_of",
    "register",
    "shows_nothing",
]

"""Covers: what is shown instead of a face, one module per style.

To add a style to this package, add a module to this folder with a `CoverStyle` decorated with `register_style`.  A
program registers its own styles with the same decorator; an installed package offers styles through entry points of
the group ``proface_s.covers``, which makes them available to the command line as well.
Importing this package loads numpy only; image filters are loaded when a style is first looked up.
"""

from .base import FALLBACKS, CoverStyle, MatchRates, Unit
from .heads.face_region import FaceRegion
from .options import StyleOption
from .registry import get_style, ready_style_names, register_style, style_names
from .style import (
    SHAPES,
    STRICTEST,
    FaceCover,
    apply_style,
    cover_face,
    cover_remarks,
    format_style,
    is_synthetic,
    is_uninformative,
    is_weak,
    oval_cost,
    parse_style,
    recorded_fallback,
    recorded_name,
    recorded_style,
    recorded_synthetic,
    shape_of,
    sticker_file,
    weak_style_warnings,
)

__all__ = [
    "FALLBACKS",
    "SHAPES",
    "STRICTEST",
    "CoverStyle",
    "FaceCover",
    "FaceRegion",
    "MatchRates",
    "StyleOption",
    "Unit",
    "apply_style",
    "cover_face",
    "cover_remarks",
    "format_style",
    "get_style",
    "is_synthetic",
    "is_uninformative",
    "is_weak",
    "oval_cost",
    "parse_style",
    "ready_style_names",
    "recorded_fallback",
    "recorded_name",
    "recorded_style",
    "recorded_synthetic",
    "register_style",
    "shape_of",
    "sticker_file",
    "style_names",
    "weak_style_warnings",
]

"""The styles that exist: those of this folder, those a program registers, and those of installed packages."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from typing import Any, Final, TypeVar

from ..errors import UsageError
from ..plugins import COVERS, PlugIns
from .base import INTERFACE, CoverStyle

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,26}")  # fits into a header with a shape, and between colons
_FOLDER: Final = __name__.rpartition(".")[0]
_built_in: dict[str, CoverStyle] = {}
_registered: dict[str, CoverStyle] = {}
_StyleClass = TypeVar("_StyleClass", bound=type[Any])


def register_style(style: _StyleClass) -> _StyleClass:
    """Register a `CoverStyle` under its ``name`` (class decorator); it must be constructible without arguments.

    Registering a class again, as when a notebook cell runs twice, replaces the earlier one.

    Raises:
        TypeError: if the class lacks a member of `CoverStyle`.
        ValueError: if its name is invalid, or belongs to another style.
    """
    built = _build(style)
    if style.__module__.rpartition(".")[0] == _FOLDER:
        table = _built_in
    else:
        table = _registered
        _load_built_in()
    key = built.name.lower()
    known = _built_in.get(key) or _registered.get(key)
    if known is not None and _qualified_name(type(known)) != _qualified_name(style):
        raise ValueError(f"there is already a style {key!r}")
    table[key] = built
    return style


def style_names() -> list[str]:
    """Return the names of all styles in lower case, sorted."""
    _load_built_in()
    return sorted({*_built_in, *_registered, *_PLUG_INS.names()})


def ready_style_names() -> list[str]:
    """Return the names of the styles that need no option, such as the path of a file, sorted.

    Raises:
        UsageError: if a style belongs to another package and cannot be loaded.
    """
    options = {name: get_style(name).option for name in style_names()}
    return [name for name, option in options.items() if option is None or not option.required]


def get_style(name: str) -> CoverStyle:
    """Return the style of this name; case does not matter.

    Raises:
        UsageError: if there is no such style, or if it belongs to another package and cannot be loaded.
    """
    _load_built_in()
    key = name.lower()
    found = _built_in.get(key) or _registered.get(key) or _PLUG_INS.find(key)
    if found is None:
        raise UsageError(f"there is no style {name!r}", code="unknown-style", known=", ".join(style_names()))
    return found


def _build(style: type[Any]) -> CoverStyle:
    """Return an instance of a class that is a cover style with a valid name."""
    built = style()
    missing = [member for member in INTERFACE if not hasattr(built, member)]
    if missing:
        raise TypeError(f"{style.__qualname__} is not a CoverStyle: it lacks {', '.join(missing)}")
    if not isinstance(built.name, str) or not _NAME.fullmatch(built.name):
        raise ValueError(f"{built.name!r} is not a valid style name: use letters, digits, - and _, at most 27")
    made: CoverStyle = built
    return made


def _qualified_name(style: type[Any]) -> tuple[str, str]:
    return style.__module__, style.__qualname__


@cache
def _load_built_in() -> None:
    """Import the modules of this folder, whose styles register themselves."""
    for module in pkgutil.iter_modules(importlib.import_module(_FOLDER).__path__):
        importlib.import_module(f"{_FOLDER}.{module.name}")


_PLUG_INS: Final = PlugIns(COVERS, "style", _build)

"""Registry of styles: those of this folder, those a program registers, and those of installed packages."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeVar

from ..errors import UsageError
from .base import Obfuscator

ENTRY_POINTS: Final = "proface_s.covers"
"""Group of entry points by which an installed package offers styles: name of the style = class."""

_MARK = "_proface_style"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")  # what fits into a header and between colons
_FOLDER: Final = __name__.rpartition(".")[0]
_registered: dict[str, Obfuscator] = {}
_Style = TypeVar("_Style", bound=type[Any])


def register(style: _Style) -> _Style:
    """Class decorator that registers an obfuscator under its ``name``; it must be constructible without arguments.

    A style that is registered again, as when a notebook's cell runs twice, replaces its earlier self.

    Raises:
        TypeError: if the class lacks something of an `Obfuscator`.
        ValueError: if its name is unusable, or is that of another style.
    """
    if style.__module__.rpartition(".")[0] == _FOLDER:
        setattr(style, _MARK, True)
        return style
    built = _checked(style)
    key = built.name.lower()
    known = _registered.get(key) or _built_in().get(key)
    if known is not None and _identity(type(known)) != _identity(style):
        raise ValueError(f"there is a style {key!r} already")
    _registered[key] = built
    return style


def _checked(style: type[Any]) -> Obfuscator:
    """Return an instance, if it is an obfuscator with a usable name."""
    built = style()
    if not isinstance(built, Obfuscator):
        members = (*Obfuscator.__annotations__, "describe", "check", "is_weak", "apply")
        missing = ", ".join(name for name in members if not hasattr(built, name))
        raise TypeError(f"{style.__qualname__} is no style: it lacks {missing}")
    if not isinstance(built.name, str) or not _NAME.fullmatch(built.name):
        raise ValueError(f"{built.name!r} is no name for a style: letters, digits, - and _, at most 32")
    return built


def _identity(style: type[Any]) -> tuple[str, str]:
    return style.__module__, style.__qualname__


@cache
def _built_in() -> dict[str, Obfuscator]:
    """Import the modules of this folder once and collect the registered styles."""
    folder = importlib.import_module(_FOLDER)
    found: dict[str, Obfuscator] = {}
    for module_info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{_FOLDER}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and _MARK in vars(value) and value.__module__ == module.__name__:
                obfuscator: Obfuscator = value()
                if obfuscator.name in found:
                    raise RuntimeError(f"two styles are called {obfuscator.name!r}")
                found[obfuscator.name] = obfuscator
    return found


@cache
def _offered() -> dict[str, EntryPoint]:
    """Entry points of installed packages, by the lower-case names of their styles; loaded when they are asked for."""
    return {point.name.lower(): point for point in entry_points(group=ENTRY_POINTS)}


@cache
def _loaded(name: str) -> Obfuscator:
    point = _offered()[name]
    try:
        return _checked(point.load())
    except Exception as error:  # somebody else's code
        package = point.dist.name if point.dist is not None else point.value
        raise UsageError(f"style {name!r} of {package} cannot be used: {type(error).__name__}: {error}") from None


def names() -> list[str]:
    """Return the names of all styles, sorted."""
    return sorted({*_built_in(), *_registered, *_offered()})


def get(name: str) -> Obfuscator:
    """Return the style of this name, in capitals or not.

    Raises:
        UsageError: if there is no such style, or if it belongs to another package and cannot be loaded.
    """
    key = name.lower()
    found = _built_in().get(key) or _registered.get(key)
    if found is None and key in _offered():
        found = _loaded(key)
    if found is None:
        raise UsageError(f"there is no style {name!r}", f"styles: {', '.join(names())}")
    return found

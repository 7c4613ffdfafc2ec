"""Registry of styles: every module of this folder may register one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TypeVar

from proface_s.errors import UsageError
from proface_s.obfuscate.base import Obfuscator

_MARK = "_proface_style"
_Style = TypeVar("_Style", bound=type[Obfuscator])


def register(style: _Style) -> _Style:
    """Class decorator that registers an obfuscator under its ``name``; it must be constructible without arguments."""
    setattr(style, _MARK, True)
    return style


@cache
def _styles() -> dict[str, Obfuscator]:
    """Import the modules of this folder once and collect the registered styles."""
    import proface_s.obfuscate as folder

    found: dict[str, Obfuscator] = {}
    for module_info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{folder.__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and _MARK in vars(value) and value.__module__ == module.__name__:
                obfuscator: Obfuscator = value()
                if obfuscator.name in found:
                    raise RuntimeError(f"two styles are called {obfuscator.name!r}")
                found[obfuscator.name] = obfuscator
    return found


def names() -> list[str]:
    """Return the names of all styles, sorted."""
    return sorted(_styles())


def get(name: str) -> Obfuscator:
    """Return the style of this name.

    Raises:
        UsageError: if there is no such style.
    """
    styles = _styles()
    if name not in styles:
        raise UsageError(f"there is no style {name!r}", f"styles: {', '.join(sorted(styles))}")
    return styles[name]

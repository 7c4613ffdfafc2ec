"""Options that several commands share, each written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Manner:
    """How a command talks: JSON lines on stdout, errors only, more lines, tracebacks."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the command line says that the passphrase is: a file, a descriptor, or nothing."""

    file: Path | None = None
    descriptor: int | None = None


class Descriptor(click.ParamType):  # type: ignore[type-arg]
    """Number of an open file descriptor; a wrong value is not repeated, it might be a passphrase."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a number of 0 or more."""
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            self.fail("it must be the number of an open file descriptor", param, ctx)
        return int(text)


def several(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Apply options so that ``--help`` shows them in the order given."""

    def decorate(function: _Command) -> _Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


class InputPath(click.Path):
    """A path that has a name: ``"$UNSET"`` must not become the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a path; an empty one is refused."""
        if not value:
            self.fail("a file name is empty", param, ctx)
        return super().convert(value, param, ctx)


PATH = click.Path(path_type=Path)

inputs = click.argument("inputs", nargs=-1, required=True, type=InputPath(path_type=Path))

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout.")

quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")

_manner = several(
    as_json,
    quiet,
    click.option("-v", "--verbose", is_flag=True, help="Also print every face and every skipped file."),
    click.option("--debug", is_flag=True, help="Show tracebacks."),
)


def manner(function: Callable[..., int]) -> Callable[..., int]:
    """Add --json, -q, -v and --debug; the command gets them as ``manner``."""

    @wraps(function)
    def bundled(*, as_json: bool, quiet: bool, verbose: bool, debug: bool, **rest: Any) -> int:
        return function(manner=Manner(as_json, quiet, verbose, debug), **rest)

    return _manner(bundled)


overwrite = click.option("--overwrite", is_flag=True, help="Replace existing output files.")

threads = click.option(
    "--threads",
    type=click.IntRange(0, 1024),
    default=0,
    metavar="N",
    help="Threads to use; all cores by default.",
)

_passphrase = several(
    click.option(
        "--passphrase-file",
        type=PATH,
        metavar="PATH",
        help="Read the passphrase from the first line of a file.",
    ),
    click.option(
        "--passphrase-fd",
        type=Descriptor(),
        metavar="N",
        help="Read it from an open file descriptor; 0 is stdin.",
    ),
)


def passphrase(function: Callable[..., int]) -> Callable[..., int]:
    """Add --passphrase-file and --passphrase-fd; the command gets them as ``sources``."""

    @wraps(function)
    def bundled(*, passphrase_file: Path | None, passphrase_fd: int | None, **rest: Any) -> int:
        return function(sources=Sources(passphrase_file, passphrase_fd), **rest)

    return _passphrase(bundled)

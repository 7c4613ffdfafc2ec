"""Errors as lines for the user and exit codes for scripts; nothing else makes either.

====  =======================================================================================
code  meaning
====  =======================================================================================
0     everything was done
1     some inputs failed, or something unexpected happened
2     usage: the request itself makes no sense
3     wrong passphrase
4     no face found; nothing was written
5     not a protected file, or a damaged one
130   interrupted
====  =======================================================================================
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import click

from ...errors import ProFaceError, foreign_text, without_secrets
from ..hints import command_line_hint

EXIT_INTERRUPTED: Final = 130
EXIT_NO_FACE: Final = 4
_KEY_OPTIONS: Final = ("--pass", "--new-pass", "--identity", "--recipient", "--face-key", "-i", "-r", "-R", "-p")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the user sees it.

    Attributes:
        message: what went wrong.
        hint: what the user can do about it, or None.
        exit_code: see the table above.
    """

    message: str
    hint: str | None
    exit_code: int

    def lines(self) -> list[str]:
        """Return ``error: ...`` and, if there is a hint, ``hint: ...``."""
        return [f"error: {self.message}"] + ([f"hint: {self.hint}"] if self.hint else [])


def explain(error: BaseException, source: str | None = None) -> Failure:
    """Describe an error.

    Args:
        error: anything that was raised.
        source: the input it concerns; put before messages that do not name it.
    """
    if isinstance(error, ProFaceError):
        return Failure(_about(error.message, source), command_line_hint(error), error.exit_code)
    if isinstance(error, click.ClickException):
        return _click_failure(error)
    if isinstance(error, (KeyboardInterrupt, click.exceptions.Abort)):
        return Failure("interrupted", None, EXIT_INTERRUPTED)
    if isinstance(error, MemoryError):
        return Failure(_about("not enough memory", source), "scale the picture down, or close other programs", 1)
    if isinstance(error, OSError) and error.strerror:
        where = without_secrets(str(error.filename or "input or output"))
        return Failure(_about(f"{where}: {foreign_text(error.strerror)}", source), None, 1)
    detail = f"{type(error).__name__}: {foreign_text(error)}" if str(error) else type(error).__name__
    return Failure(_about(f"internal error: {detail}", source), "run with --debug to see where, and report it", 1)


def show_trace(error: BaseException) -> None:
    """Print a traceback on stderr; secrets in the text of other libraries are masked, as in messages."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        text = line.lstrip()
        click.echo(line[: len(line) - len(text)] + foreign_text(text) if text else "", err=True)


def overall_exit_code(codes: Iterable[int]) -> int:
    """Return the exit code of a run over several inputs: their common code if they all have the same, else 1."""
    distinct = set(codes)
    if not distinct:
        return 0
    return distinct.pop() if len(distinct) == 1 else 1


def _about(message: str, source: str | None) -> str:
    shown = without_secrets(source) if source is not None else None
    return message if shown is None or shown in message else f"{shown}: {message}"


def _click_failure(error: click.ClickException) -> Failure:
    """Put click's own messages into our form; they never repeat a value that may be a passphrase."""
    text = without_secrets(" ".join(error.format_message().split()).rstrip("."))
    message = text[:1].lower() + text[1:]
    context = getattr(error, "ctx", None)
    hint = f"see `{context.command_path} --help`" if context else None
    if isinstance(error, click.NoSuchOption):
        hint = _key_hint(error.option_name, context) or hint
    return Failure(message, hint, 2)


def _key_hint(option: str, context: click.Context | None) -> str | None:
    """Return a hint if an unknown option would name a key; None for other options."""
    if not option.startswith(_KEY_OPTIONS):
        return None
    known = {name for param in context.command.params for name in param.opts} if context else set()
    if context and not known & {"--passphrase-file", "--new-passphrase-file"}:
        return f"`{context.command_path}` needs no key: leave it out"
    if option.startswith("--pass"):
        return "a passphrase is never taken from the command line; leave it out, and you will be asked for it"
    return None

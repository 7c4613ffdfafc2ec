"""Standard streams that are absent, closed by whoever reads them, or on a full disk.

A process may be started without some of them (``>&-``, services, ``pythonw``).  The next file that is opened would then
get the stream's number, and whatever a library prints would go into that file.
"""

from __future__ import annotations

import errno
import io
import os
import sys

import click

from ...errors import ProFaceError, UsageError


class _Forgiving(io.FileIO):
    """A stream for messages: what cannot be written is dropped, because there is nowhere else to say so."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return len(memoryview(data))  # type: ignore[arg-type]


def prepare() -> None:
    """Occupy the numbers of absent streams, and make messages on stderr never fail the work they are about.

    ``sys.stdin`` and ``sys.stdout`` stay None where the process was started without them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    raw = _Forgiving(2, "w", closefd=False)
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True)


def check_stdout(what: str) -> None:
    """Refuse to lose something that can be said only once.

    Raises:
        UsageError: if the process has no stdout.
    """
    if sys.stdout is None:
        raise UsageError(f"{what} would go to standard output, which is closed")


def say(text: str) -> None:
    """Print a line on stdout; without a stdout, to nobody.

    Raises:
        BrokenPipeError: if its reader has gone.
        ProFaceError: if it cannot be written for another reason.
    """
    try:
        click.echo(text)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ProFaceError(f"standard output cannot be written: {error.strerror or error}") from None


def finish(code: int) -> int:
    """Flush stdout before the process ends, and keep the interpreter from trying again.

    Args:
        code: the exit code so far.

    Returns:
        The exit code; 1 instead of 0 if something was said that did not get out.
    """
    if sys.stdout is None:
        return code
    try:
        sys.stdout.flush()
        return code
    except (OSError, ValueError) as error:
        if code == 0 and getattr(error, "errno", None) != errno.EPIPE:
            click.echo(f"error: standard output cannot be written: {getattr(error, 'strerror', error)}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return code or 1

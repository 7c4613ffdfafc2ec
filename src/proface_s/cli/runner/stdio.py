"""Standard streams: pictures through pipes (``-``), lines for people, and streams that are absent, closed or full.

A process may be started without some of its streams (``>&-``, services, ``pythonw``).  The next file that is opened
would then get the stream's number, and everything that a library prints would go into that file.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from ...errors import ImageError, ProFaceError, UsageError
from ...hints import hinted

STDIN: Final = Path("<stdin>")
"""Stands for stdin in place of an input file; compared by identity, so ``./<stdin>`` is a file."""

STDOUT: Final = Path("<stdout>")
"""Stands for stdout in place of an output file."""

MAX_BYTES: Final = 1 << 30


class _LossyStream(io.FileIO):
    """A stream for messages that drops what cannot be written, because there is nowhere else to say so."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return len(memoryview(data))  # type: ignore[arg-type]


def prepare_streams() -> None:
    """Occupy the numbers of absent streams, and let no message on stderr fail the work that it reports.

    ``sys.stdin`` and ``sys.stdout`` stay None if the process was started without them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    raw = _LossyStream(2, "w", closefd=False)
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True)


def flush_stdout(code: int) -> int:
    """Flush stdout before the process ends, and keep the interpreter from trying again.

    Args:
        code: the exit code so far.

    Returns:
        The exit code; 1 instead of 0 if output was lost.
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


def print_line(text: str) -> None:
    """Print a line on stdout; drop it if the process has no stdout.

    Raises:
        BrokenPipeError: if the reader of stdout is gone.
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


def require_stdout(what: str) -> None:
    """Refuse to lose output that can be printed only once.

    Args:
        what: would be printed; the subject of the message.

    Raises:
        UsageError: if the process has no stdout.
    """
    if sys.stdout is None:
        raise UsageError(f"{what} would go to standard output, which is closed")


def read_stdin() -> bytes:
    """Return everything that comes from stdin.

    Raises:
        UsageError: if stdin is closed, or a terminal.
        ImageError: if it is empty, or larger than a picture can be.
    """
    if sys.stdin is None:
        raise hinted(
            UsageError("a picture is expected on stdin, which is closed"), "redirect a file to it, or name one"
        )
    if sys.stdin.isatty():
        raise hinted(
            UsageError("a picture is expected on stdin, which is a terminal"), "redirect a file to it, or name one"
        )
    _limit_permissions()
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if not data:
        raise ImageError(f"{STDIN} is empty")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{STDIN} holds more than {MAX_BYTES >> 20} MiB")
    return data


def input_size(source: object) -> int | None:
    """Return the size in bytes of an input, given by its path or its bytes; None if it cannot be known."""
    if isinstance(source, bytes):
        return len(source)
    with contextlib.suppress(OSError, TypeError):
        if os.path.isfile(source):  # type: ignore[arg-type]
            return os.path.getsize(source)  # type: ignore[arg-type]
    return None


def _limit_permissions() -> None:
    """Give new files of this process no more permissions than the file that stdin was redirected from."""
    mode = 0
    with contextlib.suppress(OSError, ValueError):
        mode = os.fstat(sys.stdin.fileno()).st_mode
    if stat.S_ISREG(mode):
        os.umask(os.umask(0o077) | (~stat.S_IMODE(mode) & 0o077))


def write_stdout(data: bytes) -> None:
    """Write a picture to stdout, and flush it."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def check_pipes(source: Path, target: Path | None, *, as_json: bool, descriptors: Iterable[object] = ()) -> None:
    """Refuse pipes that contradict each other, before anything is asked or read.

    Args:
        source: the only input.
        target: the only output, or None.
        as_json: whether JSON goes to stdout.
        descriptors: file descriptors that passphrases are read from; other objects are ignored.

    Raises:
        UsageError: if stdin or stdout would be used twice, or a picture would go to a terminal or to nobody.
    """
    if source is STDIN and any(each == 0 and isinstance(each, int) for each in descriptors):
        raise hinted(UsageError("stdin cannot give both the picture and the passphrase"), "use --passphrase-file")
    if target is not STDOUT:
        return
    if sys.stdout is None:
        raise hinted(UsageError("a picture would be written to stdout, which is closed"), "name a file with -o")
    if as_json:
        raise hinted(UsageError("stdout cannot hold both JSON and the picture"), "name an output file with -o")
    if sys.stdout.isatty():
        raise hinted(UsageError("a picture would be written to the terminal"), "redirect it, or name a file with -o")


def require_named_file(source: Path, audit: Path | None) -> None:
    """Refuse to audit what comes from stdin.

    Raises:
        UsageError: if there is an audit log and the source is stdin.
    """
    if source is STDIN and audit is not None:
        raise hinted(UsageError("a picture from stdin has no name for the audit log"), "name a file")

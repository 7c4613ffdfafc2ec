"""``-``: a picture from stdin, a picture to stdout."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ...errors import ImageError, UsageError

STDIN: Final = Path("<stdin>")
"""Stands for stdin where an input file would stand; compared by identity, ``./<stdin>`` is a file."""

STDOUT: Final = Path("<stdout>")
"""Stands for stdout where an output file would stand."""

MAX_BYTES: Final = 1 << 30


def read_stdin() -> bytes:
    """All of stdin.

    Raises:
        UsageError: it is a terminal.
        ImageError: it is empty, or larger than a picture can be.
    """
    if sys.stdin is None:
        raise UsageError("a picture is expected on stdin, which is closed", "redirect a file to it, or name one")
    if sys.stdin.isatty():
        raise UsageError("a picture is expected on stdin, which is a terminal", "redirect a file to it, or name one")
    _limit_permissions()
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if not data:
        raise ImageError(f"{STDIN} is empty")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{STDIN} holds more than {MAX_BYTES >> 20} MiB")
    return data


def _limit_permissions() -> None:
    """Give this process's files no more permissions than a file that stdin was redirected from."""
    mode = 0
    with contextlib.suppress(OSError, ValueError):
        mode = os.fstat(sys.stdin.fileno()).st_mode
    if stat.S_ISREG(mode):
        os.umask(os.umask(0o077) | (~stat.S_IMODE(mode) & 0o077))


def write_stdout(data: bytes) -> None:
    """Write a picture to stdout and make sure that it is gone."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def check_pipes(source: Path, target: Path | None, *, as_json: bool, descriptors: Iterable[object] = ()) -> None:
    """Refuse what cannot go together, before anything is asked or read.

    Args:
        source: the one input.
        target: the one output, or None.
        as_json: whether stdout will hold JSON.
        descriptors: file descriptors that passphrases are read from; other objects are passed over.

    Raises:
        UsageError: says what.
    """
    if source is STDIN and any(each == 0 and isinstance(each, int) for each in descriptors):
        raise UsageError("stdin cannot give both the picture and the passphrase", "use --passphrase-file")
    if target is not STDOUT:
        return
    if sys.stdout is None:
        raise UsageError("a picture would be written to stdout, which is closed", "name a file with -o")
    if as_json:
        raise UsageError("stdout cannot hold both JSON and the picture", "name an output file with -o")
    if sys.stdout.isatty():
        raise UsageError("a picture would be written to the terminal", "redirect it, or name a file with -o")

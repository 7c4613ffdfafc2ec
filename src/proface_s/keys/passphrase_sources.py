"""Sources of passphrases that are not typed: a file, a file descriptor or the environment.

The passphrase is the first line, without its line end; the rest is ignored.  Messages never repeat the content of a
source.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..errors import UsageError

ENVIRONMENT_VARIABLE: Final = "PROFACE_PASSPHRASE"
MAX_LINE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class LoadedPassphrase:
    """A passphrase and warnings about the source it was read from.

    Attributes:
        text: the passphrase; never shown by ``repr``.
        warnings: messages for the user, e.g. that other users can read the file.
    """

    text: str = field(repr=False)
    warnings: tuple[str, ...] = ()


def passphrase_from_file(path: str | os.PathLike[str]) -> LoadedPassphrase:
    """Read a passphrase from the first line of a UTF-8 file.

    Raises:
        UsageError: if the file cannot be read, or its first line is empty, too long or not UTF-8.
    """
    name = f"passphrase file {Path(path)}"
    try:
        # No O_NONBLOCK: it would make named pipes fail, and with them process substitution, <(...).
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            line = file.readline(MAX_LINE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or 'cannot be read'}") from None
    return LoadedPassphrase(_first_line(line, name), permission_warnings(path, mode, name))


def permission_warnings(path: str | os.PathLike[str], mode: int, name: str, *, secret: bool = True) -> tuple[str, ...]:
    """Return warnings if other users of the machine can read or change a file of keys.

    Args:
        path: the file.
        mode: its ``st_mode``; pipes and devices are ignored, and so is everything on Windows.
        name: the file's name in messages.
        secret: whether reading the file does harm.  Changing it always does: a public key may be exchanged.
    """
    if os.name != "posix" or not stat.S_ISREG(mode):
        return ()
    if secret and mode & (stat.S_IRGRP | stat.S_IROTH):
        return (f"{name} can be read by other users of this machine; run: chmod 600 {Path(path)}",)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        wanted = "600" if secret else "644"
        return (f"{name} can be changed by other users of this machine; run: chmod {wanted} {Path(path)}",)
    return ()


def passphrase_from_fd(descriptor: int) -> LoadedPassphrase:
    """Read a passphrase from an open file descriptor, up to the first line end; 0 is standard input.

    It is read byte by byte, so that the data behind the line stays available to others.  The descriptor stays open.

    Raises:
        UsageError: if the descriptor is not open for reading, or the line is empty, too long or not UTF-8.
    """
    name = f"file descriptor {descriptor}"
    line = bytearray()
    try:
        while len(line) <= MAX_LINE_BYTES:
            byte = os.read(descriptor, 1)
            if not byte:
                break
            line += byte
            if byte == b"\n":
                break
    except (OSError, OverflowError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "cannot be read"
        raise UsageError(f"{name}: {reason}") from None
    return LoadedPassphrase(_first_line(bytes(line), name))


def passphrase_from_env(environment: Mapping[str, str] | None = None) -> LoadedPassphrase | None:
    """Read a passphrase from ``PROFACE_PASSPHRASE``; return None if the variable is not set.

    Args:
        environment: the environment; `os.environ` if None.

    Raises:
        UsageError: if the variable is set, but its first line is empty, too long or not UTF-8.
    """
    value = (os.environ if environment is None else environment).get(ENVIRONMENT_VARIABLE)
    if value is None:
        return None
    return LoadedPassphrase(_first_line(os.fsencode(value), f"environment variable {ENVIRONMENT_VARIABLE}"))


def _first_line(data: bytes, name: str) -> str:
    """Decode the first line of ``data``, without line end and byte order mark."""
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    if len(line) > MAX_LINE_BYTES:
        raise UsageError(f"{name}: the first line is longer than {MAX_LINE_BYTES} bytes")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name}: the first line is not UTF-8 text", code="not-unicode") from None
    if not text:
        raise UsageError(f"{name}: the first line is empty", code="empty-first-line")
    return text

"""Files of keys: identities (private), recipients (public) and face keys, one per line; ``#`` begins a comment line.

Messages never repeat the content of a file: a wrong line may be a secret in the wrong place.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from ..errors import ImageError, UsageError
from .face_key_text import PortableFaceKey, decode_face_key
from .passphrase_sources import permission_warnings
from .recipients import Identity, Recipient, decode_identity, decode_recipient, encode_identity

MAX_FILE_BYTES: Final = 2**20
MAX_LINES: Final = 4096
_ENCRYPTED: Final = ("age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE")
_Key = TypeVar("_Key")
_Path = str | os.PathLike[str]
Warn = Callable[[str], None]


def _ignore(warning: str) -> None:
    """Ignore a warning."""


@dataclass(frozen=True, slots=True)
class LoadedIdentities:
    """Private keys and warnings about the file they were read from."""

    identities: tuple[Identity, ...]
    warnings: tuple[str, ...] = ()


def read_identities(path: _Path) -> LoadedIdentities:
    """Read an identity file as ``proface keygen`` and ``age-keygen`` write it; inverse of `write_identity`.

    Raises:
        UsageError: if the file cannot be read, holds no key, or anything but keys.
    """
    name = f"identity file {Path(path)}"
    lines, mode = _lines(path, name)
    if lines and lines[0][1].startswith(_ENCRYPTED):
        raise UsageError(f"{name} is encrypted", code="encrypted-identity")
    return LoadedIdentities(_decode_lines(lines, name, decode_identity), permission_warnings(path, mode, name))


def read_recipients(path: _Path, warn: Warn = _ignore) -> tuple[Recipient, ...]:
    """Read a file of public keys.

    Args:
        path: the file.
        warn: called if other users can change the file, and with it the keys that will open a picture.

    Raises:
        UsageError: as `read_identities`.
    """
    name = f"recipients file {Path(path)}"
    lines, mode = _lines(path, name)
    for note in permission_warnings(path, mode, name, secret=False):
        warn(note)
    return _decode_lines(lines, name, decode_recipient)


def read_face_keys(path: _Path, warn: Warn = _ignore) -> tuple[PortableFaceKey, ...]:
    """Read a file of face keys.

    Args:
        path: the file.
        warn: called if other users can read or change the file.

    Raises:
        UsageError: as `read_identities`.
    """
    name = f"face key file {Path(path)}"
    lines, mode = _lines(path, name)
    for note in permission_warnings(path, mode, name):
        warn(note)

    def decode(text: str, line: str) -> PortableFaceKey:
        try:
            return decode_face_key(text)
        except UsageError as error:
            raise error.reworded(error.message.replace("the face key", line, 1)) from None

    return _decode_lines(lines, name, decode)


def encode_identity_file(identity: Identity) -> str:
    """Return the text of an identity file, including its comments."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return f"# created: {created}\n# public key: {identity.recipient}\n{encode_identity(identity)}\n"


def write_identity(path: _Path, identity: Identity) -> None:
    """Write a new identity file that only its owner can read, and flush it to disk; `read_identities` is the inverse.

    Raises:
        ImageError: if the file exists or cannot be written; nothing is left of it then.
    """
    target = Path(path)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ImageError(f"{target} already exists", code="private-key-exists") from None
    except OSError as error:
        raise ImageError(f"{target} cannot be written: {error.strerror or error}") from None
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(encode_identity_file(identity))
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ImageError(f"{target} cannot be written: {error.strerror or error}") from None
        raise


def _lines(path: _Path, name: str) -> tuple[list[tuple[int, str]], int]:
    """Return (line number, text) of each line that is neither empty nor a comment, and the file's mode."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or 'cannot be read'}") from None
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"{name} has more than {MAX_FILE_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not a text file") from None
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    if not lines:
        raise UsageError(f"{name} holds no key")
    if len(lines) > MAX_LINES:
        raise UsageError(f"{name} holds {len(lines)} lines; at most {MAX_LINES} are read")
    return lines, mode


def _decode_lines(lines: list[tuple[int, str]], name: str, decode: Callable[[str, str], _Key]) -> tuple[_Key, ...]:
    return tuple(decode(line, f"line {number} of {name}") for number, line in lines)

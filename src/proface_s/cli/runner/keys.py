"""Keys of a run, read from files, descriptors, the environment or the terminal.

A passphrase comes from ``--passphrase-file``, ``--passphrase-fd`` or the environment variable ``PROFACE_PASSPHRASE``,
or else from the terminal; never from the command line, which other users can see.  To open a file, two sources at once
are refused: which of them counts would be a guess.  If the command line names an identity or a face key to open with,
no passphrase is asked for and the environment is ignored; to protect, the passphrase of the environment counts beside
recipients.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError
from ...hints import hinted
from ...keys.access import Credentials, Lock
from ...keys.keyfiles import Warn
from ...keys.passphrase import check_passphrase, generate_passphrase, normalise_passphrase, passphrase_bits
from ...keys.passphrase_sources import (
    ENVIRONMENT_VARIABLE,
    LoadedPassphrase,
    passphrase_from_env,
    passphrase_from_fd,
    passphrase_from_file,
)
from ..options.keys import FaceLockSources, KeySources, LockSources

if TYPE_CHECKING:
    from ...api.options import FaceRef
    from ...keys.recipients import Identity, Recipient

WORDS = 6
_OTHER_SOURCES = f"use --passphrase-file, --passphrase-fd or the environment variable {ENVIRONMENT_VARIABLE}"
_NEW_SOURCES = "use --new-passphrase-file or --new-passphrase-fd, or name who can open it with --recipient"
_TWICE = "give it in one way only"


def read_locks(given: FaceLockSources, warn: Warn) -> tuple[Lock, dict[FaceRef, Lock]]:
    """Return the lock of a new file, and the locks of faces that have their own.

    If nothing is named for all faces, the passphrase comes from the environment or the terminal.  Without a terminal,
    that lock is empty if some faces have their own; then every face must have one.

    Args:
        given: sources named on the command line.
        warn: called with each warning; no warning contains a passphrase.

    Returns:
        The lock of all faces without their own, and number of a face -> its own lock.

    Raises:
        UsageError: if there is no source, a passphrase is too weak, or a recipient is invalid.
    """
    own: dict[FaceRef, Lock] = {}
    default = given.default
    environment = passphrase_from_env()
    if environment is not None and default.passphrases:
        raise hinted(UsageError(f"the passphrase is given by {_named(default)} and {ENVIRONMENT_VARIABLE}"), _TWICE)
    if environment is not None:
        lock = Lock((_accepted(environment, warn),), _recipients(default, warn))
    elif not default.empty:
        lock = _lock(default, warn)
    elif given.own and not has_terminal():
        lock = Lock()
    else:
        lock = Lock((_ask_new(warn),))
    for faces, sources in given.own:
        own.update(dict.fromkeys(faces, _lock(sources, warn)))
    return lock, own


def read_new_lock(given: LockSources, warn: Warn) -> Lock:
    """Return the new lock of an existing file; asks for a new passphrase if nothing is named.

    Raises:
        UsageError: if there is no source, a passphrase is too weak, or a recipient is invalid.
    """
    if not given.empty:
        return _lock(given, warn)
    if not has_terminal():
        raise hinted(UsageError("a new passphrase is needed, but there is no terminal to ask for it"), _NEW_SOURCES)
    return Lock((_ask_new(warn, "New passphrase"),))


def read_credentials(given: KeySources, warn: Warn) -> Credentials:
    """Return the credentials to open existing files with; a passphrase is asked for once, and may be weak.

    Raises:
        UsageError: if there is no source, several passphrases, an empty answer, or an invalid file of keys.
    """
    from ...keys.face_key_text import decode_face_key
    from ...keys.keyfiles import read_face_keys

    identities = read_identity_files(given.identities, warn)
    face_keys = [decode_face_key(text) for text in given.face_keys]
    face_keys += [key for path in given.face_key_files for key in read_face_keys(path, warn)]
    if (identities or face_keys) and given.file is None and given.descriptor is None:
        return Credentials((), identities, tuple(face_keys))
    return Credentials((_passphrase_to_open(given, warn),), identities, tuple(face_keys))


def read_identity_files(paths: Sequence[Path], warn: Warn) -> tuple[Identity, ...]:
    """Return the private keys in some files.

    Raises:
        UsageError: if a file contains something else, or cannot be read.
    """
    from ...keys.keyfiles import read_identities

    identities: list[Identity] = []
    for path in paths:
        loaded = read_identities(path)
        for note in loaded.warnings:
            warn(note)
        identities += loaded.identities
    return tuple(identities)


def _passphrase_to_open(given: KeySources, warn: Warn) -> str:
    environment = passphrase_from_env()
    named = [
        name
        for name, value in (
            ("--passphrase-file", given.file),
            ("--passphrase-fd", given.descriptor),
            (ENVIRONMENT_VARIABLE, environment),
        )
        if value is not None
    ]
    if len(named) > 1:
        raise hinted(UsageError(f"the passphrase is given by {' and '.join(named)}"), _TWICE)
    source = given.file if given.file is not None else given.descriptor
    loaded = environment if source is None else _load(source)
    if loaded is not None:
        for note in loaded.warnings:
            warn(note)
        return loaded.text
    text = _ask("Passphrase: ")
    if not text:
        raise UsageError("no passphrase was given")
    return text


def _lock(given: LockSources, warn: Warn) -> Lock:
    return Lock(tuple(_accepted(_load(source), warn) for source in given.passphrases), _recipients(given, warn))


def _recipients(given: LockSources, warn: Warn) -> tuple[Recipient, ...]:
    from ...keys.keyfiles import read_recipients
    from ...keys.recipients import decode_recipient

    recipients: list[Recipient] = []
    for each in given.recipients:
        recipients += read_recipients(each, warn) if isinstance(each, Path) else [decode_recipient(each)]
    return tuple(recipients)


def _load(source: Path | int) -> LoadedPassphrase:
    if isinstance(source, int):
        return passphrase_from_fd(source)
    if not source.exists():  # its name is not repeated: it may be a misplaced passphrase
        raise hinted(
            UsageError("the passphrase file does not exist"),
            "--passphrase-file takes a file's name, not the passphrase",
        )
    return passphrase_from_file(source)


def _accepted(loaded: LoadedPassphrase, warn: Warn) -> str:
    """Return a passphrase for a new file if it is strong enough.

    Raises:
        UsageError: if it is too weak.
    """
    for note in (*loaded.warnings, *check_passphrase(loaded.text)):
        warn(note)
    return loaded.text


def _named(given: LockSources) -> str:
    return "--passphrase-fd" if isinstance(given.passphrases[0], int) else "--passphrase-file"


def _ask_new(warn: Warn, name: str = "Passphrase") -> str:
    """Ask for a new passphrase twice; an empty answer generates one."""
    text = _ask(f"{name} (empty: generate {WORDS} random words): ")
    if not text:
        return _generate()
    if normalise_passphrase(_ask("The same passphrase again: ")) != normalise_passphrase(text):
        raise hinted(UsageError("the two passphrases differ"), "nothing was written; try again")
    return _accepted(LoadedPassphrase(text), warn)


def has_terminal() -> bool:
    """Return whether there is a terminal to ask on."""
    return bool(sys.stdin and sys.stdin.isatty())


def _ask(prompt: str) -> str:
    """Ask on the terminal, without echo."""
    if not has_terminal():
        raise hinted(UsageError("a passphrase is needed, but there is no terminal to ask for it"), _OTHER_SOURCES)
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise hinted(UsageError("no passphrase was given"), _OTHER_SOURCES) from None


def _generate() -> str:
    """Return a new passphrase, after showing it on the terminal and nowhere else."""
    text = generate_passphrase(WORDS)
    lines = (
        f"\nGenerated passphrase ({passphrase_bits(WORDS):.0f} bits), shown only this once:\n\n    {text}\n\n"
        "Write it down now: without it, nobody can recover the faces.\n\n"
    )
    try:
        with open("/dev/tty", "w", encoding="utf-8") as screen:
            screen.write(lines)
    except OSError:
        if not (sys.stderr and sys.stderr.isatty()):
            raise hinted(
                UsageError("a passphrase can be generated only if a terminal can show it"), _OTHER_SOURCES
            ) from None
        sys.stderr.write(lines)
    return text

"""Where the passphrase of a run comes from; never from the command line, which other users can see.

Sources are ``--passphrase-file``, ``--passphrase-fd``, the environment variable ``PROFACE_PASSPHRASE``;
where none is given, the terminal.  Two at once are refused: which one counts would be a guess.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

from ..errors import UsageError
from ..keys.passphrase import check_passphrase, generate_passphrase, normalise_passphrase, passphrase_bits
from ..keys.sources import (
    ENVIRONMENT_VARIABLE,
    LoadedPassphrase,
    passphrase_from_env,
    passphrase_from_fd,
    passphrase_from_file,
)
from .options import Sources

WORDS = 6
_OTHER_SOURCES = f"use --passphrase-file, --passphrase-fd or the environment variable {ENVIRONMENT_VARIABLE}"

Warn = Callable[[str], None]


def passphrase_to_protect(given: Sources, warn: Warn) -> str:
    """Passphrase for something new: asked for twice; an empty answer at the terminal generates one.

    Args:
        given: what the command line names.
        warn: is given everything the user should know, the passphrase never among it.

    Raises:
        UsageError: no source, several, or a passphrase that is too weak.
    """
    loaded = _loaded(given)
    text = _ask_twice() if loaded is None else loaded.text
    notes = [*(loaded.warnings if loaded else ()), *check_passphrase(text)]
    for note in notes:
        warn(note)
    return text


def passphrase_to_open(given: Sources, warn: Warn) -> str:
    """Passphrase for an existing file: asked for once, never judged.

    Raises:
        UsageError: no source, or several, or an empty answer.
    """
    loaded = _loaded(given)
    if loaded is not None:
        for note in loaded.warnings:
            warn(note)
        return loaded.text
    text = _ask("Passphrase: ")
    if not text:
        raise UsageError("no passphrase was given")
    return text


def _loaded(given: Sources) -> LoadedPassphrase | None:
    """The passphrase of whichever source was given; None where the terminal is to be asked."""
    environment, file, descriptor = passphrase_from_env(), given.file, given.descriptor
    named = [
        name
        for name, value in (
            ("--passphrase-file", file),
            ("--passphrase-fd", descriptor),
            (ENVIRONMENT_VARIABLE, environment),
        )
        if value is not None
    ]
    if len(named) > 1:
        raise UsageError(f"the passphrase is given by {' and '.join(named)}", "give it in one way only")
    if file is not None:
        if not file.exists():  # its name is not repeated: it may be a passphrase in the wrong place
            raise UsageError(
                "the passphrase file does not exist",
                "--passphrase-file takes a file's name, not the passphrase",
            )
        return passphrase_from_file(file)
    return environment if descriptor is None else passphrase_from_fd(descriptor)


def _ask_twice() -> str:
    text = _ask(f"Passphrase (empty: generate {WORDS} random words): ")
    if not text:
        return _generate()
    if normalise_passphrase(_ask("The same passphrase again: ")) != normalise_passphrase(text):
        raise UsageError("the two passphrases differ", "nothing was written; try again")
    return text


def _ask(prompt: str) -> str:
    """Ask on the terminal, without echo."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError("a passphrase is needed, but there is no terminal to ask for it", _OTHER_SOURCES)
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise UsageError("no passphrase was given", _OTHER_SOURCES) from None


def _generate() -> str:
    """A new passphrase, shown on the terminal and nowhere else."""
    text = generate_passphrase(WORDS)
    lines = (
        f"\nGenerated passphrase ({passphrase_bits(WORDS):.0f} bits), shown only this once:\n\n    {text}\n\n"
        "Write it down now. Without it nobody can bring the faces back.\n\n"
    )
    try:
        with open("/dev/tty", "w", encoding="utf-8") as terminal:
            terminal.write(lines)
    except OSError:
        if not (sys.stderr and sys.stderr.isatty()):
            raise UsageError(
                "a passphrase can be generated only where a terminal can show it", _OTHER_SOURCES
            ) from None
        sys.stderr.write(lines)
    return text

"""Options that name keys.  A passphrase itself is never an option: other users can see the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from .common import in_order
from .types import PATH, FaceNumbers, FileDescriptor

Decorator = Callable[[Callable[..., int]], Callable[..., int]]


@dataclass(frozen=True, slots=True)
class KeySources:
    """Command-line sources of the keys that open a file.

    Attributes:
        file: contains the passphrase.
        descriptor: the passphrase can be read from it.
        identities: files of private keys.
        face_keys: keys of single faces, as typed.
        face_key_files: files of such keys.
    """

    file: Path | None = None
    descriptor: int | None = None
    identities: tuple[Path, ...] = ()
    face_keys: tuple[str, ...] = field(default=(), repr=False)
    face_key_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class LockSources:
    """Command-line sources of the keys that will open a new file.

    Attributes:
        passphrases: files and descriptors that passphrases can be read from, in the order given.
        recipients: public keys, as typed, and files of public keys, in the order given.
    """

    passphrases: tuple[Path | int, ...] = ()
    recipients: tuple[str | Path, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was named."""
        return not self.passphrases and not self.recipients


@dataclass(frozen=True, slots=True)
class FaceLockSources:
    """`LockSources` of a new file.

    Attributes:
        default: for the faces without keys of their own.
        own: numbers of faces, and the sources of their own keys.
    """

    default: LockSources = LockSources()
    own: tuple[tuple[tuple[int, ...], LockSources], ...] = ()

    @property
    def passphrases(self) -> tuple[Path | int, ...]:
        """Files and descriptors of all passphrases."""
        return tuple(each for part in (self.default, *(own for _, own in self.own)) for each in part.passphrases)


class OrderedCommand(click.Command):
    """A command that remembers in which order its options were given: ``ctx.meta[OrderedCommand.ORDER]``."""

    ORDER = "proface_s.order"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as usual, and note the name of each option as often as it was given."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[self.ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


def identity_option(text: str) -> Decorator:
    """Return the option that names private key files, with this help text."""
    return click.option("-i", "--identity", "identities", type=PATH, multiple=True, metavar="FILE", help=text)


identities_to_check = identity_option(
    "With --resume: a recipient's private key, to check that an output was made for that recipient.  Repeatable."
)
_identities = identity_option("Private key file, as written by `proface keygen` or age-keygen.  Repeatable.")
_passphrase_file = click.option(
    "--passphrase-file", type=PATH, metavar="PATH", help="Read the passphrase from the first line of a file."
)
_passphrase_fd = click.option(
    "--passphrase-fd",
    type=FileDescriptor(),
    metavar="N",
    help="Read the passphrase from an open file descriptor; 0 is stdin.",
)
_recipient = click.option(
    "-r",
    "--recipient",
    multiple=True,
    metavar="RECIPIENT",
    help="Public key, age1..., whose owner can open the photo.  Repeatable.",
)
_recipients_file = click.option(
    "-R", "--recipients-file", type=PATH, multiple=True, metavar="FILE", help="File of public keys.  Repeatable."
)


def key_sources(function: Callable[..., int]) -> Callable[..., int]:
    """Add --passphrase-file, --passphrase-fd and -i; the command gets them as ``sources``."""

    @wraps(function)
    def bundled(
        *, passphrase_file: Path | None, passphrase_fd: int | None, identities: tuple[Path, ...], **rest: Any
    ) -> int:
        return function(sources=KeySources(passphrase_file, passphrase_fd, identities), **rest)

    return in_order(_passphrase_file, _passphrase_fd, _identities)(bundled)


def key_sources_with_face_keys(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options of `key_sources`, --face-key and --face-key-file; the command gets them as ``sources``."""

    @wraps(function)
    def bundled(
        *, face_keys: tuple[str, ...], face_key_files: tuple[Path, ...], sources: KeySources, **rest: Any
    ) -> int:
        return function(sources=replace(sources, face_keys=face_keys, face_key_files=face_key_files), **rest)

    options = in_order(
        click.option(
            "--face-key",
            "face_keys",
            multiple=True,
            metavar="KEY",
            help="Key to one face, pfk1..., as printed by `proface key`; other users of this machine may see it here.",
        ),
        click.option(
            "--face-key-file", "face_key_files", type=PATH, multiple=True, metavar="FILE", help="File of face keys."
        ),
    )
    return options(key_sources(bundled))


def new_lock(function: Callable[..., int]) -> Callable[..., int]:
    """Add --new-passphrase-file, --new-passphrase-fd, -r and -R; the command gets them as ``new``."""

    @wraps(function)
    def bundled(
        *,
        new_passphrase_file: tuple[Path, ...],
        new_passphrase_fd: tuple[int, ...],
        recipient: tuple[str, ...],
        recipients_file: tuple[Path, ...],
        **rest: Any,
    ) -> int:
        new = LockSources((*new_passphrase_file, *new_passphrase_fd), (*recipient, *recipients_file))
        return function(new=new, **rest)

    options = in_order(
        click.option(
            "--new-passphrase-file",
            type=PATH,
            multiple=True,
            metavar="PATH",
            help="Read a new passphrase from the first line of a file.  Repeatable.",
        ),
        click.option(
            "--new-passphrase-fd",
            type=FileDescriptor(),
            multiple=True,
            metavar="N",
            help="Read a new passphrase from an open file descriptor.  Repeatable.",
        ),
        _recipient,
        _recipients_file,
    )
    return options(bundled)


def face_locks(function: Callable[..., int]) -> Callable[..., int]:
    """Add --passphrase-file, --passphrase-fd, -r, -R and --face; an `OrderedCommand` gets them as ``locks``."""
    names = ("face", "passphrase_file", "passphrase_fd", "recipient", "recipients_file")

    @wraps(function)
    def bundled(**values: Any) -> int:
        given = {name: list(values.pop(name)) for name in names}
        order = click.get_current_context().meta[OrderedCommand.ORDER]
        return function(locks=_by_face([(name, given[name].pop(0)) for name in order if name in names]), **values)

    options = in_order(
        click.option(
            "--passphrase-file",
            type=PATH,
            multiple=True,
            metavar="PATH",
            help="Read a passphrase from the first line of a file.  Repeatable: each alone opens the photo.",
        ),
        click.option(
            "--passphrase-fd",
            type=FileDescriptor(),
            multiple=True,
            metavar="N",
            help="Read a passphrase from an open file descriptor; 0 is stdin.  Repeatable.",
        ),
        _recipient,
        _recipients_file,
        click.option(
            "--face",
            type=FaceNumbers(),
            multiple=True,
            metavar="N",
            help="The keys named after this option are for this face alone; `proface detect` with the same --faces and "
            "--box shows the numbers.  Repeatable.",
        ),
    )
    return options(bundled)


def _by_face(given: list[tuple[str, Any]]) -> FaceLockSources:
    """Sort keys by the faces they are for: those before the first --face are for all faces without own keys.

    Args:
        given: name and value of each option, in the order of the command line.

    Raises:
        click.UsageError: if nothing is named after a --face, or a face is named twice.
    """
    sections: list[tuple[tuple[int, ...], LockSources]] = [((), LockSources())]
    for name, value in given:
        faces, sources = sections[-1]
        if name == "face":
            sections.append((value, LockSources()))
        elif name.startswith("passphrase"):
            sections[-1] = (faces, replace(sources, passphrases=(*sources.passphrases, value)))
        else:
            sections[-1] = (faces, replace(sources, recipients=(*sources.recipients, value)))
    seen: set[int] = set()
    for faces, sources in sections[1:]:
        shown = ",".join(map(str, faces))
        if sources.empty:
            raise click.UsageError(f"no key is named after --face {shown}")
        if seen & set(faces) or len(set(faces)) < len(faces):
            raise click.UsageError(f"a face of --face {shown} already has its keys")
        seen |= set(faces)
    return FaceLockSources(sections[0][1], tuple(sections[1:]))

"""Options that several commands share, each written once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..types import Box

_BOX = re.compile(r"(\s*[+-]?[0-9]{1,9}\s*)(,\s*[+-]?[0-9]{1,9}\s*){3}")
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
    """Where the command line says that the keys to open a file with are.

    Attributes:
        file: holds the passphrase.
        descriptor: the passphrase can be read from it.
        identities: files of private keys.
        face_keys: keys of single faces, as typed.
        face_key_files: files of such.
    """

    file: Path | None = None
    descriptor: int | None = None
    identities: tuple[Path, ...] = ()
    face_keys: tuple[str, ...] = field(default=(), repr=False)
    face_key_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class LockSources:
    """Where the command line says that the keys are which shall open something.

    Attributes:
        passphrases: files and descriptors that passphrases can be read from, in their order.
        recipients: public keys, as typed, and files of public keys, in their order.
    """

    passphrases: tuple[Path | int, ...] = ()
    recipients: tuple[str | Path, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was named."""
        return not self.passphrases and not self.recipients


@dataclass(frozen=True, slots=True)
class FaceLocks:
    """`LockSources` for all faces, and for faces of their own: each given by the numbers of the faces it is for."""

    default: LockSources = LockSources()
    own: tuple[tuple[tuple[int, ...], LockSources], ...] = ()


class Descriptor(click.ParamType):  # type: ignore[type-arg]
    """Number of an open file descriptor; a wrong value is not repeated, it might be a passphrase."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a number of 0 or more."""
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            self.fail("it must be the number of an open file descriptor", param, ctx)
        return int(text)


class FaceNumbers(click.ParamType):  # type: ignore[type-arg]
    """Numbers of faces, from 1: ``2`` or ``1,3``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read whole numbers of 1 or more, separated by commas."""
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
            self.fail("faces are given by number, such as 2 or 1,3", param, ctx)
        numbers = tuple(int(part) for part in parts)
        if 0 in numbers:
            self.fail("there is no face 0: faces are counted from 1, left to right", param, ctx)
        return numbers


class FaceNumber(FaceNumbers):
    """The number of one face, from 1."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a whole number of 1 or more."""
        if isinstance(value, int):  # click converts what it has converted, too
            return value
        numbers = super().convert(value, param, ctx)
        if len(numbers) != 1:
            self.fail("one face is asked for, by its number", param, ctx)
        return numbers[0]


class InOrder(click.Command):
    """A command that remembers in which order its options were given: ``ctx.meta[InOrder.ORDER]``."""

    ORDER = "proface_s.order"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as usual, and note the name of each option as often as it was given."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[self.ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


def several(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Apply options so that ``--help`` shows them in the order given."""

    def decorate(function: _Command) -> _Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


class InputPath(click.Path):
    """A path that has a name: ``"$UNSET"`` must not become the current folder.

    Whether it can be read is looked at with the others, so that one input's fault does not stop the rest.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a path; an empty one is refused, ``-`` is stdin."""
        if not value:
            self.fail("a file name is empty", param, ctx)
        if value == "-":
            from .runner.pipes import STDIN

            return STDIN
        if "://" in str(value):
            from ..errors import masked_url

            self.fail(f"{masked_url(str(value))} is a URL; only `proface protect --engine` reads URLs", param, ctx)
        return super().convert(value, param, ctx)


PATH = click.Path(path_type=Path)

inputs = click.argument("inputs", nargs=-1, required=True, type=InputPath())

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

jobs = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    metavar="N",
    show_default=True,
    help="Photos to work on at a time.",
)

resume = click.option(
    "--resume",
    is_flag=True,
    help="Go on where a run was stopped: skip inputs whose output is there, finished, and as asked for now.",
)

boxes = click.option(
    "--box", "boxes", multiple=True, metavar="X,Y,W,H", help="A further face, given by hand.  Repeatable."
)

which_faces = click.option(
    "--faces",
    default="all",
    metavar="WHICH",
    help="Which of the faces found: all (default), none, or numbers from 1 as `proface detect` shows them: 1,3.",
)

yes = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")

recursive = click.option(
    "--recursive/--no-recursive", default=True, help="Also take what is in folders of folders (the default)."
)

file_format = click.option(
    "--format",
    "file_format",
    type=click.Choice(("png", "webp", "tiff")),
    help="Format to write; by default what the output's name says, or PNG.  All keep every sample.",
)

audit = click.option(
    "--audit",
    type=PATH,
    metavar="LOG",
    help="Append who did what when to a file of JSON lines; no key is ever in it.",
)

wrong_key = click.option(
    "--wrong-key",
    type=click.Choice(("noise", "cover")),
    default="noise",
    show_default=True,
    help="What a wrong key gives: an error (forced: noise), or quietly the cover: then nothing in the file tells "
    "a right key from a wrong one.",
)

_passphrase_file = click.option(
    "--passphrase-file", type=PATH, metavar="PATH", help="Read the passphrase from the first line of a file."
)
_passphrase_fd = click.option(
    "--passphrase-fd", type=Descriptor(), metavar="N", help="Read it from an open file descriptor; 0 is stdin."
)


def _identity_option(text: str) -> Callable[[_Command], _Command]:
    """Return the option that names private key files, with this help text."""
    return click.option("-i", "--identity", "identities", type=PATH, multiple=True, metavar="FILE", help=text)


_identities = _identity_option("Private key file, as `proface keygen` or age-keygen write it.  Repeatable.")
identities_to_check = _identity_option(
    "With --resume: private keys of recipients, which show that an output was made for them.  Repeatable."
)
_recipient = click.option(
    "-r", "--recipient", multiple=True, metavar="RECIPIENT", help="Public key, age1..., that can open it.  Repeatable."
)
_recipients_file = click.option(
    "-R", "--recipients-file", type=PATH, multiple=True, metavar="FILE", help="File of public keys.  Repeatable."
)


def credentials(function: Callable[..., int]) -> Callable[..., int]:
    """Add --passphrase-file, --passphrase-fd and -i; the command gets them as ``sources``."""

    @wraps(function)
    def bundled(
        *, passphrase_file: Path | None, passphrase_fd: int | None, identities: tuple[Path, ...], **rest: Any
    ) -> int:
        return function(sources=Sources(passphrase_file, passphrase_fd, identities), **rest)

    return several(_passphrase_file, _passphrase_fd, _identities)(bundled)


def face_keys(function: Callable[..., int]) -> Callable[..., int]:
    """Add --face-key and --face-key-file to what `credentials` gives; written above it."""

    @wraps(function)
    def bundled(*, face_keys: tuple[str, ...], face_key_files: tuple[Path, ...], sources: Sources, **rest: Any) -> int:
        return function(sources=replace(sources, face_keys=face_keys, face_key_files=face_key_files), **rest)

    options = several(
        click.option(
            "--face-key",
            "face_keys",
            multiple=True,
            metavar="KEY",
            help="Key of one face, pfk1..., as `proface key` prints it; other users of the machine may see it here.",
        ),
        click.option(
            "--face-key-file", "face_key_files", type=PATH, multiple=True, metavar="FILE", help="File of such keys."
        ),
    )
    return options(credentials(bundled))


def new_locks(function: Callable[..., int]) -> Callable[..., int]:
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

    options = several(
        click.option(
            "--new-passphrase-file", type=PATH, multiple=True, metavar="PATH", help="File with a new passphrase."
        ),
        click.option(
            "--new-passphrase-fd", type=Descriptor(), multiple=True, metavar="N", help="Descriptor to read one from."
        ),
        _recipient,
        _recipients_file,
    )
    return options(bundled)


def locks(function: Callable[..., int]) -> Callable[..., int]:
    """Add --passphrase-file, --passphrase-fd, -r, -R and --face; an `InOrder` command gets them as ``locks``."""
    names = ("face", "passphrase_file", "passphrase_fd", "recipient", "recipients_file")

    @wraps(function)
    def bundled(**values: Any) -> int:
        given = {name: list(values.pop(name)) for name in names}
        order = click.get_current_context().meta[InOrder.ORDER]
        return function(locks=_in_sections([(name, given[name].pop(0)) for name in order if name in names]), **values)

    options = several(
        click.option(
            "--passphrase-file",
            type=PATH,
            multiple=True,
            metavar="PATH",
            help="Read a passphrase from the first line of a file.  Repeatable: each opens the photo alone.",
        ),
        click.option(
            "--passphrase-fd",
            type=Descriptor(),
            multiple=True,
            metavar="N",
            help="Read it from an open file descriptor; 0 is stdin.",
        ),
        _recipient,
        _recipients_file,
        click.option(
            "--face",
            type=FaceNumbers(),
            multiple=True,
            metavar="N",
            help="The keys named behind it are for this face of the file alone; `proface detect` with the same --faces "
            "and --box shows the numbers.  Repeatable.",
        ),
    )
    return options(bundled)


def parse_boxes(boxes: tuple[str, ...]) -> tuple[Box, ...]:
    """Read the values of --box, before anything is read or asked for.

    Raises:
        UsageError: with the syntax as its hint.
    """
    from ..errors import UsageError
    from ..faces import parse_box

    for box in boxes:
        if not _BOX.fullmatch(box):
            raise UsageError(
                f"box {box!r} is not four whole numbers", "give x,y,w,h in pixels, for example 40,30,120,150"
            )
    return tuple(map(parse_box, boxes))


def parse_selection(faces: str) -> tuple[int, ...] | None:
    """Read the value of --faces: numbers of faces, or None for all of them.

    Raises:
        UsageError: with the syntax as its hint.
    """
    from ..faces.numbering import parse_selection

    return parse_selection(faces)


def _in_sections(given: list[tuple[str, Any]]) -> FaceLocks:
    """What was named before the first --face is for all faces, what was named behind one is for its faces."""
    sections: list[tuple[tuple[int, ...], LockSources]] = [((), LockSources())]
    for name, value in given:
        faces, sources = sections[-1]
        if name == "face":
            sections.append((value, LockSources()))
        elif name.startswith("passphrase"):
            sections[-1] = (faces, replace(sources, passphrases=(*sources.passphrases, value)))
        else:
            sections[-1] = (faces, replace(sources, recipients=(*sources.recipients, value)))
    _check_sections(sections[1:])
    return FaceLocks(sections[0][1], tuple(sections[1:]))


def _check_sections(own: list[tuple[tuple[int, ...], LockSources]]) -> None:
    seen: set[int] = set()
    for faces, sources in own:
        if sources.empty:
            raise click.UsageError(f"nothing is named behind --face {','.join(map(str, faces))}")
        if seen & set(faces) or len(set(faces)) < len(faces):
            raise click.UsageError(f"a face of --face {','.join(map(str, faces))} was given its keys before")
        seen |= set(faces)

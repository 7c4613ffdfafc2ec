"""``proface key``: print the key to one face, for the person it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from ...hints import hinted
from ..options.common import audit, hidden_debug, quiet
from ..options.keys import KeySources, key_sources
from ..options.types import InputPath, SingleFaceNumber
from ..runner.stdio import STDIN, check_pipes, print_line, read_stdin, require_named_file, require_stdout
from ..text import position, printable


@click.command("key", short_help="Print the key to one face of a protected file.")
@click.argument("file", type=InputPath())
@click.option(
    "--face",
    type=SingleFaceNumber(),
    required=True,
    metavar="N",
    help="Number of the face, from 1; see `proface inspect`.",
)
@click.option("--qr", is_flag=True, help="Also draw the key as a QR code.")
@key_sources
@audit
@quiet
@hidden_debug
def command(file: Path, face: int, qr: bool, sources: KeySources, audit: Path | None, quiet: bool, debug: bool) -> int:
    """Print the key to one face.  It opens that face of this file and of its copies, and nothing else.

    Give it to the person in the picture, who runs: `proface recover FILE --face-key KEY`.
    """
    from ...api import face_key, inspect
    from ...errors import UsageError
    from ...video.clip_names import is_clip_name
    from ..runner.audit import AuditLog
    from ..runner.keys import read_credentials

    def note(text: str) -> None:
        if not quiet:
            click.echo(printable(text), err=True)

    require_stdout("the key")
    check_pipes(file, None, as_json=False, descriptors=[sources.descriptor])
    require_named_file(file, audit)
    if file is not STDIN and is_clip_name(file):
        return _clip_key(file, face, _qr_drawer() if qr else None, sources, audit, note)
    image = read_stdin() if file is STDIN else file
    found = inspect(image)
    if face > len(found.faces):
        raise hinted(
            UsageError(f"{file} has no face {face}"),
            f"its faces are numbered from 1 to {len(found.faces)}: `proface inspect`",
        )
    draw = _qr_drawer() if qr else None
    credentials = read_credentials(sources, lambda warning: note(f"warning: {warning}"))
    with AuditLog.open(audit, "key", credentials).recorded(file, [face]) as outcome:
        text = face_key(image, face, credentials)
        outcome["status"] = "key printed"
    if draw is not None:
        draw(text.upper())  # upper case makes a smaller code, and reads the same
    print_line(text)
    box = found.faces[face - 1].box
    where = position(box, found.received_size or found.size)
    note(f"this key opens face {face} at {box} ({where}) of {file}, and nothing else")
    if found.wrong_key == "cover":
        note("warning: nothing tells whether the passphrase was right; try the key with `proface recover`")
    return 0


def _clip_key(
    file: Path,
    face: int,
    draw: Callable[[str], None] | None,
    sources: KeySources,
    audit: Path | None,
    note: Callable[[str], None],
) -> int:
    """Print the key to one person of a clip."""
    from ...video.clip.manage import clip_face_key
    from ..runner.audit import AuditLog
    from ..runner.keys import read_credentials

    credentials = read_credentials(sources, lambda warning: note(f"warning: {warning}"))
    with AuditLog.open(audit, "key", credentials).recorded(file, [face]) as outcome:
        text = clip_face_key(file, face, credentials)
        outcome["status"] = "key printed"
    if draw is not None:
        draw(text.upper())
    print_line(text)
    note(f"this key opens person {face} of {file}, and nothing else")
    return 0


def _qr_drawer() -> Callable[[str], None]:
    """Return a function that draws a text on the terminal.

    Raises:
        UsageError: if the package it needs is not installed.
    """
    from ...errors import UsageError

    try:
        import segno
    except ImportError:
        raise UsageError("QR codes need the package segno", code="missing-extra", extra="qr") from None

    def draw(text: str) -> None:
        segno.make_qr(text, error="m").terminal(border=4, compact=True)

    return draw

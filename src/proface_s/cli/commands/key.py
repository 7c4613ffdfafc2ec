"""``proface key``: the key of one face, to give to whom the face belongs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from .. import options
from ..options import Sources
from ..runner import streams
from ..text import place, printable


@click.command("key", short_help="Print the key to one face of a protected file.")
@click.argument("file", type=options.InputPath())
@click.option(
    "--face", type=options.FaceNumber(), required=True, metavar="N", help="Its number, from 1; see `proface inspect`."
)
@click.option("--qr", is_flag=True, help="Draw the key as a QR code, too.")
@options.credentials
@options.audit
@options.quiet
@click.option("--debug", is_flag=True, hidden=True)
def command(file: Path, face: int, qr: bool, sources: Sources, audit: Path | None, quiet: bool, debug: bool) -> int:
    """Print the key to one face: it opens that face of this file and of copies of it, and nothing else.

    Give it to whom the face belongs: `proface recover FILE --face-key KEY`.
    """
    from ...api import face_key, inspect
    from ...errors import UsageError
    from ..runner.audit import AuditLog
    from ..runner.keys import credentials_to_open
    from ..runner.pipes import STDIN, check_pipes, read_stdin

    def tell(text: str) -> None:
        if not quiet:
            click.echo(printable(text), err=True)

    streams.check_stdout("the key")
    check_pipes(file, None, as_json=False, descriptors=[sources.descriptor])
    if file is STDIN and audit is not None:
        raise UsageError("what comes from stdin has no name that an audit log could note", "name a file")
    image = read_stdin() if file is STDIN else file
    found = inspect(image)
    if face > len(found.faces):
        raise UsageError(
            f"{file} has no face {face}", f"its faces are numbered from 1 to {len(found.faces)}: `proface inspect`"
        )
    draw = _qr_drawer() if qr else None
    credentials = credentials_to_open(sources, lambda warning: tell(f"warning: {warning}"))
    with AuditLog.of(audit, "key", credentials).deed(file, [face]) as outcome:
        text = face_key(image, face, credentials)
        outcome["status"] = "key printed"
    if draw is not None:
        draw(text.upper())  # upper case makes a smaller code, and reads the same
    streams.say(text)
    box = found.faces[face - 1].box
    tell(f"this key opens face {face} at {box} ({place(box, found.size)}) of {file}, and nothing else")
    if found.wrong_key == "cover":
        tell("warning: nothing tells whether the passphrase was right; try the key with `proface recover`")
    return 0


def _qr_drawer() -> Callable[[str], None]:
    """What draws a text on the terminal; found before anything is opened."""
    from ...errors import UsageError

    try:
        import segno
    except ImportError:
        raise UsageError("QR codes need the package segno", "pip install 'proface-s[qr]'") from None

    def draw(text: str) -> None:
        segno.make_qr(text, error="m").terminal(border=4, compact=True)

    return draw

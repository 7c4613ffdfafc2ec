"""``proface protect``: hide the faces of photos."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .options import FaceLocks, InOrder, Manner
from .text import count

if TYPE_CHECKING:
    from ..api import ProtectResult
    from ..container.header import WrongKey
    from .output import Report
    from .plan import Task

_BOX = re.compile(r"(\s*[+-]?[0-9]{1,9}\s*)(,\s*[+-]?[0-9]{1,9}\s*){3}")
_FACES = re.compile(r"(?i:\s*(all|none)\s*)|\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*")


@click.command("protect", cls=InOrder, short_help="Hide the faces of photos.")
@options.inputs
@click.option("-o", "--output", metavar="PATH", help="File to write; a folder for several inputs or a folder.")
@click.option(
    "--style",
    default="blur",
    metavar="NAME[:STRENGTH]",
    show_default=True,
    help="Cover; see `proface styles`.",
)
@click.option("--box", "boxes", multiple=True, metavar="X,Y,W,H", help="A further face, given by hand.  Repeatable.")
@click.option(
    "--faces",
    default="all",
    metavar="WHICH",
    help="Which of the faces found: all (default), none, or numbers as `proface detect` shows them: 0,2.",
)
@click.option("--no-seal", is_flag=True, help="Store no exact copy: smaller files, but only an estimate comes back.")
@click.option("--keep-metadata", is_flag=True, help="Keep author, copyright and date; nothing else is ever kept.")
@click.option("--allow-no-face", is_flag=True, help="Copy photos without a face as they are, instead of failing.")
@options.locks
@options.wrong_key
@options.overwrite
@options.threads
@options.manner
def command(
    inputs: tuple[Path, ...],
    output: str | None,
    style: str,
    boxes: tuple[str, ...],
    faces: str,
    locks: FaceLocks,
    wrong_key: WrongKey,
    overwrite: bool,
    threads: int,
    manner: Manner,
    no_seal: bool,
    keep_metadata: bool,
    allow_no_face: bool,
) -> int:
    """Hide the faces of photos; writes NAME.protected.png beside each.

    Asks for a passphrase twice; an empty answer generates one.  A folder's whole tree is mirrored.

    \b
    Keys of their own for some faces; those named before the first --face open the others:
    proface protect party.jpg --passphrase-file mine --face 2 --passphrase-file bobs --face 3 -r age1...
    """
    from ..api import Lock, Session
    from ..api.session import PROTECTED_SUFFIX
    from ..errors import ImageError
    from ..obfuscate import parse_style
    from . import sieves
    from .batch import run_plan
    from .output import Speaker
    from .passphrase import locks_to_protect
    from .plan import make_plan

    speaker = Speaker("protect", manner)
    chosen = parse_style(style)
    _check_selection(boxes, faces)
    plan = make_plan(
        inputs,
        sieves.photos,
        suffix=PROTECTED_SUFFIX,
        output=output,
        overwrite=overwrite,
        nothing=ImageError("there are no pictures in this folder"),
    )
    lock = Lock()
    own: dict[int, Lock] = {}
    if not plan.hopeless:
        lock, own = locks_to_protect(locks, speaker.announce)
    session = Session(threads=threads)

    def work(task: Task) -> Report:
        result = session.protect(
            task.source,
            lock.passphrases,
            recipients=lock.recipients,
            own=own,
            wrong_key=wrong_key,
            style=chosen,
            boxes=boxes,
            faces=faces,
            seal=False if no_seal else None,
            allow_no_face=allow_no_face,
            keep_metadata=keep_metadata,
            output=task.target,
            overwrite=overwrite,
        )
        return _report(task, result, wrong_key)

    return run_plan(plan, work, speaker)


def _check_selection(boxes: tuple[str, ...], faces: str) -> None:
    """Refuse what no picture can satisfy before a passphrase is asked for."""
    from ..errors import UsageError

    for box in boxes:
        if not _BOX.fullmatch(box):
            raise UsageError(
                f"box {box!r} is not four whole numbers", "give x,y,w,h in pixels, for example 40,30,120,150"
            )
    if not _FACES.fullmatch(faces):
        raise UsageError(f"face selection {faces!r} is not understood", "give all, none, or numbers such as 0,2")


def _report(task: Task, result: ProtectResult, wrong_key: WrongKey) -> Report:
    from .output import Report

    faces: tuple[dict[str, Any], ...] = tuple(
        {"box": [f.box.x, f.box.y, f.box.w, f.box.h], "style": f.style, "sealed": f.sealed} for f in result.faces
    )
    if not faces:
        summary = f"{task.source} -> {result.path}: no face found, copied unprotected"
        return Report("no-face", task.source, result.path, warnings=result.warnings, summary=summary)
    kind = "exact copies sealed in" if result.faces[0].sealed else "no seal"
    if wrong_key == "cover":
        kind += ", a wrong key gives the cover"
    return Report(
        "protected",
        task.source,
        result.path,
        faces,
        result.warnings,
        summary=f"{task.source} -> {result.path}: {count(len(faces), 'face')} protected "
        f"({result.faces[0].style}, {kind})",
        details=tuple(f"face {i} at {face.box}" for i, face in enumerate(result.faces)),
    )

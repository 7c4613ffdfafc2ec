"""``proface forget``: take away what a file needs to bring a face back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .options import Manner
from .text import count

if TYPE_CHECKING:
    from ..api import KeptFile
    from .output import Report
    from .plan import Task


@click.command("forget", short_help="Destroy the way back to a face, for good.")
@options.inputs
@click.option(
    "--face", type=options.FaceNumbers(), multiple=True, required=True, metavar="N",
    help="Number of the face, see `proface inspect`.  Repeatable.",
)
@click.option("--erase", is_flag=True, help="Overwrite the face's pixels too, so that nothing is left in them.")
@click.option("--in-place", is_flag=True, help="Replace the file itself.")
@click.option("-o", "--output", metavar="PATH", help="File to write; a folder for several inputs or a folder.")
@options.overwrite
@options.audit
@options.manner
def command(
    inputs: tuple[Path, ...],
    face: tuple[tuple[int, ...], ...],
    erase: bool,
    in_place: bool,
    output: str | None,
    overwrite: bool,
    audit: Path | None,
    manner: Manner,
) -> int:
    """Remove a face's key and its exact copy from protected files; writes NAME.forgotten.png beside each.

    Needs no passphrase.  The face stays covered, and no passphrase and no recipient brings it back from this file any
    more.  Other copies of the file are not changed.
    """
    from ..api import forget
    from .audit import AuditLog
    from .batch import run_plan
    from .kept import plan_to_keep
    from .output import Speaker

    faces = sorted({number for numbers in face for number in numbers})
    plan = plan_to_keep(inputs, ".forgotten.png", output, overwrite=overwrite, in_place=in_place)
    log = AuditLog.of(audit, "forget")

    def work(task: Task) -> Report:
        done = forget(
            task.source, faces, erase=erase, output=task.target, in_place=in_place, overwrite=overwrite
        )
        return _report(task, done, erase)

    return run_plan(plan, log.audited(work, faces), Speaker("forget", manner))


def _report(task: Task, done: KeptFile, erase: bool) -> Report:
    from .output import Report

    what = "forgotten and overwritten" if erase else "forgotten"
    return Report(
        "forgotten",
        task.source,
        done.path,
        tuple({"face": face} for face in done.faces),
        done.warnings,
        summary=f"{task.source} -> {done.path}: {count(len(done.faces), 'face')} {what}",
    )

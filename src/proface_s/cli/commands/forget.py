"""``proface forget``: take away what a file needs to bring a face back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..options import Manner
from ..text import count, place, printable

if TYPE_CHECKING:
    from ...api import KeptFile
    from ..runner.plan import Plan, Task
    from ..runner.report import Report

_MOST_SHOWN = 20


@click.command("forget", short_help="Destroy the way back to a face, for good.")
@options.inputs
@click.option(
    "--face",
    type=options.FaceNumbers(),
    multiple=True,
    required=True,
    metavar="N",
    help="Number of the face, from 1; see `proface inspect`.  Repeatable.",
)
@click.option("--erase", is_flag=True, help="Overwrite the face's pixels too, so that nothing is left in them.")
@click.option("--in-place", is_flag=True, help="Replace the file itself.")
@options.yes
@click.option("-o", "--output", metavar="PATH", help="File to write; a folder for several inputs or a folder.")
@options.overwrite
@options.audit
@options.manner
def command(
    inputs: tuple[Path, ...],
    face: tuple[tuple[int, ...], ...],
    erase: bool,
    in_place: bool,
    yes: bool,
    output: str | None,
    overwrite: bool,
    audit: Path | None,
    manner: Manner,
) -> int:
    """Remove a face's key and its exact copy from protected files; writes NAME.forgotten.png beside each.

    Needs no passphrase.  On a terminal it shows the faces and asks; without one, --erase and --in-place need --yes.
    The face stays covered, and no passphrase and no recipient brings it back from this file any
    more.  Other copies of the file are not changed.
    """
    from ...api import forget
    from ..runner.audit import AuditLog
    from ..runner.change_plan import plan_to_keep
    from ..runner.report import Speaker
    from ..runner.run import run_plan

    faces = sorted({number for numbers in face for number in numbers})
    plan = plan_to_keep(inputs, ".forgotten.png", output, overwrite=overwrite, in_place=in_place)
    if not yes and not _agreed(plan, faces, final=in_place or erase):
        click.echo("nothing was changed", err=True)
        return 1
    log = AuditLog.of(audit, "forget")

    def work(task: Task) -> Report:
        done = forget(task.source, faces, erase=erase, output=task.target, in_place=in_place, overwrite=overwrite)
        return _report(task, done, erase)

    return run_plan(plan, log.audited(work, faces), Speaker("forget", manner))


def _report(task: Task, done: KeptFile, erase: bool) -> Report:
    from ...api.manage import ERASING
    from ..runner.report import Report

    what = "forgotten and overwritten" if erase else "forgotten"
    return Report(
        "forgotten",
        task.source,
        done.path,
        tuple({"face": face} for face in done.faces),
        tuple(warning.replace(ERASING, "--erase overwrites them") for warning in done.warnings),
        summary=f"{task.source} -> {done.path}: {count(len(done.faces), 'face')} {what}",
    )


def _agreed(plan: Plan, faces: Sequence[int], *, final: bool) -> bool:
    """Show which faces would be destroyed and ask; without a terminal, agree to what can still be taken back.

    Args:
        plan: the files.
        faces: numbers of the faces.
        final: whether files are replaced, or pixels overwritten.

    Raises:
        UsageError: if it is final and there is no terminal to ask on.
    """
    from ...errors import UsageError
    from ..runner.keys import terminal

    if not terminal():
        if final:
            raise UsageError(
                "this destroys faces for good, and there is no terminal to ask on",
                "look at the numbers with `proface inspect`, then add --yes",
            )
        return True
    shown = [line for task in plan.tasks for line in _described(task.source, faces)]
    if not shown:  # nothing that could be destroyed: the run will say why
        return True
    for line in [*shown[:_MOST_SHOWN], *([f"... and {len(shown) - _MOST_SHOWN} more"] * (len(shown) > _MOST_SHOWN))]:
        click.echo(printable(line), err=True)
    what = "Destroy the way back to " + ("this face" if len(shown) == 1 else f"these {len(shown)} faces")
    return click.confirm(what + (", and overwrite the file?" if final else "?"), default=False, err=True)


def _described(source: Path, faces: Sequence[int]) -> list[str]:
    """Number, place and style of those faces that a file has."""
    from ...api import inspect
    from ...errors import ProFaceError

    try:
        found = inspect(source)
    except ProFaceError:
        return []  # the run will say what is wrong with it
    return [
        f"{source}: face {face.number}, {place(face.box, found.size)} ({face.box}), {face.style}"
        for face in found.faces
        if face.number in faces
    ]

"""``proface forget``: destroy the keys of faces in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...hints import hinted
from ...wording import counted
from ..options.common import (
    OutputOptions,
    PlanOptions,
    audit,
    face_numbers,
    in_place,
    inputs,
    output,
    output_options,
    overwrite,
    yes,
)
from ..text import position, printable

if TYPE_CHECKING:
    from ...api import ChangedFile
    from ..runner.plan import FileTask, Plan
    from ..runner.report import TaskReport

_MOST_SHOWN = 20


@click.command("forget", short_help="Make faces unrecoverable, for good.")
@inputs
@face_numbers("Number of the face, from 1; see `proface inspect`.  Repeatable.", required=True)
@click.option("--erase", is_flag=True, help="Also overwrite the pixels of the face, so that nothing is left in them.")
@in_place
@yes
@output
@overwrite
@audit
@output_options
def command(
    inputs: tuple[Path, ...],
    faces: tuple[int, ...],
    erase: bool,
    in_place: bool,
    yes: bool,
    output: str | None,
    overwrite: bool,
    audit: Path | None,
    output_options: OutputOptions,
) -> int:
    """Remove the keys and exact copies of faces from protected files; writes NAME.forgotten beside each.

    Needs no passphrase.  Shows the faces and asks for confirmation; without a terminal, --erase and --in-place need
    --yes.  The faces stay covered, and no passphrase and no recipient can recover them from this file any more.  Other
    copies of the file are not changed.
    """
    from ...api import forget
    from ..runner.audit import AuditLog
    from ..runner.clips.changes import forget_in_clip
    from ..runner.clips.task import ByMedium, checked_for_clips
    from ..runner.report import Reporter
    from ..runner.run import run_plan
    from ..runner.special_plans import plan_changes

    plan = plan_changes(inputs, ".forgotten.png", PlanOptions(output, overwrite=overwrite), in_place=in_place)
    plan = checked_for_clips(plan, {"--erase": erase})
    if not yes and not _confirmed(plan, faces, final=in_place or erase):
        click.echo("nothing was changed", err=True)
        return 1
    log = AuditLog.open(audit, "forget")

    def photos(task: FileTask) -> TaskReport:
        done = forget(task.source, faces, erase=erase, output=task.target, in_place=in_place, overwrite=overwrite)
        return _report(task, done, erase)

    def clips(task: FileTask) -> TaskReport:
        return forget_in_clip(task, faces, overwrite=overwrite or in_place)

    return run_plan(plan, log.recording(ByMedium(photos, clips), faces), Reporter("forget", output_options))


def _report(task: FileTask, done: ChangedFile, erase: bool) -> TaskReport:
    from ...api.changes.manage import ERASING
    from ..runner.report import TaskReport

    warnings = tuple(warning.replace(ERASING, "--erase overwrites them") for warning in done.warnings)
    what = f"{counted(len(done.faces), 'face')} forgotten{' and overwritten' if erase else ''}"
    return TaskReport.of_change("forgotten", task.source, done.path, done.faces, warnings, what)


def _confirmed(plan: Plan, faces: Sequence[int], *, final: bool) -> bool:
    """Show the faces that would be forgotten, and ask; without a terminal, agree if the old file is kept.

    Args:
        plan: the files.
        faces: numbers of the faces.
        final: whether files are replaced, or pixels overwritten.

    Raises:
        UsageError: if it is final and there is no terminal.
    """
    from ...errors import UsageError
    from ..runner.keys import has_terminal

    if not has_terminal():
        if final:
            raise hinted(
                UsageError("this destroys faces for good, and there is no terminal to ask on"),
                "look at the numbers with `proface inspect`, then add --yes",
            )
        return True
    shown = [line for task in plan.tasks if task.failure is None for line in _described(task.source, faces)]
    if not shown:  # nothing can be destroyed: the run will say why
        return True
    for line in [*shown[:_MOST_SHOWN], *([f"... and {len(shown) - _MOST_SHOWN} more"] * (len(shown) > _MOST_SHOWN))]:
        click.echo(printable(line), err=True)
    what = "Make " + ("this face" if len(shown) == 1 else f"these {len(shown)} faces") + " unrecoverable"
    return click.confirm(what + (", and overwrite the file?" if final else "?"), default=False, err=True)


def _people(source: Path, faces: Sequence[int]) -> list[str]:
    """Return a line with number and times for each of the people that a clip has."""
    from ...video.clip.manage import inspect_clip

    return [
        f"{source}: person {each.number}, " + ", ".join(f"{start:.2f}-{stop:.2f} s" for start, stop in each.spans)
        for each in inspect_clip(source).people
        if each.number in faces
    ]


def _described(source: Path, faces: Sequence[int]) -> list[str]:
    """Return a line with number, position and style for each of the faces that a file has."""
    from ...api import inspect
    from ...errors import ProFaceError
    from ...video.clip_names import is_clip_name

    try:
        if is_clip_name(source):
            return _people(source, faces)
        found = inspect(source)
    except ProFaceError:
        return []  # the run will say what is wrong with it
    return [
        f"{source}: face {face.number}, {position(face.box, found.size)} ({face.box}), {face.style}"
        for face in found.faces
        if face.number in faces
    ]

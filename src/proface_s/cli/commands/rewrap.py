"""``proface rewrap``: change the passphrases and recipients of a protected file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...wording import counted
from ..options.common import OutputOptions, PlanOptions, audit, in_place, inputs, output, output_options, overwrite
from ..options.keys import KeySources, LockSources, key_sources, new_lock

if TYPE_CHECKING:
    from ...api import ChangedFile
    from ..runner.plan import FileTask
    from ..runner.report import TaskReport


@click.command("rewrap", short_help="Change who can open a protected file.")
@inputs
@key_sources
@new_lock
@click.option("--add", is_flag=True, help="Keep the current passphrases and recipients, and add the new ones.")
@in_place
@output
@overwrite
@audit
@output_options
def command(
    inputs: tuple[Path, ...],
    sources: KeySources,
    new: LockSources,
    add: bool,
    in_place: bool,
    output: str | None,
    overwrite: bool,
    audit: Path | None,
    output_options: OutputOptions,
) -> int:
    """Change the passphrase or the recipients of protected files; writes NAME.rewrapped beside each.

    Asks for the current passphrase, and for a new one if neither a new passphrase nor a recipient is named.  The
    picture is not changed; old copies of the file still open with the old keys.
    """
    from ...api import rewrap
    from ..runner.audit import AuditLog
    from ..runner.clips.changes import rewrap_one_clip
    from ..runner.clips.task import ByMedium, checked_for_clips
    from ..runner.keys import read_credentials, read_new_lock
    from ..runner.report import Reporter
    from ..runner.run import run_hopeless, run_plan
    from ..runner.special_plans import plan_changes

    reporter = Reporter("rewrap", output_options)
    plan = plan_changes(inputs, ".rewrapped.png", PlanOptions(output, overwrite=overwrite), in_place=in_place)
    plan = checked_for_clips(plan, {})
    if plan.hopeless:
        AuditLog.open(audit, "rewrap")
        return run_hopeless(plan, reporter)
    credentials = read_credentials(sources, reporter.warn)
    lock = read_new_lock(new, reporter.warn)
    log = AuditLog.open(audit, "rewrap", credentials)

    def photos(task: FileTask) -> TaskReport:
        done = rewrap(
            task.source, credentials, lock, keep=add, output=task.target, in_place=in_place, overwrite=overwrite
        )
        return _report(task, done)

    def clips(task: FileTask) -> TaskReport:
        return rewrap_one_clip(task, credentials, lock, keep=add, overwrite=overwrite or in_place)

    return run_plan(plan, log.recording(ByMedium(photos, clips)), reporter)


def _report(task: FileTask, done: ChangedFile) -> TaskReport:
    from ..runner.report import TaskReport

    what = f"{counted(len(done.faces), 'face')} locked with new keys"
    return TaskReport.of_change("rewrapped", task.source, done.path, done.faces, done.warnings, what)

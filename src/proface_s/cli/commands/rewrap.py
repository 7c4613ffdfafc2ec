"""``proface rewrap``: other passphrases and recipients for a protected file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..options import LockSources, Manner, Sources
from ..text import count

if TYPE_CHECKING:
    from ...api import KeptFile
    from ..runner.plan import Task
    from ..runner.report import Report


@click.command("rewrap", short_help="Change who can open a protected file.")
@options.inputs
@options.credentials
@options.new_locks
@click.option("--add", is_flag=True, help="Those who can open it now still can.")
@click.option("--in-place", is_flag=True, help="Replace the file itself.")
@click.option("-o", "--output", metavar="PATH", help="File to write; a folder for several inputs or a folder.")
@options.overwrite
@options.audit
@options.manner
def command(
    inputs: tuple[Path, ...],
    sources: Sources,
    new: LockSources,
    add: bool,
    in_place: bool,
    output: str | None,
    overwrite: bool,
    audit: Path | None,
    manner: Manner,
) -> int:
    """Change the passphrase or the recipients of protected files; writes NAME.rewrapped.png beside each.

    Asks for the passphrase that opens them now, and for a new one where neither it nor a recipient is named.
    The picture stays as it is; old copies still open with the old keys.
    """
    from ...api import Credentials, Lock, rewrap
    from ..runner.audit import AuditLog
    from ..runner.change_plan import plan_to_keep
    from ..runner.keys import credentials_to_open, lock_anew
    from ..runner.report import Speaker
    from ..runner.run import run_plan

    speaker = Speaker("rewrap", manner)
    plan = plan_to_keep(inputs, ".rewrapped.png", output, overwrite=overwrite, in_place=in_place)
    credentials, lock = Credentials(), Lock()
    if not plan.hopeless:
        credentials = credentials_to_open(sources, speaker.announce)
        lock = lock_anew(new, speaker.announce)
    log = AuditLog.of(audit, "rewrap", credentials)

    def work(task: Task) -> Report:
        done = rewrap(
            task.source, credentials, lock, keep=add, output=task.target, in_place=in_place, overwrite=overwrite
        )
        return _report(task, done)

    return run_plan(plan, log.audited(work), speaker)


def _report(task: Task, done: KeptFile) -> Report:
    from ..runner.report import Report

    return Report(
        "rewrapped",
        task.source,
        done.path,
        tuple({"face": face} for face in done.faces),
        done.warnings,
        summary=f"{task.source} -> {done.path}: {count(len(done.faces), 'face')} locked anew",
    )

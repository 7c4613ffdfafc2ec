"""``proface verify``: whether a protected file is still what it was, without writing anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..options import Manner, Sources
from ..text import count

if TYPE_CHECKING:
    from ...api import Verification
    from ...container.header.header import WrongKey
    from ..runner.plan import Task
    from ..runner.report import Report


@click.command("verify", short_help="Check keys, seals and pixels of protected files.")
@options.inputs
@options.face_keys
@click.option("--without-key", is_flag=True, help="Check only what needs no key: header and pixels.")
@click.option("--expect", type=click.Choice(["noise", "cover"]), help="Refuse a file that is not in this mode.")
@options.audit
@options.manner
def command(
    inputs: tuple[Path, ...],
    sources: Sources,
    without_key: bool,
    expect: WrongKey | None,
    audit: Path | None,
    manner: Manner,
) -> int:
    """Check that protected files are intact and that a key opens them.  Nothing is written."""
    from ...api import Credentials, verify
    from ...errors import NotProtectedError
    from ..runner import file_filters
    from ..runner.audit import AuditLog
    from ..runner.keys import credentials_to_open
    from ..runner.plan import make_plan
    from ..runner.report import Speaker
    from ..runner.run import run_plan

    speaker = Speaker("verify", manner)
    plan = file_filters.only_protected(
        make_plan(
            inputs,
            file_filters.protected_files,
            nothing=NotProtectedError("there are no protected files in this folder"),
        )
    )
    credentials = Credentials()
    if not plan.hopeless and not without_key:
        credentials = credentials_to_open(sources, speaker.announce)
    log = AuditLog.of(audit, "verify", credentials)

    def work(task: Task) -> Report:
        return _report(task, verify(task.source, credentials, expect=expect))

    return run_plan(plan, log.audited(work), speaker)


def _report(task: Task, found: Verification) -> Report:
    from ...errors import DamagedFileError
    from ..runner.errors import explain
    from ..runner.report import Report

    faces = tuple(
        {
            "number": f.number,
            "box": [f.box.x, f.box.y, f.box.w, f.box.h],
            "pixels": f.pixels,
            "key": f.key,
            "seal": f.seal,
            "record": f.record,
        }
        for f in found.faces
    )
    failure = explain(DamagedFileError("; ".join(found.problems))) if found.problems else None
    verdict = f"{count(len(found.problems), 'problem')}" if found.problems else "sound"
    vouched = "authentic" if found.authentic else "not authenticated"
    lines = [f"{task.source}: {verdict}, header {vouched}"]
    lines += [
        f"  {face.number:>4}  {face.box!s:<22} pixels {face.pixels:<10} key {face.key:<10} seal {face.seal:<10} "
        f"record {face.record}"
        for face in found.faces
    ]
    return Report(
        "error" if failure else "verified",
        task.source,
        faces=faces,
        warnings=found.warnings,
        failure=failure,
        extra={"authentic": found.authentic},
        answer=tuple(lines),
    )

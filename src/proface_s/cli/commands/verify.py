"""``proface verify``: check that a protected file is intact, without writing anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...wording import counted
from ..options.common import OutputOptions, audit, expect, inputs, output_options
from ..options.keys import KeySources, key_sources_with_face_keys
from ..options.share import share_copies

if TYPE_CHECKING:
    from ...api import Verification
    from ...api.results.verified import VerifiedFace
    from ...types import WrongKey
    from ..runner.plan import FileTask
    from ..runner.report import TaskReport


@click.command("verify", short_help="Check keys, seals and pixels of protected files.")
@inputs
@key_sources_with_face_keys
@click.option("--without-key", is_flag=True, help="Check only what needs no key: header and pixels.")
@expect
@share_copies
@audit
@output_options
def command(
    inputs: tuple[Path, ...],
    sources: KeySources,
    without_key: bool,
    expect: WrongKey | None,
    share_copies: bool,
    audit: Path | None,
    output_options: OutputOptions,
) -> int:
    """Check that protected files are intact and that a key opens them.  Nothing is written."""
    from ...api import Credentials, verify
    from ..runner.audit import AuditLog
    from ..runner.clips.reading import verify_one_clip
    from ..runner.clips.task import ByMedium, checked_for_clips
    from ..runner.keys import read_credentials
    from ..runner.report import Reporter
    from ..runner.run import run_plan
    from ..runner.special_plans import plan_reading

    reporter = Reporter("verify", output_options)
    plan = checked_for_clips(plan_reading(inputs, share_copies=share_copies), {"--expect cover": expect == "cover"})
    needs_key = not plan.hopeless and not without_key
    credentials = read_credentials(sources, reporter.warn) if needs_key else Credentials()
    log = AuditLog.open(audit, "verify", credentials)

    def photos(task: FileTask) -> TaskReport:
        return _report(task, verify(task.source, credentials, expect=expect))

    def clips(task: FileTask) -> TaskReport:
        return verify_one_clip(task, credentials)

    return run_plan(plan, log.recording(ByMedium(photos, clips)), reporter)


def _report(task: FileTask, found: Verification) -> TaskReport:
    from ...errors import DamagedFileError
    from ..runner.errors import explain
    from ..runner.report import TaskReport

    faces = tuple(
        {
            "number": f.number,
            "box": [f.box.x, f.box.y, f.box.w, f.box.h],
            "pixels": f.pixels,
            "key": f.key,
            "seal": f.seal,
            "record": f.record,
            **({} if f.likeness_bytes is None else {"likeness_bytes": f.likeness_bytes}),
        }
        for f in found.faces
    )
    failure = explain(DamagedFileError("; ".join(found.problems))) if found.problems else None
    verdict = f"{counted(len(found.problems), 'problem')}" if found.problems else "sound"
    header = "authentic" if found.authentic else "not authenticated"
    shared = any(face.likeness_bytes is not None for face in found.faces)
    lines = [f"{task.source}: {verdict}, {'share copy' if shared else f'header {header}'}"]
    lines += [f"  {face.number:>4}  {face.box!s:<22} {_state(face)}" for face in found.faces]
    return TaskReport(
        "error" if failure else "verified",
        task.source,
        faces=faces,
        warnings=found.warnings,
        failure=failure,
        extra={"authentic": found.authentic},
        answer=tuple(lines),
    )


def _state(face: VerifiedFace) -> str:
    """Say what was found of a face."""
    if face.likeness_bytes is None:
        return f"pixels {face.pixels:<10} key {face.key:<10} seal {face.seal:<10} record {face.record}"
    left = f"a likeness from {face.likeness_bytes} bytes" if face.likeness_bytes else "too little is left"
    return f"key {face.key:<10} {left}"

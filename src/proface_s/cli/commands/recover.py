"""``proface recover``: bring the faces back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import options
from ..options import Manner, Sources

if TYPE_CHECKING:
    from ...container.header.header import WrongKey
    from ...image.write import Format
    from ..runner.plan import Plan


@click.command("recover", short_help="Bring the faces of protected photos back.")
@options.inputs
@click.option("-o", "--output", metavar="PATH", help="File to write; a folder for several inputs or a folder.")
@options.face_keys
@click.option(
    "--face",
    type=options.FaceNumbers(),
    multiple=True,
    metavar="N",
    help="Bring back this face only, by its number in the file, from 1.  Repeatable.",
)
@click.option("--force", is_flag=True, help="Where nothing opens a file, write the noise that a wrong key reads.")
@click.option(
    "--expect",
    type=click.Choice(["noise", "cover"]),
    help="Refuse a file that is not in this mode (`protect --wrong-key`): others can turn noise into cover, not back.",
)
@click.option("--sidecar", metavar="FILE", help="Sidecar to use; NAME.pfs beside a photo is found by itself.")
@click.option("--from-pixels", is_flag=True, help="Ignore metadata and sidecars: only estimates from the pixels.")
@options.audit
@options.file_format
@options.recursive
@options.jobs
@options.resume
@options.overwrite
@options.threads
@options.manner
def command(
    inputs: tuple[Path, ...],
    output: str | None,
    sources: Sources,
    face: tuple[tuple[int, ...], ...],
    force: bool,
    expect: WrongKey | None,
    sidecar: str | None,
    from_pixels: bool,
    audit: Path | None,
    file_format: Format | None,
    recursive: bool,
    jobs: int,
    resume: bool,
    overwrite: bool,
    threads: int,
    manner: Manner,
) -> int:
    """Bring the faces of protected photos back; writes NAME.recovered.png beside each.

    Asks for the passphrase where neither an identity nor a face key is given.  A face key brings its face back; the
    others stay covered.  Of a folder, only protected files are taken.  - is stdin, and as an output stdout.

    Where a program has dropped all metadata, faces come back from the pixels alone, as estimates.
    """
    from ...api import Credentials
    from ...api.options import RecoverOptions
    from ...errors import UsageError
    from ..runner.audit import AuditLog
    from ..runner.keys import credentials_to_open
    from ..runner.pipes import STDIN, check_pipes
    from ..runner.recover_task import Recovering
    from ..runner.report import Speaker
    from ..runner.run import run_plan
    from ..runner.workers import threads_per_job

    speaker = Speaker("recover", manner)
    options = {"output": output, "overwrite": overwrite, "resume": resume, "recursive": recursive}
    plan = _planned(inputs, file_format, sidecar, from_pixels, **options)
    for task in plan.tasks[:1]:
        check_pipes(task.source, task.target, as_json=manner.as_json, descriptors=[sources.descriptor])
        if task.source is STDIN and audit is not None:
            raise UsageError("what comes from stdin has no name that an audit log could note", "name a file")
    credentials = Credentials()
    if not plan.hopeless:
        credentials = credentials_to_open(sources, speaker.announce)
    faces = sorted({number for numbers in face for number in numbers}) or None
    log = AuditLog.of(audit, "recover", credentials)
    work = Recovering(
        RecoverOptions(
            credentials=credentials,
            faces=tuple(faces) if faces is not None else None,
            force=force,
            expect=expect,
            file_format=file_format,
            from_pixels=from_pixels,
        ),
        sidecar=sidecar,
        resume=resume,
        overwrite=overwrite,
        threads=threads_per_job(threads, jobs),
    )
    return run_plan(plan, log.audited(work, faces), speaker, jobs=jobs)


def _planned(
    inputs: tuple[Path, ...], file_format: Format | None, sidecar: str | None, from_pixels: bool, **options: Any
) -> Plan:
    """What is to be done; ``options`` are those of `make_plan`."""
    from ...api.files.io import RECOVERED_SUFFIX, with_format
    from ...errors import NotProtectedError, UsageError
    from ..runner import file_filters
    from ..runner.plan import make_plan

    if sidecar is not None and (from_pixels or len(inputs) > 1 or inputs[0].is_dir()):
        raise UsageError(
            "--sidecar names the sidecar of one photo, and --from-pixels ignores it", "give one photo, or leave it out"
        )
    sieve = file_filters.files_with_records if from_pixels else file_filters.protected_files
    nothing = NotProtectedError("there are no protected files in this folder")
    suffix = with_format(RECOVERED_SUFFIX, file_format)
    plan = make_plan(inputs, sieve, suffix=suffix, nothing=nothing, pipes=True, jpeg=True, **options)
    return file_filters.only_protected(plan) if sidecar is None else plan

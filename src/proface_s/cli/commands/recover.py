"""``proface recover``: bring the faces back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...hints import hinted
from ..options.common import (
    OutputOptions,
    PlanOptions,
    audit,
    expect,
    face_numbers,
    file_format,
    inputs,
    jobs,
    output_options,
    plan_options,
    threads,
)
from ..options.keys import KeySources, key_sources_with_face_keys
from ..options.share import share_copies

if TYPE_CHECKING:
    from ...image.write import OutputFormat
    from ...types import WrongKey
    from ..runner.plan import Plan


@click.command("recover", short_help="Bring the faces of protected photos back.")
@inputs
@plan_options
@key_sources_with_face_keys
@face_numbers("Recover this face only, by its number in the file, from 1.  Repeatable.")
@click.option("--force", is_flag=True, help="If no key opens a file, write the noise that a wrong key gives.")
@expect
@click.option("--sidecar", metavar="FILE", help="Sidecar of the only input; by default NAME.pfs beside it, if needed.")
@share_copies
@click.option("--from-pixels", is_flag=True, help="Ignore metadata and sidecars: recover estimates from the pixels.")
@file_format
@audit
@jobs
@threads
@output_options
def command(
    inputs: tuple[Path, ...],
    plan_options: PlanOptions,
    sources: KeySources,
    faces: tuple[int, ...],
    force: bool,
    expect: WrongKey | None,
    sidecar: str | None,
    share_copies: bool,
    from_pixels: bool,
    file_format: OutputFormat | None,
    audit: Path | None,
    jobs: int,
    threads: int,
    output_options: OutputOptions,
) -> int:
    """Bring the faces of protected photos and clips back; writes NAME.recovered.jpg (.png, .mp4) beside each.

    Asks for the passphrase if neither an identity nor a face key is given.  A face key brings its face back; the
    others stay covered.  In a folder, only protected files are taken; with --share-copies, also what apps have left of
    share copies.  `-` is stdin or, as an output, stdout.

    If a program has removed all metadata, the faces come back from the pixels alone, as estimates.  From a share copy
    that an app has compressed, resized or cropped, they come back reduced.
    """
    from ...api.options import RecoverOptions
    from ...processes import threads_per_process
    from ..runner.audit import AuditLog
    from ..runner.clips.reading import RecoverClipTask
    from ..runner.clips.task import ByMedium, checked_for_clips, shows_frames
    from ..runner.keys import read_credentials
    from ..runner.recover_task import RecoverTask
    from ..runner.report import Reporter
    from ..runner.run import run_hopeless, run_plan
    from ..runner.stdio import check_pipes, require_named_file

    reporter = Reporter("recover", output_options)
    plan = _make_plan(inputs, plan_options, file_format, sidecar, from_pixels, share_copies)
    for task in plan.tasks[:1]:
        check_pipes(task.source, task.target, as_json=output_options.as_json, descriptors=[sources.descriptor])
        require_named_file(task.source, audit)
    refused = {"--force": force, "--from-pixels": from_pixels, "--expect cover": expect == "cover"}
    plan = checked_for_clips(plan, refused, {"--format": file_format is not None})
    if plan.hopeless:
        AuditLog.open(audit, "recover")
        return run_hopeless(plan, reporter)
    options = RecoverOptions(
        credentials=read_credentials(sources, reporter.warn),
        faces=faces or None,
        force=force,
        expect=expect,
        file_format=file_format,
        from_pixels=from_pixels,
    )
    log = AuditLog.open(audit, "recover", options.credentials)
    photos = RecoverTask(
        options, sidecar, plan_options.resume, plan_options.overwrite, threads_per_process(threads, jobs)
    )
    clips = RecoverClipTask(options, sidecar, plan_options.resume, plan_options.overwrite, shows_frames(plan, reporter))
    return run_plan(plan, log.recording(ByMedium(photos, clips), options.faces), reporter, jobs=jobs)


def _make_plan(
    inputs: tuple[Path, ...],
    plan_options: PlanOptions,
    file_format: OutputFormat | None,
    sidecar: str | None,
    from_pixels: bool,
    share_copies: bool,
) -> Plan:
    from ...api.files.kinds import RECOVERED_SUFFIX, kind_of
    from ...errors import NotProtectedError, UsageError
    from ..runner import file_filters
    from ..runner.plan import make_plan
    from ..runner.special_plans import NO_PROTECTED_FILES, suffix_for

    if sidecar is not None and (from_pixels or len(inputs) > 1 or inputs[0].is_dir()):
        raise hinted(
            UsageError("--sidecar names the sidecar of one photo or clip, and --from-pixels ignores it"),
            "give one photo or clip, or leave it out",
        )
    if share_copies and from_pixels:
        raise hinted(UsageError("--share-copies and --from-pixels cannot be given together"), "give them one by one")
    file_filter = file_filters.files_with_records if from_pixels else file_filters.protected_files
    file_filter = file_filters.received_files if share_copies else file_filter
    empty = NotProtectedError(NO_PROTECTED_FILES)
    plan = make_plan(
        inputs,
        file_filter,
        plan_options,
        suffix=lambda source: suffix_for(source, RECOVERED_SUFFIX, lambda: file_format or kind_of(source)),
        empty_folder=empty,
        pipes=True,
    )
    return file_filters.only_protected(plan, share_copies=True) if sidecar is None else plan

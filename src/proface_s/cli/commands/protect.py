"""``proface protect``: hide the faces of photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import engine as scaling
from .. import options
from ..engine import Engine
from ..options import FaceLocks, InOrder, Manner

if TYPE_CHECKING:
    from ...container.header.header import WrongKey
    from ...image.write import Format
    from ..runner.plan import Plan


@click.command("protect", cls=InOrder, short_help="Hide the faces of photos.")
@scaling.inputs
@click.option("-o", "--output", metavar="PATH", help="File to write; a folder for several inputs or a folder.")
@click.option(
    "--style",
    default="blur",
    metavar="NAME[:STRENGTH]",
    show_default=True,
    help="Cover; see `proface styles`.",
)
@options.boxes
@options.which_faces
@click.option("--no-seal", is_flag=True, help="Store no exact copy: smaller files, but only an estimate comes back.")
@click.option("--keep-metadata", is_flag=True, help="Keep author, copyright and date; nothing else is ever kept.")
@click.option("--allow-no-face", is_flag=True, help="Copy photos without a face as they are, instead of failing.")
@options.locks
@options.wrong_key
@options.file_format
@click.option("--sidecar", is_flag=True, help="Also write what opens the photo, locked, to NAME.pfs beside it.")
@click.option("--sidecar-only", is_flag=True, help="Write that to NAME.pfs and not into the photo.")
@click.option("--no-record", is_flag=True, help="Write nothing into the pixels that lets faces survive lost metadata.")
@options.recursive
@options.jobs
@options.resume
@options.identities_to_check
@options.overwrite
@options.threads
@scaling.engine
@options.manner
def command(
    inputs: tuple[Path | str, ...],
    output: str | None,
    style: str,
    boxes: tuple[str, ...],
    faces: str,
    locks: FaceLocks,
    wrong_key: WrongKey,
    file_format: Format | None,
    sidecar: bool,
    sidecar_only: bool,
    no_record: bool,
    recursive: bool,
    jobs: int,
    resume: bool,
    identities: tuple[Path, ...],
    overwrite: bool,
    threads: int,
    engine: Engine,
    manner: Manner,
    no_seal: bool,
    keep_metadata: bool,
    allow_no_face: bool,
) -> int:
    """Hide the faces of photos; writes NAME.protected.png beside each.

    Asks for a passphrase twice; an empty answer generates one.  A folder's whole tree is mirrored.  - is stdin, and
    as an output stdout.

    Faces are numbered from 1, left to right, then top to bottom.

    \b
    Keys of their own for some faces; those named before the first --face open the others:
    proface protect party.jpg --passphrase-file mine --face 2 --passphrase-file bobs --face 3 -r age1...

    \b
    A collection on an engine, with a manifest to go on from; folders or URLs, for public keys only:
    proface protect s3://bucket/photos -o s3://bucket/protected -r age1... --engine dask --scheduler tcp://...
    """
    from ...api.options import ProtectOptions
    from ...covers import parse_style
    from ...errors import UsageError
    from ..runner.keys import identities_in, locks_to_protect
    from ..runner.protect_task import Protecting
    from ..runner.report import Speaker
    from ..runner.run import run_hopeless, run_plan
    from ..runner.workers import threads_per_job

    speaker = Speaker("protect", manner)
    chosen: dict[str, Any] = {
        "style": parse_style(style),
        "boxes": options.parse_boxes(boxes),
        "faces": options.parse_selection(faces),
        "seal": False if no_seal else None,
        "allow_no_face": allow_no_face,
        "keep_metadata": keep_metadata,
        "record": not no_record,
    }
    if identities and not resume:
        raise UsageError("--identity does nothing without --resume", "recipients' public keys are given with -r")
    if engine.name is not None:
        refused = {
            "--wrong-key cover": wrong_key == "cover",
            "--sidecar": sidecar or sidecar_only,
            "--identity": bool(identities),
        }
        return scaling.run_on_engine(
            engine,
            inputs,
            output,
            locks,
            speaker,
            refused,
            overwrite=overwrite,
            jobs=jobs,
            recursive=recursive,
            threads=threads_per_job(threads, jobs),
            file_format=file_format or "png",
            **chosen,
        )
    paths = scaling.only_paths(inputs, engine)
    planned = {"output": output, "overwrite": overwrite, "resume": resume, "recursive": recursive}
    plan = _planned(paths, file_format, locks, manner, beside=sidecar or sidecar_only, **planned)
    if plan.hopeless:
        return run_hopeless(plan, speaker)
    lock, own = locks_to_protect(locks, speaker.announce)
    known = identities_in(identities, speaker.announce)
    asked = ProtectOptions(
        lock=lock,
        own=own,
        wrong_key=wrong_key,
        file_format=file_format,
        sidecar="instead" if sidecar_only else "also" if sidecar else "none",
        **chosen,
    )
    work = Protecting(asked, resume, known, overwrite, threads_per_job(threads, jobs))
    return run_plan(plan, work, speaker, jobs=jobs)


def _planned(
    inputs: tuple[Path, ...],
    file_format: Format | None,
    locks: FaceLocks,
    manner: Manner,
    *,
    beside: bool,
    **options: Any,
) -> Plan:
    """What is to be done, and whether pipes can do it; ``options`` are those of `make_plan`."""
    from ...api.files.io import PROTECTED_SUFFIX, with_format
    from ...errors import ImageError, UsageError
    from ..runner import file_filters
    from ..runner.pipes import STDOUT, check_pipes
    from ..runner.plan import make_plan

    nothing = ImageError("there are no pictures in this folder")
    suffix = with_format(PROTECTED_SUFFIX, file_format)
    plan = make_plan(inputs, file_filters.photos, suffix=suffix, nothing=nothing, pipes=True, **options)
    for task in plan.tasks[:1]:
        descriptors = [each for part in (locks.default, *(p for _, p in locks.own)) for each in part.passphrases]
        check_pipes(task.source, task.target, as_json=manner.as_json, descriptors=descriptors)
        if task.target is STDOUT and beside:
            raise UsageError("a sidecar lies beside a file, and stdout is none", "name an output file with -o")
    return plan

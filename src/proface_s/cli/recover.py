"""``proface recover``: bring the faces back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .options import Manner, Sources
from .text import count

if TYPE_CHECKING:
    from ..api import RecoverResult
    from .output import Report
    from .plan import Task


@click.command("recover", short_help="Bring the faces of protected photos back.")
@options.inputs
@click.option("-o", "--output", metavar="PATH", help="File to write; a folder for several inputs or a folder.")
@options.face_keys
@click.option(
    "--face", type=options.FaceNumbers(), multiple=True, metavar="N",
    help="Bring back this face only, by its number in the file.  Repeatable.",
)
@click.option("--force", is_flag=True, help="Where nothing opens a file, write the noise that a wrong key reads.")
@options.audit
@options.overwrite
@options.threads
@options.manner
def command(
    inputs: tuple[Path, ...],
    output: str | None,
    sources: Sources,
    face: tuple[tuple[int, ...], ...],
    force: bool,
    audit: Path | None,
    overwrite: bool,
    threads: int,
    manner: Manner,
) -> int:
    """Bring the faces of protected photos back; writes NAME.recovered.png beside each.

    Asks for the passphrase where neither an identity nor a face key is given.  A face key brings its face back; the
    others stay covered.  Of a folder, only protected files are taken.
    """
    from ..api import Credentials, Session
    from ..api.session import RECOVERED_SUFFIX
    from ..errors import NotProtectedError
    from . import sieves
    from .audit import AuditLog
    from .batch import run_plan
    from .output import Speaker
    from .passphrase import credentials_to_open
    from .plan import make_plan

    speaker = Speaker("recover", manner)
    plan = sieves.only_protected(
        make_plan(
            inputs,
            sieves.protected_files,
            suffix=RECOVERED_SUFFIX,
            output=output,
            overwrite=overwrite,
            nothing=NotProtectedError("there are no protected files in this folder"),
        )
    )
    credentials = Credentials()
    if not plan.hopeless:
        credentials = credentials_to_open(sources, speaker.announce)
    faces = sorted({number for numbers in face for number in numbers}) or None
    log = AuditLog.of(audit, "recover", credentials)
    session = Session(threads=threads)

    def work(task: Task) -> Report:
        return _report(
            task,
            session.recover(
                task.source, credentials=credentials, faces=faces, force=force, output=task.target, overwrite=overwrite
            ),
        )

    return run_plan(plan, log.audited(work, faces), speaker)


def _report(task: Task, result: RecoverResult) -> Report:
    from .output import Report

    outcomes = Counter(face.outcome for face in result.faces)
    kinds = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    return Report(
        "recovered",
        task.source,
        result.path,
        tuple({"box": [f.box.x, f.box.y, f.box.w, f.box.h], "outcome": f.outcome} for f in result.faces),
        result.warnings,
        summary=f"{task.source} -> {result.path}: {count(len(result.faces), 'face')} ({kinds})",
        details=tuple(f"face {i} at {face.box}: {face.outcome}" for i, face in enumerate(result.faces)),
    )

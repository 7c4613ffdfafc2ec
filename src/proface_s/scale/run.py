"""A run from its list of photos to its summary: photos go to an engine, outcomes come back, each is noted.

What is handed out ahead is bounded, so that neither this process nor a scheduler holds more than a few tasks.  A photo
whose worker died is tried again when all others are done, alone; after `MAX_ATTEMPTS` deaths it is set aside as
poisoned (see `proface_s.processes.run_tasks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from ..errors import ImageError, ProFaceError, UsageError, foreign_text
from ..processes import Attempt, Executor, run_tasks
from .job import MAX_ATTEMPTS, CollectionJob, PhotoTask
from .locations import Location, contains, picture_names
from .manifest import Manifest, noted
from .outcomes import ManifestRow, PhotoOutcome
from .worker import photo_digest, protect_one


@dataclass(slots=True)
class Summary:
    """The numbers of a run.

    Attributes:
        counts: photos by status, as the run found or made them.
        unchanged: how many of them were settled before.
        stop: why the run was given up; empty if it was not.  Starting it again does what is missing.
    """

    counts: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    stop: str = ""


def check_locations(job: CollectionJob, manifest: Location) -> None:
    """Refuse locations that make no sense, before anything is written.

    Args:
        job: the run.
        manifest: folder of its manifest.

    Raises:
        UsageError: if the source overlaps a folder of outputs, or the manifest lies in one.
        ImageError: if the source is not there.
    """
    source = Location(job.source)
    if not source.exists():
        raise ImageError(f"{source} does not exist, or cannot be reached")
    for target in map(Location, (job.target, *([job.published] if job.published else []))):
        if contains(source, target) or contains(target, source):
            raise UsageError(f"{source} and {target} overlap", code="overlapping-locations")
        if contains(target, manifest):
            raise UsageError(
                f"the manifest {manifest} would lie among the outputs",
                code="manifest-in-target",
            )


def run_job(job: CollectionJob, engine: Executor, manifest: Manifest, tell: Callable[[PhotoOutcome], None]) -> Summary:
    """Protect every photo of a collection that is not finished yet.

    Args:
        job: the run.
        engine: open.
        manifest: open; outcomes are noted there, also if this raises.
        tell: called with every outcome as it comes.

    Raises:
        ImageError: if the source cannot be listed or the manifest cannot be written.
    """
    known, summary = manifest.known(), Summary()
    names = picture_names(Location(job.source), job.suffixes, recursive=job.recursive)
    tasks = (PhotoTask(name, known.pop(noted(name), None)) for name in names)
    try:
        for outcome in protect_photos(job, tasks, engine):
            if outcome.stop:
                summary.stop = summary.stop or outcome.stop
                continue
            if outcome.unchanged:
                summary.unchanged += 1
            else:
                manifest.add(outcome.row)
            summary.counts[outcome.row.status] += 1
            tell(outcome)
    finally:
        manifest.close()
    return summary


def protect_photos(job: CollectionJob, tasks: Iterable[PhotoTask], engine: Executor) -> Iterator[PhotoOutcome]:
    """Yield the outcome of every task as it ends; once one says stop, no further task is begun."""
    stopped = False
    attempts = run_tasks(
        tasks,
        engine,
        lambda task, number: _submit(job, replace(task, attempt=number), engine),
        max_attempts=MAX_ATTEMPTS,
        keep_going=lambda: not stopped,
        clean_up=lambda task: _clear(job, task),
    )
    for attempt in attempts:
        outcome = _poisoned(job, attempt.task, engine) if attempt.worker_died else _outcome(attempt, engine)
        stopped = stopped or bool(outcome.stop)
        yield outcome


def _clear(job: CollectionJob, task: PhotoTask) -> None:
    """Remove what a worker that died may have left of an output."""
    for folder, name in job.outputs_of(task.source):
        Location(folder).clear(name)


def _submit(job: CollectionJob, task: PhotoTask, engine: Executor) -> Future[PhotoOutcome]:
    return engine.submit(protect_one, job, task)


def _outcome(attempt: Attempt[PhotoTask, PhotoOutcome], engine: Executor) -> PhotoOutcome:
    """Return the outcome that came back, or one that says why none did."""
    task = attempt.task
    try:
        outcome = attempt.future.result()
    except Exception as error:
        if outage := engine.outage():
            return PhotoOutcome(ManifestRow(task.source), stop=outage)
        foreign = f"{type(error).__name__}: {foreign_text(error)}"
        message = error.message if isinstance(error, ProFaceError) else foreign
        return PhotoOutcome(ManifestRow(task.source, status="failed", reason=f"a worker could not do it: {message}"))
    if outcome.unchanged and task.known is not None:  # nothing was done, so the status is the one in the manifest
        return replace(outcome, row=replace(outcome.row, status=task.known.status))
    return outcome


def _poisoned(job: CollectionJob, task: PhotoTask, engine: Executor) -> PhotoOutcome:
    """Return the outcome of a photo that has killed `MAX_ATTEMPTS` workers."""
    try:
        digest = engine.submit(photo_digest, job, task).result()
    except Exception:  # without a digest, the next run tries it again
        digest = ""
    reason = f"{MAX_ATTEMPTS} workers died while they worked on it"
    row = ManifestRow(task.source, status="poisoned", reason=reason, source_sha256=digest, attempt=MAX_ATTEMPTS)
    return PhotoOutcome(row, code="workers-died")

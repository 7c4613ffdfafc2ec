"""A run from its list of photos to its sum: tasks go to an engine, outcomes come back, every one is noted.

What is handed out ahead is bounded, so that neither this process nor a scheduler holds more than a few tasks.  A task
whose worker died is laid aside until all others are done; then each such photo is tried alone, so that the one that
kills is known, and is set aside after `MAX_ATTEMPTS` with the reason.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace

from ..errors import ImageError, ProFaceError, UsageError, foreign_text
from .engines import Engine
from .job import MAX_ATTEMPTS, Job, Task
from .locations import Place, contains, find_pictures
from .manifest import Manifest, noted
from .worker import Outcome, Row, protect_one, settled_digest

IN_HAND = 2  # tasks per worker that are handed out ahead


@dataclass(slots=True)
class Summary:
    """The sum of a run.

    Attributes:
        counts: photos by status, as the run found or made them.
        unchanged: how many of them were settled before.
        stop: why the run was given up, else empty; what is missing is done when it is started again.
    """

    counts: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    stop: str = ""


def check_places(job: Job, manifest: Place) -> None:
    """Refuse places that make no sense, before anything is written.

    Raises:
        UsageError: the target or the manifest lies where photos are looked for or published.
        ImageError: the source is not there.
    """
    source, target = Place(job.source), Place(job.target)
    if not source.exists():
        raise ImageError(f"{source} does not exist, or cannot be reached")
    if contains(source, target) or contains(target, source):
        raise UsageError(f"{source} and {target} lie one in the other", "choose another target")
    if contains(target, manifest):
        raise UsageError(
            f"the manifest {manifest} would lie among the outputs",
            "it tells which output was made from which photo; keep it with the originals",
        )


def run_job(job: Job, engine: Engine, manifest: Manifest, tell: Callable[[Outcome], None]) -> Summary:
    """Protect every photo of a place that is not finished yet.

    Args:
        job: what to do.
        engine: does it; open.
        manifest: open; what comes back is noted there, also when this raises.
        tell: is told every outcome as it comes.

    Raises:
        ImageError: the source cannot be listed, or the manifest not be written.
    """
    known, summary = manifest.known(), Summary()
    source = Place(job.source)
    names = find_pictures(source, job.suffixes, recursive=job.recursive)
    tasks = (Task(name, known.pop(noted(name), None)) for name in names)
    try:
        for outcome in outcomes(job, tasks, engine):
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


def outcomes(job: Job, tasks: Iterable[Task], engine: Engine) -> Iterator[Outcome]:
    """Do tasks, and then those whose worker died, one at a time."""
    suspects: list[Task] = []
    stopped = False
    for task, outcome in _done(job, tasks, engine, IN_HAND * engine.workers):
        if outcome is None:
            suspects.append(replace(task, attempt=task.attempt + 1))
            continue
        yield _remembered(task, outcome)
        stopped = stopped or bool(outcome.stop)
    for task in [] if stopped else suspects:
        outcome = _alone(job, task, engine)
        yield outcome
        if outcome.stop:
            return


def _done(job: Job, tasks: Iterable[Task], engine: Engine, ahead: int) -> Iterator[tuple[Task, Outcome | None]]:
    """Tasks with their outcomes as they come; None where the worker died.  After a stop nothing new is begun."""
    left, stopped = iter(tasks), False
    in_hand: dict[Future[Outcome], Task] = {}
    while True:
        for task in itertools.islice(left, 0 if stopped else ahead - len(in_hand)):
            in_hand[engine.submit(protect_one, job, task)] = task
        if not in_hand:
            return
        for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
            task = in_hand.pop(future)
            outcome = _outcome(future, task, engine)
            stopped = stopped or bool(outcome and outcome.stop)
            yield task, outcome


def _outcome(future: Future[Outcome], task: Task, engine: Engine) -> Outcome | None:
    try:
        return future.result()
    except Exception as error:
        if gone := engine.gone():
            return Outcome(Row(task.source), stop=gone)
        if isinstance(error, engine.lost):
            return None  # the engine's own trouble: work reports what is wrong with a photo
        foreign = f"{type(error).__name__}: {foreign_text(error)}"
        message = error.message if isinstance(error, ProFaceError) else foreign
        return Outcome(Row(task.source, status="failed", reason=f"a worker could not do it: {message}"))


def _alone(job: Job, task: Task, engine: Engine) -> Outcome:
    """Try a photo whose worker died again, with nothing else in hand."""
    while True:
        Place(job.target).clear(job.target_of(task.source))
        if task.attempt > MAX_ATTEMPTS:
            break
        ((_, outcome),) = _done(job, [task], engine, 1)
        if outcome is not None:
            return _remembered(task, outcome)
        task = replace(task, attempt=task.attempt + 1)
    future = engine.submit(settled_digest, job, task)
    try:
        digest = future.result()
    except Exception:  # then it is tried again by the next run
        digest = ""
    reason = f"{MAX_ATTEMPTS} workers died while they worked on it"
    row = Row(task.source, status="poisoned", reason=reason, source_sha256=digest, attempt=MAX_ATTEMPTS)
    return Outcome(row, hint="there may be too little memory for it; look at it alone, without an engine")


def _remembered(task: Task, outcome: Outcome) -> Outcome:
    """An outcome with the status that the manifest knows, where nothing was done."""
    if not outcome.unchanged or task.known is None:
        return outcome
    return replace(outcome, row=replace(outcome.row, status=task.known.status))

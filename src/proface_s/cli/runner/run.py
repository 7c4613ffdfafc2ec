"""Run a plan: every input gets its own line, none stops the next, in one process or in several."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ...errors import DiskFullError, NoFaceError, OtherOutputError, ProFaceError
from ...hints import hinted
from ...image.names import is_temporary
from ...processes import completed_future, local_executor, run_tasks
from ...video.clip_names import is_clip_name
from ...wording import counted
from .errors import Failure, explain, overall_exit_code
from .plan import FileTask, Plan
from .report import Reporter, TaskReport

Work = Callable[[FileTask], TaskReport]

LONG_BYTES: Final = 1_500_000  # a single file of this size takes long enough for a progress bar
STALE_SECONDS: Final = 600  # a temporary file that was not touched for so long was left by a run that was killed
_MOST_NAMED: Final = 12


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """The outcome of a task.

    Attributes:
        report: for the user.
        cause: the exception behind a failure, or None.
        disk_full: whether no other task can succeed either, because the disk is full.
    """

    report: TaskReport
    cause: BaseException | None = None
    disk_full: bool = False


@dataclass(slots=True)
class _Tally:
    """Numbers of a run, for its exit code and its last line."""

    codes: list[int] = field(default_factory=list)
    finished_before: int = 0
    other_outputs: int = 0
    not_attempted: int = 0

    def add(self, report: TaskReport) -> None:
        self.codes.append(report.exit_code)
        self.finished_before += report.status == "skipped"
        self.other_outputs += report.failure is not None and "reason" in report.extra


class WorkerTraceback(Exception):
    """The traceback of an error in a worker process, as text: the error itself may not be picklable."""


def run_plan(plan: Plan, work: Work, reporter: Reporter, *, jobs: int = 1) -> int:
    """Do every task of a plan, and report each outcome.

    Args:
        plan: what to do.
        work: does one task, whose output folder exists.  With several jobs it is pickled.
        reporter: of the command.
        jobs: number of processes; with several, tasks are reported in the order in which they end.

    Returns:
        The exit code of the run, see `proface_s.cli.runner.errors`.
    """
    for source, reason in plan.skipped:
        reporter.report(skipped(source, reason))
    if plan.resume:
        _remove_stale_files(plan)
    if len(plan.tasks) > 1:
        reporter.collect_warnings()
    tally, reported, disk_full = _Tally(), set(), False
    with reporter.progress(len(plan.tasks), long=_is_long(plan)):
        outcomes = attempt_all(plan.tasks, work, jobs, keep_going=lambda: not disk_full)
        for outcome in outcomes:
            disk_full = disk_full or outcome.disk_full
            reporter.report(outcome.report, outcome.cause)
            reporter.advance()
            tally.add(outcome.report)
            reported.add((outcome.report.source, outcome.report.task_target))
        outcomes.close()
        for task in plan.tasks:
            if disk_full and (task.source, task.target) not in reported:
                failure = Failure(f"{task.source}: not attempted, the disk is full", None, 1)
                reporter.report(TaskReport("error", task.source, failure=failure), json_only=True)
                tally.not_attempted += 1
    _summarise(plan, tally, reporter)
    return overall_exit_code(tally.codes)


def run_hopeless(plan: Plan, reporter: Reporter) -> int:
    """Report the failures of a plan in which no task can succeed; returns the exit code, as `run_plan`."""

    def never(task: FileTask) -> TaskReport:
        raise AssertionError(f"{task.source} could be done after all")

    return run_plan(plan, never, reporter)


def attempt_all(
    tasks: Sequence[FileTask], work: Work, jobs: int, *, keep_going: Callable[[], bool] = lambda: True
) -> Generator[TaskOutcome, None, None]:
    """Do tasks in this process, or in several, and yield each outcome as it comes.

    Args:
        tasks: what to do; those that have failed already are reported as they are.
        work: does one task.
        jobs: number of processes.
        keep_going: asked before each task; once it returns False, no further task is begun.
    """
    jobs = min(jobs, sum(task.failure is None for task in tasks))
    with _folders_for(tasks) as refused, local_executor(jobs) as executor:

        def submit(task: FileTask, attempt: int) -> Future[TaskOutcome]:
            failure = task.failure or next((refused[o.parent] for o in task.outputs if o.parent in refused), None)
            if failure is not None:
                return completed_future(failed, task, failure)
            return executor.submit(_attempt, work, task, jobs > 1)

        for attempt in run_tasks(tasks, executor, submit, keep_going=keep_going):
            yield _worker_died(attempt.task) if attempt.worker_died else attempt.future.result()


def failed(task: FileTask, error: Exception) -> TaskOutcome:
    """Return the outcome of a task that raised an error."""
    report = TaskReport(
        "no-face" if isinstance(error, NoFaceError) else "error",
        task.source,
        failure=explain(error, str(task.source)),
        extra={"reason": error.reason} if isinstance(error, OtherOutputError) else {},
        task_target=task.target,
    )
    return TaskOutcome(report, error, isinstance(error, DiskFullError))


def skipped(source: Path, reason: str, target: Path | None = None) -> TaskReport:
    """Return the report on an input that needs nothing done.

    Args:
        source: the input.
        reason: completes the sentence "it ...".
        target: its finished output, or None.
    """
    return TaskReport(
        "skipped",
        source,
        target,
        summary=f"{source}: skipped, it {reason}",
        extra={"reason": reason},
        task_target=target,
    )


def _attempt(work: Work, task: FileTask, in_worker: bool) -> TaskOutcome:
    """Do one task; everything it raises, short of an interruption, becomes its outcome."""
    start = time.perf_counter()
    try:
        outcome = TaskOutcome(work(task))
    except BrokenPipeError:
        raise
    except Exception as error:
        outcome = failed(task, error)
        if in_worker:
            text = "".join(traceback.format_exception(error))
            outcome = replace(outcome, cause=WorkerTraceback("\n" + text))
    return replace(outcome, report=replace(outcome.report, seconds=time.perf_counter() - start))


def _worker_died(task: FileTask) -> TaskOutcome:
    message = f"{task.source}: the process that worked on it died"
    return failed(task, hinted(ProFaceError(message), "there may be too little memory; use fewer --jobs"))


@contextmanager
def _folders_for(tasks: Collection[FileTask]) -> Iterator[dict[Path, OSError]]:
    """Make the folders that outputs need, and remove those that are empty at the end.

    Workers do not make folders: one could remove the folder that another is about to write to.

    Yields:
        The folders that could not be made, each with the reason.
    """
    targets = [path for task in tasks if task.failure is None for path in task.outputs]
    made: list[Path] = []
    refused: dict[Path, OSError] = {}
    for folder in dict.fromkeys(target.parent for target in targets):
        missing = [f for f in (folder, *folder.parents) if not os.path.exists(f)]
        try:
            for each in reversed(missing):
                each.mkdir(exist_ok=True)
                made.insert(0, each)
        except OSError as error:
            refused[folder] = error
    try:
        yield refused
    finally:
        for each in made:
            with suppress(OSError):  # rmdir refuses folders that are not empty
                each.rmdir()


def _remove_stale_files(plan: Plan) -> None:
    """Remove unfinished outputs of this plan that a killed run has left."""
    targets = {path for task in plan.tasks for path in task.outputs}
    for folder in {target.parent for target in targets}:
        names = [target.name for target in targets if target.parent == folder]
        for path in folder.glob(".*.tmp"):
            with suppress(OSError):
                old = time.time() - path.stat().st_mtime > STALE_SECONDS
                if old and any(is_temporary(path.name, name) for name in names):
                    path.unlink()


def _is_long(plan: Plan) -> bool:
    """Return whether a plan takes long enough for a progress bar; a single clip shows one of its own."""
    if len(plan.tasks) > 1:
        return True
    with suppress(OSError):
        return any(task.source.stat().st_size > LONG_BYTES and not is_clip_name(task.source) for task in plan.tasks)
    return False


def _summarise(plan: Plan, tally: _Tally, reporter: Reporter) -> None:
    """Print the collected warnings, and for several files the numbers of the run."""
    codes = tally.codes
    parts = [f"{counted(codes.count(0) - tally.finished_before, 'file')} done"]
    failures = len(codes) - codes.count(0) - tally.other_outputs
    if failures:
        parts.append(f"{failures} failed")
    if tally.other_outputs:
        parts.append(f"{tally.other_outputs} left as found, made with other options (--overwrite replaces them)")
    if tally.not_attempted:
        parts.append(f"{tally.not_attempted} not attempted because the disk is full (--resume continues from here)")
    if plan.skipped or tally.finished_before:
        parts.append(f"{len(plan.skipped) + tally.finished_before} skipped")
    if plan.ignored:
        named = plan.ignored if reporter.verbose else plan.ignored[:_MOST_NAMED]
        more = len(plan.ignored) - len(named)
        reporter.note(f"left alone: {', '.join(map(str, named))}" + f" and {more} more; -v names all" * (more > 0))
        parts.append(f"{counted(len(plan.ignored), 'other file')} left alone")
    reporter.print_collected()
    if len(codes) + len(plan.skipped) + len(plan.ignored) > 1:
        reporter.note(", ".join(parts))

"""Doing a plan: every input with its own line, none stopping the next, in one process or in several."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import DiskFullError, NoFaceError, OtherOutputError
from ...image.names import is_temporary
from ..text import count
from .errors import Failure, explain, overall
from .pipes import STDOUT
from .plan import Plan, Task
from .report import Report, Speaker
from .workers import done_in_parallel

LONG_BYTES = 1_500_000  # a single file of this size is long work and deserves a progress bar
_MOST_NAMED = 12
STALE_SECONDS = 600  # a file in the making that nobody has touched for so long was left by a run that was killed


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a task.

    Attributes:
        report: what to tell.
        cause: the exception behind a failure, or None.
        fatal: whether no other task can succeed either: the disk is full.
    """

    report: Report
    cause: BaseException | None = None
    fatal: bool = False

    def with_cause(self, cause: BaseException) -> Done:
        """The same with another exception."""
        return replace(self, cause=cause)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Does one task; whatever it raises, short of an interruption, becomes its report."""

    work: Callable[[Task], Report]
    makes_folders: bool

    def __call__(self, task: Task) -> Done:
        start = time.perf_counter()
        try:
            if task.failure is not None:
                raise task.failure
            with _folders_for([task.target] if self.makes_folders else []) as refused:
                for error in refused.values():
                    raise error
                report = self.work(task)
        except BrokenPipeError:
            raise
        except Exception as error:
            done = failed(task, error)
            return replace(done, report=replace(done.report, seconds=time.perf_counter() - start))
        return Done(replace(report, seconds=time.perf_counter() - start))


def run_plan(plan: Plan, work: Callable[[Task], Report], speaker: Speaker, *, jobs: int = 1) -> int:
    """Do every task of a plan and tell what became of it.

    Args:
        plan: what to do.
        work: does one task; its folder exists when it is called.  With several jobs it is pickled.
        speaker: tells.
        jobs: number of processes; with several, reports come as the tasks end.

    Returns:
        The exit code of the run, see `proface_s.cli.runner.errors`.
    """
    for source, reason in plan.skipped:
        speaker.report(skipped(source, reason))
    _sweep(plan)
    if len(plan.tasks) > 1:
        speaker.gather()
    codes: list[int] = []
    finished, missed, other = 0, 0, 0
    with speaker.progress(len(plan.tasks), long=_is_long(plan)):
        done_tasks: set[tuple[Path, Path | None]] = set()
        results = _results(plan.tasks, work, jobs)
        for done in results:
            speaker.report(done.report, done.cause)
            speaker.advance()
            codes.append(done.report.exit_code)
            finished += done.report.status == "skipped"
            other += done.report.failure is not None and "reason" in done.report.extra
            done_tasks.add((done.report.source, done.report.task_target))
            if done.fatal:
                missed = _give_up(plan, done_tasks, speaker)
                break
        results.close()
    _conclude(plan, codes, finished, missed, other, speaker)
    return overall(codes)


def run_hopeless(plan: Plan, speaker: Speaker) -> int:
    """Report the failures of a plan of which no task can succeed; arguments and result as in `run_plan`."""

    def never(task: Task) -> Report:
        raise AssertionError(f"{task.source} could be done after all")

    return run_plan(plan, never, speaker)


def failed(task: Task, error: Exception) -> Done:
    """The outcome of a task that raised something."""
    report = Report(
        "no-face" if isinstance(error, NoFaceError) else "error",
        task.source,
        failure=explain(error, str(task.source)),
        extra={"reason": error.reason} if isinstance(error, OtherOutputError) else {},
        task_target=task.target,
    )
    return Done(report, error, isinstance(error, DiskFullError))


def skipped(source: Path, reason: str, target: Path | None = None) -> Report:
    """The report on an input that needs nothing done."""
    return Report(
        "skipped",
        source,
        target,
        summary=f"{source}: skipped, it {reason}",
        extra={"reason": reason},
        task_target=target,
    )


def _results(tasks: Sequence[Task], work: Callable[[Task], Report], jobs: int) -> Generator[Done, None, None]:
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(_Attempt(work, True), tasks)
        return
    # One worker must not take away a folder that another one is about to write to: they are made and unmade here.
    hopeless = [task for task in tasks if task.failure is not None]
    yield from (failed(task, task.failure) for task in hopeless if task.failure is not None)
    rest = [task for task in tasks if task.failure is None]
    with _folders_for([task.target for task in rest]) as refused:
        for task in rest:
            if task.target is not None and task.target.parent in refused:
                yield failed(task, refused[task.target.parent])
        rest = [task for task in rest if task.target is None or task.target.parent not in refused]
        yield from done_in_parallel(rest, _Attempt(work, False), min(jobs, max(1, len(rest))))


@contextmanager
def _folders_for(targets: Iterable[Path | None]) -> Iterator[dict[Path, OSError]]:
    """Make the folders that targets need, and take them away again if nothing got into them.

    Yields:
        The folders that could not be made, each with the reason.
    """
    made: list[Path] = []
    refused: dict[Path, OSError] = {}
    for folder in dict.fromkeys(target.parent for target in targets if target is not None and target is not STDOUT):
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
            with suppress(OSError):  # rmdir refuses folders that hold something
                each.rmdir()


def _sweep(plan: Plan) -> None:
    """With --resume: remove what a killed run has left half-written of the very outputs of this one."""
    if not plan.resume:
        return
    targets = {task.target for task in plan.tasks if task.target is not None}
    for folder in {target.parent for target in targets}:
        names = [target.name for target in targets if target.parent == folder]
        for path in folder.glob(".*.tmp"):
            with suppress(OSError):
                old = time.time() - path.stat().st_mtime > STALE_SECONDS
                if old and any(is_temporary(path.name, name) for name in names):
                    path.unlink()


def _give_up(plan: Plan, done: set[tuple[Path, Path | None]], speaker: Speaker) -> int:
    """Report what was not attempted, because it could not succeed; the number of these tasks."""
    missed = [task for task in plan.tasks if (task.source, task.target) not in done]
    for task in missed:
        failure = Failure(f"{task.source}: not attempted, the disk is full", None, 1)
        speaker.report(Report("error", task.source, failure=failure), silent=True)
    return len(missed)


def _is_long(plan: Plan) -> bool:
    if len(plan.tasks) > 1:
        return True
    with suppress(OSError):
        return any(task.source.stat().st_size > LONG_BYTES for task in plan.tasks)
    return False


def _conclude(plan: Plan, codes: list[int], finished: int, missed: int, other: int, speaker: Speaker) -> None:
    """Tell the sum of a run over several inputs."""
    parts = [f"{count(codes.count(0) - finished, 'file')} done"]
    failures = len(codes) - codes.count(0) - other
    if failures:
        parts.append(f"{failures} failed")
    if other:
        parts.append(f"{other} left as found, not made as asked now (--overwrite makes them again)")
    if missed:
        parts.append(f"{missed} not attempted because the disk is full (--resume goes on from here)")
    if plan.skipped or finished:
        parts.append(f"{len(plan.skipped) + finished} skipped")
    if plan.others:
        named = plan.others if speaker.verbose else plan.others[:_MOST_NAMED]
        more = len(plan.others) - len(named)
        speaker.note(f"left alone: {', '.join(map(str, named))}" + f" and {more} more; -v names all" * (more > 0))
        parts.append(f"{count(len(plan.others), 'other file')} left alone")
    speaker.tell_gathered()
    if len(codes) + len(plan.skipped) + len(plan.others) > 1:
        speaker.note(", ".join(parts))

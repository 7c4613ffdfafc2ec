"""Doing a plan: one input after the other, none stopping the next, each with its own line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..errors import NoFaceError
from .failure import explain, overall
from .output import Report, Speaker
from .plan import Plan, Task
from .text import count

LONG_BYTES = 1_500_000  # a single file of this size is long work and deserves a progress bar


def run_plan(plan: Plan, work: Callable[[Task], Report], speaker: Speaker) -> int:
    """Do every task of a plan and tell what became of it.

    Args:
        plan: what to do.
        work: does one task; its folder exists when it is called.
        speaker: tells.

    Returns:
        The exit code of the run, see `proface_s.cli.failure`.
    """
    for source, reason in plan.skipped:
        speaker.report(
            Report(
                "skipped",
                source,
                warnings=(),
                summary=f"{source}: skipped, it {reason}",
                extra={"reason": reason},
            )
        )
    codes = []
    with speaker.progress(len(plan.tasks), long=_is_long(plan)):
        for task in plan.tasks:
            report, cause = _attempt(task, work)
            speaker.report(report, cause)
            speaker.advance()
            codes.append(report.exit_code)
    _conclude(plan, codes, speaker)
    return overall(codes)


def _attempt(task: Task, work: Callable[[Task], Report]) -> tuple[Report, Exception | None]:
    """Do one task; whatever it raises, short of an interruption, becomes its report."""
    start = time.perf_counter()
    try:
        if task.failure is not None:
            raise task.failure
        with _folder_for(task.target):
            report = work(task)
    except BrokenPipeError:
        raise
    except Exception as error:
        status: Report = Report(
            "no-face" if isinstance(error, NoFaceError) else "error",
            task.source,
            failure=explain(error, str(task.source)),
        )
        return replace(status, seconds=time.perf_counter() - start), error
    return replace(report, seconds=time.perf_counter() - start), None


@contextmanager
def _folder_for(target: Path | None) -> Iterator[None]:
    """Make the folders a target needs, and take them away again if nothing got into them."""
    made: list[Path] = []
    if target is not None:
        folder = target.parent
        missing = [f for f in (folder, *folder.parents) if not f.exists()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            made.insert(0, each)
    try:
        yield
    finally:
        for each in made:
            with suppress(OSError):  # rmdir refuses folders that hold something
                each.rmdir()


def _is_long(plan: Plan) -> bool:
    if len(plan.tasks) > 1:
        return True
    with suppress(OSError):
        return any(task.source.stat().st_size > LONG_BYTES for task in plan.tasks)
    return False


def _conclude(plan: Plan, codes: list[int], speaker: Speaker) -> None:
    """The sum of a run over several inputs."""
    parts = [f"{count(codes.count(0), 'file')} done"]
    failed = len(codes) - codes.count(0)
    if failed:
        parts.append(f"{failed} failed")
    if plan.skipped:
        parts.append(f"{len(plan.skipped)} skipped")
    if plan.others:
        parts.append(f"{count(plan.others, 'other file')} left alone")
    if len(codes) + len(plan.skipped) + plan.others > 1:
        speaker.note(", ".join(parts))

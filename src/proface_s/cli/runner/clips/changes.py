"""``proface forget`` and ``rewrap`` of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....keys.access import Credentials, Lock
from ....video.clip.manage import forget_people, rewrap_clip
from ...options.common import PlanOptions
from ...text import counted
from ..audit import AuditLog
from ..plan import FileTask
from ..report import Reporter, TaskReport
from ..special_plans import check_in_place
from .task import clip_task, run_clip


def change_task(source: Path, suffix: str, options: PlanOptions, *, in_place: bool) -> FileTask:
    """Return the task of writing a protected clip again, beside the old one or in its place.

    Raises:
        UsageError: as `clip_task`; also if an output is named and the clip is to be replaced.
    """
    check_in_place(options.output, in_place=in_place)
    return (
        FileTask(source, source) if in_place else clip_task(source, options.output, suffix, overwrite=options.overwrite)
    )


def run_forget_clip(task: FileTask, faces: Sequence[int], log: AuditLog, reporter: Reporter, *, overwrite: bool) -> int:
    """Forget people of a clip, and report it; return the exit code."""

    def work(task: FileTask) -> TaskReport:
        assert task.target is not None
        done = forget_people(task.source, faces, task.target, overwrite=overwrite)
        what = f"{counted(len(done.people), 'person')} forgotten"
        return TaskReport.of_change("forgotten", task.source, done.path, done.people, done.warnings, what)

    return run_clip(task, log.recording(work, faces), reporter)


def run_rewrap_clip(
    task: FileTask,
    credentials: Credentials,
    lock: Lock,
    log: AuditLog,
    reporter: Reporter,
    *,
    keep: bool,
    overwrite: bool,
) -> int:
    """Change who can open a clip, and report it; return the exit code."""

    def work(task: FileTask) -> TaskReport:
        assert task.target is not None
        done = rewrap_clip(task.source, credentials, lock, task.target, keep=keep, overwrite=overwrite)
        what = f"{counted(len(done.people), 'person')} locked with new keys"
        return TaskReport.of_change("rewrapped", task.source, done.path, done.people, done.warnings, what)

    return run_clip(task, log.recording(work), reporter)

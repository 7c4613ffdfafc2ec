"""``proface forget`` and ``rewrap`` of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....errors import UsageError
from ....hints import hinted
from ....keys.access import Credentials, Lock
from ....video.clip.manage import forget_people, rewrap_clip
from ...options.common import PlanOptions
from ...text import counted
from ..audit import AuditLog
from ..plan import FileTask
from ..report import Reporter, TaskReport
from .task import clip_task, run_clip


def change_task(source: Path, suffix: str, options: PlanOptions, *, in_place: bool) -> FileTask:
    """Return the task of writing a protected clip again, beside the old one or in its place.

    Raises:
        UsageError: as `clip_task`; also if an output is named and the clip is to be replaced.
    """
    if not in_place:
        return clip_task(source, options.output, suffix, overwrite=options.overwrite)
    if options.output is not None:
        raise hinted(UsageError("-o and --in-place cannot be given together"), "--in-place replaces the input itself")
    return FileTask(source, source)


def run_forget_clip(task: FileTask, faces: Sequence[int], log: AuditLog, reporter: Reporter, *, overwrite: bool) -> int:
    """Forget people of a clip, and report it; return the exit code."""

    def work(task: FileTask) -> TaskReport:
        assert task.target is not None
        done = forget_people(task.source, faces, task.target, overwrite=overwrite)
        return TaskReport(
            "forgotten",
            task.source,
            done.path,
            tuple({"face": number} for number in done.people),
            done.warnings,
            summary=f"{task.source} -> {done.path}: {counted(len(done.people), 'person')} forgotten",
        )

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
        return TaskReport(
            "rewrapped",
            task.source,
            done.path,
            tuple({"face": number} for number in done.people),
            done.warnings,
            summary=f"{task.source} -> {done.path}: {counted(len(done.people), 'person')} locked with new keys",
        )

    return run_clip(task, log.recording(work), reporter)

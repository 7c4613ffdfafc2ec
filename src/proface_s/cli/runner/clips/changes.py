"""``proface forget`` and ``rewrap`` of clips."""

from __future__ import annotations

from collections.abc import Sequence

from ....keys.access import Credentials, Lock
from ....video.clip.manage import forget_people, rewrap_clip
from ....video.clip.results import ChangedClip
from ....wording import counted
from ..plan import FileTask
from ..report import TaskReport


def forget_in_clip(task: FileTask, faces: Sequence[int], *, overwrite: bool) -> TaskReport:
    """Forget people of a clip; without a target, the clip itself is replaced."""
    done = forget_people(task.source, faces, task.target or task.source, overwrite=overwrite)
    what = f"{counted(len(done.people), 'person')} forgotten"
    return TaskReport.of_change("forgotten", task.source, done.path, done.people, done.warnings, what + _beside(done))


def rewrap_one_clip(task: FileTask, credentials: Credentials, lock: Lock, *, keep: bool, overwrite: bool) -> TaskReport:
    """Change who can open a clip; without a target, the clip itself is replaced."""
    done = rewrap_clip(task.source, credentials, lock, task.target or task.source, keep=keep, overwrite=overwrite)
    what = f"{counted(len(done.people), 'person')} locked with new keys"
    return TaskReport.of_change("rewrapped", task.source, done.path, done.people, done.warnings, what + _beside(done))


def _beside(done: ChangedClip) -> str:
    return f", also in {done.sidecar}" if done.sidecar else ""

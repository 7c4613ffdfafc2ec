"""Clips among the inputs of a command: which tasks are theirs, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ....errors import OtherOutputError, ProFaceError, UsageError
from ....hints import hinted
from ....video.clip.engine import load_av
from ....video.clip_names import is_clip_name
from ..plan import FileTask, Plan
from ..report import Reporter, TaskReport
from ..run import Work, skipped


@dataclass(frozen=True, slots=True)
class ByMedium:
    """Work on photos and clips; a class, because it may have to be sent to other processes.

    Attributes:
        photos: does the task of a photo.
        clips: does the task of a clip.
    """

    photos: Work
    clips: Work

    def __call__(self, task: FileTask) -> TaskReport:
        """Do one task."""
        return self.clips(task) if is_clip_name(task.source) else self.photos(task)


def clips_in(plan: Plan) -> tuple[Path, ...]:
    """Return the clips among the inputs of a plan, those that failed already included."""
    return tuple(task.source for task in plan.tasks if is_clip_name(task.source))


def shows_frames(plan: Plan, reporter: Reporter) -> bool:
    """Return whether the progress of a clip is shown frame by frame: there is no other input, which needs a bar."""
    return len(plan.tasks) == 1 and not reporter.silent


def checked_for_clips(plan: Plan, refused: Mapping[str, bool], of_photos: Mapping[str, bool] | None = None) -> Plan:
    """Return a plan in which clips have failed that cannot be worked on.

    Args:
        plan: of all inputs.
        refused: options that clips do not have, and whether they were given.
        of_photos: likewise, but they are refused only if there are no photos, which they may be meant for.
    """
    clips = clips_in(plan)
    if not clips:
        return plan
    failure = _failure({**refused, **(of_photos or {})} if len(clips) == len(plan.tasks) else refused)
    if failure is None:
        return plan
    tasks = (
        replace(task, failure=task.failure or failure) if is_clip_name(task.source) else task for task in plan.tasks
    )
    return replace(plan, tasks=tuple(tasks))


def check_one_clip(plan: Plan, options: Mapping[str, bool]) -> None:
    """Check that options that are about a single clip were given for no more.

    Args:
        plan: of all inputs.
        options: such options, and whether they were given.

    Raises:
        UsageError: if there are several clips.
    """
    given = [option for option, was in options.items() if was]
    if given and len(clips_in(plan)) > 1:
        raise hinted(UsageError(f"{given[0]} is about one clip, and there are several"), "name that clip alone")


def finished_clip(task: FileTask, target: Path, matches: Callable[[Path, Path], bool], what: str) -> TaskReport:
    """Report that an output is finished.

    Args:
        task: of the clip.
        target: its output, which exists.
        matches: returns whether an output belongs to a clip.
        what: the output is.

    Raises:
        OtherOutputError: if it is something else, which must not be replaced without being asked to.
    """
    try:
        same = matches(target, task.source)
    except ProFaceError:
        same = False
    if not same:
        raise hinted(
            OtherOutputError(f"{target} already exists, and is not {what} of {task.source}"),
            "add --overwrite to make it again",
        )
    return skipped(task.source, "is done already", target)


def _failure(refused: Mapping[str, bool]) -> ProFaceError | None:
    """Return why no clip can be worked on; None if nothing is known."""
    for option, given in refused.items():
        if given:
            return hinted(UsageError(f"{option} is for photos, not for clips"), "leave it out, or name photos alone")
    try:
        load_av()
    except UsageError as missing:
        return missing
    return None

"""``proface protect CLIP``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import click
from click.core import ParameterSource

from ....api.face_search import FaceSearch
from ....api.options import ProtectOptions
from ....covers import parse_style
from ....errors import ImageError, OtherOutputError, ProFaceError
from ....hints import hinted
from ....image.names import is_temporary
from ....video.clip.manage import is_protected_copy
from ....video.clip.options import COVER_STYLE, QUALITY, ClipCodec, ClipOptions
from ....video.clip.protect import write_protected
from ....video.clip.results import ProtectedClip
from ....video.people.corrections import Corrections
from ....video.people.of_clip import write_people
from ....video.people.people import People
from ...options.clips import ClipChoices, PeopleOptions
from ...options.common import PlanOptions
from ...options.keys import FaceLockSources
from ...options.settings import ProtectSettings
from ...text import counted, file_sizes
from ..keys import read_locks
from ..plan import FileTask
from ..report import Reporter, TaskReport
from ..run import skipped
from .people import clip_progress, people_of
from .task import PROTECTED, clip_task, run_clip

_STALE: Final = 60.0  # seconds: a file that is being written is touched more often


def run_protect_clip(
    source: Path,
    plan_options: PlanOptions,
    settings: ProtectSettings,
    people: PeopleOptions,
    clip: ClipChoices,
    locks: FaceLockSources,
    reporter: Reporter,
    *,
    threads: int,
) -> int:
    """Protect a clip, and report it.

    Args:
        source: the clip.
        plan_options: of the user.
        settings: likewise.
        people: likewise.
        clip: likewise.
        locks: where its keys come from.
        reporter: of the command.
        threads: to work with; 0 for all cores.

    Returns:
        The exit code.

    Raises:
        UsageError: if the options are not for clips, or keys are malformed.
    """
    may_exist = plan_options.overwrite or plan_options.resume
    task = clip_task(source, plan_options.output, PROTECTED, overwrite=may_exist)
    corrections = people.corrections(settings["faces"], settings["boxes"])
    values = _for_clips(settings)
    quality = values.pop("quality")
    clip_options = ClipOptions(
        codec=cast("ClipCodec | None", clip.codec), quality=quality, exact=clip.exact, mute=clip.mute,
        start=clip.start, stop=clip.stop, interval=people.interval,
    )  # fmt: skip
    if not source.exists():
        task = replace(task, failure=ImageError(f"{source} does not exist"))
    if task.failure is not None:
        return run_clip(task, _never, reporter)
    lock, own = read_locks(locks, reporter.warn)
    options = ProtectOptions(lock=lock, own=own, **values)
    work = _ProtectClip(options, clip_options, people, corrections, settings["search"], plan_options, reporter, threads)
    return run_clip(task, work, reporter)


@dataclass(frozen=True, slots=True)
class _ProtectClip:
    options: ProtectOptions
    clip_options: ClipOptions
    people: PeopleOptions
    corrections: Corrections
    search: FaceSearch
    plan_options: PlanOptions
    reporter: Reporter
    threads: int

    def __call__(self, task: FileTask) -> TaskReport:
        """Protect the clip, unless its output is finished."""
        assert task.target is not None
        found = task.target.with_name(f".{task.target.name}.people")
        overwrite = self.plan_options.overwrite
        if self.plan_options.resume:
            _remove_stale(task.target)
            if task.target.exists() and not overwrite:
                return self._finished(task.source, task.target)
        with clip_progress(task.source.name, self.reporter.silent) as progress:
            known = self.plan_options.resume and found.exists()
            people = replace(self.people, file=found) if known else self.people
            corrections = Corrections() if known else self.corrections
            who, warnings = people_of(task.source, people, corrections, self.search, self.threads, progress)
            with _kept(found, who):
                done = write_protected(
                    task.source, task.target, who, self.options, self.clip_options,
                    overwrite=overwrite, progress=progress,
                )  # fmt: skip
        return _report(task, done, warnings)

    def _finished(self, source: Path, target: Path) -> TaskReport:
        try:
            same = is_protected_copy(target, source)
        except ProFaceError:
            same = False
        if not same:
            raise hinted(
                OtherOutputError(f"{target} already exists, and is not the protected copy of {source}"),
                "add --overwrite to make it again",
            )
        return skipped(source, "is done already", target)


def _report(task: FileTask, done: ProtectedClip, warnings: tuple[str, ...]) -> TaskReport:
    before = task.source.stat().st_size
    faces: tuple[dict[str, Any], ...] = tuple(
        {
            "number": each.number,
            "found": each.found,
            "box": [each.box.x, each.box.y, each.box.w, each.box.h],
            "style": each.style,
        }
        for each in done.people
    )
    renumbered = [f"{each.number} is {each.found}" for each in done.people if each.number != each.found]
    numbers = f"; in the file, person {', '.join(renumbered)} of those found" if renumbered else ""
    return TaskReport(
        "protected",
        task.source,
        task.target,
        faces,
        (*warnings, *done.warnings),
        summary=f"{task.source} -> {done.path}: {counted(len(faces), 'person')} protected"
        f"{file_sizes(before, done.bytes_written)}{numbers}",
        extra={"size": list(done.size)},
        input_bytes=before,
        output_bytes=done.bytes_written,
        details=tuple(f"person {each.number} in {each.box}" for each in done.people),
        task_target=task.target,
    )


def _for_clips(settings: ProtectSettings) -> dict[str, Any]:
    """Return the settings, apart from who is protected, with defaults of clips for what the user left open."""
    changed: dict[str, Any] = {name: value for name, value in settings.items() if name not in ("faces", "boxes")}
    context = click.get_current_context()
    if context.get_parameter_source("style") is ParameterSource.DEFAULT:
        changed["style"] = parse_style(COVER_STYLE)
    changed["quality"] = (
        QUALITY if context.get_parameter_source("quality") is ParameterSource.DEFAULT else settings["quality"]
    )
    return changed


@contextlib.contextmanager
def _kept(path: Path, people: People) -> Iterator[None]:
    """Keep who is where while the clip is written: a run that is killed or interrupted can be resumed from there."""
    write_people(path, people, overwrite=True)
    try:
        yield
    except Exception:
        path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def _remove_stale(target: Path) -> None:
    """Remove what a run that was killed has left of this output."""
    for path in target.parent.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            old = time.time() - path.stat().st_mtime > _STALE
            if old and is_temporary(path.name, target.name):
                path.unlink()


def _never(task: FileTask) -> TaskReport:
    raise AssertionError(f"{task.source} could be done after all")

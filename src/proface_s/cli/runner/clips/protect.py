"""``proface protect`` of clips."""

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
from ....api.files.sidecars import sidecar_path
from ....api.options import ProtectOptions
from ....covers import format_style, parse_style
from ....image.names import is_temporary
from ....keys.access import Lock
from ....video.clip.manage import inspect_clip, is_protected_copy
from ....video.clip.options import COVER_STYLE, QUALITY, ClipCodec, ClipOptions, check_clip_options
from ....video.clip.protect import check_unprotected, write_protected
from ....video.clip.results import ProtectedClip
from ....video.clip.track.sidecar import planned_sidecar
from ....video.people.corrections import Corrections
from ....video.people.of_clip import write_people
from ....video.people.people import People
from ....wording import counted
from ...options.clips import ClipChoices, PeopleOptions
from ...options.common import PlanOptions
from ...options.settings import ProtectSettings
from ...text import file_sizes
from ..plan import FileTask
from ..report import TaskReport
from .people import clip_progress, people_of
from .task import finished_clip

_STALE: Final = 60.0  # seconds: a file that is being written is touched more often
_OF_PHOTOS: Final = ("faces", "boxes", "file_format", "model", "record", "allow_no_face")
"""Settings that clips take in another form, or that concern photos only."""


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """What a command asks for its clips.

    Attributes:
        settings: of `ProtectOptions`, all but locks.
        options: everything that only clips have.
        people: who is in them.
        corrections: of who was found.
    """

    settings: dict[str, Any]
    options: ClipOptions
    people: PeopleOptions
    corrections: Corrections

    @property
    def search(self) -> FaceSearch:
        """How faces are looked for."""
        search: FaceSearch = self.settings["search"]
        return search


def clip_request(settings: ProtectSettings, people: PeopleOptions, clip: ClipChoices) -> ClipRequest:
    """Return what is asked for clips, with their defaults for what the user left open.

    Raises:
        UsageError: if an option has no value that clips can have.
    """
    values: dict[str, Any] = {name: value for name, value in settings.items() if name not in _OF_PHOTOS}
    context = click.get_current_context()
    if context.get_parameter_source("style") is ParameterSource.DEFAULT and not context.params.get("strict"):
        values["style"] = parse_style(COVER_STYLE)
    given = values.pop("quality")
    quality = QUALITY if context.get_parameter_source("quality") is ParameterSource.DEFAULT else given
    options = ClipOptions(
        codec=cast("ClipCodec | None", clip.codec), quality=quality, exact=clip.exact, mute=clip.mute,
        start=clip.start, stop=clip.stop, interval=people.interval,
    )  # fmt: skip
    return ClipRequest(values, options, people, people.corrections(settings["faces"], settings["boxes"]))


@dataclass(frozen=True, slots=True)
class ProtectClipTask:
    """Protects the clip of a task; a class, because it may have to be sent to other processes.

    Attributes:
        options: as for photos.
        request: of the command.
        plan_options: of the user.
        threads: of each process; 0 for all cores.
        shown: whether to show the progress.
    """

    options: ProtectOptions
    request: ClipRequest
    plan_options: PlanOptions
    threads: int
    shown: bool

    @classmethod
    def of(
        cls,
        request: ClipRequest,
        locks: tuple[Lock, dict[Any, Lock]],
        plan_options: PlanOptions,
        *,
        threads: int,
        shown: bool,
    ) -> ProtectClipTask:
        """Return the work on clips with these locks: of everybody, and of single people."""
        options = ProtectOptions(lock=locks[0], own=locks[1], **request.settings)
        return cls(options, request, plan_options, threads, shown)

    def __call__(self, task: FileTask) -> TaskReport:
        """Protect the clip, unless its output is finished."""
        assert task.target is not None
        check_clip_options(self.options)
        found = task.target.with_name(f".{task.target.name}.people")
        overwrite, request = self.plan_options.overwrite, self.request
        if self.plan_options.resume:
            _remove_stale(task.target)
            if task.target.exists() and not overwrite:
                return finished_clip(task, task.target, self._is_finished, "such a protected copy")
        check_unprotected(task.source)  # before a long search
        planned_sidecar(task.target, self.options.sidecar, overwrite=overwrite)
        with clip_progress(task.source.name, not self.shown) as progress:
            known = self.plan_options.resume and found.exists()
            people = replace(request.people, file=found) if known else request.people
            corrections = Corrections() if known else request.corrections
            who, warnings = people_of(task.source, people, corrections, request.search, self.threads, progress)
            with _kept(found, who):
                done = write_protected(
                    task.source, task.target, who, self.options, request.options,
                    overwrite=overwrite, progress=progress,
                )  # fmt: skip
        return _report(task, done, warnings)

    def _is_finished(self, target: Path, source: Path) -> bool:
        """Return whether an output shows the frames of a clip, and everything it tells without a key is as asked for.

        Raises:
            ProFaceError: if it is no protected clip.
        """
        found, options = inspect_clip(target), self.options
        style = format_style(options.style)
        keys = len(options.lock.passphrases), len(options.lock.recipients)
        return (
            is_protected_copy(target, source, options.sidecar)
            and found.exact == self.request.options.exact
            and all(person.style == style for person in found.people)
            and (bool(options.own) or (len(found.kdf), found.recipients) == keys)
        )


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
        tuple(dict.fromkeys((*warnings, *done.warnings))),
        summary=f"{task.source} -> {done.path}: {counted(len(faces), 'person')} protected"
        f"{file_sizes(before, done.bytes_written)}{numbers}",
        extra={"size": list(done.size)},
        input_bytes=before,
        output_bytes=done.bytes_written,
        details=tuple(f"person {each.number} in {each.box}" for each in done.people),
        task_target=task.target,
    )


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
    """Remove what a run that was killed has left of this output and its sidecar."""
    names = target.name, sidecar_path(target).name
    for path in target.parent.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            old = time.time() - path.stat().st_mtime > _STALE
            if old and any(is_temporary(path.name, name) for name in names):
                path.unlink()

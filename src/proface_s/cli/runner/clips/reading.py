"""``proface recover``, ``inspect`` and ``verify`` of clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ....api.options import RecoverOptions
from ....errors import DamagedFileError
from ....keys.access import Credentials
from ....video.clip.manage import inspect_clip, shows_same_times, verify_clip
from ....video.clip.recover import recover_clip
from ....video.clip.results import ClipInspection, ClipVerification
from ....wording import counted
from ...text import file_sizes
from ..errors import explain
from ..plan import FileTask
from ..report import TaskReport
from .people import clip_progress
from .task import finished_clip


@dataclass(frozen=True, slots=True)
class RecoverClipTask:
    """Recovers the clip of a task; a class, because it may have to be sent to other processes.

    Attributes:
        options: keys, and whom to bring back.
        sidecar: of the only clip, or None.
        resume: skip outputs that are there and have the frames of the clip.
        overwrite: replace existing outputs.
        shown: whether to show the progress.
    """

    options: RecoverOptions
    sidecar: str | None
    resume: bool
    overwrite: bool
    shown: bool

    def __call__(self, task: FileTask) -> TaskReport:
        """Recover one clip, unless its output is there."""
        assert task.target is not None
        if self.resume and task.target.exists() and not self.overwrite:
            return finished_clip(task, task.target, shows_same_times, "the recovered copy")
        with clip_progress(task.source.name, not self.shown) as progress:
            done = recover_clip(
                task.source, task.target, self.options,
                sidecar=self.sidecar, overwrite=self.overwrite, progress=progress,
            )  # fmt: skip
        before = task.source.stat().st_size
        what = "the original, bit for bit" if done.exact else f"{counted(len(done.recovered), 'person')} recovered"
        left = f", {counted(len(done.covered), 'person')} still covered" if done.covered else ""
        faces = [{"number": number, "outcome": "exact" if done.exact else "sealed"} for number in done.recovered]
        faces += [{"number": number, "outcome": "covered"} for number in done.covered]
        return TaskReport(
            "recovered",
            task.source,
            task.target,
            tuple(sorted(faces, key=lambda face: int(face["number"]))),
            done.warnings,
            summary=f"{task.source} -> {done.path}: {what}{left}{file_sizes(before, done.bytes_written)}",
            input_bytes=before,
            output_bytes=done.bytes_written,
            task_target=task.target,
        )


def inspect_one_clip(task: FileTask) -> TaskReport:
    """Show what a protected clip tells without a key."""
    found = inspect_clip(task.source)
    failure = explain(DamagedFileError("; ".join(found.problems))) if found.problems else None
    people = tuple(
        {
            "number": each.number,
            "box": [each.box.x, each.box.y, each.box.w, each.box.h],
            "style": each.style,
            "group": each.group,
            "spans": [[round(time, 3) for time in span] for span in each.spans],
            "forgotten": each.forgotten,
        }
        for each in found.people
    )
    extra = {
        "version": found.version, "size": list(found.size), "frames": found.frames,
        "duration": round(found.duration, 3), "exact": found.exact, "kdf": list(found.kdf),
        "groups": found.groups, "recipients": found.recipients,
        "sidecar": str(found.sidecar) if found.sidecar else None,
    }  # fmt: skip
    answer = tuple(_lines(task.source, found))
    return TaskReport("protected", task.source, faces=people, failure=failure, extra=extra, answer=answer)


def verify_one_clip(task: FileTask, credentials: Credentials) -> TaskReport:
    """Check a protected clip."""
    return _verified(task, verify_clip(task.source, credentials))


def _verified(task: FileTask, found: ClipVerification) -> TaskReport:
    failure = explain(DamagedFileError("; ".join(found.problems))) if found.problems else None
    states = dict.fromkeys(found.opened, "opens") | dict.fromkeys(found.locked, "locked")
    states |= dict.fromkeys(found.forgotten, "forgotten")
    verdict = counted(len(found.problems), "problem") if found.problems else "sound"
    vouched = "authentic" if found.authentic else "not authenticated"
    return TaskReport(
        "verified",
        task.source,
        faces=tuple({"number": number, "key": state} for number, state in sorted(states.items())),
        warnings=found.warnings,
        failure=failure,
        extra={"authentic": found.authentic},
        answer=(
            f"{task.source}: {verdict}, sealed track {vouched}",
            *(f"  {number:>4}  key {state}" for number, state in sorted(states.items())),
        ),
    )


def _lines(source: Path, found: ClipInspection) -> list[str]:
    contents = "the whole original" if found.exact else "a track for each person"
    lines = [
        f"{source}: protected clip, format version {found.version}",
        f"  pictures    {found.size[0]}x{found.size[1]}, {found.frames} frames, {found.duration:.2f} s",
        f"  sealed      {contents}" + (f", in {found.sidecar}" if found.sidecar else ""),
        *(f"  passphrase  {kdf}" for kdf in found.kdf),
        *([f"  recipients  {found.recipients}"] if found.recipients else []),
        f"  people      {len(found.people)}" + (f" in {counted(found.groups, 'group')}" if found.groups > 1 else ""),
    ]
    for each in found.people:
        spans = ", ".join(f"{start:.2f}-{stop:.2f} s" for start, stop in each.spans)
        state = "forgotten" if each.forgotten else spans
        group = f"  group {each.group}" if found.groups > 1 else ""
        lines.append(f"  {each.number:>4}  {each.box!s:<22} {each.style:<12} {state}{group}")
    return lines

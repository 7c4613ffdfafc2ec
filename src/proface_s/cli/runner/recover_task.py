"""Doing one task of ``proface recover``: a class, because it may have to go to other processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ...api import RecoverResult
from ...api.files.saving import encode_recovered
from ...api.files.sidecars import has_sidecar, sidecar_path
from ...api.options import RecoverOptions
from ...api.resume.comparison import same_file
from ...errors import OtherOutputError
from ...image.read import read_file, read_picture
from ...image.write import Format, format_of, is_jpeg_name
from ..text import count
from .pipes import STDIN, STDOUT, read_stdin, write_stdout
from .plan import Task
from .report import Report
from .run import skipped
from .workers import session_with


@dataclass(frozen=True, slots=True)
class Recovering:
    """The work of a run; called with a task, does it.

    Attributes:
        options: what the outputs depend on.
        sidecar: the sidecar of the one photo, or None.
        resume: skip outputs that are finished.
        overwrite: replace existing outputs.
        threads: of each process.
    """

    options: RecoverOptions
    sidecar: str | None
    resume: bool
    overwrite: bool
    threads: int

    def __call__(self, task: Task) -> Report:
        """Recover one photo, unless that has been done."""
        overwrite = self.overwrite
        if self.resume and task.target is not None and task.target.exists():
            if task.target.stat().st_size and self._is_done(task.source, task.target):
                return skipped(task.source, "is done already", task.target)
            overwrite = overwrite or not task.target.stat().st_size  # a killed run's last step
        target = None if task.target is STDOUT else task.target
        result = self._recovered(task.source, self.sidecar, target, overwrite)
        if task.target is STDOUT:
            write_stdout(result.data)
        return replace(_report(task, result, task.target), task_target=task.target)

    def _recovered(
        self,
        source: Path,
        sidecar: Path | str | None,
        target: Path | None,
        overwrite: bool = False,
        file_format: Format | None = None,
    ) -> RecoverResult:
        """From a file into a file, or, without a target, into memory."""
        if source is STDIN:
            image: Path | bytes = read_stdin()
        else:
            image = source if target is not None else read_file(source)
        options = self.options if file_format is None else replace(self.options, file_format=file_format)
        return session_with(self.threads).recover_with(
            image, options, sidecar=sidecar, output=target, overwrite=overwrite
        )

    def _recovered_bytes(self, source: Path, sidecar: Path | str | None, target: Path) -> bytes:
        """The file that would be written."""
        if not is_jpeg_name(target):
            return self._recovered(source, sidecar, None, file_format=format_of(target)).data
        result = self._recovered(source, sidecar, None)
        return encode_recovered(read_picture(result.data), [face.outcome for face in result.faces], target)

    def _is_done(self, source: Path, target: Path) -> bool:
        """Whether an output is there and is what would be written; anything else must not be replaced unasked."""
        sidecar = self.sidecar or (
            sidecar_path(source) if has_sidecar(source) and not self.options.from_pixels else None
        )
        done = same_file(self._recovered_bytes(source, sidecar, target), target)
        if not done and not self.overwrite:
            raise OtherOutputError(
                f"{target} already exists, and is not what {source} gives now",
                "add --overwrite to make it again, or choose another output folder",
                reason="it is not what its protected file gives now",
            )
        return done


def _report(task: Task, result: RecoverResult, target: Path | None) -> Report:
    outcomes = Counter(face.outcome for face in result.faces)
    kinds = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    return Report(
        "recovered",
        task.source,
        target,
        tuple(
            {"number": f.number, "box": [f.box.x, f.box.y, f.box.w, f.box.h], "outcome": f.outcome}
            for f in result.faces
        ),
        result.warnings,
        summary=f"{task.source} -> {target}: {count(len(result.faces), 'face')} ({kinds})",
        details=tuple(f"face {face.number} at {face.box}: {face.outcome}" for face in result.faces),
    )

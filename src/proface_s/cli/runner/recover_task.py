"""One task of ``proface recover``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ...api import RecoverResult
from ...api.files.saving import encode_recovered
from ...api.files.sidecars import found_sidecar
from ...api.options import RecoverOptions
from ...api.recovery.recover_file import recover_file
from ...api.resume.comparison import same_file
from ...api.session import process_session
from ...errors import OtherOutputError
from ...hints import hinted
from ...image.read import read_file, read_picture
from ...image.write import OutputFormat, format_of, format_of_bytes, is_jpeg_name
from ...wording import counted
from ..text import file_sizes
from .plan import FileTask
from .report import TaskReport
from .run import skipped
from .stdio import STDIN, STDOUT, input_size, read_stdin, write_stdout


@dataclass(frozen=True, slots=True)
class RecoverTask:
    """Recovers the file of a task; a class, because it may have to be sent to other processes.

    Attributes:
        options: everything that an output depends on.
        sidecar: of the only file, or None.
        resume: skip outputs that are finished.
        overwrite: replace existing outputs.
        threads: of each process.
    """

    options: RecoverOptions
    sidecar: str | None
    resume: bool
    overwrite: bool
    threads: int

    def __call__(self, task: FileTask) -> TaskReport:
        """Recover one photo, unless its output is finished."""
        overwrite = self.overwrite
        if self.resume and task.target is not None and task.target.exists():
            if task.target.stat().st_size and self._is_finished(task.source, task.target):
                return skipped(task.source, "is done already", task.target)
            overwrite = overwrite or not task.target.stat().st_size  # empty: reserved by a run that was killed
        target = None if task.target is STDOUT else task.target
        source = read_stdin() if task.source is STDIN else task.source if target is not None else read_file(task.source)
        result = self._recovered(source, self.sidecar, target, overwrite)
        if task.target is STDOUT:
            write_stdout(result.data)
        return _report(task, result, input_size(source))

    def _recovered(
        self,
        image: Path | bytes,
        sidecar: Path | str | None,
        target: Path | None,
        overwrite: bool = False,
        file_format: OutputFormat | None = None,
    ) -> RecoverResult:
        """Recover a file into another file, or into memory if ``target`` is None.

        Raises:
            WrongKeyError: if no face came back.
        """
        options = self.options if file_format is None else replace(self.options, file_format=file_format)
        session = process_session(self.threads)
        result = recover_file(image, options, session, sidecar=sidecar, output=target, overwrite=overwrite)
        result.require_faces()
        return result

    def _recovered_bytes(self, source: bytes, sidecar: Path | str | None, target: Path) -> bytes:
        """Return the content that the output would have."""
        if not is_jpeg_name(target):
            return self._recovered(source, sidecar, None, file_format=format_of(target)).data
        result = self._recovered(source, sidecar, None)
        if format_of_bytes(result.data) == "jpeg":
            return result.data
        return encode_recovered(read_picture(result.data), [face.outcome for face in result.faces], target)

    def _is_finished(self, source: Path, target: Path) -> bool:
        """Return whether an existing output is what would be written.

        Raises:
            OtherOutputError: if it is something else that must not be replaced without being asked to.
        """
        beside = None if self.options.from_pixels else found_sidecar(source)
        finished = same_file(self._recovered_bytes(read_file(source), self.sidecar or beside, target), target)
        if not finished and not self.overwrite:
            raise hinted(
                OtherOutputError(
                    f"{target} already exists, and is not what {source} gives now",
                    reason="it is not what its protected file gives now",
                ),
                "add --overwrite to make it again, or choose another output folder",
            )
        return finished


def _report(task: FileTask, result: RecoverResult, before: int | None) -> TaskReport:
    outcomes = Counter(face.outcome for face in result.faces)
    kinds = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    return TaskReport(
        "recovered",
        task.source,
        task.target,
        tuple(
            {
                "number": f.number,
                "box": [f.box.x, f.box.y, f.box.w, f.box.h],
                "outcome": f.outcome,
                **({} if f.likeness_bytes is None else {"likeness_bytes": f.likeness_bytes}),
            }
            for f in result.faces
        ),
        result.warnings,
        summary=f"{task.source} -> {task.target}: {counted(len(result.faces), 'face')} ({kinds})"
        + file_sizes(before, len(result.data)),
        input_bytes=before,
        output_bytes=len(result.data),
        details=tuple(
            f"face {face.number} at {face.box}: {face.outcome}"
            + ("" if face.likeness_bytes is None else f", a likeness from {face.likeness_bytes} bytes")
            for face in result.faces
        ),
        task_target=task.target,
    )

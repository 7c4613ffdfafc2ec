"""A command on one clip: its output, and the outcome of the work."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ....api.files.io import default_output
from ....errors import ImageError, ProFaceError, UsageError
from ....hints import hinted
from ..plan import FileTask
from ..report import Reporter, TaskReport
from ..run import Work, failed

PROTECTED, RECOVERED = ".protected.mp4", ".recovered.mp4"
FORGOTTEN, REWRAPPED = ".forgotten.mp4", ".rewrapped.mp4"
_SUFFIX: Final = ".mp4"


def only_clip(inputs: Sequence[Path | str], refused: Mapping[str, bool] | None = None) -> Path:
    """Return the clip that a command is about.

    Args:
        inputs: as given; at least one is a clip.
        refused: options that clips do not have, and whether they were given.

    Raises:
        UsageError: if there are other inputs, or such an option was given.
    """
    if len(inputs) > 1:
        raise hinted(UsageError("a clip is worked on by itself"), "name one clip, and nothing else")
    for option, given in (refused or {}).items():
        if given:
            raise hinted(UsageError(f"{option} is for photos, not for clips"), "leave it out")
    if "://" in str(inputs[0]):
        raise hinted(UsageError("clips are read from files, not from URLs"), "copy it here first")
    return Path(inputs[0])


def clip_task(source: Path, output: str | None, suffix: str, *, overwrite: bool) -> FileTask:
    """Return the task of a command that writes a clip; it has failed already if its output cannot be written.

    Args:
        source: the clip.
        output: file or folder; None for a name beside the clip.
        suffix: of that name.
        overwrite: whether an existing file may be replaced.

    Raises:
        UsageError: if the name of the output is not that of an MP4 file.
    """
    target = default_output(source, suffix)
    if output is not None:
        target = Path(output) / target.name if os.path.isdir(output) else Path(output)
    if target.suffix.lower() != _SUFFIX:
        raise hinted(UsageError(f"{target} is no name for an MP4 file"), "let the name end in .mp4")
    failure: ProFaceError | None = None
    if os.path.lexists(source) and os.path.lexists(target) and os.path.samefile(source, target):
        failure = UsageError(f"{target} is the input itself", code="output-is-input")
    elif target.is_dir():
        failure = ImageError(f"{target} is a directory")
    elif not target.parent.is_dir():
        failure = ImageError(f"folder {target.parent} does not exist", code="no-folder")
    elif os.path.lexists(target) and not overwrite:
        failure = ImageError(f"{target} already exists", code="exists")
    return FileTask(source, target, failure)


def run_clip(task: FileTask, work: Work, reporter: Reporter) -> int:
    """Do the work on a clip, and report it; return the exit code."""
    start = time.perf_counter()
    try:
        if task.failure is not None:
            raise task.failure
        report: TaskReport = work(task)
        cause: BaseException | None = None
    except (ProFaceError, OSError, MemoryError) as error:
        outcome = failed(task, error)
        report, cause = outcome.report, outcome.cause
    reporter.report(replace(report, seconds=time.perf_counter() - start), cause)
    return report.exit_code

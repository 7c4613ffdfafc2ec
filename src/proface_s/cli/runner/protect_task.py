"""One task of ``proface protect``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...api import ProtectResult
from ...api.files.io import PictureInput
from ...api.options import ProtectOptions
from ...api.protection.protect_file import protect_file
from ...api.results.shared import ShareCopy
from ...api.resume.comparison import unfinished
from ...api.resume.proof import UNPROVED
from ...api.session import process_session
from ...errors import OtherOutputError
from ...hints import hinted
from ...image.read import read_file
from ...keys.recipients import Identity
from ..text import counted, file_sizes
from .plan import FileTask
from .report import TaskReport
from .run import skipped
from .stdio import STDIN, STDOUT, input_size, read_stdin, write_stdout

_MOST_NUMBERS = 12


@dataclass(frozen=True, slots=True)
class ProtectTask:
    """Protects the photo of a task; a class, because it may have to be sent to other processes.

    Attributes:
        options: everything that an output depends on.
        resume: skip outputs that are finished.
        identities: private keys that prove, with ``resume``, for which recipients an output was made.
        overwrite: replace existing outputs.
        threads: of each process.
    """

    options: ProtectOptions
    resume: bool
    identities: tuple[Identity, ...]
    overwrite: bool
    threads: int

    def __call__(self, task: FileTask) -> TaskReport:
        """Protect one photo, unless its output is finished."""
        overwrite = self.overwrite
        if self.resume and task.target is not None and task.target.exists():
            if self._is_finished(task.source, task.target):
                return self._finished(task)
            overwrite = overwrite or not task.target.stat().st_size  # empty: reserved by a run that was killed
        source: PictureInput = task.source
        if task.source is STDIN or task.target is STDOUT:  # bytes give bytes, a path would give a file
            source = read_stdin() if task.source is STDIN else read_file(task.source)
        target = None if task.target is STDOUT else task.target
        session = process_session(self.threads)
        result = protect_file(source, self.options, session, output=target, overwrite=overwrite)
        if task.target is STDOUT:
            write_stdout(result.data)
        if task.published is not None:
            result.save_cover(task.published, overwrite=self.overwrite)
        return self._report(task, result, input_size(source))

    def _finished(self, task: FileTask) -> TaskReport:
        """Report a finished output; if only its covers are missing, write those."""
        if task.published is not None and not os.path.lexists(task.published):
            photo = read_file(task.source)
            protect_file(photo, self.options, process_session(self.threads)).save_cover(task.published)
        return skipped(task.source, "is done already", task.target)

    def _is_finished(self, source: Path, target: Path) -> bool:
        """Return whether an existing output is finished.

        Raises:
            OtherOutputError: if it is something else that must not be replaced without being asked to.
        """
        if not target.stat().st_size:
            return False
        why = unfinished(source, target, process_session(self.threads), self.options, self.identities)
        if why is not None and not self.overwrite:
            hint = "add --overwrite to make it again, or choose another output folder"
            if why == UNPROVED:
                hint = f"give the private key of every recipient with -i to check it, or {hint}"
            raise hinted(
                OtherOutputError(
                    f"{target} already exists, and is not the finished output for {source}: {why}", reason=why
                ),
                hint,
            )
        return why is None

    def _report(self, task: FileTask, result: ProtectResult, before: int | None) -> TaskReport:
        extra: dict[str, Any] = {} if task.published is None else {"published": str(task.published)}
        told = file_sizes(before, len(result.data)) + (f"; covers alone: {task.published}" if task.published else "")
        if not result.faces:
            return TaskReport(
                "no-face",
                task.source,
                task.target,
                warnings=result.warnings,
                summary=f"{task.source} -> {task.target}: no face found, copied unprotected{told}",
                extra=extra,
                input_bytes=before,
                output_bytes=len(result.data),
                task_target=task.target,
            )
        if result.share is not None:
            extra["share"] = _share_facts(result.share)
        renumbered = _renumbered(result)
        kind = "exact copies sealed in" if result.faces[0].sealed else "no seal"
        if result.wrong_key == "cover":
            kind += ", a wrong key gives the cover"
        faces: tuple[dict[str, Any], ...] = tuple(
            {
                "number": f.number,
                "box": [f.box.x, f.box.y, f.box.w, f.box.h],
                "style": f.style,
                "sealed": f.sealed,
                **({"found": list(f.found)} if renumbered else {}),
            }
            for f in result.faces
        )
        return TaskReport(
            "protected",
            task.source,
            task.target,
            faces,
            result.warnings,
            summary=f"{task.source} -> {task.target}: {counted(len(faces), 'face')} protected "
            f"({result.faces[0].style}, {kind}){told}{_shared(result.share)}{renumbered}",
            extra=extra,
            input_bytes=before,
            output_bytes=len(result.data),
            details=tuple(f"face {face.number} at {face.box}" for face in result.faces),
            task_target=task.target,
        )


def _share_facts(share: ShareCopy) -> dict[str, Any]:
    """Return the JSON fields of a share copy."""
    return {
        "path": None if share.path is None else str(share.path),
        "size": list(share.size),
        "face_bytes": list(share.face_bytes),
        "robust_face_bytes": list(share.robust_face_bytes),
    }


def _shared(share: ShareCopy | None) -> str:
    if share is None:
        return ""
    return f"; to send: {share.path} ({share.size[0]}x{share.size[1]}, {max(1, len(share.data) // 1000)} kB)"


def _renumbered(result: ProtectResult) -> str:
    """Say which faces have other numbers in the file than detection gave them, because some were left out or added."""
    found = [face for face in result.faces if face.found]
    if all(face.found == (face.number,) for face in found) and len(found) in (0, len(result.faces)):
        return ""
    numbers = [
        f"{face.number} is {' and '.join(map(str, face.found))} of those found"
        if face.found
        else f"{face.number} was given by hand"
        for face in result.faces[:_MOST_NUMBERS]
    ]
    more = len(result.faces) - len(numbers)
    return "; in the file, face " + ", ".join(numbers) + (f" and {more} more" if more else "")

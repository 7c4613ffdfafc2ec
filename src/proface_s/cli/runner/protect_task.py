"""Doing one task of ``proface protect``: a class, because it may have to go to other processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...api import ProtectResult
from ...api.files.io import Pictured
from ...api.options import ProtectOptions
from ...api.resume.comparison import unfinished
from ...api.resume.proof import UNPROVED
from ...container.header.header import WrongKey
from ...errors import OtherOutputError
from ...image.read import read_file
from ...keys.recipients import Identity
from ..text import count
from .pipes import STDIN, STDOUT, read_stdin, write_stdout
from .plan import Task
from .report import Report
from .run import skipped
from .workers import session_with

_MOST_TOLD = 12


@dataclass(frozen=True, slots=True)
class Protecting:
    """The work of a run; called with a task, does it.

    Attributes:
        options: what the outputs depend on.
        resume: skip outputs that are finished.
        identities: private keys that show, with ``resume``, for which recipients an output was made.
        overwrite: replace existing outputs.
        threads: of each process.
    """

    options: ProtectOptions
    resume: bool
    identities: tuple[Identity, ...]
    overwrite: bool
    threads: int

    def __call__(self, task: Task) -> Report:
        """Protect one photo, unless that has been done."""
        overwrite = self.overwrite
        if self.resume and task.target is not None and task.target.exists():
            if self._is_done(task.source, task.target):
                return skipped(task.source, "is done already", task.target)
            overwrite = overwrite or not task.target.stat().st_size  # a killed run's last step
        source: Pictured = task.source
        if task.source is STDIN or task.target is STDOUT:  # bytes give bytes, a path would give a file
            source = read_stdin() if task.source is STDIN else read_file(task.source)
        result = session_with(self.threads).protect_with(
            source, self.options, output=None if task.target is STDOUT else task.target, overwrite=overwrite
        )
        if task.target is STDOUT:
            write_stdout(result.data)
        return replace(_report(task, result, task.target, self.options.wrong_key), task_target=task.target)

    def _is_done(self, source: Path, target: Path) -> bool:
        """Whether an output is there and finished; one that is neither must not be replaced unasked."""
        if not target.stat().st_size:
            return False
        why = unfinished(source, target, session_with(self.threads), self.options, self.identities)
        if why is not None and not self.overwrite:
            hint = "add --overwrite to make it again, or choose another output folder"
            if why == UNPROVED:
                hint = f"give the private key of every recipient with -i to check it, or {hint}"
            raise OtherOutputError(
                f"{target} already exists, and is not the finished output for {source}: {why}", hint, reason=why
            )
        return why is None


def _report(task: Task, result: ProtectResult, target: Path | None, wrong_key: WrongKey) -> Report:
    shifted = _renumbered(result)
    faces: tuple[dict[str, Any], ...] = tuple(
        {
            "number": f.number,
            "box": [f.box.x, f.box.y, f.box.w, f.box.h],
            "style": f.style,
            "sealed": f.sealed,
            **({"found": list(f.found)} if shifted else {}),
        }
        for f in result.faces
    )
    if not faces:
        summary = f"{task.source} -> {target}: no face found, copied unprotected"
        return Report("no-face", task.source, target, warnings=result.warnings, summary=summary)
    kind = "exact copies sealed in" if result.faces[0].sealed else "no seal"
    if wrong_key == "cover":
        kind += ", a wrong key gives the cover"
    return Report(
        "protected",
        task.source,
        target,
        faces,
        result.warnings,
        summary=f"{task.source} -> {target}: {count(len(faces), 'face')} protected "
        f"({result.faces[0].style}, {kind})" + shifted,
        details=tuple(f"face {face.number} at {face.box}" for face in result.faces),
    )


def _renumbered(result: ProtectResult) -> str:
    """Which faces have other numbers in the file than detection gave them, because some were left out or added."""
    found = [face for face in result.faces if face.found]
    if all(face.found == (face.number,) for face in found) and len(found) in (0, len(result.faces)):
        return ""
    told = [
        f"{face.number} is {' and '.join(map(str, face.found))} of those found"
        if face.found
        else f"{face.number} was given by hand"
        for face in result.faces[:_MOST_TOLD]
    ]
    more = len(result.faces) - len(told)
    return "; in the file, face " + ", ".join(told) + (f" and {more} more" if more else "")

"""Doing one task of ``proface protect``: a class, because it may have to go to other processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..api import ProtectResult
from ..api.kinds import Pictured
from ..api.protecting import Sidecar
from ..api.resuming import unfinished
from ..container.header import WrongKey
from ..errors import ImageError
from ..imaging.reading import read_file
from ..imaging.writing import Format
from ..keys.access import Lock
from ..types import Style
from .batch import skipped
from .output import Report
from .pipes import STDIN, STDOUT, read_stdin, write_stdout
from .plan import Task
from .text import count
from .workers import session_with

_MOST_TOLD = 12


@dataclass(frozen=True, slots=True)
class Protecting:
    """What the command line asks for; called with a task, does it.  Attributes as in
    `proface_s.api.Session.protect`.
    """

    default: Lock
    own: Mapping[int, Lock]
    style: Style
    boxes: tuple[str, ...]
    faces: str
    seal: bool
    wrong_key: WrongKey
    file_format: Format | None
    sidecar: Sidecar
    record: bool
    allow_no_face: bool
    keep_metadata: bool
    resume: bool
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
        result = session_with(self.threads).protect(
            source,
            self.default.passphrases,
            recipients=self.default.recipients,
            own=self.own,
            wrong_key=self.wrong_key,
            style=self.style,
            boxes=self.boxes,
            faces=self.faces,
            seal=self.seal,
            allow_no_face=self.allow_no_face,
            keep_metadata=self.keep_metadata,
            file_format=self.file_format,
            sidecar=self.sidecar,
            record=self.record,
            output=None if task.target is STDOUT else task.target,
            overwrite=overwrite,
        )
        if task.target is STDOUT:
            write_stdout(result.data)
        return replace(_report(task, result, task.target, self.wrong_key), task_target=task.target)

    def _is_done(self, source: Path, target: Path) -> bool:
        """Whether an output is there and finished; one that is neither must not be replaced unasked."""
        if not target.stat().st_size:
            return False
        why = unfinished(
            source, target, session_with(self.threads).model, self.default, self.own, style=self.style, seal=self.seal,
            wrong_key=self.wrong_key, allow_no_face=self.allow_no_face,
        )
        if why is not None and not self.overwrite:
            raise ImageError(
                f"{target} already exists, and is not the finished output for {source}: {why}",
                "choose another output folder, or use --overwrite",
            )
        return why is None


def _report(task: Task, result: ProtectResult, target: Path | None, wrong_key: WrongKey) -> Report:
    shifted = _renumbered(result)
    faces: tuple[dict[str, Any], ...] = tuple(
        {
            "number": f.number, "box": [f.box.x, f.box.y, f.box.w, f.box.h], "style": f.style, "sealed": f.sealed,
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
    if all(face.found in ((), (face.number,)) for face in result.faces):
        return ""
    told = [
        f"{face.number} is {' and '.join(map(str, face.found))} of those found" if face.found
        else f"{face.number} was given by hand"
        for face in result.faces[:_MOST_TOLD]
    ]
    more = len(result.faces) - len(told)
    return "; in the file, face " + ", ".join(told) + (f" and {more} more" if more else "")

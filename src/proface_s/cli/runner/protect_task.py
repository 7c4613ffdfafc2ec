"""One task of ``proface protect``."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...api import ProtectResult
from ...api.files.io import PictureInput
from ...api.files.protected_files import is_protected
from ...api.options import ProtectOptions
from ...api.protection.protect_file import protect_file
from ...api.results.shared import ShareCopy
from ...api.resume.comparison import unfinished
from ...api.resume.proof import UNPROVED
from ...api.resume.share_comparison import unfinished_share
from ...api.session import process_session
from ...covers import oval_cost, parse_style
from ...errors import OtherOutputError
from ...hints import hinted
from ...image.read import read_file
from ...image.write import write_atomic
from ...keys.recipients import Identity
from ...wording import counted
from ..text import file_sizes
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
        share_only: write the share copy alone, as the output.
    """

    options: ProtectOptions
    resume: bool
    identities: tuple[Identity, ...]
    overwrite: bool
    threads: int
    share_only: bool = False

    def __call__(self, task: FileTask) -> TaskReport:
        """Protect one photo, unless its output is finished."""
        if self.share_only:
            return self._share_alone(task)
        overwrite = self.overwrite
        if self.resume and task.target is not None and task.target.exists():
            if self._is_finished(task.source, task.target):
                return self._finished(task)
            reserved = all(_missing(path) for path in (task.target, task.shared) if path is not None)
            overwrite = overwrite or reserved
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
        """Report a finished output; if only its covers or its share copy are missing, write those."""
        session = process_session(self.threads)
        covers = task.published is not None and not os.path.lexists(task.published)
        protected = task.target is not None and task.shared is not None and is_protected(task.target)
        shares = protected and not self._is_shared(task.source, str(task.target), task.shared)
        again = protect_file(read_file(task.source), self.options, session) if covers or shares else None
        if again is not None and covers and task.published is not None:
            again.save_cover(task.published)
        report = skipped(task.source, "is done already", task.target)
        if again is not None and again.share is not None and shares and task.shared is not None:
            write_atomic(task.shared, again.share.data, overwrite=True, like=task.source)
            report = skipped(task.source, "is done already; its share copy is new", task.target)
            return replace(report, extra=report.extra | {"share": _share_facts(replace(again.share, path=task.shared))})
        return replace(report, extra=report.extra | {"share": {"path": str(task.shared)}}) if protected else report

    def _share_alone(self, task: FileTask) -> TaskReport:
        """Protect one photo in memory, and write its share copy alone."""
        photo = read_stdin() if task.source is STDIN else read_file(task.source)
        result = protect_file(photo, self.options, process_session(self.threads))
        if result.share is None or task.target is None:
            raise AssertionError(f"no share copy of {task.source} was made")
        if task.target is STDOUT:
            write_stdout(result.share.data)
        else:
            there = self.resume and self._is_shared(task.source, result, task.target)
            if there:
                return skipped(task.source, "is done already", task.target)
            may_replace = self.overwrite or (self.resume and _missing(task.target))
            like = None if task.source is STDIN else task.source
            write_atomic(task.target, result.share.data, overwrite=may_replace, like=like)
        return _report_alone(task, result, result.share, len(photo))

    def _is_finished(self, source: Path, target: Path) -> bool:
        """Return whether an existing output is finished.

        Raises:
            OtherOutputError: if it is something else that must not be replaced without being asked to.
        """
        if not target.stat().st_size:
            return False
        why = unfinished(source, target, process_session(self.threads), self.options, self.identities)
        return self._settled(source, target, why, "finished output")

    def _is_shared(self, source: Path, protected: PictureInput, shared: Path | None) -> bool:
        """Return whether the share copy of a finished output is there.

        Raises:
            OtherOutputError: if something else is there that must not be replaced without being asked to.
        """
        if shared is None or _missing(shared):
            return False
        session = process_session(self.threads)
        why = unfinished_share(source, protected, shared, session, self.options, self.identities)
        return self._settled(source, shared, why, "share copy")

    def _settled(self, source: Path, target: Path, why: str | None, what: str) -> bool:
        """Return whether nothing contradicts that a file is what it should be; refuse it if it must not be replaced."""
        if why is not None and not self.overwrite:
            hint = "add --overwrite to make it again, or choose another output folder"
            if why == UNPROVED:
                hint = f"give the private key of every recipient with -i to check it, or {hint}"
            raise hinted(
                OtherOutputError(f"{target} already exists, and is not the {what} for {source}: {why}", reason=why),
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
                **({"fallback": f.fallback} if f.fallback else {}),
                **({"synthetic": True} if f.synthetic else {}),
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
            details=(*(f"face {face.number} at {face.box}" for face in result.faces), *_oval_costs(result)),
            task_target=task.target,
        )


def _missing(path: Path) -> bool:
    """Return whether a file is missing, or empty: reserved by a run that was killed."""
    return not os.path.lexists(path) or (path.is_file() and not path.stat().st_size)


def _report_alone(task: FileTask, result: ProtectResult, share: ShareCopy, before: int) -> TaskReport:
    """Report a share copy that was written alone."""
    path = None if task.target is STDOUT else task.target
    width, height = share.size
    faces: tuple[dict[str, Any], ...] = tuple(
        {"number": f.number, "box": [f.box.x, f.box.y, f.box.w, f.box.h], "style": f.style, "sealed": False}
        for f in result.faces
    )
    kept = "no protected file was written: the exact faces are in the original only"
    return TaskReport(
        "protected",
        task.source,
        task.target,
        faces,
        (*result.warnings, kept),
        summary=f"{task.source} -> {task.target}: share copy, {counted(len(faces), 'face')} reduced ({width}x{height})"
        + file_sizes(before, len(share.data)),
        extra={"share": _share_facts(replace(share, path=path))},
        input_bytes=before,
        output_bytes=len(share.data),
        details=tuple(f"face {face.number} at {face.box}" for face in result.faces),
        task_target=task.target,
    )


def _oval_costs(result: ProtectResult) -> tuple[str, ...]:
    """Return what the ovals of a result cost against recognisers, one line per style."""
    styles = dict.fromkeys(parse_style(face.style) for face in result.faces)
    return tuple(cost for cost in map(oval_cost, styles) if cost is not None)


def _share_facts(share: ShareCopy) -> dict[str, Any]:
    """Return the JSON fields of a share copy."""
    return {
        "path": None if share.path is None else str(share.path),
        **({"inside": True} if share.inside else {}),
        "size": list(share.size),
        "face_bytes": list(share.face_bytes),
        "robust_face_bytes": list(share.robust_face_bytes),
    }


def _shared(share: ShareCopy | None) -> str:
    if share is None:
        return ""
    if share.inside:
        return f"; can be sent itself ({share.size[0]}x{share.size[1]})"
    return f"; to send: {share.path} ({share.size[0]}x{share.size[1]}, {max(1, len(share.data) // 1000)} kB)"


def _renumbered(result: ProtectResult) -> str:
    """Say which faces have other numbers in the file than detection gave them, because some were left out or added."""
    if not any(face.found for face in result.faces):
        return ""
    numbers = [
        f"{face.number} is {' and '.join(map(str, face.found))} of those found"
        if face.found
        else f"{face.number} was given by hand"
        for face in result.faces
        if face.found != (face.number,)
    ]
    if not numbers:
        return ""
    more = len(numbers) - _MOST_NUMBERS
    numbers = numbers[:_MOST_NUMBERS]
    return "; in the file, face " + ", ".join(numbers) + (f" and {more} more" if more > 0 else "")

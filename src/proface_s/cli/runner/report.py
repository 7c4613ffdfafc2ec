"""What the user sees: lines on stderr, JSON lines on stdout, and a progress bar on a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ...errors import without_secrets
from ..options import Manner
from ..text import printable
from . import streams
from .errors import Failure, show_trace

if TYPE_CHECKING:
    from rich.progress import Progress

Status = Literal[
    "protected", "recovered", "detected", "verified", "forgotten", "rewrapped", "no-face", "skipped", "error"
]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one input.

    Attributes:
        status: how it ended.
        source: the input.
        target: the file that was written, or None.
        faces: one JSON object per face.
        warnings: what the user should know.
        failure: what went wrong, or None.
        seconds: time it took.
        extra: further JSON fields of the command.
        summary: the one line for stderr.
        answer: lines for stdout, of the commands that answer a question.
        details: further lines for stderr, with ``-v``.
        task_target: where the output was meant to go, written or not; tells tasks of one input apart.
    """

    status: Status
    source: Path
    target: Path | None = None
    faces: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
    summary: str = ""
    answer: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    task_target: Path | None = None

    @property
    def exit_code(self) -> int:
        """The code this input alone would give."""
        return self.failure.exit_code if self.failure else 0

    def as_json(self, command: str) -> str:
        """One line of ASCII JSON; key material is not among what a report knows."""
        failure = self.failure
        record = {
            "command": command,
            "input": without_secrets(str(self.source)),
            "output": without_secrets(str(self.target)) if self.target else None,
            "status": self.status,
            "faces": list(self.faces),
            "warnings": list(self.warnings),
            "error": failure.message if failure else None,
            "hint": failure.hint if failure else None,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 3),
            **self.extra,
        }
        return json.dumps(record, ensure_ascii=True)


class Speaker:
    """Says everything a command has to say, in the manner the user chose."""

    def __init__(self, command: str, manner: Manner) -> None:
        self._command, self._manner = command, manner
        self._announced: set[str] = set()
        self._progress: Progress | None = None
        self._gathered: dict[str, list[tuple[Path, str]]] | None = None

    @property
    def verbose(self) -> bool:
        """Whether the user asked for more lines."""
        return self._manner.verbose

    def gather(self) -> None:
        """Keep the warnings about single inputs for `tell_gathered`: in a folder they repeat.

        With ``-v`` they are told at once nevertheless.
        """
        if not self._manner.verbose:
            self._gathered = {}

    def tell_gathered(self) -> None:
        """Tell each kind of warning once, with the number of inputs it concerns and the first of them."""
        for told in (self._gathered or {}).values():
            source, text = told[0]
            where = str(source) if len(told) == 1 else f"{len(told)} files, such as {source}"
            self.note(f"warning: {where}: {text}")
        self._gathered = None

    def announce(self, warning: str) -> None:
        """A warning that concerns the whole run: shown once, and not again with every file."""
        if warning not in self._announced and not self._manner.quiet:
            self._line(f"warning: {warning}")
        self._announced.add(warning)

    def note(self, text: str, *, verbose: bool = False) -> None:
        """A line on stderr; with ``verbose`` only where the user asked for more."""
        if not self._manner.quiet and (self._manner.verbose or not verbose):
            self._line(text)

    def error(self, failure: Failure, cause: BaseException | None = None) -> None:
        """The lines of a failure, after its traceback if the user wants that."""
        if self._manner.debug and cause is not None:
            show_trace(cause)
        for line in failure.lines():
            self._line(line)

    def report(self, report: Report, cause: BaseException | None = None, *, silent: bool = False) -> None:
        """Tell what became of one input; ``silent``: in JSON only, because a line of the summary says it too."""
        if silent:
            pass
        elif report.failure is not None:
            self.error(report.failure, cause)
        elif report.summary:
            self.note(report.summary)
        for line in report.details:
            self.note(f"  {line}", verbose=True)
        for warning in report.warnings:
            if warning in self._announced:
                continue
            if self._gathered is None:
                self.note(f"warning: {report.source}: {warning}")
            else:
                self._gathered.setdefault(_kind(warning, report), []).append((report.source, warning))
        if self._manner.as_json:
            streams.say(report.as_json(self._command))
        else:
            for line in report.answer:
                streams.say(printable(line))

    @contextmanager
    def progress(self, total: int, *, long: bool) -> Iterator[Speaker]:
        """Show a bar while the body runs, where there is a terminal to show it on and the work is long."""
        if not long or self._manner.quiet or not (sys.stderr and sys.stderr.isatty()):
            yield self
            return
        from rich.console import Console
        from rich.progress import Progress

        bar = Progress(console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
        with bar:
            bar.add_task(self._command, total=total)
            self._progress = bar
            try:
                yield self
            finally:
                self._progress = None

    def advance(self) -> None:
        """One more input is done."""
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0])

    def _line(self, text: str) -> None:
        text = without_secrets(text)
        if self._progress is not None:
            self._progress.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(printable(text), err=True)


def _kind(warning: str, report: Report) -> str:
    """A warning without what differs from input to input: names and numbers."""
    for path in (report.source, report.target):
        if path is not None:
            warning = warning.replace(str(path.with_suffix("")), "")
    return re.sub(r"\d+([.,x]\d+)*(, \d+)*", "#", warning)

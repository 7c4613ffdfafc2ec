"""Output of a command: lines on stderr, answers or JSON lines on stdout, a progress bar on a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ...errors import without_secrets
from ..options.common import OutputOptions
from ..text import printable
from .errors import Failure, show_trace
from .stdio import print_line

if TYPE_CHECKING:
    from rich.progress import Progress

TaskStatus = Literal[
    "protected",
    "recovered",
    "detected",
    "verified",
    "forgotten",
    "rewrapped",
    "no-face",
    "skipped",
    "made",
    "read",
    "error",
]


@dataclass(frozen=True, slots=True)
class TaskReport:
    """The outcome of one input.

    Attributes:
        status: how it ended.
        source: the input.
        target: the file that was written, or None.
        faces: one JSON object per face.
        warnings: for the user.
        failure: what went wrong, or None.
        seconds: time it took.
        extra: further JSON fields of the command.
        input_bytes: size of the input, if the command writes a picture and knows it.
        output_bytes: size of the picture that was written.
        summary: one line for stderr.
        answer: lines for stdout, of commands that answer a question.
        details: further lines for stderr, with ``-v``.
        task_target: where the output was meant to go, written or not; tells tasks of one input apart.
    """

    status: TaskStatus
    source: Path
    target: Path | None = None
    faces: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
    input_bytes: int | None = None
    output_bytes: int | None = None
    summary: str = ""
    answer: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    task_target: Path | None = None

    @classmethod
    def of_change(
        cls,
        status: TaskStatus,
        source: Path,
        target: Path | None,
        faces: Sequence[int],
        warnings: tuple[str, ...],
        what: str,
    ) -> TaskReport:
        """Report that a protected file was changed.

        Args:
            status: how it ended.
            source: the input.
            target: the file that was written.
            faces: numbers of the faces that were changed.
            warnings: for the user.
            what: how many of what were changed, and how, for the summary.
        """
        numbers = tuple({"face": number} for number in faces)
        return cls(status, source, target, numbers, warnings, summary=f"{source} -> {target}: {what}")

    @property
    def exit_code(self) -> int:
        """The exit code of a run over this input alone."""
        return self.failure.exit_code if self.failure else 0

    def as_json(self, command: str) -> str:
        """Return the report as one line of ASCII JSON; a report never contains key material.

        Args:
            command: name of the command.
        """
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
            "input_bytes": self.input_bytes,
            "output_bytes": self.output_bytes,
            **self.extra,
        }
        return json.dumps(record, ensure_ascii=True)


class Reporter:
    """Prints everything that a command reports, in the form that the user chose.

    Args:
        command: name of the command.
        options: of the user.
    """

    @property
    def silent(self) -> bool:
        """Whether progress is not shown."""
        return self._options.quiet or self._options.as_json

    def __init__(self, command: str, options: OutputOptions) -> None:
        self._command, self._options = command, options
        self._warned: set[str] = set()
        self._progress: Progress | None = None
        self._collected: dict[str, list[tuple[Path, str]]] | None = None

    @property
    def verbose(self) -> bool:
        """Whether the user asked for more lines."""
        return self._options.verbose

    def collect_warnings(self) -> None:
        """Keep warnings about single inputs for `print_collected`: in a folder they repeat.

        With ``-v`` they are printed at once nevertheless.
        """
        if not self._options.verbose:
            self._collected = {}

    def print_collected(self) -> None:
        """Print each kind of collected warning once, with the number of inputs it concerns and the first of them."""
        for found in (self._collected or {}).values():
            source, text = found[0]
            where = str(source) if len(found) == 1 else f"{len(found)} files, such as {source}"
            self.note(f"warning: {where}: {text}")
        self._collected = None

    def warn(self, warning: str) -> None:
        """Print a warning that concerns the whole run, once; it is not repeated for single inputs."""
        if warning not in self._warned and not self._options.quiet:
            self._line(f"warning: {warning}")
        self._warned.add(warning)

    def note(self, text: str, *, verbose: bool = False) -> None:
        """Print a line on stderr; if ``verbose``, only if the user asked for more lines."""
        if not self._options.quiet and (self._options.verbose or not verbose):
            self._line(text)

    def error(self, failure: Failure, cause: BaseException | None = None) -> None:
        """Print a failure, after the traceback of its cause if the user wants that."""
        if self._options.debug and cause is not None:
            show_trace(cause)
        for line in failure.lines():
            self._line(line)

    def report(self, report: TaskReport, cause: BaseException | None = None, *, json_only: bool = False) -> None:
        """Print the outcome of one input.

        Args:
            report: the outcome.
            cause: the exception behind its failure, or None.
            json_only: print no line on stderr, because the summary of the run says it too.
        """
        if json_only:
            pass
        elif report.failure is not None:
            self.error(report.failure, cause)
        elif report.summary:
            self.note(report.summary)
        for line in report.details:
            self.note(f"  {line}", verbose=True)
        for warning in report.warnings:
            if warning in self._warned:
                continue
            if self._collected is None:
                self.note(f"warning: {report.source}: {warning}")
            else:
                self._collected.setdefault(_kind(warning, report), []).append((report.source, warning))
        if self._options.as_json:
            print_line(report.as_json(self._command))
        else:
            for line in report.answer:
                print_line(printable(line))

    @contextmanager
    def progress(self, total: int, *, long: bool) -> Iterator[None]:
        """Show a progress bar during the block if stderr is a terminal.

        Args:
            total: number of inputs.
            long: whether the work takes long enough for a bar.
        """
        if not long or self._options.quiet or not (sys.stderr and sys.stderr.isatty()):
            yield
            return
        from rich.console import Console
        from rich.progress import Progress

        bar = Progress(console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
        with bar:
            bar.add_task(self._command, total=total)
            self._progress = bar
            try:
                yield
            finally:
                self._progress = None

    def advance(self) -> None:
        """Move the progress bar on by one input."""
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0])

    def _line(self, text: str) -> None:
        text = without_secrets(text)
        if self._progress is not None:
            self._progress.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(printable(text), err=True)


def _kind(warning: str, report: TaskReport) -> str:
    """Return a warning without the names and numbers that differ from input to input."""
    for path in (report.source, report.target):
        if path is not None:
            warning = warning.replace(str(path.with_suffix("")), "")
    return re.sub(r"\d+([.,x]\d+)*(, \d+)*", "#", warning)

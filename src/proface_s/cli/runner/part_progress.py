"""Progress of a command that works through named parts: a bar on a terminal, else a line per part."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from ..text import printable

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")


class PartProgress:
    """Shows which part is being worked on.

    Args:
        quiet: show nothing.
        announced: without a terminal, also print a line when a part begins.
    """

    def __init__(self, quiet: bool = False, *, announced: bool = False) -> None:
        self._quiet, self._terminal = quiet, sys.stderr is not None and sys.stderr.isatty()
        self._announced = announced
        self._bar: Progress | None = None
        self._part, self._since = "", 0.0

    def start(self, part: str, steps: int) -> None:
        """Begin a part.

        Args:
            part: its name.
            steps: that it has.
        """
        self._part, self._since = part, time.monotonic()
        if self._quiet or not self._terminal:
            if self._announced and not self._quiet:
                click.echo(f"{printable(part)}: 0 of {steps}", err=True)
            return
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True)
        self._bar.add_task(printable(part), total=steps)
        self._bar.start()

    def advance(self) -> None:
        """Move the bar on by one step."""
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def done(self) -> None:
        """End the part, and print how long it took."""
        self.stop()
        if not self._quiet:
            click.echo(f"{printable(self._part)}: {time.monotonic() - self._since:.0f} s", err=True)

    def watch(self, part: str, items: Sequence[Item], /) -> Iterator[Item]:
        """Yield items; they are a part, with one step each."""
        self.start(part, len(items))
        for item in items:
            yield item
            self.advance()
        self.done()

    def stop(self) -> None:
        """Remove the bar; call this after an error, too."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

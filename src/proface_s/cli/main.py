"""``proface``: finds the command, runs it, and turns whatever it raises into lines and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import click

from .. import __version__
from ..silence import silence
from .runner import streams
from .runner.errors import INTERRUPTED, explain, show_trace
from .text import printable

COMMANDS = (
    "protect", "recover", "inspect", "verify", "detect", "styles", "key", "forget", "rewrap", "keygen",
    "serve",
)  # fmt: skip
LAB_COMMANDS = ("train", "export", "evaluate", "attack")
"""Commands of `proface_lab`, the package for researchers beside this one, which nothing here imports."""


class LazyGroup(click.Group):
    """A group whose commands live in modules of this package that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order of a user's work."""
        return [*COMMANDS, *LAB_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None if there is none of that name."""
        if cmd_name in COMMANDS:
            room = f"{__package__}.commands"
        elif cmd_name in LAB_COMMANDS:
            room = "proface_lab.commands"
        else:
            return None
        command = import_module(f"{room}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="proface", message="%(prog)s %(version)s")
def proface() -> None:
    """Hide the faces of a photo, and bring them back with a passphrase.

    \b
    proface protect party.jpg              writes party.protected.png
    proface recover party.protected.png    writes party.recovered.png
    proface key party.protected.png --face 2    prints the key to that face alone

    Exit codes: 0 all done, 1 some inputs failed, 2 usage, 3 wrong key, 4 no face found,
    5 not a protected file or a damaged one, 130 interrupted.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        argv: arguments without the program's name; those of the process where None.

    Returns:
        The exit code, see `proface_s.cli.runner.errors`.
    """
    silence()  # a user's own method may load anything, here or in a worker process
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = proface.main(arguments or ["--help"], prog_name="proface", standalone_mode=False)
    except SystemExit as stop:  # click met a closed pipe, or a signal handler stopped us
        return stop.code if isinstance(stop.code, int) else 1
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in arguments and not isinstance(error, click.ClickException):
            show_trace(error)
        failure = explain(error)
        for line in failure.lines():
            click.echo(printable(line), err=True)
        return failure.exit_code
    return (code if isinstance(code, int) else 0) if arguments else 2


def run() -> None:
    """Entry point of the installed program."""
    streams.prepare()
    for name in ("SIGTERM", "SIGHUP"):  # leave through the `finally` clauses, so that no temporary file stays
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _stop)
    try:
        code = main()
    except BrokenPipeError:
        code = 1
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(streams.finish(code))


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)

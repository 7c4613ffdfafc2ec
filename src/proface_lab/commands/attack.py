"""``proface attack``: adversaries against reversible methods, on any folder of faces."""

from __future__ import annotations

import os
from pathlib import Path

import click

from proface_s.cli.runner.part_progress import PartProgress
from proface_s.cli.text import printable
from proface_s.errors import UsageError

EXTRA_HINT = 'install the extra: pip install "proface-s[eval,train]"'


@click.command("attack", short_help="Attack a method: what does somebody get who has no key?")
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Folder of the faces under attack, searched to any depth; repeatable.",
)
@click.option(
    "--report",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the report; an interrupted run goes on there.",
)
@click.option(
    "--suite",
    "suite",
    multiple=True,
    default=("all",),
    show_default=True,
    help="all, or names of adversaries (docs/evidence/attacks.md); repeatable.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=("secure-2",),
    show_default=True,
    help="secure-2, secure-2-cover, model:FOLDER, paper:CHECKPOINT.pt, lsb-avif, or package.module:factory.",
)
@click.option("--peer", "peers", multiple=True, help="A further method to attack in the same way, for comparison.")
@click.option(
    "--own",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder of the attacker's own faces, of other people; half of --data if not given.",
)
@click.option(
    "--budget",
    type=click.Choice(["quick", "full"]),
    default="quick",
    show_default=True,
    help="quick: ten minutes on two cores for secure-2; full: wants an accelerator.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--style", default="blur", show_default=True, help="Cover of the faces under attack, or swap.")
@click.option(
    "--recogniser",
    "recognisers",
    multiple=True,
    help="dlib, MODEL.onnx (card beside it) or MODEL.onnx=CARD.json: also judge matches; repeatable.",
)
@click.option(
    "--kind",
    type=click.Choice(["auto", "crops", "photos"]),
    default="auto",
    show_default=True,
    help="Whether every picture is one face.",
)
@click.option("--seed", type=int, default=20261123, show_default=True)
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    folders: tuple[Path, ...],
    out: Path,
    suite: tuple[str, ...],
    methods: tuple[str, ...],
    peers: tuple[str, ...],
    own: tuple[Path, ...],
    budget: str,
    device: str,
    style: str,
    recognisers: tuple[str, ...],
    kind: str,
    seed: int,
    quiet: bool,
    debug: bool,
) -> int:
    """Run adversaries who have the code, the weights and the files, but no key.

    Every result states what the attack gets minus what the same attack gets without the protected picture.  The
    folder of the report gets report.json, report.md, plots, contact sheets and the attackers' networks with cards.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: threads that spin starve each other
    try:
        from ..attacks.run import AttackOptions, run_suite
    except ModuleNotFoundError as missing:
        raise UsageError(f"attacks need {missing.name}, which is not installed", EXTRA_HINT) from None
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
        click.echo(f"warning: {len(report.omissions)} pictures or adversaries left out, see the report", err=True)
    click.echo(str(report.folder / "report.md"))
    return 0

"""``proface evaluate``: quality, privacy and cost of reversible methods, on any folder of faces."""

from __future__ import annotations

from pathlib import Path

import click

from proface_s.cli.runner.part_progress import PartProgress
from proface_s.errors import UsageError

EXTRA_HINT = 'install the extra: pip install "proface-s[eval]"'


@click.command("evaluate", short_help="Measure quality, privacy and cost on a folder of faces.")
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Folder of face crops or of photos, searched to any depth; repeatable.",
)
@click.option(
    "--report",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the report; an interrupted run goes on there.",
)
@click.option(
    "--styles",
    default="all",
    show_default=True,
    help="all; sweep (half, once and twice the default strength); or names with commas, swap included.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=("secure-2", "lsb-avif"),
    show_default=True,
    help="secure-2, secure-2-cover, model:FOLDER, paper:CHECKPOINT.pt, lsb-avif, or package.module:factory, "
    "also of the current folder.",
)
@click.option(
    "--protocol",
    type=click.Choice(["stored", "float", "both"]),
    default="stored",
    show_default=True,
    help="stored: through 8-bit files; float: the paper's, never rounded.",
)
@click.option("--size", type=click.IntRange(16, 4096), default=256, show_default=True, help="Side of a face, pixels.")
@click.option("--limit", type=click.IntRange(1), default=24, show_default=True, help="Number of faces.")
@click.option(
    "--kind",
    type=click.Choice(["auto", "crops", "photos"]),
    default="auto",
    show_default=True,
    help="Whether every picture is one face.",
)
@click.option(
    "--pairs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Verification set: CSV with columns a, b, same; paths are relative to it.",
)
@click.option("--pairs-limit", type=click.IntRange(4), default=300, show_default=True, help="Number of pairs.")
@click.option("--pairs-styles", default="", help="Styles of the verification; the first two of --styles if not given.")
@click.option(
    "--recogniser",
    "recognisers",
    multiple=True,
    default=("dlib",),
    show_default=True,
    help="dlib, MODEL.onnx (card beside it) or MODEL.onnx=CARD.json; repeatable.",
)
@click.option(
    "--photos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of whole photos, for bit-equality and time.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the faces that contact sheets show; --data if not given.",
)
@click.option("--seed", type=int, default=20261123, show_default=True)
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    folders: tuple[Path, ...],
    out: Path,
    styles: str,
    methods: tuple[str, ...],
    protocol: str,
    size: int,
    limit: int,
    kind: str,
    pairs: Path | None,
    pairs_limit: int,
    pairs_styles: str,
    recognisers: tuple[str, ...],
    photos: Path | None,
    pictures: Path | None,
    seed: int,
    quiet: bool,
    debug: bool,
) -> int:
    """Measure how good protection and recovery are, what a wrong key gives, and what a recogniser still sees.

    The folder of the report gets report.json, report.md, plots and contact sheets.
    """
    try:
        from ..evaluation.run import Evaluation, EvaluationOptions, resolve_styles
    except ModuleNotFoundError as missing:
        raise UsageError(f"evaluation needs {missing.name}, which is not installed", EXTRA_HINT) from None
    options = EvaluationOptions(
        folders,
        out,
        resolve_styles(styles),
        methods,
        ("stored", "float") if protocol == "both" else (protocol,),  # type: ignore[arg-type]
        size,
        limit,
        kind,  # type: ignore[arg-type]
        pairs,
        pairs_limit,
        resolve_styles(pairs_styles) if pairs_styles else (),
        recognisers,
        photos,
        pictures,
        seed,
    )
    parts = PartProgress(quiet)
    try:
        report = Evaluation(options, parts).run()
    finally:
        parts.stop()
    if report.omissions:
        click.echo(f"warning: {len(report.omissions)} pictures or pairs left out, see the report", err=True)
    click.echo(str(report.folder / "report.md"))
    return 0

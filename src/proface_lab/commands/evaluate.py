"""``proface evaluate``: measure quality, privacy and cost of reversible methods, on any folder of faces."""

from __future__ import annotations

from pathlib import Path

import click

from proface_s.cli.options.common import hidden_debug
from proface_s.cli.runner.part_progress import PartProgress
from proface_s.errors import UsageError, missing_package
from proface_s.flow.cards import DEFAULT_MODEL

from .options import METHODS, LabCommand, kind, quiet, report_folder, seed


@click.command("evaluate", cls=LabCommand, short_help="Measure quality, privacy and cost on a folder of faces.")
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Folder of face crops or photos, with subfolders.  Repeatable.",
)
@report_folder
@click.option(
    "--styles",
    default="all",
    show_default=True,
    help="Covers: all; sweep (half, once, twice the default strength); or a list, also other-face.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=(DEFAULT_MODEL, "lsb-avif"),
    show_default=True,
    help=f"Method to measure: {METHODS}; modules of the current folder are found.  Repeatable.",
)
@click.option(
    "--protocol",
    type=click.Choice(["stored", "float", "both"]),
    default="stored",
    show_default=True,
    help="stored: through 8-bit files.  float: as in the paper, never rounded.",
)
@click.option(
    "--size", type=click.IntRange(16, 4096), default=256, show_default=True, help="Side of a face, in pixels."
)
@click.option("--limit", type=click.IntRange(1), default=24, show_default=True, help="Number of faces.")
@kind
@click.option(
    "--pairs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Verification set: CSV file with columns a, b, same; paths in it are relative to it.",
)
@click.option("--pairs-limit", type=click.IntRange(4), default=300, show_default=True, help="Number of pairs.")
@click.option("--pairs-styles", default="", help="Covers of the verification; by default, the first two of --styles.")
@click.option(
    "--recogniser",
    "recognisers",
    multiple=True,
    default=("dlib",),
    show_default=True,
    help="Recogniser: dlib, MODEL.onnx with its card beside it, or MODEL.onnx=CARD.json.  Repeatable.",
)
@click.option(
    "--photos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of whole photos, to test bit equality and measure time.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the faces that contact sheets show; by default, --data.",
)
@seed
@quiet
@hidden_debug
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

    Writes report.json, report.md, plots and contact sheets.
    """
    try:
        from ..evaluation.run import Evaluation, EvaluationOptions, resolve_styles
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"evaluation needs {missing_package(missing)}, which is not installed", code="missing-extra", extra="eval"
        ) from None
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
        click.echo(f"warning: {len(report.omissions)} pictures or pairs were left out, see the report", err=True)
    click.echo(str(report.folder / "report.md"))
    return 0

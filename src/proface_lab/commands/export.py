"""``proface export``: turn a trained checkpoint into a model for the runtime."""

from __future__ import annotations

import json
from pathlib import Path

import click

from proface_s.cli.runner.part_progress import PartProgress
from proface_s.errors import UsageError, missing_package

from .options import LabCommand, quiet


@click.command("export", cls=LabCommand, short_help="Turn a trained checkpoint into a model.")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder of the run's pictures; the secure model's symbol tables are fitted to some of them.  Repeatable.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write the model to.",
)
@click.option(
    "--card",
    "card_file",
    type=click.Path(path_type=Path),
    required=True,
    help="Model card: JSON file with name, data, licence, command, hardware and measures.",
)
@click.option(
    "--faces",
    type=click.IntRange(1),
    default=400,
    show_default=True,
    help="Number of faces that the tables are fitted to.",
)
@quiet
def command(checkpoint: Path, folders: tuple[Path, ...], out: Path, card_file: Path, faces: int, quiet: bool) -> int:
    """Write the ONNX graphs, tables and card of a training run."""
    try:
        from ..training.run import export
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"export needs {missing_package(missing)}, which is not installed", code="missing-extra", extra="train"
        ) from None
    try:
        card = json.loads(card_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the card {card_file}: {error}") from None
    if not isinstance(card, dict):
        raise UsageError(f"the card {card_file} is not a JSON object")
    parts = PartProgress(quiet, announced=True)
    try:
        written = export(checkpoint, list(folders), out, card, faces=faces, watch=parts.watch)
    finally:
        parts.stop()
    click.echo(f"{out}: {written.get('name', 'model')}, {written['parameters']} parameters")
    return 0

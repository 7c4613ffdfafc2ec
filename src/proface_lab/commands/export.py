"""``proface export``: a trained checkpoint as a model for the runtime."""

from __future__ import annotations

import json
from pathlib import Path

import click

from proface_s.cli.runner.part_progress import PartProgress
from proface_s.errors import UsageError

from .train import EXTRA_HINT


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    help="The pictures of the run: the secure model's symbol tables are fitted to some of them.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the model.",
)
@click.option(
    "--card",
    "card_file",
    type=click.Path(path_type=Path),
    required=True,
    help="JSON with name, data, licence, command, hardware and measures.",
)
@click.option("--faces", type=click.IntRange(1), default=400, show_default=True, help="Faces for the tables.")
@click.option("--quiet", is_flag=True, help="No progress.")
def command(checkpoint: Path, folders: tuple[Path, ...], out: Path, card_file: Path, faces: int, quiet: bool) -> int:
    """Write ONNX graphs, tables and card of a training run."""
    try:
        from ..training.run import export
    except ModuleNotFoundError as missing:
        raise UsageError(f"export needs {missing.name}, which is not installed", EXTRA_HINT) from None
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

"""``proface train``: train a model on any folder of faces."""

from __future__ import annotations

from pathlib import Path

import click

from proface_s.errors import UsageError, missing_package

from .options import LabCommand


@click.command("train", cls=LabCommand, short_help="Train a model on a folder of faces.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Configuration: JSON file; what it leaves out has its default.",
)
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Folder of face pictures, with subfolders.  Repeatable.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the run; an interrupted run continues there.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to train.",
)
@click.option("--stickers", type=click.Path(path_type=Path), help="Folder of RGBA stickers for the cover mask.")
@click.option("--init", type=click.Path(path_type=Path), help="Checkpoint with the weights that a new run starts from.")
@click.option("--quiet", is_flag=True, help="Print no progress.")
def command(
    config_file: Path | None,
    folders: tuple[Path, ...],
    out: Path,
    device: str,
    stickers: Path | None,
    init: Path | None,
    quiet: bool,
) -> int:
    """Train a model.  Run the same command again to continue an interrupted run.

    Writes checkpoint.pt, train.csv, validation.csv, TensorBoard logs and preview sheets into the folder of the run.
    Several GPUs or machines: torchrun --nproc-per-node N -m proface_s train ...
    """
    try:
        from ..training.config import RunConfig
        from ..training.run import train
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"training needs {missing_package(missing)}, which is not installed", code="missing-extra", extra="train"
        ) from None
    config = RunConfig.load(config_file) if config_file else RunConfig()
    train(config, list(folders), out, device=device, stickers=stickers, init=init, quiet=quiet)
    return 0

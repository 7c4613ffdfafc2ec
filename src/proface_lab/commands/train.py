"""``proface train``: train a model on any folder of faces."""

from __future__ import annotations

from pathlib import Path

import click

from proface_s.errors import UsageError

EXTRA_HINT = 'install the extra: pip install "proface-s[train]"'


@click.command()
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="JSON; the defaults where not given.")
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Folder of face pictures, searched to any depth; repeatable.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the run; resumed if it exists.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True)
@click.option("--stickers", type=click.Path(path_type=Path), help="Folder of RGBA stickers for mask covers.")
@click.option("--init", type=click.Path(path_type=Path), help="Checkpoint whose weights a new run starts from.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    config_file: Path | None,
    folders: tuple[Path, ...],
    out: Path,
    device: str,
    stickers: Path | None,
    init: Path | None,
    quiet: bool,
) -> int:
    """Train a model; a killed run goes on where it stopped when the command is given again.

    The run's folder holds checkpoint.pt, train.csv, validation.csv, TensorBoard logs and preview sheets.
    Several GPUs or machines: torchrun --nproc-per-node N -m proface_s train ...
    """
    try:
        from ..training.config import RunConfig
        from ..training.run import train
    except ModuleNotFoundError as missing:
        raise UsageError(f"training needs {missing.name}, which is not installed", EXTRA_HINT) from None
    config = RunConfig.load(config_file) if config_file else RunConfig()
    train(config, list(folders), out, device=device, stickers=stickers, init=init, quiet=quiet)
    return 0

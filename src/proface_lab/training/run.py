"""Training and export as commands run them: devices, data and progress."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from proface_s.errors import UsageError
from proface_s.flow.cards import CARD_NAME
from proface_s.types import UInt8Image

from .checkpoints import read_checkpoint
from .config import RunConfig
from .covers import find_stickers
from .data import CropSampler, FaceFolder, pictures_by_folder, split_by_identity
from .loop import Trainer, load_weights
from .task import FITTED_TO_FACES, make_task
from .watching import Watch, unwatched

DEVICES = ("auto", "cpu", "cuda", "mps")


def make_fabric(device: str, mixed: bool) -> Fabric:
    """Launch Fabric on one device, or in all processes that ``torchrun`` has started.

    Raises:
        UsageError: if there is no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there[device]:
        raise UsageError(f"there is no {device} device here", code="no-device")
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("WORLD_SIZE", "1")) // processes
    fabric = Fabric(
        accelerator=device,
        devices=processes,
        num_nodes=nodes,
        precision="bf16-mixed" if mixed else "32-true",
        strategy="ddp" if processes * nodes > 1 else "auto",
    )
    fabric.launch()
    return fabric


def train(
    config: RunConfig,
    folders: list[Path],
    out: Path,
    *,
    device: str = "auto",
    stickers: Path | None = None,
    init: Path | None = None,
    quiet: bool = False,
) -> Trainer:
    """Run, or resume, a training run to its end.

    Args:
        config: the run.
        folders: of pictures.
        out: the run's folder.
        device: see `DEVICES`.
        stickers: folder of RGBA stickers for mask covers.
        init: a checkpoint with the weights to start from.
        quiet: show no progress bar.

    Raises:
        UsageError: see `make_fabric`, `pictures_by_folder` and `Trainer`.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    task = make_task(config.task, config.model)
    sides = split_by_identity(pictures_by_folder(folders), config.validation, config.validation_in)
    if not sides[0]:
        raise UsageError(
            "the validation split leaves no pictures to train on",
            code="few-pictures",
        )
    fabric = make_fabric(device, config.mixed)
    trainer = Trainer(
        config, task, (FaceFolder(sides[0]), FaceFolder(sides[1])), out, fabric, find_stickers(stickers), init
    )
    if config.validation and not sides[1]:
        fabric.print("no pictures are left for validation: no validation.csv, and previews show training faces")
    fabric.print(
        f"{config.task}: {len(sides[0])} pictures to train on, {len(sides[1])} to validate; "
        f"step {trainer.step} of {config.steps} on {fabric.device}, {fabric.world_size} process(es)"
    )
    if quiet or not fabric.is_global_zero:
        trainer.run()
        return trainer
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as progress:
        bar = progress.add_task("training", total=config.steps, completed=trainer.step)

        def report(step: int, measures: dict[str, float]) -> None:
            text = " ".join(f"{name} {value:.3g}" for name, value in measures.items())
            progress.update(bar, completed=step, description=text)

        trainer.run(report=report)
    return trainer


def export(
    checkpoint: Path,
    folders: list[Path],
    out: Path,
    card: dict[str, Any],
    *,
    faces: int = 400,
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """Write the averaged weights of a checkpoint as a model for the runtime.

    Args:
        checkpoint: of a run.
        folders: the run's pictures, to which the symbol tables are fitted (training side of the split only); empty if
            the task has no tables.
        out: folder of the model; its files are replaced when all are written, the card, which vouches for them, last.
        card: entries of the model's card that are not in the checkpoint.
        faces: number of faces to fit the tables to.
        watch: see `Watch`.

    Raises:
        UsageError: if the file is not a checkpoint, or the task needs folders and there are none.
    """
    saved = read_checkpoint(checkpoint)
    config = RunConfig.from_dict(saved["config"])
    task = make_task(config.task, config.model)
    if not folders and config.task in FITTED_TO_FACES:
        raise UsageError(
            f"the {config.task} model's tables are fitted to faces",
            code="no-data",
        )
    network = task.build()
    load_weights(network, saved["average"], checkpoint)
    told = {
        "config": json.loads(json.dumps(config.to_dict())),
        "steps": saved["step"],
        "seed": config.seed,
        "skipped_steps": saved["skipped"],
        "hours": round(saved["seconds"] / 3600, 2),
        "started_from": saved["started_from"] or None,
    }
    sample = _sample(config, folders, faces, watch) if config.task in FITTED_TO_FACES else []
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as workshop:
        written = task.export(network, sample, Path(workshop), {**card, **told}, watch=watch)
        out.mkdir(exist_ok=True)
        for path in sorted(Path(workshop).iterdir(), key=lambda path: path.name == CARD_NAME):
            os.replace(path, out / path.name)
    return written


def _sample(config: RunConfig, folders: list[Path], count: int, watch: Watch) -> list[UInt8Image]:
    """Draw whole faces of random size, with even sides, from the training side of the split."""
    paths, _ = split_by_identity(pictures_by_folder(folders), config.validation, config.validation_in)
    crops = CropSampler(FaceFolder(paths), config.faces)
    rng = np.random.default_rng([config.seed, 9])
    low, high = np.log(config.faces[0]), np.log(min(256, config.faces[1]))
    sides = [max(16, int(np.exp(rng.uniform(low, high))) // 2 * 2) for _ in range(count)]
    return [replace(crops, sizes=(side, side)).draw(1, side, rng)[0][0] for side in watch("read faces", sides)]

"""Checkpoints of a run: one file, written atomically and read without running code from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from proface_s.errors import UsageError

CHECKPOINT = "checkpoint.pt"
CONTENT = ("config", "network", "average", "optimiser", "step", "skipped", "seconds", "started_from")


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint through a temporary file, so that a kill or a power cut leaves the previous one.

    Args:
        path: the file.
        state: everything that `CONTENT` names.
    """
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint: the inverse of `write_checkpoint`.  Tensors are loaded to the CPU, and no code is run.

    Raises:
        UsageError: if the file is missing, damaged or not a checkpoint.
    """
    if not path.is_file():
        raise UsageError(f"there is no checkpoint {path}")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        missing = [name for name in CONTENT if name not in state]
    except Exception as error:  # torch raises whatever its unpickler meets
        raise UsageError(f"{path} is not a checkpoint of a training run ({type(error).__name__})") from None
    if missing:
        raise UsageError(f"{path} is not a checkpoint of a training run (no {', '.join(missing)})")
    return state


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the averaged weights of a checkpoint.

    Raises:
        UsageError: see `read_checkpoint`.
    """
    weights: dict[str, Tensor] = read_checkpoint(path)["average"]
    return weights


def compact(state: dict[str, Any]) -> dict[str, Any]:
    """Reduce a checkpoint to an eighth of its size: the averaged weights alone, in half precision.

    The result serves wherever weights are read (``--init``, ``proface export``, the evaluation), but no run can resume
    from it.
    """
    weights = {name: weight.half() for name, weight in state["average"].items()}
    return {**state, "network": weights, "average": weights, "optimiser": {}}


def is_compact(state: dict[str, Any]) -> bool:
    """Return whether a checkpoint came from `compact`."""
    return not state["optimiser"]

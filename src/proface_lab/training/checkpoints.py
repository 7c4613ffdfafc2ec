"""Checkpoints of a run: one file, written whole or not at all, read without trusting it."""

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
    """Write through a temporary file, so that a kill or a power cut leaves the previous checkpoint.

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
    """Inverse of `write_checkpoint`; tensors come to the CPU, and no code in the file is run.

    Raises:
        UsageError: missing, damaged, or not a checkpoint of ours.
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
    """The averaged weights of a checkpoint.

    Raises:
        UsageError: see `read_checkpoint`.
    """
    weights: dict[str, Tensor] = read_checkpoint(path)["average"]
    return weights


def compact(state: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint of an eighth of the size: the averaged weights alone, in half precision.

    It serves wherever weights are read (``--init``, ``proface export``, the evaluation), and not to resume a run.
    """
    weights = {name: weight.half() for name, weight in state["average"].items()}
    return {**state, "network": weights, "average": weights, "optimiser": {}}


def is_compact(state: dict[str, Any]) -> bool:
    """Whether a checkpoint came from `compact`."""
    return not state["optimiser"]

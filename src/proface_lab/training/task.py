"""The protocol of a training task, and the available tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from proface_s.errors import UsageError
from proface_s.types import UInt8Image

from .watching import Watch, unwatched

TASKS = ("secure", "paper")
FITTED_TO_FACES = ("secure",)  # tasks whose export fits symbol tables to faces


@dataclass(eq=False)  # not frozen: Fabric moves batches by rewriting copies of them
class Batch:
    """Crops of faces on the training device.

    Attributes:
        originals: (N, 3, S, S) float, whole grey levels 0..255, RGB.
        covers: the same shape, or None if the task needs no covers.
        progress: fraction of the run's steps already completed, for losses that change during training.
    """

    originals: Tensor
    covers: Tensor | None
    progress: float = 0.0


class TrainingTask(Protocol):
    """A network to train, with its loss, validation and export."""

    name: str
    needs_covers: bool

    def build(self) -> nn.Module:
        """Build an untrained network."""

    def loss(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the scalar loss, and measures for the log; only the loss carries a gradient."""

    def validate(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, float]:
        """Return measures on 8-bit images, computed without gradient."""

    def preview(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> UInt8Image:
        """Return a (H, W, 3) uint8 contact sheet."""

    def export(
        self,
        module: nn.Module,
        faces: list[UInt8Image],
        folder: Any,
        card: dict[str, Any],
        *,
        watch: Watch = unwatched,
    ) -> dict[str, Any]:
        """Write the model in the runtime's format, with its card; return the card.

        Args:
            module: the trained network.
            faces: to fit tables to.
            folder: of the model.
            card: entries of the model's card.
            watch: see `Watch`.
        """


def make_task(name: str, model: dict[str, Any]) -> TrainingTask:
    """Build a task from a configuration's ``task`` and ``model``.

    Raises:
        UsageError: if the name or an argument is unknown.
    """
    try:
        if name == "secure":
            from .secure.task import SecureTask

            return SecureTask(**model)
        if name == "paper":
            from .paper.task import PaperTask

            paper: TrainingTask = PaperTask(**model)
            return paper
    except TypeError as error:
        raise UsageError(f"the configuration's model does not fit the task {name}: {error}") from None
    raise UsageError(f"there is no task {name!r}", code="unknown-task", known=", ".join(TASKS))

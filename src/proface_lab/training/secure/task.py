"""The secure flow as a training task: minimise the bits of a face at every quantiser step.

Training needs faces only: covers and keys act on the digits exactly, so there is nothing to learn about them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from proface_s.types import UInt8Image

from ..task import Batch
from ..watching import Watch, unwatched
from .code_images import code_images
from .couplings import CouplingNetwork

CHECKED_STEPS = (1.0, 2.0)  # log2 of the quantiser steps that validation reports


class SecureTask:
    """Trains a `CouplingNetwork` by maximum likelihood.

    Args:
        width: channels of the trunks.
        layers: number of 3x3 convolutions in a trunk.
        finest: log2 of the finest quantiser step in training, grey levels.
        coarsest: log2 of the coarsest.
    """

    name = "secure"
    needs_covers = False

    def __init__(self, width: int = 16, layers: int = 2, finest: float = -1.0, coarsest: float = 3.5) -> None:
        self.width, self.layers, self.range = width, layers, (finest, coarsest)

    def build(self) -> nn.Module:
        """Build an untrained `CouplingNetwork`."""
        return CouplingNetwork(self.width, self.layers)

    def loss(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return bits per sample at random quantiser steps."""
        count = batch.originals.shape[0]
        drawn = np.round(rng.uniform(*self.range, (count, 1, 1, 1)) * 16) / 16
        log_step = torch.from_numpy(drawn.astype(np.float32)).to(batch.originals.device)
        bits, error = code_images(_network(module), batch.originals, log_step)
        per_sample = (bits / batch.originals[0].numel()).mean()
        return per_sample, {"bits": float(per_sample.detach()), "psnr": _decibels(error.detach())}

    @torch.no_grad()
    def validate(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, float]:
        """Return bits per sample and PSNR (dB) at the quantiser steps `CHECKED_STEPS`."""
        found = {}
        for level in CHECKED_STEPS:
            log_step = torch.full((batch.originals.shape[0], 1, 1, 1), level, device=batch.originals.device)
            bits, error = code_images(_network(module), batch.originals, log_step)
            found[f"bits_{level:g}"] = float((bits / batch.originals[0].numel()).mean())
            found[f"psnr_{level:g}"] = _decibels(error)
        return found

    @torch.no_grad()
    def preview(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> UInt8Image:
        """Return a sheet with rows of originals, and of their decoded versions at steps of 4, 8 and 16 grey levels."""
        rows = [batch.originals]
        for level in (2.0, 3.0, 4.0):
            log_step = torch.full((batch.originals.shape[0], 1, 1, 1), level, device=batch.originals.device)
            decoded: list[Tensor] = []
            code_images(_network(module), batch.originals, log_step, decoded)
            rows.append(decoded[0])
        sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1).permute(1, 2, 0)
        return np.asarray(sheet.round().clamp(0, 255).cpu().numpy(), np.uint8)

    def export(
        self,
        module: nn.Module,
        faces: list[UInt8Image],
        folder: Path,
        card: dict[str, Any],
        *,
        watch: Watch = unwatched,
    ) -> dict[str, Any]:
        """Write graphs, tables fitted to the faces, and card; see `proface_lab.training.secure.export`."""
        from .export import capacity_of, export_model

        return export_model(_network(module), [(face, capacity_of(face)) for face in faces], folder, card, watch)


def _network(module: nn.Module) -> CouplingNetwork:
    assert isinstance(module, CouplingNetwork)
    return module


def _decibels(error: Tensor) -> float:
    return float((10 * torch.log10(255.0**2 / error)).mean())

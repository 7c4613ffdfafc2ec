"""The published system as a training task, with or without rounding to 8 bits in the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from proface_s.errors import UsageError
from proface_s.types import UInt8Image

from ..task import Batch
from ..watching import Watch, unwatched
from .export import export_network
from .losses import Images, obfs_wr_loss, obfs_wr_start, perceptual, rand_wr_loss, rand_wr_start
from .network import INITIALISATIONS, SLOPE, PaperFlow

MODES: dict[str, Callable[..., Tensor]] = {"RandWR": rand_wr_loss, "ObfsWR": obfs_wr_loss}
STARTS: dict[str, Callable[[Images, float, float], Tensor]] = {"RandWR": rand_wr_start, "ObfsWR": obfs_wr_start}
LOSSES = ("paper", "rmse")
WRONG_RAMP = 0.03  # share of the steps over which the weight of wrong recoveries grows to its full size
FAR = 4.0  # wrong recoveries are clamped to [-FAR, 1 + FAR] before the loss: inverse scales can overflow


class PaperTask:
    """Trains a `PaperFlow`.

    Args:
        mode: ``RandWR`` or ``ObfsWR``.
        rounding: protect to 8 bits in the loop, straight-through; the paper does not.
        blocks: see `PaperFlow`.
        growth: see `PaperFlow`.
        slope: see `PaperFlow`.
        signed: see `PaperFlow`.
        initialisation: see `PaperFlow`.
        loss: ``paper``, or ``rmse`` to start with (`rand_wr_start`, `obfs_wr_start`).
        wrong_share: fraction of a batch that is recovered with a wrong key as well; all of it with the paper's losses.
        wrong_weight: weight of the wrong recoveries in the ``rmse`` loss, beside 1 for recovered images.
        protected_weight: weight of the protected images there, likewise; with 1.3 they end 2 dB nearer to the cover
            than recovered ones to the original.
        triplets: factors of the paper's triplet terms at the first and at the last step, linear between; (1, 1) as
            published.  With few steps they swamp the rest.
        lpips_weights: see `proface_lab.training.paper.losses.perceptual`.

    Raises:
        UsageError: a value that there is not.
    """

    name = "paper"
    needs_covers = True

    def __init__(
        self,
        mode: str = "RandWR",
        rounding: bool = True,
        blocks: int = 3,
        growth: int = 32,
        *,
        slope: float = SLOPE,
        signed: bool = False,
        initialisation: str = "torch",
        loss: str = "paper",
        wrong_share: float = 1.0,
        wrong_weight: float = 0.2,
        protected_weight: float = 1.3,
        triplets: Sequence[float] = (1.0, 1.0),
        lpips_weights: str | None = None,
    ) -> None:
        if mode not in MODES:
            raise UsageError(f"the recovery mode is one of {', '.join(MODES)}, not {mode!r}")
        if loss not in LOSSES:
            raise UsageError(f"the loss is one of {', '.join(LOSSES)}, not {loss!r}")
        if initialisation not in INITIALISATIONS:
            raise UsageError(f"the initialisation is one of {', '.join(INITIALISATIONS)}, not {initialisation!r}")
        if not 0 < wrong_share <= 1 or (loss == "paper" and wrong_share < 1):
            raise UsageError("wrong_share must be a fraction above 0, and 1 with the paper's losses")
        if min(wrong_weight, protected_weight) < 0:
            raise UsageError("wrong_weight and protected_weight must not be negative")
        if len(triplets) != 2 or min(triplets) < 0:
            raise UsageError(f"triplets is a pair of factors, not {triplets}")
        self._triplets, self._wrong_weight, self._protected_weight = triplets, wrong_weight, protected_weight
        self.mode, self.rounding, self._loss, self._wrong_share = mode, rounding, loss, wrong_share
        self._build = partial(PaperFlow, blocks, growth, slope=slope, signed=signed, initialisation=initialisation)
        self._distance = perceptual(lpips_weights)

    def build(self) -> nn.Module:
        """A fresh network."""
        return self._build()

    def loss(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        """The configured loss of the mode."""
        images = self._run(module, batch, rng, self.rounding, self._wrong_share)
        if self._loss == "rmse":
            weight = self._wrong_weight * min(1.0, batch.progress / WRONG_RAMP)
            loss = STARTS[self.mode](images, weight, self._protected_weight)
        else:
            first, last = self._triplets
            factor = first + (last - first) * batch.progress
            far = [image.clamp(-FAR, 1 + FAR) for image in (images.recovered, images.wrong)]
            loss = MODES[self.mode](self._distance, images.original, images.cover, images.protected, *far, factor)
        return loss, {"loss": float(loss.detach()), **_measures(images)}

    @torch.no_grad()
    def validate(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, float]:
        """PSNR (dB) on 8-bit images, and on floats as the paper measures."""
        stored = _measures(self._run(module, batch, rng, True))
        floats = _measures(self._run(module, batch, rng, False))
        return {**stored, **{f"float_{name}": value for name, value in floats.items()}}

    @torch.no_grad()
    def preview(self, module: nn.Module, batch: Batch, rng: np.random.Generator) -> UInt8Image:
        """Rows: original, cover, protected, recovered, wrong recovery."""
        rows = [torch.cat(list(images), 2) for images in self._run(module, batch, rng, True)[:5]]
        sheet = torch.cat(rows, 1).permute(1, 2, 0)
        return np.asarray((torch.nan_to_num(sheet) * 255).round().clamp(0, 255).cpu().numpy(), np.uint8)

    def export(
        self,
        module: nn.Module,
        faces: list[UInt8Image],
        folder: Path,
        card: dict[str, Any],
        *,
        watch: Watch = unwatched,
    ) -> dict[str, Any]:
        """Write a model folder for `proface_s.flow.paper`; the faces are not needed."""
        assert isinstance(module, PaperFlow)
        return export_network(module, self.mode, folder, card)

    def _run(
        self, module: nn.Module, batch: Batch, rng: np.random.Generator, rounding: bool, wrong_share: float = 1.0
    ) -> Images:
        """Protect and recover a batch; the wrong recoveries are of the first ``wrong_share`` of the pictures."""
        assert isinstance(module, PaperFlow)
        assert batch.covers is not None
        original, cover = batch.originals / 255, batch.covers / 255
        excess: list[Tensor] = []
        wrong_excess: list[Tensor] = []
        right, other = (_random_map(original, rng) for _ in range(2))
        protected = module.protect(original, cover, right, excess=excess)[0].float()
        stored = protected
        if rounding:  # the gradient passes through the levels, but not through the ends of the range
            clipped = protected.clamp(0, 1)
            stored = clipped + ((clipped * 255).round() / 255 - clipped).detach()
        few = max(1, round(len(original) * wrong_share))
        recovered = module.recover(stored, right, excess=excess).float()
        wrong = module.recover(stored[:few], other[:few], excess=wrong_excess).float()
        return Images(original, cover, stored, recovered, wrong, protected, excess, wrong_excess)


def _random_map(like: Tensor, rng: np.random.Generator) -> Tensor:
    shape = (like.shape[0], 1, *like.shape[2:])
    bits = torch.from_numpy(rng.integers(0, 2, shape, np.uint8)).to(like.device)
    return bits.float() * 2 - 1


def _measures(images: Images) -> dict[str, float]:
    few = len(images.wrong)
    return {
        "protected": _psnr(images.stored, images.cover),
        "recovered": _psnr(images.recovered, images.original),
        "wrong": _psnr(images.wrong, images.original[:few]),
        "wrong_cover": _psnr(images.wrong, images.cover[:few]),
        "cover": _psnr(images.cover, images.original),
    }


@torch.no_grad()
def _psnr(a: Tensor, b: Tensor) -> float:
    error = (torch.nan_to_num(a).clamp(0, 1) - b).square().flatten(1).mean(1) + 1e-10
    return float((-10 * torch.log10(error)).mean())

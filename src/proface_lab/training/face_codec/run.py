"""A training run: bases for every division of the faces, the network, then all of it through quantisation noise.

::

    faces ─► people ─► folds 1, 2, 3           network: learns on faces that the fold's basis has not seen
                 │         └► basis without 1, 2, 3 ...                         (its codes are as those of strangers)
                 └► held out                   bases:   learn on faces that they have seen, against that network
                                               shipped: the basis of all folds, and running means of everything
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from proface_s.errors import UsageError
from proface_s.types import UInt8Image

from .bases import TrainedBasis
from .fitting import divide, embeddings, make_basis, measure_metric, moments
from .network import RestoringNetwork
from .objective import Objective
from .recognisers import TorchRecogniser

WEIGHTS_NAME: Final = "weights.npz"
_MOST_KEPT: Final = 0.998  # of a running mean, per step
_LENGTHS: Final = (100, 150, 240, 400)  # bytes at which held-out faces are coded


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Attributes:
        seconds: for the training loop, after the bases are made.
        components: of luma, and of each chroma plane.
        folds: divisions of the faces.
        batch: faces a step.
        passes: looks at every face for a covariance.
        rounds: looks at every face for the metric.
        alone: share of the time in which the network learns alone.
        peak_lr: of the network.
        basis_lr: of the components; deviations and means learn with rates of their own.
        reports: how often held-out faces are measured and weights written.
        seed: of everything that is drawn.
    """

    seconds: float = 260.0
    components: tuple[int, int] = (640, 48)
    folds: int = 3
    batch: int = 192
    passes: int = 4
    rounds: int = 3
    alone: float = 0.45
    peak_lr: float = 2e-3
    basis_lr: float = 1.5e-5
    reports: int = 10
    seed: int = 5


@dataclass(frozen=True, eq=False)
class Trained:
    """What a run trains.

    Attributes:
        basis: of all faces but those held out.
        folds: for each fold, a basis of the others, and the faces of the fold, which it has not seen.
        network: restores faces.
    """

    basis: TrainedBasis
    folds: list[tuple[TrainedBasis, Tensor]]
    network: RestoringNetwork

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what `export_codec` takes."""
        network = {f"net.{name}": value for name, value in self.network.state_dict().items()}
        return basis_arrays(self.basis) | {name: value.float().cpu().numpy() for name, value in network.items()}

    def of_strangers(self, faces: UInt8Image) -> Iterator[tuple[dict[str, npt.NDArray[Any]], UInt8Image]]:
        """Yield what `count_numbers` takes: the basis and the faces of each fold."""
        for basis, index in self.folds:
            yield basis_arrays(basis), faces[index.cpu().numpy()]


def basis_arrays(basis: TrainedBasis) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a basis, by plane and kind."""
    found: dict[str, Tensor] = {}
    for name, plane in (("y", basis.y), ("cb", basis.cb), ("cr", basis.cr)):
        found |= {f"{name}.mean": plane.mean, f"{name}.a": plane.a, f"{name}.s": plane.s, f"{name}.ls": plane.ls}
        found[f"{name}.even"] = torch.tensor(plane.even)
    return {name: value.detach().float().cpu().numpy() for name, value in found.items()}


def train_face_codec(
    faces: UInt8Image,
    recognisers: Sequence[TorchRecogniser],
    settings: Settings,
    folder: Path,
    report: Callable[[str], None] = print,
) -> Trained:
    """Train a face codec.

    Args:
        faces: (M, 3, STORED, STORED) uint8, from `read_aligned`.
        recognisers: whose gradients make the metric, and to which decoded faces are shown; the first one also tells
            people apart.
        settings: of the run.
        folder: where running means of the weights are written, as `WEIGHTS_NAME`.
        report: takes a line about the progress.

    Returns:
        Running means of the weights.

    Raises:
        UsageError: if the faces are of too few people.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    stored = torch.from_numpy(faces).to(device)
    known = [recogniser.to(device).eval().requires_grad_(False) for recogniser in recognisers]
    held, folds = divide(embeddings(stored, known[0]), settings.folds, settings.seed)
    if min(map(len, (held, *folds))) == 0:
        raise UsageError(f"{len(faces)} faces are of too few people for {settings.folds} folds")
    everyone = torch.cat(folds)
    report(f"{len(faces)} faces, {len(held)} held out, folds of {[len(fold) for fold in folds]}")
    found = moments(stored, everyone, settings.passes, settings.seed)
    plain = make_basis(found, settings.components)
    metric = measure_metric(stored, everyone, known, plain, settings.rounds, settings.batch)
    bases = [make_basis(found, settings.components, metric)]
    for number in range(len(folds)):
        others = torch.cat([fold for k, fold in enumerate(folds) if k != number])
        parts = moments(stored, others, settings.passes, settings.seed)
        bases.append(make_basis(parts, settings.components, metric))
    report(f"bases of {len(bases[0].y.a)} components, {bases[0].y.even} of them symmetric")
    network = RestoringNetwork().to(device)
    training = _Training(Objective(stored, known, metric), bases, network, folds, settings)
    return training.run(held, folder, report)


class _Training:
    """The loop, and running means of the shipped basis and the network."""

    def __init__(
        self,
        objective: Objective,
        bases: list[TrainedBasis],
        network: RestoringNetwork,
        folds: list[Tensor],
        settings: Settings,
    ) -> None:
        self._objective, self._bases, self._network, self._folds = objective, bases, network, folds
        self._settings, self._everyone = settings, torch.cat(folds)
        self._mean_basis, self._mean_network = copy.deepcopy(bases[0]), copy.deepcopy(network)
        self._network_optimizer = torch.optim.AdamW(
            network.parameters(), settings.peak_lr, weight_decay=1e-3, betas=(0.9, 0.98)
        )
        groups = []
        for plane in (plane for basis in bases for plane in (basis.y, basis.cb, basis.cr)):
            groups += [
                {"params": [plane.a, plane.s], "peak": settings.basis_lr},
                {"params": [plane.ls], "peak": 2e-3},
                {"params": [plane.shift], "peak": 2e-2},
            ]
        self._basis_optimizer = torch.optim.Adam(groups, settings.basis_lr, betas=(0.9, 0.99))

    def run(self, held: Tensor, folder: Path, report: Callable[[str], None]) -> Trained:
        """Train until the time is up; report, and write the running means, every now and then."""
        folder.mkdir(parents=True, exist_ok=True)
        begun, step, reports = time.monotonic(), 0, 0
        trained = Trained(self._mean_basis, list(zip(self._bases[1:], self._folds, strict=True)), self._mean_network)
        while (elapsed := (time.monotonic() - begun) / self._settings.seconds) < 1 or step == 0:
            self._step(step, min(elapsed, 1.0))
            step += 1
            if elapsed * self._settings.reports > reports + 1:
                reports += 1
                report(f"{step} steps; " + self._measured(held))
                np.savez(folder / WEIGHTS_NAME, **trained.arrays())  # type: ignore[arg-type]
        report(f"{step} steps; " + self._measured(held))
        np.savez(folder / WEIGHTS_NAME, **trained.arrays())  # type: ignore[arg-type]
        return trained

    def _step(self, number: int, elapsed: float) -> None:
        """Train the network on a fold, and in the second part of the time a basis as well."""
        fold = number % len(self._folds)
        rate = min(1, (number + 1) / 100) * (_cosine(elapsed) + 0.005)
        self._network_optimizer.param_groups[0]["lr"] = self._settings.peak_lr * rate
        basis = self._bases[1 + fold].requires_grad_(False)
        chosen = self._draw(self._folds[fold])
        loss = self._objective.loss(basis, self._network, chosen, min(1.0, elapsed / 0.08), with_bits=False)
        self._network_optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._network_optimizer.step()
        basis.requires_grad_(True)
        alone = self._settings.alone
        if elapsed > alone:
            self._step_of_basis(number, (elapsed - alone) / (1 - alone))
        kept = min(_MOST_KEPT, (1 + number) / (10 + number))
        with torch.no_grad():
            _approach(self._mean_network, self._network, 1 - kept)
            _approach(self._mean_basis, self._bases[0], 1 - kept)

    def _step_of_basis(self, number: int, elapsed: float) -> None:
        """Train the shipped basis, or every other time one of a fold, on faces that it was made of."""
        which = 1 + number // 2 % len(self._folds) if number % 2 else 0
        seen = [fold for k, fold in enumerate(self._folds) if k != which - 1]
        rate = min(1, elapsed / 0.05) * (_cosine(elapsed) + 0.01)
        self._network.requires_grad_(False)
        loss = self._objective.loss(
            self._bases[which], self._network, self._draw(torch.cat(seen)), 1.0, with_bits=True
        )  # fmt: skip
        self._basis_optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._network.requires_grad_(True)
        for group in self._basis_optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        self._basis_optimizer.step()

    def _draw(self, pool: Tensor) -> Tensor:
        return pool[torch.randint(len(pool), (self._settings.batch,), device=pool.device)]

    def _measured(self, held: Tensor) -> str:
        names = [recogniser.name for recogniser in self._objective.recognisers]
        rows = []
        for length in _LENGTHS:
            cosines = self._objective.likeness(self._mean_basis, self._mean_network, held, length)
            each = " ".join(f"{name} {value:.3f}" for name, value in zip(names, cosines, strict=True))
            rows.append(f"{length} bytes: {each}")
        return "held out, " + ", ".join(rows)


def _cosine(elapsed: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * elapsed))


def _approach(mean: nn.Module, current: nn.Module, share: float) -> None:
    for old, new in zip(mean.parameters(), current.parameters(), strict=True):
        old.lerp_(new, share)

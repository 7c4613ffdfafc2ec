"""The training loop, on Lightning Fabric: one process or many, CPU or GPU, exact resume after a kill.

Every random number of a step follows from (seed, rank, step), so a checkpoint needs no random state, and a resumed run
draws the same numbers as an uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from proface_s.errors import UsageError

from .checkpoints import CHECKPOINT, is_compact, read_checkpoint, read_weights, write_checkpoint
from .config import RunConfig
from .covers import CoverSource
from .data import PREVIEW, VALIDATE, CropSampler, FaceFolder, StepCrops, generator_of
from .logs import Log, open_logs
from .task import Batch, TrainingTask

VALIDATION_CROPS = ((96, 8), (32, 16))  # side and number of validation crops
FREE = {"threads": 0, "workers": 0, "check_every": 0, "steps": 0}  # settings that a resumed run may change

Report = Callable[[int, dict[str, float]], None]


class _Step(nn.Module):
    """Network and loss as one module, so that several processes synchronise once per step.

    It takes 8-bit pictures: in mixed precision Fabric casts floats that enter a module to bfloat16, which is too coarse
    for grey levels and their differences.
    """

    def __init__(self, task: TrainingTask, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._task = task

    def forward(self, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        return self._task.loss(self.network, as_float(batch), rng)


class Trainer:
    """A training run that can continue exactly where it stopped.

    Args:
        config: the run.
        task: what is trained.
        faces: training and validation faces; the second may be empty.
        folder: holds checkpoint, logs and previews; an existing checkpoint is resumed.
        fabric: the devices, already launched.
        stickers: files for mask covers.
        init: weights to start from if there is no checkpoint yet.

    Raises:
        UsageError: if the folder's checkpoint has another configuration.
    """

    def __init__(
        self,
        config: RunConfig,
        task: TrainingTask,
        faces: tuple[FaceFolder, FaceFolder],
        folder: Path,
        fabric: Fabric,
        stickers: list[Path] | None = None,
        init: Path | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.task, self.folder, self.fabric = config, task, folder, fabric
        self._crops = [
            CropSampler(part, config.faces, CoverSource(part.draw, stickers or []) if task.needs_covers else None)
            for part in faces
        ]
        step_module = _Step(task, task.build())
        self.average = task.build().to(fabric.device)
        optimiser = torch.optim.Adam(
            step_module.parameters(),
            lr=config.peak_lr,
            betas=(0.9, 0.99),
            eps=config.adam_eps,
            weight_decay=config.weight_decay,
        )
        self.step, self.skipped, self.seconds = 0, 0, 0.0
        self._coming: Iterator[tuple[Tensor, Tensor | None, np.random.Generator]] | None = None
        self.started_from = ""
        saved = self._read_checkpoint()
        if saved is not None:
            step_module.network.load_state_dict(saved["network"])
        elif init is not None:
            load_weights(step_module.network, read_weights(init), init)
            self.started_from = init.name
        self.average.load_state_dict(step_module.network.state_dict())
        self._module, self._optimiser = fabric.setup(step_module, optimiser)
        if saved is not None:
            self.average.load_state_dict(saved["average"])
            self._optimiser.load_state_dict(saved["optimiser"])
            self.step, self.skipped, self.seconds = saved["step"], saved["skipped"], saved["seconds"]
            self.started_from = saved["started_from"]

    @property
    def network(self) -> nn.Module:
        """The network in training, as opposed to its average."""
        return self._module.module.network  # type: ignore[no-any-return]

    def learning_rate(self) -> float:
        """Return the learning rate of a step: one cycle, linear warm-up, then cosine to 1 % of the peak."""
        config, done = self.config, self.step / self.config.steps
        if done < config.warm_up:
            return config.peak_lr * (0.01 + 0.99 * done / config.warm_up)
        done = (done - config.warm_up) / (1 - config.warm_up)
        return config.peak_lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def train_step(self) -> dict[str, float]:
        """Make one optimiser step and return the measures of its batch; skip it if the gradient is not finite."""
        config = self.config
        if self._coming is None:
            self._coming = StepCrops(self._crops[0], config, self.fabric.global_rank).from_step(self.step)
        originals, covers, rng = next(self._coming)
        batch = replace(self._batch(originals, covers, rng), progress=self.step / config.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self._optimiser.zero_grad(set_to_none=True)
        measures: dict[str, float]
        loss, measures = self._module(batch, rng)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(
            self._module, self._optimiser, max_norm=config.grad_clip, error_if_nonfinite=False
        )
        if norm is None or bool(torch.isfinite(norm)):
            self._optimiser.step()
            self._follow()
        else:
            self.skipped += 1
        self.step += 1
        return measures

    def run(self, *, save_every: float = 120.0, log_every: int = 50, report: Report | None = None) -> None:
        """Train to the last step.

        Args:
            save_every: seconds between checkpoints.
            log_every: steps between lines of the log.
            report: called with the step and the mean measures since the last call.
        """
        saved = time.monotonic()
        recent: list[dict[str, float]] = []
        with self._logs() as log:
            while self.step < self.config.steps:
                before = time.monotonic()
                recent.append(self.train_step())
                self.seconds += time.monotonic() - before
                last = self.step == self.config.steps
                if self.step % log_every == 0 or last:
                    means = {name: float(np.mean([m[name] for m in recent])) for name in recent[0]}
                    recent = []
                    log("train", self.step, means, self._others())
                    if report is not None:
                        report(self.step, means)
                if self.step % self.config.check_every == 0 or last:
                    log("validation", self.step, self.validate(), self._others())
                    self.preview()
                if time.monotonic() - saved > save_every:
                    self.save()
                    saved = time.monotonic()
        self.save()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on held-out people, with the same crops each time; empty if there are none."""
        if not len(self._crops[1].faces):
            return {}
        self.average.eval()
        found: dict[str, float] = {}
        for largest, count in VALIDATION_CROPS:
            rng, side = self._generator(VALIDATE, largest), min(largest, self.config.crop)
            batch = self._draw(self._crops[1], count, side, rng)
            with self._seeded(rng):
                measures = self.task.validate(self.average, as_float(batch), rng)
            found.update({f"{name}_at_{side}px": value for name, value in measures.items()})
        return found

    def preview(self) -> None:
        """Write a contact sheet."""
        if not self.fabric.is_global_zero:
            return
        crops = self._crops[1] if len(self._crops[1].faces) else self._crops[0]
        rng = self._generator(PREVIEW, 0)
        self.average.eval()
        with self._seeded(rng), torch.no_grad():
            batch = as_float(self._draw(crops, 6, self.config.crop, rng))
            sheet = self.task.preview(self.average, batch, rng)
        folder = self.folder / "previews"
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{self.step:07d}.png"), np.ascontiguousarray(sheet[:, :, ::-1]))

    def save(self) -> None:
        """Write the checkpoint, in the first process only."""
        if not self.fabric.is_global_zero:
            return
        state = {
            "config": self.config.to_dict(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "started_from": self.started_from,
        }
        write_checkpoint(self.folder / CHECKPOINT, state)

    def _read_checkpoint(self) -> dict[str, Any] | None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / CHECKPOINT
        if not path.exists():
            return None
        saved = read_checkpoint(path)
        if is_compact(saved):
            raise UsageError(
                f"{path} has no optimiser to resume with",
                code="other-run",
            )
        configs = RunConfig.from_dict(saved["config"]), self.config
        before, now = ({**config.to_dict(), **FREE} for config in configs)
        if before != now:
            changed = sorted(name for name in now if before.get(name) != now[name])
            raise UsageError(
                f"{path} belongs to a run with another configuration ({', '.join(changed)})",
                code="other-run",
            )
        return saved

    def _generator(self, stream: int, number: int) -> np.random.Generator:
        return generator_of(self.config, stream, self.fabric.global_rank, number)

    def _draw(self, crops: CropSampler, count: int, crop: int, rng: np.random.Generator) -> Batch:
        """Draw pictures for `_batch`."""
        originals, covers = crops.draw(count, crop, rng)
        return self._batch(torch.from_numpy(originals), None if covers is None else torch.from_numpy(covers), rng)

    def _batch(self, originals: Tensor, covers: Tensor | None, rng: np.random.Generator) -> Batch:
        """Move pictures, (N, S, S, 3) uint8, to the device; also seed torch."""
        torch.manual_seed(int(rng.integers(2**31)))
        return Batch(self._planes(originals), None if covers is None else self._planes(covers))

    def _planes(self, images: Tensor) -> Tensor:
        return images.to(self.fabric.device).permute(0, 3, 1, 2)

    @contextmanager
    def _seeded(self, rng: np.random.Generator) -> Iterator[None]:
        """Seed torch inside the block, and restore its random state afterwards."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            yield

    def _others(self) -> dict[str, float]:
        return {"skipped": self.skipped, "seconds": self.seconds}

    def _logs(self) -> AbstractContextManager[Log]:
        """Open the run's logs in the first process; ignore entries in the others."""
        if self.fabric.is_global_zero:
            return open_logs(self.folder, self.step)
        return nullcontext(lambda kind, step, measures, others: None)

    @torch.no_grad()
    def _follow(self) -> None:
        """Update the moving average of the weights."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        current = [parameter.detach() for parameter in self.network.parameters()]
        torch._foreach_lerp_(list(self.average.parameters()), current, 1 - decay)


def as_float(batch: Batch) -> Batch:
    """Convert a batch to float32, as tasks take it."""
    covers = None if batch.covers is None else batch.covers.float()
    return replace(batch, originals=batch.originals.float(), covers=covers)


def load_weights(network: nn.Module, weights: dict[str, Tensor], source: Path) -> None:
    """Load weights into a network.

    Raises:
        UsageError: if they belong to another network.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        raise UsageError(f"the weights in {source} do not fit the configuration's model") from None

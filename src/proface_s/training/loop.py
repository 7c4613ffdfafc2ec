"""The training loop: straight-through 8-bit rounding, one-cycle schedule, EMA, exact resume after a kill."""

from __future__ import annotations

import csv
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .config import TrainConfig
from .covers import CoverSource
from .model import SecureFlow, round_to_levels

SMALL_SIDES = (16, 24, 32, 32, 40)  # sides of small faces, for crops of 64
CHECKPOINT = "checkpoint.pt"


def rmse(error: Tensor) -> Tensor:
    """Root mean square of each sample; epsilon because the root of zero has no gradient."""
    return torch.sqrt(error.square().flatten(1).mean(1) + 1e-8)


def random_key_map(count: int, side: int, rng: np.random.Generator) -> Tensor:
    """(count, 1, side, side) key maps in {-1, +1}."""
    return torch.from_numpy(rng.integers(0, 2, (count, 1, side, side)).astype(np.float32) * 2 - 1)


class Trainer:
    """Holds everything a run needs to continue exactly where it stopped.

    Args:
        config: the run.
        covers: where covers come from.
        folder: checkpoint and log are kept here; an existing checkpoint is resumed.
        device: torch device name.
    """

    def __init__(self, config: TrainConfig, covers: CoverSource, folder: Path, device: str = "cpu") -> None:
        torch.manual_seed(config.seed)
        self.config, self.covers, self.folder, self.device = config, covers, folder, device
        self.model = SecureFlow(config.model).to(device)
        self.ema = SecureFlow(config.model).to(device)
        self.ema.load_state_dict(self.model.state_dict())
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=config.peak_lr, betas=(0.9, 0.99))
        self.rng = np.random.default_rng(config.seed)
        self.step, self.skipped, self.seconds = 0, 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists():
            self._load()

    def learning_rate(self) -> float:
        """One-cycle: linear warm-up, then cosine to 1 % of the peak."""
        done, warm = self.step / self.config.steps, self.config.warm_up
        if done < warm:
            return self.config.peak_lr * (0.01 + 0.99 * done / warm)
        return self.config.peak_lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm))))

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns the measures of its batch.  Non-finite steps are skipped and counted."""
        config = self.config
        crop, batch, largest = config.crop, config.batch, 512
        if self.rng.random() < config.small_share:  # whole small faces: the border is everywhere
            crop = int(self.rng.choice(SMALL_SIDES)) * config.crop // 64
            batch, largest = min(48, batch * config.crop**2 // crop**2), 2 * crop
        pixels = self.covers.batch(batch, crop, self.rng, largest)
        cover = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float() / 255.0
        noise = self.rng.standard_normal((batch, 3, crop, crop), dtype=np.float32)
        low, high = np.log(config.gains)
        gain = torch.from_numpy(np.exp(self.rng.uniform(low, high, (batch, 1, 1, 1)).astype(np.float32)))
        gain = gain.to(self.device)
        message = torch.from_numpy(noise).to(self.device) * gain
        key_map = random_key_map(batch, crop, self.rng).to(self.device)
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=config.mixed):
            protected = round_to_levels(self.model.protect(message, cover, key_map))
            read, _ = self.model.recover(protected, key_map)
        levels = rmse((protected - cover) * 255.0)
        unread = rmse(((read - message) / gain).clamp(-8.0, 8.0))
        # Decibels of the message, at a fixed price for the cover: easy and hard covers count alike, and hiding
        # nothing at all, a local optimum of every weighted sum, is never rewarded.
        excess = torch.relu(levels / (config.target_levels * gain.flatten()) - 1.0)
        loss = (torch.log(unread) + config.excess_weight * excess).mean()
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.grad_clip)
        if torch.isfinite(norm):
            self.optimiser.step()
            self._update_ema()
        else:
            self.skipped += 1
        self.step += 1
        return {
            "protected_db": 20 * float(torch.log10(255.0 / levels.detach()).mean()),
            "message_snr_db": -20 * float(torch.log10(unread.detach()).mean()),
        }

    def run(self, *, save_every: float = 120.0, log_every: int = 50, until: float = math.inf) -> None:
        """Train to the last step, or until ``until`` seconds of wall time have gone by in this call."""
        started = saved = time.monotonic()
        totals: list[dict[str, float]] = []
        while self.step < self.config.steps and time.monotonic() - started < until:
            before = time.monotonic()
            totals.append(self.train_step())
            self.seconds += time.monotonic() - before
            if self.step % log_every == 0:
                self._log({k: float(np.mean([t[k] for t in totals])) for k in totals[0]})
                totals = []
            if time.monotonic() - saved > save_every:
                self.save()
                saved = time.monotonic()
        self.save()

    def save(self) -> None:
        """Write the checkpoint through a temporary file, so that a kill leaves the previous one."""
        state: dict[str, Any] = {
            "config": self.config.to_json(), "model": self.model.state_dict(), "ema": self.ema.state_dict(),
            "optimiser": self.optimiser.state_dict(), "rng": self.rng.bit_generator.state, "step": self.step,
            "skipped": self.skipped, "seconds": self.seconds,
        }
        torch.save(state, self.folder / (CHECKPOINT + ".tmp"))
        os.replace(self.folder / (CHECKPOINT + ".tmp"), self.folder / CHECKPOINT)

    def _load(self) -> None:
        state = torch.load(self.folder / CHECKPOINT, map_location=self.device, weights_only=False)
        self.model.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.rng.bit_generator.state = state["rng"]
        self.step, self.skipped, self.seconds = state["step"], state["skipped"], state["seconds"]

    @torch.no_grad()
    def _update_ema(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        for average, current in zip(self.ema.parameters(), self.model.parameters(), strict=True):
            average.lerp_(current, 1 - decay)

    def _log(self, measures: dict[str, float]) -> None:
        row = {
            "step": self.step,
            **{name: round(value, 2) for name, value in measures.items()},
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
        }
        path = self.folder / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)

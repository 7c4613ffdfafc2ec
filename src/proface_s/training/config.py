"""Configuration of a training run: frozen dataclasses, read from and written to JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of a `SecureFlow`.

    Attributes:
        blocks: number of secure affine coupling blocks (the paper uses 3).
        growth: channels that every hidden convolution of a sub-network adds (the paper uses 32).
        convs: 3x3 convolutions per sub-network, the last one zero-initialised (the paper uses 5).
        shared_trunk: one trunk yields scale and shift together; False gives the paper's separate sub-networks.
        clamp: the paper's c in e(s) = exp(2c(sigmoid(s) - 1/2)).
    """

    blocks: int = 3
    growth: int = 24
    convs: int = 3
    shared_trunk: bool = True
    clamp: float = 2.0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run.

    Attributes:
        model: shape of the network.
        steps: optimiser steps in all.
        batch: crops per step.
        crop: side of a crop in pixels, a multiple of 8.
        small_share: fraction of the steps that show many small faces instead of a few crops.
        peak_lr: peak of the one-cycle schedule.
        grad_clip: largest gradient norm; larger ones are scaled down.
        target_levels: RMSE(protected, cover) to aim at for a message of unit gain, grey levels.
        gains: smallest and largest gain of the message; the gain slides the operating point between the quality
            of the protected and that of the recovered image.
        excess_weight: price of exceeding the target, nepers of message error per target.
        warm_up: fraction of the steps over which the learning rate grows.
        mixed: run the convolutions in bfloat16.
        ema: decay of the exponential moving average of the weights.
        seed: of covers, messages and key maps.
        threads: torch threads on the CPU.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    steps: int = 18000
    batch: int = 8
    crop: int = 64
    small_share: float = 0.4
    peak_lr: float = 2e-3
    grad_clip: float = 2.0
    target_levels: float = 1.5
    gains: tuple[float, float] = (0.8, 2.2)
    excess_weight: float = 2.0
    warm_up: float = 0.1
    mixed: bool = True
    ema: float = 0.998
    seed: int = 20261123
    threads: int = 2

    def to_json(self) -> str:
        """Serialise to JSON text."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TrainConfig:
        """Rebuild from `asdict` output; unknown names raise TypeError."""
        data = dict(data)
        model = ModelConfig(**data.pop("model", {}))
        if "gains" in data:
            data["gains"] = tuple(data["gains"])
        return replace(cls(**data), model=model)

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        """Read a JSON configuration file."""
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))

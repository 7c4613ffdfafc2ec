"""Configuration of a training run: one frozen dataclass, read from and written to JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import UsageError


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One training run.

    Attributes:
        task: what is trained: ``secure`` (ours) or ``paper`` (the published system).
        model: arguments of the task, see its class.
        steps: optimiser steps in all.
        batch: crops per step.
        crop: side of a crop in pixels, a multiple of 8.
        small_share: fraction of the steps that show many smaller crops instead, with borders everywhere.
        faces: smallest and largest side that a face is resized to before it is cropped, pixels (log-uniform).
        peak_lr: peak of the one-cycle schedule.
        warm_up: fraction of the steps over which the learning rate grows.
        grad_clip: largest gradient norm; larger ones are scaled down.
        mixed: run the convolutions in bfloat16.
        ema: decay of the exponential moving average of the weights.
        validation: fraction of the identities that are kept for validation.
        validation_in: only identities whose path contains this text are kept for validation; all where empty.
        check_every: steps between validations, previews and their log lines.
        seed: of everything that is drawn.
        threads: torch threads on the CPU; 0 for as many as torch likes.
    """

    task: str = "secure"
    model: dict[str, Any] = field(default_factory=dict)
    steps: int = 10000
    batch: int = 8
    crop: int = 96
    small_share: float = 0.3
    faces: tuple[int, int] = (32, 384)
    peak_lr: float = 2e-3
    warm_up: float = 0.02
    grad_clip: float = 1.0
    mixed: bool = True
    ema: float = 0.998
    validation: float = 0.05
    validation_in: str = ""
    check_every: int = 1000
    seed: int = 20261123
    threads: int = 2

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in the JSON file."""
        return {**asdict(self), "faces": list(self.faces)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunConfig:
        """Inverse of `to_dict`.

        Raises:
            UsageError: unknown names, or values out of range.
        """
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise UsageError(f"unknown settings in the configuration: {', '.join(unknown)}", f"known: {sorted(known)}")
        data = dict(data)
        if "faces" in data:
            data["faces"] = tuple(data["faces"])
        config = cls(**data)
        if config.steps < 1 or config.batch < 1 or config.crop < 16 or config.crop % 8:
            raise UsageError("steps and batch must be positive, crop a multiple of 8 of at least 16")
        if not 0 <= config.validation < 1 or not 0 < config.faces[0] <= config.faces[1]:
            raise UsageError("validation must be a fraction below 1, faces an ascending pair")
        return config

    @classmethod
    def load(cls, path: Path) -> RunConfig:
        """Read a JSON configuration file.

        Raises:
            UsageError: missing, not JSON, or see `from_dict`.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read the configuration {path}: {error}") from None
        if not isinstance(data, dict):
            raise UsageError(f"the configuration {path} is not a JSON object")
        return cls.from_dict(data)

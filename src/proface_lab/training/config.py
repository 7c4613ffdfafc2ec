"""Configuration of a training run: one frozen dataclass, read from and written to JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from proface_s.errors import UsageError


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Settings of one training run.

    Attributes:
        task: ``secure`` (ours) or ``paper`` (the published system).
        model: arguments of the task, see its class.
        steps: optimiser steps in all.
        batch: crops per step.
        crop: side of a crop in pixels, a multiple of 8.
        small_share: fraction of the steps that show many smaller crops instead, with borders everywhere.
        faces: smallest and largest side that a face is resized to before it is cropped, pixels (log-uniform).
        peak_lr: peak of the one-cycle schedule.
        warm_up: fraction of the steps over which the learning rate grows.
        grad_clip: largest gradient norm; larger ones are scaled down.
        adam_eps: added to the root of Adam's second moment.
        weight_decay: of Adam, as an L2 penalty.
        mixed: run the convolutions in bfloat16.
        ema: decay of the exponential moving average of the weights.
        validation: fraction of the people that are kept for validation.
        validation_in: keep only people for validation whose path contains this text; all if empty.
        check_every: steps between validations, previews and their log lines.
        seed: of all random numbers.
        threads: torch threads on the CPU; 0 for torch's default.
        workers: processes that prepare the crops of coming steps; 0 for none.  The crops are the same with any number.
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
    adam_eps: float = 1e-8
    weight_decay: float = 0.0
    mixed: bool = True
    ema: float = 0.998
    validation: float = 0.05
    validation_in: str = ""
    check_every: int = 1000
    seed: int = 20261123
    threads: int = 2
    workers: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as in the JSON file."""
        return {**asdict(self), "faces": list(self.faces)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunConfig:
        """Invert `to_dict`.

        Raises:
            UsageError: if a name is unknown, or a value out of range.
        """
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise UsageError(
                f"unknown settings in the configuration: {', '.join(unknown)}",
                code="unknown-setting",
                known=", ".join(sorted(known)),
            )
        config = cls(**{name: _checked(name, value, cls) for name, value in data.items()})
        config.check()
        return config

    def check(self) -> None:
        """Check that all values are in range.

        Raises:
            UsageError: names the rule that does not hold.
        """
        limits = (
            (self.steps >= 1 and self.batch >= 1, "steps and batch must be at least 1"),
            (self.crop >= 16 and self.crop % 8 == 0, "crop must be a multiple of 8 of at least 16"),
            (0 < self.faces[0] <= self.faces[1], "faces must be an ascending pair of sides"),
            (0 <= self.small_share <= 1, "small_share must be a fraction"),
            (self.peak_lr > 0 and self.grad_clip > 0, "peak_lr and grad_clip must be positive"),
            (self.adam_eps > 0 and self.weight_decay >= 0, "adam_eps must be positive, weight_decay not negative"),
            (0 <= self.warm_up < 1 and 0 <= self.ema < 1, "warm_up and ema must be fractions below 1"),
            (0 <= self.validation < 1, "validation must be a fraction below 1"),
            (
                self.check_every >= 1 and min(self.seed, self.threads, self.workers) >= 0,
                "check_every must be at least 1; seed, threads and workers not negative",
            ),
        )
        for holds, rule in limits:
            if not holds:
                raise UsageError(f"the configuration is not usable: {rule}")

    @classmethod
    def load(cls, path: Path) -> RunConfig:
        """Read a JSON configuration file.

        Raises:
            UsageError: if the file is missing or not JSON, or as `from_dict`.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read the configuration {path}: {error}") from None
        if not isinstance(data, dict):
            raise UsageError(f"the configuration {path} is not a JSON object")
        return cls.from_dict(data)


def _checked(name: str, value: Any, cls: type[RunConfig]) -> Any:
    """Convert a value from JSON to the field's type: integers serve as numbers, truth values do not."""
    default = getattr(cls(), name)
    if name == "faces":
        if isinstance(value, list | tuple) and len(value) == 2 and all(type(side) is int for side in value):
            return tuple(value)
    elif type(value) is type(default):
        return value
    elif isinstance(default, float) and type(value) is int:
        return float(value)
    raise UsageError(f"{name} in the configuration cannot be {value!r}", code="setting-value", example=repr(default))

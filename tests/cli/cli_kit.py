"""Helpers of the command-line tests: the result of a command, existing files, drawings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PASSPHRASE = "correct horse battery staple"
BOX = "40,20,64,64"


@dataclass(frozen=True)
class CommandResult:
    """Exit code and output of one command line."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every line of stdout, as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def errors(self) -> list[str]:
        """The lines on stderr that begin with ``error:``."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


Proface = Callable[..., CommandResult]


def files() -> list[str]:
    """Return the sorted names of all files below the current folder."""
    return sorted(str(path.relative_to(Path.cwd())) for path in Path.cwd().rglob("*") if path.is_file())


def drawn(width: int = 160, height: int = 120, seed: int = 0) -> np.ndarray:
    """Return a smooth drawing, (H, W, 3) uint8, in which no face is found."""
    y, x = np.mgrid[0:height, 0:width]
    waves = 90 + 60 * np.sin((x + 2 * y) / (40 + 9 * seed))
    return np.dstack([x * 255 / width, y * 255 / height, waves]).astype(np.uint8)


def save(name: str, pixels: np.ndarray | None = None, **options: Any) -> Path:
    """Write a drawing (or other pixels) into the current folder."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn() if pixels is None else pixels).save(path, **options)
    return path

"""LPIPS, if it is installed together with its weights; nothing is ever downloaded."""

from __future__ import annotations

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from proface_s.errors import UsageError

BACKBONE: Final = "alexnet-owt-*.pth"  # torchvision's name of the trunk's weights


class Perceptual(Protocol):
    """A perceptual distance between pictures.

    Attributes:
        name: name of the measure in reports.
    """

    name: str

    def distance(self, a: Any, b: Any) -> float:
        """Return the distance of two (H, W, 3) float pictures in [0, 1]; 0 if they are equal."""
        ...


class Lpips:
    """LPIPS with the AlexNet trunk (Zhang et al. 2018), pictures in [-1, 1].

    Raises:
        UsageError: if the package ``lpips`` or the trunk's weights are missing.
    """

    name = "lpips"

    def __init__(self) -> None:
        if not lpips_available():
            raise UsageError(
                "LPIPS needs the packages lpips and torchvision, and AlexNet's weights in torch's cache; "
                "nothing is downloaded",
                f"put {BACKBONE} into {checkpoints()}",
            )
        import lpips

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._network = lpips.LPIPS(net="alex", verbose=False).eval()

    def distance(self, a: Any, b: Any) -> float:
        """See `Perceptual.distance`."""
        import torch

        pair = (torch.from_numpy(np.asarray(x, np.float32) * 2 - 1).permute(2, 0, 1)[None] for x in (a, b))
        with torch.no_grad():
            return float(self._network(*pair))


def lpips_available() -> bool:
    """Return whether `Lpips` can be constructed without downloading anything."""
    installed = all(find_spec(name) is not None for name in ("torch", "torchvision", "lpips"))
    return installed and any(checkpoints().glob(BACKBONE))


def checkpoints() -> Path:
    """Return the folder in which torch keeps downloaded weights of torchvision's models."""
    home = os.environ.get("TORCH_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return Path(home).expanduser() / "hub" / "checkpoints"

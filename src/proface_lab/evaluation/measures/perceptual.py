"""Perceptual distances: LPIPS, or else ST-LPIPS, if the weights are on this machine; nothing is ever downloaded."""

from __future__ import annotations

import os
import pickle
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from proface_s.errors import UsageError

BACKBONE: Final = "alexnet-owt-*.pth"  # torchvision's name of the trunk's weights
ST_WEIGHTS: Final = "alex_shift_tolerant.pth"  # inside the package stlpips-pytorch, BSD-2-Clause
_ST_PACKAGE: Final = "stlpips_pytorch"  # only its file is read: its code needs packages that it does not name


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
                code="lpips-backbone",
                file=BACKBONE,
                folder=str(checkpoints()),
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


class ShiftTolerantLpips:
    """ST-LPIPS with the AlexNet trunk (Ghildyal and Liu 2022), pictures in [-1, 1].  It is not LPIPS.

    The trunk has stride 1, and blurs before it samples: a shift of one pixel changes little.

    Args:
        weights: the file `ST_WEIGHTS`; wherever it is on this machine if None.

    Raises:
        UsageError: if the weights are missing, or torch cannot read them.
    """

    name = "st_lpips"

    def __init__(self, weights: Path | None = None) -> None:
        import torch

        path = weights or st_lpips_weights()
        if path is None:
            raise UsageError(f"ST-LPIPS needs {ST_WEIGHTS} in {checkpoints()}, or the package {_ST_PACKAGE}")
        try:
            self._weights = torch.load(path, map_location="cpu", weights_only=True)
            self._features(torch.zeros(1, 3, 32, 32))
        except (OSError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
            raise UsageError(f"{path} does not hold the weights of ST-LPIPS") from error

    def distance(self, a: Any, b: Any) -> float:
        """See `Perceptual.distance`."""
        import torch

        with torch.no_grad():
            pair = [
                self._features(torch.from_numpy(np.asarray(x, np.float32) * 2 - 1).permute(2, 0, 1)[None])
                for x in (a, b)
            ]
            return float(
                sum(
                    ((one - other).square() * self._weights[f"lin{layer}.model.1.weight"]).sum(1).mean()
                    for layer, (one, other) in enumerate(zip(*pair, strict=True))
                )
            )

    def _features(self, x: Any) -> list[Any]:
        """Return the five layers' features, each pixel's of length 1."""
        from torch.nn import functional as fn

        x = (x - self._weights["scaling_layer.shift"]) / self._weights["scaling_layer.scale"]
        x = fn.relu(self._blurred(self._convolved(x, "net.slice1.0", 2), "net.slice1.1"))
        layers = [x]
        x = self._blurred(fn.max_pool2d(x, 3, 1), "net.slice2.4")
        layers.append(x := fn.relu(self._convolved(x, "net.slice2.5", 2)))
        x = self._blurred(fn.max_pool2d(x, 3, 1), "net.slice3.8")
        for name in ("net.slice3.9", "net.slice4.11", "net.slice5.13"):
            layers.append(x := fn.relu(self._convolved(x, name, 1)))
        return [layer / (layer.square().sum(1, keepdim=True).sqrt() + 1e-10) for layer in layers]

    def _convolved(self, x: Any, name: str, padding: int) -> Any:
        from torch.nn import functional as fn

        return fn.conv2d(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], padding=padding)

    def _blurred(self, x: Any, name: str) -> Any:
        """Blur with the stored kernel, and take every second pixel."""
        from torch.nn import functional as fn

        kernel = self._weights[f"{name}.filt"]
        return fn.conv2d(fn.pad(x, (2, 2, 2, 2), "reflect"), kernel, stride=2, groups=x.shape[1])


def available_perceptual() -> type[Lpips] | type[ShiftTolerantLpips] | None:
    """Return LPIPS, or ST-LPIPS where only its weights are on this machine; None if neither is."""
    if lpips_available():
        return Lpips
    return ShiftTolerantLpips if find_spec("torch") and st_lpips_weights() else None


def st_lpips_weights() -> Path | None:
    """Return where the weights of ST-LPIPS are on this machine: in torch's cache, or in their package; None if not."""
    places = [checkpoints()]
    package = find_spec(_ST_PACKAGE)  # is not imported by this
    for folder in (package.submodule_search_locations or ()) if package else ():
        places.append(Path(folder) / "weights" / "vST0.0")
    return next((place / ST_WEIGHTS for place in places if (place / ST_WEIGHTS).is_file()), None)


def lpips_available() -> bool:
    """Return whether `Lpips` can be constructed without downloading anything."""
    installed = all(find_spec(name) is not None for name in ("torch", "torchvision", "lpips"))
    return installed and any(checkpoints().glob(BACKBONE))


def checkpoints() -> Path:
    """Return the folder in which torch keeps downloaded weights of torchvision's models."""
    home = os.environ.get("TORCH_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return Path(home).expanduser() / "hub" / "checkpoints"

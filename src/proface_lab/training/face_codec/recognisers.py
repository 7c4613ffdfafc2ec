"""Face recognisers as PyTorch functions: what a picture must keep to be recognised is in their gradients."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn

from proface_s.errors import UsageError
from proface_s.robust.face_codec.pose import TEMPLATE

_FEATURES: Final = (0.2, 0.4, 0.75)  # of the way through the network, where features are compared
_TURN, _SCALE, _SHIFT = 0.035, 0.03, 0.02  # standard deviations of a jittered look: radians, share, half sides


class TorchRecogniser(nn.Module):
    """A recogniser of aligned faces, read from an ONNX file of convolutions and elementwise operations.

    Args:
        model: the ONNX file.
        card: its card, see ``configs/recognisers``: size of the input, and the five points in it.

    Raises:
        UsageError: if the file has an operation that this class does not know, or the card has no points.
    """

    def __init__(self, model: Path, card: Path) -> None:
        super().__init__()
        described = json.loads(card.read_text(encoding="utf-8"))
        if not described.get("points"):
            raise UsageError(f"{card} has no points to align faces by")
        graph = onnx.load(str(model)).graph
        self.name = str(described["name"])
        self._input, self._constants = (
            graph.input[0].name,
            {i.name: i.name.replace(".", "_") for i in graph.initializer},
        )
        for initializer in graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(initializer).copy())
            self.register_buffer(f"c_{self._constants[initializer.name]}", value)
        self._nodes = [(n, {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute}) for n in graph.node]
        if unknown := {node.op_type for node, _ in self._nodes} - set(_OPERATIONS):
            raise UsageError(f"{model} has operations that cannot be differentiated here: {', '.join(sorted(unknown))}")
        ends = [number for number, (node, _) in enumerate(self._nodes) if node.op_type in ("Add", "Clip")]
        self._compared = {ends[int(share * len(ends))] for share in _FEATURES} if ends else set()
        self.size = int(described["size"][0])
        self.register_buffer("grid", _grid(np.asarray(described["points"], np.float64), self.size))

    def looks(self, count: int, *, jitter: bool) -> Tensor:
        """Return sampling grids (count, size, size, 2); jittered ones are for an original and its copy alike."""
        grid: Tensor = self.grid  # type: ignore[assignment]
        if not jitter:
            return grid.reshape(1, self.size, self.size, 2).expand(count, -1, -1, -1)
        angle, scale = (
            torch.randn(count, device=grid.device) * _TURN,
            1 + torch.randn(count, device=grid.device) * _SCALE,
        )
        c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
        turn = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)
        middle = grid.mean(0)
        moved = (grid - middle) @ turn.transpose(1, 2) + middle + torch.randn(count, 1, 2, device=grid.device) * _SHIFT
        return moved.reshape(count, self.size, self.size, 2)

    def forward(self, rgb: Tensor, looks: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Embed faces.

        Args:
            rgb: (N, 3, s, s) aligned squares of any size, 0..255.
            looks: from `looks`.

        Returns:
            Unit vectors (N, D), and features at three depths.
        """
        values: dict[str, Tensor] = {
            self._input: F.grid_sample(rgb, looks, mode="bilinear", padding_mode="border", align_corners=False)
        }
        features = []
        for number, (node, attributes) in enumerate(self._nodes):
            inputs = [self._value(name, values) if name else None for name in node.input]
            answer = _OPERATIONS[node.op_type](inputs, attributes)
            values[node.output[0]] = answer
            if number in self._compared:
                features.append(answer)
        return F.normalize(answer.float().flatten(1), dim=1), features

    def _value(self, name: str, values: dict[str, Tensor]) -> Tensor:
        found: Tensor = getattr(self, f"c_{self._constants[name]}") if name in self._constants else values[name]
        return found


def _grid(points: Any, size: int) -> Tensor:
    """Return where the pixels of a recogniser's input lie in our square, (size * size, 2) in -1..1."""
    ours, theirs = TEMPLATE - TEMPLATE.mean(0), points - points.mean(0)
    scale = 1 / (theirs**2).sum()
    a = (theirs * ours).sum() * scale
    b = (theirs[:, 0] * ours[:, 1] - theirs[:, 1] * ours[:, 0]).sum() * scale
    y, x = np.mgrid[:size, :size]
    pixels = np.stack([x, y], -1).reshape(-1, 2) - points.mean(0)
    places = pixels @ np.array([[a, b], [-b, a]]) + TEMPLATE.mean(0)
    return torch.from_numpy((places * 2 - 1).astype(np.float32))


def _convolve(x: list[Any], a: dict[str, Any]) -> Tensor:
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    padded = F.pad(x[0], (left, right, top, bottom))
    bias = x[2] if len(x) > 2 else None
    return F.conv2d(padded, x[1], bias, a.get("strides", [1, 1]), 0, a.get("dilations", [1, 1]), a.get("group", 1))


def _clip(x: list[Any], _: dict[str, Any]) -> Tensor:
    low, high = (float(x[i]) if len(x) > i and x[i] is not None else None for i in (1, 2))
    return torch.clamp(x[0], low, high)


def _mean(x: list[Any], a: dict[str, Any]) -> Tensor:
    axes = x[1].tolist() if len(x) > 1 else a["axes"]
    found: Tensor = x[0].float().mean(tuple(axes), keepdim=bool(a.get("keepdims", 1)))
    return found


_OPERATIONS: Final[dict[str, Callable[[list[Any], dict[str, Any]], Tensor]]] = {
    "Conv": _convolve,
    "Clip": _clip,
    "ReduceMean": _mean,
    "Relu": lambda x, _: F.relu(x[0]),
    "Add": lambda x, _: x[0] + x[1],
    "Sub": lambda x, _: x[0] - x[1],
    "Mul": lambda x, _: x[0] * x[1],
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
    "Reshape": lambda x, _: x[0].reshape(len(x[0]), -1),
    "Flatten": lambda x, _: x[0].flatten(1),
    "Gemm": lambda x, a: F.linear(x[0], x[1] if a.get("transB") else x[1].T, x[2]),
}

"""Export of the published network to a model folder: two ONNX graphs per coupling, in half precision, and the card.

A dense block is a graph of convolutions and nothing else; what surrounds it (scales, Haar bands, the key map) is
`proface_s.flow.paper`.  Weights are stored as 16-bit numbers; OpenCV computes with them in 32 bits.
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from proface_s.flow.cards import CARD_NAME, canonical_card
from proface_s.flow.paper.model import GRAPHS, WARNING

from .network import IMAGE, KEY, DenseBlock, PaperFlow, SecureCoupling


class _Pair(nn.Module):
    """Two dense blocks that read the same planes, (N, 16, h, w) -> (N, 24, h, w)."""

    def __init__(self, scale: DenseBlock, translation: DenseBlock) -> None:
        super().__init__()
        self.scale, self.translation = scale, translation

    def forward(self, planes: Tensor) -> Tensor:
        half, key = planes[:, :IMAGE], planes[:, IMAGE:]
        return torch.cat([self.scale(half, key), self.translation(half, key)], 1)


def export_network(network: PaperFlow, mode: str, folder: Path, card: dict[str, Any]) -> dict[str, Any]:
    """Write the graphs and the card of a model that `proface_s.flow.paper.model.PaperModel` can load.

    Args:
        network: trained weights.
        mode: ``RandWR`` or ``ObfsWR``.
        folder: created if missing.
        card: name, data, licence, command and measures; shape and hashes are added.

    Returns:
        The card as written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, block in enumerate(network.blocks, 1):
        assert isinstance(block, SecureCoupling)
        pairs = _Pair(block.omega, block.phi), _Pair(block.rho, block.eta)
        for name, pair in zip(GRAPHS, pairs, strict=True):
            path = folder / name.format(number)
            _write(pair, path)
            files[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    shape = {"kind": "paper", "warning": WARNING, "mode": mode, "blocks": len(network.blocks), "signed": network.signed}
    card = {**card, **shape, "parameters": sum(p.numel() for p in network.parameters()), "files": files}
    (folder / CARD_NAME).write_bytes(canonical_card(card))
    return card


def _write(pair: nn.Module, path: Path) -> None:
    planes = torch.zeros(1, IMAGE + KEY, 8, 12, dtype=torch.float16)
    axes = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the exporter that the runtime needs
        torch.onnx.export(
            copy.deepcopy(pair).eval().cpu().half(),
            (planes,),
            str(path),
            input_names=["planes"],
            output_names=["answer"],
            opset_version=18,
            dynamo=False,
            dynamic_axes={"planes": axes, "answer": axes},
        )

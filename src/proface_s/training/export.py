"""From a trained `SecureFlow` to the files that ship: an ONNX pair, the profiles, and a card that vouches for them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..flow.model import CARD_NAME, PROFILES_NAME, PROTECT_NAME, RECOVER_NAME, canonical_card
from ..types import FloatArray
from .model import SecureFlow


class _Protect(nn.Module):
    def __init__(self, flow: SecureFlow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, message: Tensor, cover: Tensor, key_map: Tensor) -> Tensor:
        return self.flow.protect(message, cover, key_map)


class _Recover(nn.Module):
    def __init__(self, flow: SecureFlow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, protected: Tensor, key_map: Tensor) -> Tensor:
        return self.flow.recover(protected, key_map)[0]


def export(flow: SecureFlow, profiles: FloatArray, folder: Path, card: dict[str, Any]) -> dict[str, Any]:
    """Write the model directory.

    Args:
        flow: trained network.
        profiles: (32, 768) float32, see `proface_s.flow.code.Codebook`.
        folder: receives the ONNX pair, the profiles and ``card.json``; created where missing.
        card: what to record (data, licence, command, measures ...); hashes and shape are added.

    Returns:
        The card as written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flow = flow.eval()
    image, key_map = torch.rand(2, 3, 32, 48), torch.ones(2, 1, 32, 48)
    spatial = {0: "batch", 2: "height", 3: "width"}
    _write(_Protect(flow), (image, image, key_map), folder / PROTECT_NAME, ["message", "cover", "key_map"],
           ["protected"], spatial)
    _write(_Recover(flow), (image, key_map), folder / RECOVER_NAME, ["protected", "key_map"], ["message"], spatial)
    np.save(folder / PROFILES_NAME, profiles.astype(np.float32))
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
             for name in (PROTECT_NAME, RECOVER_NAME, PROFILES_NAME)}
    parameters = sum(p.numel() for p in flow.parameters())
    card = {**card, "parameters": parameters, "halo": 2 * flow.receptive_radius(), "files": files}
    (folder / CARD_NAME).write_bytes(canonical_card(card))
    return card


def _write(module: nn.Module, args: tuple[Tensor, ...], path: Path, inputs: list[str], outputs: list[str],
           axes: dict[int, str]) -> None:
    torch.onnx.export(
        module, args, str(path), input_names=inputs, output_names=outputs, opset_version=18, dynamo=False,
        dynamic_axes=dict.fromkeys([*inputs, *outputs], axes),
    )

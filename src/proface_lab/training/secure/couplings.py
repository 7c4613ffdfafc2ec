"""The networks of the secure flow: affine couplings on Haar sub-bands, with arithmetic that is exact on every machine.

Entropy coding only works if reader and writer compute the *same* numbers.  So every weight, input and activation here
is a dyadic fraction with few bits, and every sum stays below 2^24 of its grid steps: float32 convolutions are then
exact in any order of summation, and all machines agree.

::

    low band (mean domain) ──┬─ coupling 0 ─► shift, scale of luma details at even sites
                             ├─ coupling 1 ─► ... of luma details at odd sites, given the even ones
                             ├─ coupling 2 ─► ... of chroma details: Co even, Cg odd, given luma
                             └─ coupling 3 ─► ... of the other chroma details, given all of the above
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from proface_s.flow.secure.couplings import (
    CHROMA_PLANES,
    DIFFERENCE_LIMIT,
    LOW_PLANES,
    LUMA_PLANES,
    SCALE_STEPS,
    SHIFT_STEPS,
    STAGES,
    stage_bands,
)

WEIGHT_STEPS = 64.0  # weights are multiples of 1/64 ...
WEIGHT_LIMIT = 127 / 64  # ... of 8 bits
ACTIVATION_STEPS = 16.0  # activations are multiples of 1/16 ...
ACTIVATION_LIMIT = 255 / 16  # ... of 8 bits
LUMA, CHROMA = stage_bands(0), stage_bands(STAGES - 1)


def round_through(x: Tensor) -> Tensor:
    """Round half up; the gradient passes straight through."""
    return x + (torch.floor(x + 0.5) - x).detach()


class ExactConv(nn.Conv2d):
    """A convolution whose weights are rounded to `WEIGHT_STEPS` and whose bias lies on the accumulator's grid."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) on a dyadic grid to (N, D, H, W), exactly in float32."""
        return self._conv_forward(x, *self.rounded())  # type: ignore[no-any-return]

    def rounded(self) -> tuple[Tensor, Tensor]:
        """Return weights and bias, rounded as they are used."""
        assert self.bias is not None
        weight = round_through(self.weight.clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT) * WEIGHT_STEPS) / WEIGHT_STEPS
        grid = WEIGHT_STEPS * ACTIVATION_STEPS
        return weight, round_through(self.bias * grid) / grid


def activate(x: Tensor) -> Tensor:
    """ReLU with 8-bit output."""
    return round_through(x.clamp(0.0, ACTIVATION_LIMIT) * ACTIVATION_STEPS) / ACTIVATION_STEPS


def compand(x: Tensor) -> Tensor:
    """Compress a difference in quarters of a grey level to at most +-128, as a sum of clips, so that it is exact."""
    total = x.clamp(-8, 8) + x.clamp(-32, 32) / 4 + x.clamp(-128, 128) / 16 + x.clamp(-512, 512) / 64
    return torch.floor(total * 4 + 0.5)


class Coupling(nn.Module):
    """Predicts shift and scale of some sub-bands from those already known; both share a trunk of 3x3 convolutions.

    Args:
        planes: number of input planes.
        bands: number of sub-bands to predict.
        width: channels of the trunk.
        layers: number of 3x3 convolutions.
    """

    def __init__(self, planes: int, bands: int, width: int, layers: int) -> None:
        super().__init__()
        self.enter = ExactConv(planes, width, 3, padding=1)
        self.body = nn.ModuleList(ExactConv(width, width, 3, padding=1) for _ in range(layers - 1))
        self.leave = ExactConv(width, 2 * bands, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, P, H, W) to shift in grey levels and log2 of the scale in grey levels, each (N, B, H, W)."""
        hidden = activate(self.enter(planes))
        for index, layer in enumerate(self.body):
            hidden = activate(layer(hidden) + hidden) if index else activate(layer(hidden))
        with torch.autocast(planes.device.type, enabled=False):  # shifts need more than 8 bits
            out = self.leave(hidden.to(self.leave.weight.dtype))
        shift, scale = out.chunk(2, dim=1)
        return round_through(shift * SHIFT_STEPS) / SHIFT_STEPS, round_through(scale * SCALE_STEPS) / SCALE_STEPS


class CouplingNetwork(nn.Module):
    """The four couplings of one Haar level; the same for every level and every face size.

    Args:
        width: channels of the trunks.
        layers: number of 3x3 convolutions in a trunk.
    """

    def __init__(self, width: int = 32, layers: int = 3) -> None:
        super().__init__()
        low, luma, chroma = LOW_PLANES, LUMA_PLANES, CHROMA_PLANES
        self.couplings = nn.ModuleList(
            [
                Coupling(low, 3, width, layers),
                Coupling(low + luma, 3, width, layers),
                Coupling(low + luma, 6, width, layers),
                Coupling(low + luma + chroma, 6, width, layers),
            ]
        )

    def forward(self, stage: int, low: Tensor, details: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Predict shift and log2 scale of the bands of a stage.

        Args:
            stage: 0..3.
            low: (N, 3, H, W) low band in quarters of a grey level, integers.
            details: (N, 9, H, W) luma H V D, Co H V D, Cg H V D, in quarters; zero if not yet known.
            step: (N, 1, 1, 1) log2 of the quantiser step of this level (mean domain), multiples of 1/16.
        """
        return self.couplings[stage](planes(stage, low, details, step))  # type: ignore[no-any-return]


def planes(stage: int, low: Tensor, details: Tensor, step: Tensor) -> Tensor:
    """Compute the input planes of a coupling, multiples of 1/16; arguments as in `CouplingNetwork.forward`."""
    right = functional.pad(low[..., 1:] - low[..., :-1], (0, 1))
    down = functional.pad(low[..., 1:, :] - low[..., :-1, :], (0, 0, 0, 1))
    known = [right, down]
    if stage >= 1:
        known.append(details[:, LUMA])
    if stage >= 3:
        known.append(details[:, CHROMA])
    differences = torch.cat(known, 1).clamp(-DIFFERENCE_LIMIT, DIFFERENCE_LIMIT)
    level = torch.floor(low / 16 + 0.5)
    site = torch.zeros_like(low[:, :1])
    parity = checkerboard(low.shape[-2], low.shape[-1]).to(low) * 16.0
    return torch.cat([differences, compand(differences), level, site + parity, site + step * 16.0], 1) / 16.0


def checkerboard(height: int, width: int) -> Tensor:
    """Return an (H, W) mask: 1 at even sites (row + column even), 0 at odd ones."""
    rows, columns = torch.arange(height), torch.arange(width)
    return (rows[:, None] + columns[None, :] + 1).remainder(2).float()


def stage_sites(stage: int, height: int, width: int) -> Tensor:
    """Return a (B, H, W) mask: 1 for the coefficients of a stage's bands that are coded in it, else 0."""
    even = checkerboard(height, width)
    if stage < 2:
        return (even if stage == 0 else 1 - even).expand(3, -1, -1)
    co, cg = (even, 1 - even) if stage == 2 else (1 - even, even)
    return torch.stack([co] * 3 + [cg] * 3)

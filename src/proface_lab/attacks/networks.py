"""The attacker's networks: a U-Net, and a stronger one that also sees the lowest bits and looks across the face.

Both map a picture to an estimate of the original, as a correction of their input.  Because information may hide below
one grey level, the difference to the neighbourhood is an extra, magnified input.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

MAGNIFIED = 16.0  # magnification of the difference to the neighbourhood
GENTLE = 0.1  # scale of the restorer's correction: Adam moves 576 weights per sample at once
CONTRAST = 5  # side of the neighbourhood in pixels


def detail(image: Tensor) -> Tensor:
    """Return the magnified difference to the mean of the neighbourhood, (N, C, H, W)."""
    padded = fn.pad(image, [CONTRAST // 2] * 4, mode="reflect")
    return (image - fn.avg_pool2d(padded, CONTRAST, 1)) * MAGNIFIED


def low_order(image: Tensor) -> Tensor:
    """Encode lowest bits and residues of 8-bit samples: (N, 3, H, W) in [0, 1] -> (N, 12, H, W)."""
    levels = torch.round(image * 255)
    waves = [torch.cos(math.pi * levels), torch.sin(math.pi * levels / 2 + math.pi / 4)]
    waves += [torch.cos(2 * math.pi * levels / 3), torch.sin(2 * math.pi * levels / 3)]
    return torch.cat(waves, 1)


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Return two convolutions."""
    layers: list[nn.Module] = []
    for a, b in ((inputs, outputs), (outputs, outputs)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(8, b), nn.SiLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Three levels of two convolutions each.

    Args:
        width: channels of the first level, a multiple of eight; doubled at every level.
        seen: channels of the input, a multiple of three, RGB first.
    """

    def __init__(self, width: int = 32, seen: int = 3) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        self.down = nn.ModuleList(block(a, b) for a, b in zip((2 * seen, *widths[:-1]), widths, strict=True))
        self.up = nn.ModuleList(block(a + b, a) for a, b in itertools.pairwise(widths))
        self.last = nn.Conv2d(width, 3, 1)
        nn.init.zeros_(self.last.weight)

    def forward(self, image: Tensor) -> Tensor:
        """(N, seen, H, W) in [0, 1], sides multiples of four -> estimate of the original (N, 3, H, W)."""
        kept, x = [], torch.cat([image - 0.5, detail(image)], 1)
        for level, each in enumerate(self.down):
            x = each(fn.avg_pool2d(x, 2) if level else x)
            kept.append(x)
        for level in (1, 0):
            x = fn.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.up[level](torch.cat([kept[level], x], dim=1))
        return image[:, :3] + self.last(x)  # type: ignore[no-any-return]


class Residual(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        nn.init.zeros_(self.body[-1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return x + self.body(x)  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Self-attention over all positions of the face."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.mix = nn.MultiheadAttention(width, 4, batch_first=True)
        nn.init.zeros_(self.mix.out_proj.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        found = self.mix(tokens, tokens, tokens, need_weights=False)[0]
        return x + found.transpose(1, 2).reshape(x.shape)  # type: ignore[no-any-return]


class Restorer(nn.Module):
    """Residual blocks on three levels from half resolution down, attention on the coarsest.

    Its input holds residues and lowest bits beside the picture.

    Args:
        width: channels of the first level, a multiple of sixteen.
        deep: residual blocks per level.
    """

    def __init__(self, width: int = 64, deep: int = 2) -> None:
        super().__init__()
        widths = (width, width * 3 // 2, width * 2)
        self.first = nn.Conv2d(4 * (3 + 3 + 12), width, 3, padding=1)
        self.down = nn.ModuleList(self._level(w, deep) for w in widths)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in itertools.pairwise(widths))
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(self._level(w, deep) for w in widths[:-1])
        self.middle = Attention(widths[-1])
        self.norm = nn.GroupNorm(8, width)
        self.last = nn.Conv2d(width, 12, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    @staticmethod
    def _level(width: int, deep: int) -> nn.Sequential:
        return nn.Sequential(*(Residual(width) for _ in range(deep)))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1], sides multiples of eight -> estimate of the original (N, 3, H, W)."""
        seen = torch.cat([image - 0.5, detail(image), low_order(image)], 1)
        kept = [self.down[0](self.first(fn.pixel_unshuffle(seen, 2)))]
        for shrink, level in zip(self.shrink, self.down[1:], strict=True):
            kept.append(level(shrink(kept[-1])))
        x = self.middle(kept[-1])
        for number in (1, 0):
            x = fn.interpolate(self.grow[number](x), scale_factor=2.0, mode="nearest")
            x = self.up[number](x + kept[number])
        return image + GENTLE * fn.pixel_shuffle(self.last(fn.silu(self.norm(x))), 2)


def count_parameters(network: nn.Module) -> int:
    """Return the number of learned parameters."""
    return sum(p.numel() for p in network.parameters())

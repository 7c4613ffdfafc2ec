"""The secure flow as a torch module: Haar sub-bands, secure affine coupling blocks, key map in every sub-network.

::

    message ── haar ──► X ─┐                                   ┌─► byproduct (thrown away)
                           ├─ block 1 ─ block 2 ─ … ─ block N ─┤
    cover ──── haar ──► Y ─┘   ▲         ▲             ▲       └─► inverse haar ─► protected
    key map ── haar ───────────┴─────────┴─────────────┘

Backwards the byproduct is replaced by the key map, three times over (PRO-Face S, section 3): what comes back is a
learned estimate of the message, exact only if the byproduct were known.

What is hidden (`message`) is the key-mixed code of the original face (`proface_s.flow.code`, `proface_s.flow.mixing`),
white and of unit variance, never the face itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from .config import ModelConfig

Layer = TypeVar("Layer", bound=nn.Module)

BANDS, KEY_BANDS = 12, 4  # channels after one Haar level: of an RGB image, of a key map
SMOOTHING = ((1, 4.0), (2, 2.0), (4, 1.6))  # (distance in pixels, tau in units) of each round of `smooth`
LEVELS_PER_UNIT = 1.5  # grey levels that one unit of the coupling blocks stands for: the hidden signal's size


def registered(modules: Iterable[Layer]) -> Sequence[Layer]:
    """An `nn.ModuleList`, typed by what is in it."""
    return cast("Sequence[Layer]", nn.ModuleList(modules))


def soft(x: Tensor) -> Tensor:
    """3 asinh(x / 3): linear for small values, logarithmic for large ones (written out for the ONNX exporter)."""
    size = x.abs() / 3.0
    return 3.0 * torch.sign(x) * torch.log(size + torch.sqrt(size * size + 1.0))


def to_units(image: Tensor) -> Tensor:
    """[0, 1] image -> units of the coupling blocks."""
    return (image - 0.5) * (255.0 / LEVELS_PER_UNIT)


def from_units(image: Tensor) -> Tensor:
    """Inverse of `to_units`."""
    return image * (LEVELS_PER_UNIT / 255.0) + 0.5


def haar(image: Tensor) -> Tensor:
    """One level of the orthonormal 2-D Haar transform: (B, C, H, W) -> (B, 4C, H/2, W/2), sub-band major."""
    a, b = image[..., 0::2, 0::2], image[..., 0::2, 1::2]
    c, d = image[..., 1::2, 0::2], image[..., 1::2, 1::2]
    return torch.cat([a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d], dim=1) * 0.5


def inverse_haar(bands: Tensor) -> Tensor:
    """Inverse of `haar`: (B, 4C, H/2, W/2) -> (B, C, H, W)."""
    low, horizontal, vertical, diagonal = bands.chunk(4, dim=1)
    a = low + horizontal + vertical + diagonal
    b = low - horizontal + vertical - diagonal
    c = low + horizontal - vertical - diagonal
    d = low - horizontal - vertical + diagonal
    packed = torch.stack([a, b, c, d], dim=2) * 0.5
    return fn.pixel_shuffle(packed.flatten(1, 2), 2)


def smooth(image: Tensor) -> Tensor:
    """Edge-avoiding a-trous smoothing: what a cover without a message probably looked like.

    Three rounds of 3x3 averaging at distances 1, 2 and 4; a neighbour counts by exp(-d^2 / 2 tau^2) of its colour
    difference d (Dammertz et al., "Edge-Avoiding A-Trous Wavelet Transform", HPG 2010).  (B, C, H, W) in units.
    """
    for distance, tau in SMOOTHING:
        padded = fn.pad(image, (distance,) * 4, mode="replicate")
        height, width = image.shape[-2], image.shape[-1]
        total, weights = image, torch.ones_like(image[:, :1])
        for dy in (0, distance, 2 * distance):
            for dx in (0, distance, 2 * distance):
                if dy == dx == distance:
                    continue
                other = padded[:, :, dy : dy + height, dx : dx + width]
                square = (other - image).square().mean(dim=1, keepdim=True)
                weight = torch.exp(square * (-0.5 / tau**2)).detach()
                total, weights = total + other * weight, weights + weight
        image = total / weights
    return image


class DenseNet(nn.Module):
    """Sub-network of a coupling block: densely connected 3x3 convolutions, the last one zero-initialised."""

    def __init__(self, in_channels: int, out_channels: int, growth: int, convs: int) -> None:
        super().__init__()
        widths = [growth] * (convs - 1) + [out_channels]
        self.convs = registered(
            nn.Conv2d(in_channels + i * growth, width, 3, padding=1) for i, width in enumerate(widths)
        )
        for conv in self.convs:
            nn.init.kaiming_normal_(conv.weight, a=0.2)
            conv.weight.data *= 0.5
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        nn.init.zeros_(self.convs[-1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, h, w) -> (B, out, h, w) of the same dtype, also where autocast convolves in half precision."""
        features = [x]
        for conv in list(self.convs)[:-1]:
            features.append(fn.leaky_relu(conv(torch.cat(features, dim=1)), 0.2))
        out: Tensor = self.convs[-1](torch.cat(features, dim=1))
        return out.to(x.dtype)


class ScaleShift(nn.Module):
    """Scale and shift of one half of a coupling block: omega and phi, or rho and eta, of the paper.

    Sub-bands are compressed with asinh and, for the cover, the low band is seen as local contrast: the hidden signal
    is of unit size there, under a picture a hundred times larger.
    """

    def __init__(self, config: ModelConfig, *, of_cover: bool, reads: bool = False) -> None:
        super().__init__()
        self.clamp, self.of_cover, self.reads = config.clamp, of_cover, reads
        fan_in = BANDS + KEY_BANDS + (3 if of_cover else 0) + (BANDS if reads else 0)
        outs = [2 * BANDS] if config.shared_trunk else [BANDS, BANDS]
        self.nets = registered(DenseNet(fan_in, out, config.growth, config.convs) for out in outs)

    def features(self, half: Tensor, key: Tensor) -> Tensor:
        """What the sub-network sees of its half: (B, fan_in, h, w)."""
        if not self.of_cover:
            return torch.cat([soft(half), key], dim=1)
        low = half[:, :3]
        local = fn.avg_pool2d(low, 5, stride=1, padding=2, count_include_pad=False)
        seen = [soft(torch.cat([low - local, half[:, 3:]], dim=1)), key, low / 64.0]
        if self.reads:
            image = inverse_haar(half)
            seen.insert(0, haar(soft(image - smooth(image))))
        return torch.cat(seen, dim=1)

    def forward(self, half: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-scale and shift, each shaped like ``half``: log e(s) = 2c(sigmoid(s) - 1/2)."""
        x = self.features(half, key)
        out = torch.cat([net(x) for net in self.nets], dim=1)
        scale, shift = out.chunk(2, dim=1)
        return 2.0 * self.clamp * (torch.sigmoid(scale) - 0.5), shift

    @torch.no_grad()
    def start_from(self, message_gain: float, key_gain: float) -> None:
        """Let the shift begin as ``message_gain`` x the first features + ``key_gain`` x the repeated key bands."""
        last = self.nets[-1].convs[-1]
        offset, key_at = last.weight.shape[0] - BANDS, 2 * BANDS if self.reads else BANDS
        for channel in range(BANDS):
            last.weight[offset + channel, channel, 1, 1] += message_gain
            last.weight[offset + channel, key_at + channel % KEY_BANDS, 1, 1] += key_gain


class SecureCouplingBlock(nn.Module):
    """SACB: Y' = e(omega(X|K)) Y + phi(X|K), then X' = e(rho(Y'|K)) X + eta(Y'|K)."""

    def __init__(self, config: ModelConfig, *, last: bool = False) -> None:
        super().__init__()
        self.from_message = ScaleShift(config, of_cover=False)
        self.from_cover = ScaleShift(config, of_cover=True, reads=last)

    def forward(self, message: Tensor, cover: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """One step towards the protected image."""
        scale, shift = self.from_message(message, key)
        cover = torch.exp(scale) * cover + shift
        scale, shift = self.from_cover(cover, key)
        return torch.exp(scale) * message + shift, cover

    def inverse(self, message: Tensor, cover: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Exact inverse of `forward`."""
        scale, shift = self.from_cover(cover, key)
        message = (message - shift) * torch.exp(-scale)
        scale, shift = self.from_message(message, key)
        return message, (cover - shift) * torch.exp(-scale)


class SecureFlow(nn.Module):
    """The invertible network; see the module docstring for the data flow.

    All images are (B, 3, H, W) with even H, W: cover and protected in [0, 1], message of unit variance;
    key maps are (B, 1, H, W) in {-1, +1}.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = registered(
            SecureCouplingBlock(config, last=i == config.blocks - 1) for i in range(config.blocks)
        )
        # Begin as classical linear spreading: the message is added, and read from the local contrast.
        self.blocks[0].from_message.start_from(1.0, 0.0)
        self.blocks[-1].from_cover.start_from(-1.0, 1.0)

    def receptive_radius(self) -> int:
        """Half-resolution pixels by which one output of either direction can depend on its surroundings."""
        per_half = self.config.convs + 2  # 3x3 convolutions, and the 5x5 local mean of cover features
        return 2 * self.config.blocks * per_half + sum(distance for distance, _ in SMOOTHING) // 2 + 1

    def transform(self, message: Tensor, cover: Tensor, key_map: Tensor) -> tuple[Tensor, Tensor]:
        """(message, cover) -> (byproduct in sub-bands, protected, neither clamped nor rounded)."""
        key = haar(key_map)
        x, y = haar(message), haar(to_units(cover))
        for block in self.blocks:
            x, y = block(x, y, key)
        return x, from_units(inverse_haar(y))

    def inverse(self, byproduct: Tensor, protected: Tensor, key_map: Tensor) -> tuple[Tensor, Tensor]:
        """Exact inverse of `transform` given the byproduct: -> (message, cover)."""
        key = haar(key_map)
        x, y = byproduct, haar(to_units(protected))
        for block in reversed(self.blocks):
            x, y = block.inverse(x, y, key)
        return inverse_haar(x), from_units(inverse_haar(y))

    def protect(self, message: Tensor, cover: Tensor, key_map: Tensor) -> Tensor:
        """Protected image, float, neither clamped nor rounded."""
        return self.transform(message, cover, key_map)[1]

    def recover(self, protected: Tensor, key_map: Tensor) -> tuple[Tensor, Tensor]:
        """Estimates (message, cover) from the protected image alone, with K x 3 as the byproduct."""
        stand_in = haar(key_map).repeat(1, 3, 1, 1)
        return self.inverse(stand_in, protected, key_map)


def round_to_levels(image: Tensor) -> Tensor:
    """Clamp to [0, 1] and round to 8 bits with a straight-through gradient."""
    clamped = image.clamp(0.0, 1.0)
    return clamped + (torch.round(clamped * 255.0) / 255.0 - clamped).detach()

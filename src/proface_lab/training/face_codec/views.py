"""Random looks at aligned faces: pose, mirror, light, and what an app did to the photo before.  All on the device."""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from proface_s.robust.face_codec.raster import SQUARE

MARGIN: Final = 16  # pixels around the square in stored faces, so that jittered looks see no border
STORED: Final = SQUARE + 2 * MARGIN

_LOOSE: Final = 0.12  # share of looks that are as far off as without landmarks
_DEGRADED: Final = 0.25  # share of faces with fewer pixels, and again of recompressed ones


def draw_views(faces: Tensor, index: Tensor, *, jitter: bool = True, light: bool = True) -> Tensor:
    """Return squares of some faces under random poses, mirrored half of the time, in changed light.

    Args:
        faces: (M, 3, STORED, STORED) uint8 RGB.
        index: (N,) of the faces to take.
        jitter: False for the pose that the landmarks say.
        light: whether to change brightness, contrast and colour.

    Returns:
        (N, 3, 128, 128) float32, 0..255.
    """
    device, count = faces.device, len(index)
    squares = F.grid_sample(
        faces[index].float(),
        F.affine_grid(_poses(count, device, jitter), [count, 3, SQUARE, SQUARE], align_corners=False),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return _relit(squares) if light else squares


def _poses(count: int, device: torch.device, jitter: bool) -> Tensor:
    """Return matrices (count, 2, 3) from looks to stored faces."""
    share = SQUARE / STORED
    if not jitter:
        return torch.eye(2, 3, device=device).mul(share).expand(count, 2, 3)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, device=device)

    loose = (torch.rand(count, device=device) < _LOOSE).float()
    angle = normal() * 0.035 + loose * normal() * 0.15
    scale = torch.exp(normal() * 0.03 + loose * normal() * 0.10) * share
    shift = (normal(2) * 0.03 + loose[:, None] * normal(2) * 0.08) * share
    mirror = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = torch.stack([c * mirror, -s, shift[:, 0]], 1), torch.stack([s * mirror, c, shift[:, 1]], 1)
    return torch.stack(rows, 1)


def _relit(squares: Tensor) -> Tensor:
    count, device = len(squares), squares.device

    def normal(channels: int) -> Tensor:
        return torch.randn(count, channels, 1, 1, device=device)

    gamma, gain = torch.exp(normal(1) * 0.18), torch.exp(normal(3) * 0.05 + normal(1) * 0.08)
    slope = normal(1) * 0.12 * torch.linspace(-1, 1, SQUARE, device=device)
    grey = (torch.rand(count, 1, 1, 1, device=device) < 0.05).float()
    lit = (squares / 255).clamp(1e-4, 1) ** gamma * gain * (1 + slope) * 255
    return (lit * (1 - grey) + grey * lit.mean(1, keepdim=True)).clamp(0, 255)


def degrade(squares: Tensor) -> Tensor:
    """Return squares of which a quarter lost pixels and a quarter was recompressed, as photos from apps are."""
    part = int(len(squares) * _DEGRADED)
    if part == 0:
        return squares
    reduced, recompressed, clean = torch.split(squares, [part, part, len(squares) - 2 * part])
    side = int(torch.randint(56, 112, (1,)))
    reduced = F.interpolate(reduced, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    reduced = F.interpolate(reduced, size=(SQUARE, SQUARE), mode="bicubic", align_corners=False)
    noise = torch.randn_like(recompressed) * torch.rand(part, 1, 1, 1, device=squares.device) * 4
    return torch.cat([reduced, recompress(recompressed) + noise, clean]).clamp(0, 255)


def recompress(rgb: Tensor) -> Tensor:
    """Return pictures (N, 3, s, s) as JPEG at random qualities leaves them: rounded DCT coefficients of 8x8 blocks."""
    luma, chroma = to_luma(rgb), F.avg_pool2d(to_chroma(rgb), 2)
    order = torch.arange(8, device=rgb.device, dtype=torch.float32)
    table = 10 + 6 * (order[:, None] + order)
    shape = (len(rgb), 1, 1, 1, 1, 1)
    strength = torch.exp(torch.empty(shape, device=rgb.device).uniform_(math.log(0.15), math.log(1.5)))
    return join_colour(_rounded(luma, table * strength), _rounded(chroma, 1.4 * table * strength))


def _rounded(planes: Tensor, steps: Tensor) -> Tensor:
    count, channels, height, width = planes.shape
    order = torch.arange(8, device=planes.device, dtype=torch.float32)
    dct = torch.cos((2 * order + 1) * order[:, None] * math.pi / 16) / 2
    dct[0] *= math.sqrt(0.5)
    blocks = planes.reshape(count, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    blocks = dct.T @ (torch.round(dct @ blocks @ dct.T / steps) * steps) @ dct
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape(count, channels, height, width)


def to_luma(rgb: Tensor) -> Tensor:
    """(N, 3, s, s) -> (N, 1, s, s)."""
    return rgb[:, :1] * 0.299 + rgb[:, 1:2] * 0.587 + rgb[:, 2:] * 0.114


def to_chroma(rgb: Tensor) -> Tensor:
    """(N, 3, s, s) -> (N, 2, s, s), blue and red difference."""
    luma = to_luma(rgb)
    return torch.cat([(rgb[:, 2:] - luma) / 1.772, (rgb[:, :1] - luma) / 1.402], 1)


def join_colour(luma: Tensor, chroma: Tensor) -> Tensor:
    """Luma (N, 1, s, s) and chroma (N, 2, t, t) -> (N, 3, s, s)."""
    chroma = F.interpolate(chroma, size=luma.shape[2:], mode="bilinear", align_corners=False)
    red, blue = luma + 1.402 * chroma[:, 1:], luma + 1.772 * chroma[:, :1]
    return torch.cat([red, (luma - 0.299 * red - 0.114 * blue) / 0.587, blue], 1)


def in_cover(face: Tensor, original: Tensor, oval: Tensor) -> Tensor:
    """Return a decoded face in a cover: outside the oval (s, s), a coarse copy of the original."""
    coarse = F.avg_pool2d(original, 32)
    cover = F.interpolate(coarse, size=original.shape[2:], mode="bilinear", align_corners=False)
    return face * oval + cover * (1 - oval)

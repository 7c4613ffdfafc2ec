"""The network that restores decoded faces, in PyTorch; `proface_s.robust.face_codec.restorer` runs the exported one."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from proface_s.robust.face_codec.raster import SQUARE

WIDTHS: Final = (48, 80, 112)  # channels at 32x32, 16x16 and 8x8
PLANES: Final = 7  # cells of luma, both chroma planes, the step
ANSWERS: Final = 18  # 4x4 cells of luma, both chroma planes
INNER: Final = 32
_SLOPE: Final = 0.1


class ResidualBlock(nn.Module):
    """Two convolutions beside a straight path; does nothing before it is trained."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        nn.init.zeros_(self.b.weight)
        assert self.b.bias is not None
        nn.init.zeros_(self.b.bias)

    def forward(self, planes: Tensor) -> Tensor:
        """(N, width, h, w) -> the same shape."""
        return planes + self.b(F.leaky_relu(self.a(planes), _SLOPE))  # type: ignore[no-any-return]


class RestoringNetwork(nn.Module):
    """Decoded luma 64 and chroma 16 -> luma 128 and chroma 32: a small U-Net with a bias of its own at every place.

    The faces are aligned, so the places mean eyes, nose and mouth.
    """

    def __init__(self, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c = widths
        self.i = nn.Conv2d(PLANES, a, 3, 1, 1)
        self.pa = nn.Parameter(torch.zeros(1, a, INNER, INNER))
        self.pb = nn.Parameter(torch.zeros(1, b, INNER // 2, INNER // 2))
        self.pc = nn.Parameter(torch.zeros(1, c, INNER // 4, INNER // 4))
        self.ra, self.d1, self.rb = ResidualBlock(a), nn.Conv2d(a, b, 2, 2), ResidualBlock(b)
        self.d2, self.rc = nn.Conv2d(b, c, 2, 2), nn.Sequential(ResidualBlock(c), ResidualBlock(c))
        self.u2, self.qb = nn.ConvTranspose2d(c, b, 2, 2), nn.Sequential(ResidualBlock(b), ResidualBlock(b))
        self.u1, self.qa = nn.ConvTranspose2d(b, a, 2, 2), nn.Sequential(ResidualBlock(a), ResidualBlock(a))
        self.o = nn.Conv2d(a, ANSWERS, 3, 1, 1)
        nn.init.zeros_(self.o.weight)
        assert self.o.bias is not None
        nn.init.zeros_(self.o.bias)

    def core(self, planes: Tensor) -> Tensor:
        """Return the correction (N, 18, 32, 32) for planes (N, 7, 32, 32): what is exported."""
        x = self.ra(F.leaky_relu(self.i(planes) + self.pa, _SLOPE))
        m = self.rb(F.leaky_relu(self.d1(x) + self.pb, _SLOPE))
        n = self.rc(F.leaky_relu(self.d2(m) + self.pc, _SLOPE))
        m = self.qb(m + self.u2(n))
        return self.o(self.qa(x + self.u1(m)))  # type: ignore[no-any-return]

    def forward(self, luma: Tensor, chroma: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Restore faces.

        Args:
            luma: (N, 1, 64, 64), grey levels.
            chroma: (N, 2, 16, 16), likewise.
            step: (N, 1) of the code, likewise.

        Returns:
            Luma (N, 1, 128, 128) and chroma (N, 2, 32, 32).
        """
        inner = F.interpolate(chroma, size=(INNER, INNER), mode="bilinear", align_corners=False)
        level = torch.log(step.reshape(-1, 1, 1, 1) / 60).expand(-1, 1, INNER, INNER)
        planes = torch.cat([F.pixel_unshuffle((luma - 128) / 64, 2), inner / 32, level], 1)
        change = self.core(planes.contiguous(memory_format=torch.channels_last)).float()
        enlarged = F.interpolate(luma, size=(SQUARE, SQUARE), mode="bilinear", align_corners=False)
        return enlarged + 64 * F.pixel_shuffle(change[:, :16], 4), inner + 32 * change[:, 16:]

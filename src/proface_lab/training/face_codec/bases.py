"""Linear codes of aligned faces in a metric that knows where recognisers look.

The metric is M = D + `EMPHASIS` W.  D weighs pixels by the oval that is shown; W is the mean of g g', where g is the
gradient of a random direction of a recogniser's embedding with respect to luma.  The components are the eigenvectors of
M^1/2 C M^1/2, C being the covariance of faces: the Karhunen-Loeve transform in that metric.  Symmetric and
antisymmetric half pictures are separate, so that a mirrored face has the same components but for signs.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import torch
from torch import Tensor, nn

from proface_s.robust.face_codec.raster import CHROMA, LUMA, oval_of_square

EMPHASIS: Final = 4.0
CHROMA_STEP: Final = 0.45  # of the luma step
WORTH: Final = 0.10  # squared steps that a bit is worth to the quantiser
_OUTSIDE: Final = 0.08  # weight of a pixel that is not shown

Halves = tuple[Tensor, Tensor]
"""Of symmetric and of antisymmetric half pictures."""


def halves(planes: Tensor) -> Halves:
    """Return the symmetric and the antisymmetric half of planes (N, s, s), each (N, s * s / 2); orthonormal."""
    mirrored, width = planes.flip(2), planes.shape[2] // 2
    even, odd = planes + mirrored, planes - mirrored
    return (even[:, :, :width] / math.sqrt(2)).flatten(1), (odd[:, :, :width] / math.sqrt(2)).flatten(1)


def pixel_weights(side: int) -> Tensor:
    """Return the weight of each pixel (side, side): 1 in the oval, little outside."""
    return _OUTSIDE + (1 - _OUTSIDE) * torch.from_numpy(oval_of_square(side))


class Metric:
    """The metric of luma: quadratic forms on symmetric and antisymmetric halves.

    Args:
        emphasis: W on both halves, each (s * s / 2, s * s / 2), scaled so that both traces add up to s * s.
    """

    def __init__(self, emphasis: Halves) -> None:
        side = LUMA
        weights = pixel_weights(side)[:, : side // 2].flatten().to(emphasis[0])
        self.forms = [torch.diag(weights) + EMPHASIS * part for part in emphasis]
        self._fast = [form.float() for form in self.forms]

    @cached_property
    def roots(self) -> list[Halves]:
        """Square root of each form, and its inverse."""
        return [_root(form) for form in self.forms]

    def mean_square(self, differences: Tensor) -> Tensor:
        """Return the mean square (N,) of differences (N, 64, 64)."""
        parts = zip(halves(differences), self._fast, strict=True)
        return torch.stack([((part @ form) * part).sum(1) for part, form in parts]).sum(0) / LUMA**2


def chroma_roots(device: torch.device) -> list[Halves]:
    """Return what `Metric.roots` is, for a chroma plane, where only the oval counts."""
    weights = pixel_weights(CHROMA)[:, : CHROMA // 2].flatten().double().to(device)
    return [(torch.diag(weights**0.5), torch.diag(weights**-0.5))] * 2


def _root(form: Tensor) -> Halves:
    values, vectors = torch.linalg.eigh(form)
    values = values.clamp(min=1e-9)
    return (vectors * values**0.5) @ vectors.T, (vectors * values**-0.5) @ vectors.T


class TrainedPlane(nn.Module):
    """Trainable components of one plane, symmetric ones first.

    Args:
        covariance: of the halves.
        mean: (s, s), symmetric.
        count: how many components.
        roots: of the metric; None for plain squares.
    """

    def __init__(self, covariance: Halves, mean: Tensor, count: int, roots: list[Halves] | None = None) -> None:
        super().__init__()
        rows = []
        for parity, cov in enumerate(covariance):
            root, inverse = roots[parity] if roots else (torch.eye(len(cov)).to(cov),) * 2
            values, vectors = torch.linalg.eigh(root @ cov @ root)
            analysis, synthesis = (root @ vectors).T, (inverse @ vectors).T
            kept = range(len(values) - 1, max(-1, len(values) - 1 - count), -1)
            rows += [(float(values[i]), parity, analysis[i], synthesis[i]) for i in kept]
        rows = sorted(rows, key=lambda row: -row[0])[:count]
        rows.sort(key=lambda row: row[1])  # stable: by deviation within each half
        self.even, self.side = sum(parity == 0 for _, parity, _, _ in rows), mean.shape[-1]
        self.register_buffer("start", mean.float())
        self.shift = nn.Parameter(torch.zeros_like(mean.float()))
        self.a = nn.Parameter(torch.stack([row[2] for row in rows]).float())
        self.s = nn.Parameter(torch.stack([row[3] for row in rows]).float())
        logs = [0.5 * math.log(max(value, 1e-6)) for value, *_ in rows]
        self.ls = nn.Parameter(torch.tensor(logs, device=mean.device))

    @property
    def mean(self) -> Tensor:
        """Mean plane (s, s), symmetric."""
        found: Tensor = self.start + self.shift  # type: ignore[operator]
        return (found + found.flip(1)) / 2

    def analyse(self, planes: Tensor) -> Tensor:
        """Return components (N, k) of planes (N, s, s)."""
        even, odd = halves(planes - self.mean)
        return torch.cat([even @ self.a[: self.even].T, odd @ self.a[self.even :].T], 1)

    def synthesise(self, components: Tensor) -> Tensor:
        """Return the planes (N, s, s) with these components (N, k)."""
        shape = len(components), self.side, self.side // 2
        even = (components[:, : self.even] @ self.s[: self.even]).reshape(shape) / math.sqrt(2)
        odd = (components[:, self.even :] @ self.s[self.even :]).reshape(shape) / math.sqrt(2)
        return self.mean + torch.cat([even + odd, (even - odd).flip(2)], 2)

    @torch.no_grad()
    def rounded(self, scaled: Tensor, step: Tensor) -> Tensor:
        """Return the numbers of steps that are cheapest in squares and bits together, for components in steps."""
        scale = torch.exp(self.ls) / math.sqrt(2) / step
        none = 1 - torch.exp(-0.5 / scale)
        one = (0.5 * torch.exp(-0.5 / scale) * (1 - torch.exp(-1 / scale))).clamp(min=1e-7)
        from_zero = 0.5 + 0.5 * WORTH * torch.log2((none / one).clamp(min=1))
        onward = 0.5 + 0.5 * WORTH / (scale * math.log(2))
        size = scaled.abs()
        numbers = torch.floor(size + 1 - onward.clamp(max=0.9)).clamp(min=1)
        return torch.sign(scaled) * torch.where(size < from_zero, torch.zeros_like(numbers), numbers)

    def bits(self, numbers: Tensor, step: Tensor) -> Tensor:
        """Return the length (N,) of numbers of steps (N, k), whole or not, by Laplacian densities."""
        scale, size = torch.exp(self.ls) / math.sqrt(2) / step, numbers.abs()
        below, above = torch.exp(-(0.5 - size).clamp(min=0) / scale), torch.exp(-(0.5 + size) / scale)
        tail = 0.5 * torch.exp(-(size - 0.5).clamp(min=0) / scale) * (1 - torch.exp(-1 / scale))
        share = torch.where(size < 0.5, 1 - 0.5 * (below + above), tail)
        return -torch.log2(share.clamp(min=1e-7)).sum(1)


class TrainedBasis(nn.Module):
    """Trainable components of a face: luma, blue and red difference."""

    def __init__(self, luma: TrainedPlane, blue: TrainedPlane, red: TrainedPlane) -> None:
        super().__init__()
        self.y, self.cb, self.cr = luma, blue, red

    def analyse(self, luma: Tensor, chroma: Tensor) -> list[Tensor]:
        """Return the components of luma (N, 1, 64, 64) and chroma (N, 2, 16, 16)."""
        return [self.y.analyse(luma[:, 0]), self.cb.analyse(chroma[:, 0]), self.cr.analyse(chroma[:, 1])]

    def synthesise(self, components: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return luma and chroma with these components."""
        blue, red = self.cb.synthesise(components[1]), self.cr.synthesise(components[2])
        return self.y.synthesise(components[0])[:, None], torch.stack([blue, red], 1)

    def bits(self, numbers: list[Tensor], step: Tensor) -> Tensor:
        """Return the length (N,) of all numbers, for luma steps (N, 1)."""
        lengths = [b.bits(n, s) for b, n, s in zip(self._planes(), numbers, self._steps(step), strict=True)]
        return torch.stack(lengths).sum(0)

    def quantise(
        self, components: list[Tensor], step: Tensor, *, noisy: bool = False
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Quantise components with luma steps (N, 1).

        Returns:
            Components as they are decoded, with straight-through gradients; and the numbers of steps, or if ``noisy``,
            unrounded ones with uniform noise, whose length has gradients.
        """
        decoded, numbers = [], []
        for basis, values, unit in zip(self._planes(), components, self._steps(step), strict=True):
            scaled = values / unit
            whole = basis.rounded(scaled.detach(), unit)
            decoded.append((scaled + (whole - scaled).detach()) * unit)
            numbers.append(scaled + torch.rand_like(scaled) - 0.5 if noisy else whole)
        return decoded, numbers

    @torch.no_grad()
    def steps_for(self, components: list[Tensor], length: int, head: float = 34.0) -> Tensor:
        """Return the least steps (N, 1) with which the faces fit into ``length`` bytes, ``head`` bits taken off."""
        low, high = (torch.full((len(components[0]), 1), v, device=components[0].device) for v in (4.0, 800.0))
        for _ in range(16):
            step = (low * high).sqrt()
            large = (head + self.bits(self.quantise(components, step)[1], step) > 8 * length)[:, None]
            low, high = torch.where(large, step, low), torch.where(large, high, step)
        return high

    def _planes(self) -> tuple[TrainedPlane, TrainedPlane, TrainedPlane]:
        return self.y, self.cb, self.cr

    def _steps(self, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return step, step * CHROMA_STEP, step * CHROMA_STEP

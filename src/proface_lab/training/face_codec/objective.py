"""What training minimises: error in the metric, bits, and what recognisers and eyes would notice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from proface_s.robust.face_codec.raster import oval_of_square

from .bases import Metric, TrainedBasis, pixel_weights
from .network import RestoringNetwork
from .recognisers import TorchRecogniser
from .views import degrade, draw_views, in_cover, join_colour, to_chroma, to_luma

_STEPS: Final = ((24.0, 160.0), (11.0, 220.0))  # ranges of luma steps; the first is what codes of 100 to 400 bytes need
_USUAL: Final = 0.75  # share of batches with steps of the first range
_SLOPE: Final = 0.1155  # squared steps that a bit is worth in theory: ln 2 / 6
_LEAST: Final = 10.0  # squared grey levels; of smaller errors nobody takes notice
_IDENTITY, _FEATURES = 1.6, 0.5  # weights of distance of embeddings, and of features


@dataclass(frozen=True)
class Planes:
    """The planes of squares: luma 128 and 64, chroma 32 and 16."""

    luma: Tensor
    coded_luma: Tensor
    chroma: Tensor
    coded_chroma: Tensor

    @classmethod
    def of(cls, rgb: Tensor) -> Planes:
        """Split squares (N, 3, 128, 128)."""
        luma, chroma = to_luma(rgb), to_chroma(rgb)
        return cls(luma, F.avg_pool2d(luma, 2), F.avg_pool2d(chroma, 4), F.avg_pool2d(chroma, 8))


class Objective:
    """The loss of a basis and a network on random looks at faces.

    Args:
        faces: (M, 3, STORED, STORED) uint8, on the device.
        recognisers: that the decoded faces are shown to.
        metric: of luma.
    """

    def __init__(self, faces: Tensor, recognisers: Sequence[TorchRecogniser], metric: Metric) -> None:
        self.faces, self.recognisers, self.metric = faces, recognisers, metric
        device = faces.device
        self._oval = torch.from_numpy(oval_of_square(128)).to(device)
        self._weights = pixel_weights(32).to(device)

    def _amp(self) -> torch.autocast:
        device = self.faces.device.type
        return torch.autocast(device, torch.bfloat16, enabled=device == "cuda")

    def loss(
        self, basis: TrainedBasis, network: RestoringNetwork, index: Tensor, identity: float, *, with_bits: bool
    ) -> Tensor:
        """Return the mean loss over some faces.

        Args:
            basis: codes them.
            network: restores them.
            index: of the faces.
            identity: weight of the recognisers, 0..1.
            with_bits: whether bits and the unrestored error count, which teach the basis.
        """
        with torch.no_grad():
            clean = draw_views(self.faces, index)
            wanted, seen = Planes.of(clean), Planes.of(degrade(clean))
        step = _draw_steps(len(index), clean.device)
        components = basis.analyse(seen.coded_luma, seen.coded_chroma)
        decoded, numbers = basis.quantise(components, step, noisy=with_bits)
        luma, chroma = basis.synthesise(decoded)
        with self._amp():
            shown, colour = network(luma, chroma, step)
        plain = self.metric.mean_square((luma - wanted.coded_luma)[:, 0])
        base = plain.detach().clamp(min=_LEAST)
        loss = (self.metric.mean_square((F.avg_pool2d(shown, 2) - wanted.coded_luma)[:, 0]) / base).mean()
        loss = loss + 0.02 * (self._oval * (shown - wanted.luma).abs()).mean()
        loss = loss + 0.01 * (self._weights * (colour - wanted.chroma) ** 2).mean()
        if with_bits:
            worth = _SLOPE * step[:, 0] ** 2 / luma[0].numel()
            loss = loss + ((worth * basis.bits(numbers, step) + 0.5 * plain) / base).mean()
        if identity > 0:
            loss = loss + identity * self._recognition(join_colour(shown, colour), clean)
        return loss  # type: ignore[no-any-return]

    def _recognition(self, decoded: Tensor, clean: Tensor) -> Tensor:
        """Return how far recognisers tell decoded faces, in a cover, from originals."""
        total = torch.zeros((), device=clean.device)
        for number, recogniser in enumerate(self.recognisers):
            chosen = torch.randperm(len(clean), device=clean.device)[: max(1, len(clean) >> number)]
            looks = recogniser.looks(len(chosen), jitter=True)
            with self._amp():
                with torch.no_grad():
                    wanted, features = recogniser(clean[chosen], looks)
                shown = in_cover(decoded[chosen].clamp(0, 255), clean[chosen], self._oval)
                found, others = recogniser(shown, looks)
            apart = [_relative(a.float(), b.float()) for a, b in zip(others, features, strict=True)]
            total = total + _IDENTITY * (1 - (wanted * found).sum(1)).mean()
            total = total + _FEATURES * torch.stack(apart).mean() if apart else total
        return total

    @torch.no_grad()
    def likeness(self, basis: TrainedBasis, network: RestoringNetwork, index: Tensor, length: int) -> list[float]:
        """Return each recogniser's mean cosine of originals and their copies from ``length`` bytes."""
        clean = draw_views(self.faces, index, jitter=False, light=False)
        planes = Planes.of(clean)
        components = basis.analyse(planes.coded_luma, planes.coded_chroma)
        step = basis.steps_for(components, length)
        luma, chroma = basis.synthesise(basis.quantise(components, step)[0])
        shown = in_cover(join_colour(*network(luma, chroma, step)).clamp(0, 255), clean, self._oval)
        cosines = []
        for recogniser in self.recognisers:
            looks = recogniser.looks(len(clean), jitter=False)
            cosines.append(float((recogniser(clean, looks)[0] * recogniser(shown, looks)[0]).sum(1).mean()))
        return cosines


def _draw_steps(count: int, device: torch.device) -> Tensor:
    low, high = _STEPS[0] if float(torch.rand(1)) < _USUAL else _STEPS[1]
    return torch.exp(torch.empty(count, 1, device=device).uniform_(math.log(low), math.log(high)))


def _relative(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over the batch of relative squared distances."""
    square = (wanted**2).flatten(1).mean(1).clamp(min=1e-4)
    return (((found - wanted) ** 2).flatten(1).mean(1) / square).mean()

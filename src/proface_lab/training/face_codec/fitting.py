"""Bases from faces: covariances over random looks, the metric from recognisers' gradients, people kept apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from proface_s.robust.face_codec.raster import CHROMA, LUMA, SQUARE, oval_of_square

from .bases import Halves, Metric, TrainedBasis, TrainedPlane, chroma_roots, halves
from .objective import Planes
from .recognisers import TorchRecogniser
from .views import draw_views, in_cover, join_colour

SAME_PERSON: Final = 0.65  # cosine from which two faces are kept on one side of every division
_BATCH: Final = 512
_HELD_OUT: Final = 0.06  # of the people
_LARGEST: Final = 8  # faces of a person that may be held out

Moments = tuple[list[Tensor], list[Halves]]
"""Mean and covariances of the halves, of luma, blue and red difference; float64."""


def embeddings(faces: Tensor, recogniser: TorchRecogniser) -> Tensor:
    """Return the embeddings (M, D) of all faces."""
    parts = []
    with torch.no_grad():
        for index in torch.split(torch.arange(len(faces), device=faces.device), 256):
            squares = draw_views(faces, index, jitter=False, light=False)
            parts.append(recogniser(squares, recogniser.looks(len(index), jitter=False))[0])
    return torch.cat(parts)


def divide(vectors: Tensor, folds: int, seed: int) -> tuple[Tensor, list[Tensor]]:
    """Divide faces by person: faces that are near each other, or near a common third one, stay together.

    Args:
        vectors: (M, D) unit embeddings.
        folds: how many parts.
        seed: for the draw.

    Returns:
        Indices of the faces that are held out, and of those of each fold.
    """
    person = _components((vectors @ vectors.T > SAME_PERSON).cpu().numpy())
    sizes, rng = np.bincount(person), np.random.default_rng(seed)
    order = rng.permutation(len(sizes))
    small = [p for p in order if sizes[p] <= _LARGEST]
    held = set(small[: max(1, round(_HELD_OUT * len(sizes)))])
    place = np.full(len(sizes), -1)
    rest = [p for p in order if p not in held]
    place[rest] = np.arange(len(rest)) % folds
    group = torch.from_numpy(place[person]).to(vectors.device)
    return (group < 0).nonzero()[:, 0], [(group == fold).nonzero()[:, 0] for fold in range(folds)]


def _components(near: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the number of each node's connected component."""
    number = np.full(len(near), -1)
    for start in range(len(near)):
        if number[start] >= 0:
            continue
        number[start] = new = number.max() + 1
        border = [start]
        while border:
            reached = np.flatnonzero(near[border.pop()] & (number < 0))
            number[reached] = new
            border += reached.tolist()
    return number


def moments(faces: Tensor, index: Tensor, passes: int, seed: int) -> Moments:
    """Return mean and covariances of faces under random poses; the first pass has the poses of the landmarks."""
    means: list[Tensor] = []
    for sweep in range(2):  # the same looks twice: first for the means
        torch.manual_seed(seed)
        sums = [torch.zeros(s, s, dtype=torch.float64, device=faces.device) for s in (LUMA, CHROMA, CHROMA)]
        covs = [[torch.zeros(s * s // 2, s * s // 2, dtype=torch.float64, device=faces.device) for _ in range(2)]
                for s in (LUMA, CHROMA, CHROMA)]  # fmt: skip
        count = 0
        for number in range(passes):
            for part in torch.split(index, _BATCH):
                planes = Planes.of(draw_views(faces, part, jitter=number > 0, light=False))
                three = planes.coded_luma[:, 0], planes.coded_chroma[:, 0], planes.coded_chroma[:, 1]
                count += len(part)
                for k, plane in enumerate(three):
                    if sweep == 0:
                        sums[k] += plane.double().sum(0)
                        continue
                    for parity, half in enumerate(halves(plane.double() - means[k])):
                        covs[k][parity] += half.T @ half
        if sweep == 0:
            means = [(s + s.flip(1)) / 2 / count for s in sums]
    return means, [(even / count, odd / count) for even, odd in covs]


def make_basis(found: Moments, counts: tuple[int, int], metric: Metric | None = None) -> TrainedBasis:
    """Return the bases of faces with these moments, in the metric, or in plain squares of luma if None.

    Args:
        found: from `moments`.
        counts: components of luma, and of each chroma plane.
        metric: of luma.
    """
    means, covs = found
    rough = chroma_roots(means[0].device)
    luma = TrainedPlane(covs[0], means[0], counts[0], metric.roots if metric else None)
    return TrainedBasis(luma, *(TrainedPlane(covs[k], means[k], counts[1], rough) for k in (1, 2)))


def measure_metric(
    faces: Tensor, index: Tensor, recognisers: Sequence[TorchRecogniser], plain: TrainedBasis, rounds: int, batch: int
) -> Metric:
    """Return the metric that recognisers' gradients make, at faces between originals and coded ones.

    Args:
        faces: (M, 3, STORED, STORED) uint8.
        index: of the faces to look at.
        recognisers: each counts alike.
        plain: codes the faces.
        rounds: looks at every face.
        batch: faces at a time.
    """
    size = LUMA * LUMA // 2
    emphasis = [torch.zeros(size, size, dtype=torch.float64, device=faces.device) for _ in range(2)]
    oval = torch.from_numpy(oval_of_square(SQUARE)).to(faces.device)
    for recogniser in recognisers:
        sums, total = [torch.zeros_like(part) for part in emphasis], 0.0
        for _ in range(rounds):
            for part in torch.split(index[torch.randperm(len(index), device=index.device)], batch):
                gradient = _gradient(faces, part, recogniser, plain, oval)
                total += float((gradient**2).sum())
                for parity, half in enumerate(halves(gradient.double())):
                    sums[parity] += half.T @ half
        for parity in range(2):
            emphasis[parity] += sums[parity] * (LUMA * LUMA / total) / len(recognisers)
    return Metric((emphasis[0], emphasis[1]))


def _gradient(faces: Tensor, index: Tensor, recogniser: TorchRecogniser, plain: TrainedBasis, oval: Tensor) -> Tensor:
    """Return gradients (N, 64, 64) of random directions of the embedding with respect to luma."""
    with torch.no_grad():
        planes = Planes.of(draw_views(faces, index, light=False))
        step = torch.exp(torch.empty(len(index), 1, device=faces.device).uniform_(math.log(30), math.log(110)))
        components = plain.analyse(planes.coded_luma, planes.coded_chroma)
        coded = plain.synthesise(plain.quantise(components, step)[0])
        share = torch.rand(len(index), 1, 1, 1, device=faces.device)
        luma = planes.coded_luma * share + coded[0] * (1 - share)
        chroma = planes.coded_chroma * share + coded[1] * (1 - share)
    luma.requires_grad_()
    large = F.interpolate(luma, size=(SQUARE, SQUARE), mode="bilinear", align_corners=False)
    rgb = join_colour(large, chroma)
    found, _ = recogniser(in_cover(rgb, rgb.detach(), oval), recogniser.looks(len(index), jitter=True))
    gradient: Tensor = torch.autograd.grad((found * torch.randn_like(found)).sum(), luma)[0]
    return gradient[:, 0]

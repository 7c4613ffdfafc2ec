"""The losses of the published system, both recovery modes; images (N, 3, H, W) in [0, 1].

The paper's perceptual distance is LPIPS, whose backbone weights cannot be shipped and are never downloaded: give a file
of them and have the ``lpips`` package installed to use it.  Without, multi-scale SSIM takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from pytorch_msssim import ssim
from torch import Tensor
from torch.nn import functional

from proface_s.errors import UsageError

MARGIN = 1.2
WINDOW = 11  # of SSIM; coarser scales than this are left out
SCALES = 4

ROOT_FLOOR = 1e-12  # under the root of `rmse`, whose gradient is infinite at zero
FAR_ENOUGH = 0.32  # RMSE of a wrong recovery (9.9 dB) that is not pushed further

Distance = Callable[[Tensor, Tensor], Tensor]


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of each pair, (N,)."""
    return (a - b).abs().flatten(1).mean(1)


def rmse(a: Tensor, b: Tensor) -> Tensor:
    """Root of the mean squared difference of each pair, (N,)."""
    return ((a - b).square().flatten(1).mean(1) + ROOT_FLOOR).sqrt()


def multiscale_dissimilarity(a: Tensor, b: Tensor) -> Tensor:
    """1 - SSIM, mean over up to four dyadic scales, (N,)."""
    found = []
    for _ in range(SCALES):
        if min(a.shape[-2:]) < WINDOW:
            break
        with torch.autocast(a.device.type, enabled=False):  # the variances of smooth skin vanish in bfloat16
            found.append(1 - ssim(a, b, data_range=1.0, size_average=False))
        a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
    return torch.stack(found).mean(0)


def perceptual(weights: str | None) -> Distance:
    """LPIPS with the user's own weights, or the multi-scale stand-in.

    Args:
        weights: a file written where the weights are, by ``torch.save(lpips.LPIPS(net="alex").state_dict(), FILE)``.

    Raises:
        UsageError: the package or the file is missing.
    """
    if weights is None:
        return multiscale_dissimilarity
    try:
        import lpips  # type: ignore[import-not-found,unused-ignore]

        network = lpips.LPIPS(net="alex", pretrained=False, pnet_rand=True)
        network.load_state_dict(torch.load(Path(weights), map_location="cpu", weights_only=True))
    except ImportError:
        raise UsageError("LPIPS needs the package lpips", "pip install lpips, or leave `lpips_weights` out") from None
    except Exception as error:  # torch raises whatever its unpickler meets
        raise UsageError(f"{weights} does not hold LPIPS weights ({type(error).__name__})") from None
    network.eval().requires_grad_(False)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        found: Tensor = network.to(a.device)(a * 2 - 1, b * 2 - 1)
        return found.flatten()

    return distance


def triplet(distance: Distance, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), mean over the batch."""
    return torch.relu(distance(anchor, positive) - distance(anchor, negative) + MARGIN).mean()


def image_term(distance: Distance, protected: Tensor, cover: Tensor) -> Tensor:
    """5 perceptual + L1."""
    return (5 * distance(protected, cover) + l1(protected, cover)).mean()


def rand_wr_loss(
    distance: Distance,
    original: Tensor,
    cover: Tensor,
    protected: Tensor,
    recovered: Tensor,
    wrong: Tensor,
    triplets: float = 1.0,
) -> Tensor:
    """RandWR: a wrong key gives a picture far from the original.

    Args:
        distance: the perceptual one.
        original: (N, 3, H, W), as all that follow.
        cover: what the protected image should look like.
        protected: with the right key.
        recovered: with the right key.
        wrong: recovered with another key.
        triplets: factor of the triplet terms; 1 as published.
    """
    apart = triplet(distance, original, recovered, wrong) + triplet(l1, original, recovered, wrong)
    near = 0.3 * image_term(distance, protected, cover) + 0.5 * l1(recovered, original).mean()
    return near + 0.2 * triplets * apart


def obfs_wr_loss(
    distance: Distance,
    original: Tensor,
    cover: Tensor,
    protected: Tensor,
    recovered: Tensor,
    wrong: Tensor,
    triplets: float = 1.0,
) -> Tensor:
    """ObfsWR: a wrong key gives the obfuscated picture again; arguments as `rand_wr_loss`."""
    near = l1(recovered, original).mean() + l1(wrong, cover).mean()
    apart = triplet(distance, recovered, original, cover) + triplet(distance, wrong, cover, original)
    return 0.2 * image_term(distance, protected, cover) + 0.3 * near + 0.5 * triplets * apart


def rand_wr_start(
    original: Tensor, cover: Tensor, protected: Tensor, recovered: Tensor, wrong: Tensor, weight: float
) -> Tensor:
    """What a RandWR network is trained with first: the paper's triplets swamp its image terms in the early steps.

    There may be fewer wrong recoveries than pictures: they belong to the first ones.  What counts is how far they are
    as a viewer sees them, clamped; leaving the range costs, because gains that do so with a wrong key also blow up the
    protected image of contrasty covers.
    """
    seen = wrong.clamp(0, 1)
    apart = torch.relu(FAR_ENOUGH - rmse(seen, original[: len(wrong)])) + rmse(wrong, seen)
    return _near(protected, cover) + _near(recovered, original) + weight * apart.mean()


def obfs_wr_start(
    original: Tensor, cover: Tensor, protected: Tensor, recovered: Tensor, wrong: Tensor, weight: float
) -> Tensor:
    """As `rand_wr_start`, for ObfsWR."""
    return _near(protected, cover) + _near(recovered, original) + weight * _near(wrong, cover[: len(wrong)])


def _near(a: Tensor, b: Tensor) -> Tensor:
    """Mean RMSE of a batch.

    It has to grow without bound: the exponential scales can blow up single pictures a thousandfold, and a loss that
    weighs those less (its logarithm was tried) lets them run away within 250 steps.
    """
    return rmse(a, b).mean()

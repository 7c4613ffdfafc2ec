"""The losses of the published system, both recovery modes; images (N, 3, H, W) in [0, 1].

The paper's perceptual distance is LPIPS, whose backbone weights cannot be shipped and are never downloaded: give a file
of them and have the ``lpips`` package installed to use it.  Without, multi-scale SSIM takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from pytorch_msssim import ssim
from torch import Tensor
from torch.nn import functional

from proface_s.errors import UsageError

MARGIN = 1.2
WINDOW = 11  # of SSIM; coarser scales than this are left out
SCALES = 4

ROOT_FLOOR = 1e-12  # under the root of `rmse`, whose gradient is infinite at zero
FAR_ENOUGH = 0.36  # RMSE of a wrong recovery (8.9 dB) that is not pushed further
BOUND = 0.5  # see `bounded`
EXCESS, WRONG_EXCESS = 0.1, 0.2  # weights of the branches' excess, with the right key and, within its term, a wrong one

Distance = Callable[[Tensor, Tensor], Tensor]


class Images(NamedTuple):
    """What becomes of a batch; images are (N, 3, H, W).

    Attributes:
        original: the faces, in [0, 1].
        cover: what the protected images should look like, in [0, 1].
        stored: the protected images as a file has them: clipped to [0, 1] and on 256 levels; as `protected` in runs
            without rounding.
        recovered: from the stored images with the right key, not clipped.
        wrong: the same with another key; of the first pictures of the batch only.
        protected: as the network gives them.
        excess: of both branches after every coupling, protecting and recovering, each (N,); see `excess_of`.
        wrong_excess: the same of the wrong recoveries.
    """

    original: Tensor
    cover: Tensor
    stored: Tensor
    recovered: Tensor
    wrong: Tensor
    protected: Tensor
    excess: Sequence[Tensor] = ()
    wrong_excess: Sequence[Tensor] = ()


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
        raise UsageError("LPIPS needs the package lpips", code="lpips-package") from None
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


def rand_wr_start(images: Images, weight: float, protected_weight: float) -> Tensor:
    """Return the loss that a RandWR network is trained with first: the paper's triplets swamp its image terms early on.

    A wrong recovery only has to be far enough from the original, as a viewer sees it.  What its branches do beyond the
    range of images is charged too, or the network learns gains that also blow up the protected image of a cover with
    strong contrasts.

    Args:
        images: of one batch.
        weight: of the wrong recoveries, beside 1 for recovered images.
        protected_weight: of the protected images, likewise.
    """
    seen = images.wrong.clamp(0, 1)
    apart = torch.relu(FAR_ENOUGH - rmse(seen, images.original[: len(seen)])).mean()
    return _near(images, protected_weight) + weight * (apart + WRONG_EXCESS * _total(images.wrong_excess))


def obfs_wr_start(images: Images, weight: float, protected_weight: float) -> Tensor:
    """Return the same for ObfsWR, whose wrong recoveries are to look like the cover."""
    wrong = rmse(images.wrong, images.cover[: len(images.wrong)])
    return _near(images, protected_weight) + weight * bounded(wrong).mean()


def _near(images: Images, protected_weight: float) -> Tensor:
    """Return the terms of both modes: two image terms, and the excess of the branches between the couplings.

    The protected image is compared before it is clipped: what is hidden beyond black and white is lost in the file.
    """
    protected, recovered = rmse(images.protected, images.cover), rmse(images.recovered, images.original)
    return protected_weight * bounded(protected).mean() + bounded(recovered).mean() + EXCESS * _total(images.excess)


def _total(excess: Sequence[Tensor]) -> Tensor:
    return torch.stack([bounded(each).mean() for each in excess]).sum()


def bounded(error: Tensor) -> Tensor:
    """Return errors as they are up to `BOUND`, and beyond it their logarithm, with the same slope where the two meet.

    The exponential scales can blow up a single picture a thousandfold.  Taken as it is, its error would outweigh all
    other pictures of a batch, with a gradient through three amplifying couplings that points nowhere.  Its logarithm
    alone lets it run away; together with the excess of every coupling, which is charged where it begins, it does not.
    """
    return torch.where(error < BOUND, error, BOUND * (1 + (error.clamp(min=BOUND) / BOUND).log()))

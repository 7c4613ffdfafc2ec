"""One pass of the secure flow's coder in torch, with real quantisation, coarse to fine: bits and squared error."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from proface_s.flow.secure.couplings import PLANE_STEPS, STAGES, stage_bands
from proface_s.flow.secure.face_code import ROUNDING_BIAS
from proface_s.flow.secure.haar import ROOTS, depth_for

from .couplings import CouplingNetwork, round_through, stage_sites


def rgb_to_opponent(image: Tensor) -> Tensor:
    """Convert (N, 3, H, W) RGB levels to orthonormal luma, red-blue and green-magenta."""
    r, g, b = image.unbind(1)
    return torch.stack([(r + g + b) * ROOTS[0], (r - b) * ROOTS[1], (r - 2 * g + b) * ROOTS[2]], 1)


def opponent_to_rgb(planes: Tensor) -> Tensor:
    """Invert `rgb_to_opponent`."""
    y, co, cg = (plane * root for plane, root in zip(planes.unbind(1), ROOTS, strict=True))
    return torch.stack([y + co + cg, y - 2 * cg, y - co + cg], 1)


def haar_split(image: Tensor) -> tuple[Tensor, Tensor]:
    """Haar transform in the mean domain: (N, C, H, W) to low (N, C, ceil(H/2), ceil(W/2)) and details (N, 3C, ...).

    Details are ordered by channel, then horizontal, vertical, diagonal; odd sides repeat their last row or column.
    """
    image = functional.pad(image, (0, image.shape[-1] % 2, 0, image.shape[-2] % 2), mode="replicate")
    a, b = image[..., 0::2, 0::2], image[..., 0::2, 1::2]
    c, d = image[..., 1::2, 0::2], image[..., 1::2, 1::2]
    low = (a + b + c + d) / 4
    details = torch.stack([(a - b + c - d) / 4, (a + b - c - d) / 4, (a - b - c + d) / 4], 2)
    return low, details.flatten(1, 2)


def logistic_bits(residual: Tensor, log_scale: Tensor) -> Tensor:
    """Return the bits of a discretised logistic variable; residual and exp2(log_scale) in quantiser steps."""
    inverse = torch.exp2(-log_scale)
    upper, lower = (residual + 0.5) * inverse, (residual - 0.5) * inverse
    log_p = functional.logsigmoid(upper) + functional.logsigmoid(-lower) + torch.log(-torch.expm1(-inverse))
    return -log_p / math.log(2)


def code_images(
    network: CouplingNetwork, image: Tensor, log_step: Tensor, decoded_image: list[Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """Code images at given quantiser steps.

    Args:
        network: the couplings.
        image: (N, 3, H, W) RGB levels, float.
        log_step: (N, 1, 1, 1) log2 of the orthonormal step, multiples of 1/16.
        decoded_image: list to which the decoded images, (N, 3, H, W) RGB levels, are appended; None to skip that.

    Returns:
        Bits per image (N,) and mean squared error per image (N,).
    """
    pyramid, low = [], rgb_to_opponent(image)
    for _ in range(depth_for(*image.shape[-2:])):
        low, details = haar_split(low)
        pyramid.append((low, details))
    depth, count, pixels = len(pyramid), image.shape[0], image[0].numel()
    step = torch.exp2(log_step - depth)
    known = round_through(low / step) * step
    bits = torch.zeros(count, device=image.device) + low[0].numel() * torch.log2(256 / step.flatten())
    error = (known - low).square().flatten(1).sum(1) * 4.0**depth
    for level in range(depth, 0, -1):
        _, details = pyramid[level - 1]
        log_level = log_step - level
        step = torch.exp2(log_level)
        decoded = torch.zeros_like(details)
        for stage in range(STAGES):
            bands, sites = stage_bands(stage), stage_sites(stage, *details.shape[-2:]).to(image.device)
            seen = torch.floor(known * PLANE_STEPS + 0.5), torch.floor(decoded * PLANE_STEPS + 0.5)
            shift, scale = network(stage, *seen, log_level)
            residual = (details[:, bands] - shift) / step
            scale = (scale - log_level).clamp(-4.0, 12.0)
            noisy = residual + torch.rand_like(residual) - 0.5 if network.training else quantise(residual)
            bits = bits + (logistic_bits(noisy, scale) * sites).flatten(1).sum(1)
            value = (shift + quantise(residual.detach()) * step).detach()
            decoded[:, bands] = torch.where(sites > 0, value, decoded[:, bands])
        error = error + (decoded - details).square().flatten(1).sum(1) * 4.0**level
        known = haar_merge(known, decoded, pyramid[level - 2][0].shape[-2:] if level > 1 else image.shape[-2:])
    if decoded_image is not None:
        decoded_image.append(opponent_to_rgb(known))
    return bits, error / pixels


def quantise(residual: Tensor) -> Tensor:
    """Round to the nearest integer, biased towards zero by `ROUNDING_BIAS`."""
    return residual.sign() * torch.floor(residual.abs() + 0.5 - ROUNDING_BIAS)


def haar_merge(low: Tensor, details: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Invert `haar_split` and crop to ``size``."""
    h, v, d = details.reshape(details.shape[0], -1, 3, *details.shape[2:]).unbind(2)
    out = low.new_empty(*low.shape[:2], low.shape[2] * 2, low.shape[3] * 2)
    out[..., 0::2, 0::2], out[..., 0::2, 1::2] = low + h + v + d, low - h + v - d
    out[..., 1::2, 0::2], out[..., 1::2, 1::2] = low + h - v - d, low - h - v + d
    return out[..., : size[0], : size[1]]

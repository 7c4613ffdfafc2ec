"""The published system: three secure affine coupling blocks on Haar sub-bands (arXiv 2307.09146, section 3).

It is here as the peer that our own flow is measured against, as faithful as the paper allows, weaknesses included; it
protects nobody (docs/explain/model.md says why).

::

    original ─ Haar ─► X ─┐   Y' = e(omega(X|K)) * Y + phi(X|K)    ┌─► X' ... ─ inverse Haar ─► byproduct
    cover    ─ Haar ─► Y ─┴─► X' = e(rho(Y'|K)) * X + eta(Y'|K)  ──┴─► Y' ... ─ inverse Haar ─► protected

Backwards the byproduct, which nobody keeps, is replaced by the key map, repeated three times.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from proface_s.errors import UsageError
from proface_s.types import UInt8Image

CLAMP = 2.0  # the paper's c
SLOPE = 0.2  # of LeakyReLU where a configuration gives no other: runs before November 2026 had none to give
INITIALISATIONS = ("torch", "published", "kaiming")
PUBLISHED_SCALE = 0.01  # of the authors' normal initialisation
KAIMING_SLOPE, KAIMING_SCALE = 0.1, 0.5  # super-resolution networks start their residual branches this small
IMAGE, KEY = 12, 4  # channels at half resolution
RANGE = 2.0  # largest Haar band of an image, or of a key map, of -1 to 1
SOFT = 0.1  # excess up to which `excess_of` is quadratic
SALT, ROUNDS = b"PRO-Face S", 10  # a constant salt and ten rounds, as published


def haar_bands(image: Tensor) -> Tensor:
    """Orthonormal Haar: (N, C, H, W) -> (N, 4C, H/2, W/2), bands LL, HL, LH, HH, each of all channels."""
    a, b = image[..., 0::2, 0::2], image[..., 0::2, 1::2]
    c, d = image[..., 1::2, 0::2], image[..., 1::2, 1::2]
    return torch.cat([a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2


def from_haar_bands(bands: Tensor) -> Tensor:
    """Inverse of `haar_bands`."""
    ll, hl, lh, hh = bands.chunk(4, 1)
    out = bands.new_empty(ll.shape[0], ll.shape[1], 2 * ll.shape[2], 2 * ll.shape[3])
    out[..., 0::2, 0::2], out[..., 0::2, 1::2] = (ll + hl + lh + hh) / 2, (ll - hl + lh - hh) / 2
    out[..., 1::2, 0::2], out[..., 1::2, 1::2] = (ll + hl - lh - hh) / 2, (ll - hl - lh + hh) / 2
    return out


def scale_factor(s: Tensor) -> Tensor:
    """The paper's e(s) = exp(2c(sigmoid(s) - 1/2)), never in half precision.

    Near 1 bfloat16 has steps of 1/128: rounding the factor there costs more than rounding the image to 8 bits.
    """
    s = s if s.dtype == torch.float64 else s.float()
    return torch.exp(2 * CLAMP * (torch.sigmoid(s) - 0.5))


class DenseBlock(nn.Module):
    """Five 3x3 convolutions, each seeing all that came before; LeakyReLU between them, the last starts at zero.

    Args:
        growth: channels that every convolution but the last adds.
        slope: of LeakyReLU below zero.
    """

    def __init__(self, growth: int, slope: float = SLOPE) -> None:
        super().__init__()
        widths = [IMAGE + KEY + i * growth for i in range(5)]
        self.layers = nn.ModuleList(nn.Conv2d(w, growth, 3, padding=1) for w in widths[:-1])
        self.last = nn.Conv2d(widths[-1], IMAGE, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        self.act = nn.LeakyReLU(slope)

    def forward(self, half: Tensor, key: Tensor) -> Tensor:
        """(N, 12, h, w) and the key map's bands (N, 4, h, w) -> (N, 12, h, w)."""
        seen = torch.cat([half, key], 1)
        device = half.device.type
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            return self._forward_in_half_precision(seen)
        for layer in self.layers:
            seen = torch.cat([seen, self.act(layer(seen))], 1)
        return self.last(seen)  # type: ignore[no-any-return]

    def _forward_in_half_precision(self, exact: Tensor) -> Tensor:
        """As `forward`, with the images as the sum of two half-precision numbers.

        Beside a cover of 1, bfloat16 has steps of 1/128 (or 1/256): as coarse as 8-bit rounding, and coarser than much
        of what is hidden there.  The features that the block computes itself are small enough for one number.
        """
        dtype = torch.get_autocast_dtype(exact.device.type)
        seen = exact.to(dtype, memory_format=torch.channels_last)
        rest = (exact[:, :IMAGE] - seen[:, :IMAGE].to(exact.dtype)).to(dtype)
        seen = torch.cat([rest, seen], 1)
        for layer in self.layers:
            seen = torch.cat([seen, self.act(_convolve_twice(layer, seen))], 1)
        return _convolve_twice(self.last, seen)


def _convolve_twice(layer: nn.Module, seen: Tensor) -> Tensor:
    """A 3x3 convolution whose weights of the first `IMAGE` channels serve for one more such group in front."""
    assert isinstance(layer, nn.Conv2d)
    weight = torch.cat([layer.weight[:, :IMAGE], layer.weight], 1)
    return functional.conv2d(seen, weight, layer.bias, padding=1)


class SecureCoupling(nn.Module):
    """One secure affine coupling block (SACB), with its exact inverse.

    Args:
        growth: see `DenseBlock`.
        slope: see `DenseBlock`.
    """

    def __init__(self, growth: int, slope: float = SLOPE) -> None:
        super().__init__()
        self.omega, self.phi, self.rho, self.eta = (DenseBlock(growth, slope) for _ in range(4))

    def forward(self, x: Tensor, y: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """(X, Y) -> (X', Y')."""
        y = scale_factor(self.omega(x, key)) * y + self.phi(x, key)
        return scale_factor(self.rho(y, key)) * x + self.eta(y, key), y

    def inverse(self, x: Tensor, y: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """(X', Y') -> (X, Y)."""
        x = (x - self.eta(y, key)) / scale_factor(self.rho(y, key))
        return x, (y - self.phi(x, key)) / scale_factor(self.omega(x, key))


def excess_of(bands: Tensor) -> Tensor:
    """Return how far bands leave the range of an image's: (N, C, h, w) to (N,), a root mean square less `SOFT`.

    Quadratic for a few bands that are slightly too large, as every picture has, and linear for what grows without end.
    """
    over = torch.relu(bands.float().abs() - RANGE).square().flatten(1).mean(1)
    return (over + SOFT**2).sqrt() - SOFT


class PaperFlow(nn.Module):
    """The published network; images are (N, 3, H, W) in [0, 1], key maps (N, 1, H, W) of -1 and +1, sides even.

    Args:
        blocks: number of SACBs.
        growth: see `DenseBlock`.
        slope: see `DenseBlock`; the published one is 0.01.
        signed: let the couplings see images as -1..1, as published, the same range as the key map that stands in for
            the byproduct.  Images outside stay in [0, 1].
        initialisation: ``torch`` (its default), ``published`` (all weights and biases from a normal distribution of
            standard deviation 0.01) or ``kaiming`` (Kaiming normal for a slope of 0.1, halved; no biases).  The last
            convolution of every dense block starts at zero in all of them.

    Raises:
        UsageError: an initialisation that there is not.
    """

    def __init__(
        self,
        blocks: int = 3,
        growth: int = 32,
        *,
        slope: float = SLOPE,
        signed: bool = False,
        initialisation: str = "torch",
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(SecureCoupling(growth, slope) for _ in range(blocks))
        self.signed = signed
        initialise(self, initialisation)

    def protect(
        self, original: Tensor, cover: Tensor, key_map: Tensor, *, excess: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the protected image and the byproduct.

        Args:
            original: (N, 3, H, W), as all images.
            cover: what the protected image should look like.
            key_map: (N, 1, H, W).
            excess: if given, gets `excess_of` both branches after every coupling, each (N,).
        """
        x, y, key = self._bands(original), self._bands(cover), haar_bands(key_map)
        for block in self.blocks:
            x, y = block(x, y, key)
            if excess is not None:
                excess += [excess_of(x), excess_of(y)]
        return self._image(y), self._image(x)

    def unprotect(self, protected: Tensor, byproduct: Tensor, key_map: Tensor) -> tuple[Tensor, Tensor]:
        """Exact inverse of `protect`: returns the original and the cover."""
        return self._backward(self._bands(byproduct), protected, key_map)

    def recover(self, protected: Tensor, key_map: Tensor, *, excess: list[Tensor] | None = None) -> Tensor:
        """Return an estimate of the original: the key map takes the byproduct's place, three times over.

        Args:
            protected: (N, 3, H, W).
            key_map: (N, 1, H, W).
            excess: see `protect`.
        """
        return self._backward(haar_bands(key_map).repeat(1, 3, 1, 1), protected, key_map, excess)[0]

    def _backward(
        self, x: Tensor, protected: Tensor, key_map: Tensor, excess: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        y, key = self._bands(protected), haar_bands(key_map)
        for block in reversed(self.blocks):
            assert isinstance(block, SecureCoupling)
            x, y = block.inverse(x, y, key)
            if excess is not None:
                excess += [excess_of(x), excess_of(y)]
        return self._image(x), self._image(y)

    def _bands(self, image: Tensor) -> Tensor:
        """An image of [0, 1] as the couplings see it."""
        return haar_bands(image * 2 - 1 if self.signed else image)

    def _image(self, bands: Tensor) -> Tensor:
        """Inverse of `_bands`."""
        image = from_haar_bands(bands)
        return (image + 1) / 2 if self.signed else image


def initialise(network: nn.Module, how: str) -> None:
    """Give the convolutions their first weights, see `PaperFlow`; those that are zero (the last ones) stay zero.

    Raises:
        UsageError: if there is no such initialisation.
    """
    if how not in INITIALISATIONS:
        raise UsageError(f"the initialisation is one of {', '.join(INITIALISATIONS)}, not {how!r}")
    if how == "torch":
        return
    last = {block.last for block in network.modules() if isinstance(block, DenseBlock)}
    for layer in network.modules():
        if not isinstance(layer, nn.Conv2d) or layer in last:
            continue
        assert layer.bias is not None
        if how == "published":
            nn.init.normal_(layer.weight, std=PUBLISHED_SCALE)
            nn.init.normal_(layer.bias, std=PUBLISHED_SCALE)
        else:
            nn.init.kaiming_normal_(layer.weight, a=KAIMING_SLOPE)
            nn.init.zeros_(layer.bias)
            with torch.no_grad():
                layer.weight *= KAIMING_SCALE


def derive_paper_key_map(password: str, height: int, width: int) -> UInt8Image:
    """The published key generation: PBKDF2 with a constant salt and ten rounds gives H*W bits.

    For comparison only, never to protect anything: the same password gives every picture of a size the same map, and
    ten rounds make guessing cheap.

    Returns:
        (H, W) of 0 and 1.
    """
    nbytes = -(-height * width // 8)
    stream = hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, ROUNDS, nbytes)
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))[: height * width]
    return np.asarray(bits.reshape(height, width), np.uint8)


class PaperMethod:
    """The published system on pictures as arrays, for comparisons only: never protect anyone's face with it.

    Sides must be even; every method raises `UsageError` for odd ones, and where the shapes do not agree.

    Args:
        network: trained weights.
        device: torch device name.
    """

    def __init__(self, network: PaperFlow, device: str = "cpu") -> None:
        self._network, self._device = network.to(device).eval(), device

    @torch.no_grad()
    def protect_float(self, original: UInt8Image, cover: UInt8Image, key_map: UInt8Image) -> np.ndarray:
        """(H, W, 3) uint8 original and cover, (H, W) bits -> (H, W, 3) float32 in grey levels, not rounded."""
        _check_shapes(original, cover, key_map)
        protected, _ = self._network.protect(self._image(original), self._image(cover), self._map(key_map))
        return np.asarray((protected[0] * 255).permute(1, 2, 0).cpu().numpy(), np.float32)

    def protect(self, original: UInt8Image, cover: UInt8Image, key_map: UInt8Image) -> UInt8Image:
        """As `protect_float`, rounded to 8 bits as a file needs it."""
        levels = np.rint(self.protect_float(original, cover, key_map))
        return np.asarray(np.clip(levels, 0, 255), np.uint8)

    @torch.no_grad()
    def recover(self, protected: np.ndarray, key_map: UInt8Image) -> UInt8Image:
        """(H, W, 3) protected in grey levels, uint8 or float -> recovered uint8, clamped."""
        _check_shapes(protected, key_map)
        found = self._network.recover(self._image(protected), self._map(key_map))[0]
        levels = torch.nan_to_num(found * 255, nan=0.0).round().clamp(0, 255)
        return np.asarray(levels.permute(1, 2, 0).cpu().numpy(), np.uint8)

    def _image(self, image: np.ndarray) -> Tensor:
        return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None].to(self._device)

    def _map(self, bits: UInt8Image) -> Tensor:
        return torch.from_numpy(bits.astype(np.float32) * 2 - 1)[None, None].to(self._device)


def _check_shapes(*arrays: np.ndarray) -> None:
    """Same height and width everywhere, both even; all but a key map have three channels."""
    shapes = [array.shape for array in arrays]
    even = not any(side % 2 for side in shapes[0][:2])
    if not even or any(shape[:2] != shapes[0][:2] or shape[2:] not in ((), (3,)) for shape in shapes):
        raise UsageError(f"pictures (H, W, 3) and a key map (H, W) with the same even sides are wanted, not {shapes}")

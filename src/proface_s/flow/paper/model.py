"""The published network as a model: originals into covers under a key map, and estimates of them back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from ...errors import ModelError
from ...threads import opencv_threads, threads_to_use
from ...types import FloatArray, UInt8Image, WrongKey
from ..cards import read_card, verified_bytes
from ..model import KeyStreams, Reading
from ..network import open_graph
from .couplings import PaperCoupling, haar, inverse_haar, protect_bands, recover_bands
from .key_map import derive_key_map

GRAPHS: Final = ("to-cover-{}.onnx", "to-original-{}.onnx")  # of each coupling, numbered from 1
SMALLEST_SIDE: Final = 8
WARNING: Final = "the model is for comparison: its pixels are not secret, and faces can be restored without the key"


class PaperModel:
    """Hides originals inside covers with the published network, and estimates them again.  A `Model`.

    ::

        original ─ Haar ─┐
        cover ─── Haar ──┼─ couplings, under the key map ─► protected, rounded to 8 bits
                         └────────────────────────────────► byproduct: discarded, the key map takes its place

    It cannot tell a wrong key: whatever the network gives is a `Reading`.

    Args:
        folder: the model's directory.
        threads: number of threads; 0 for all cores.

    Raises:
        ModelError: if a file is missing, its SHA-256 is not the card's, or the card is of another kind of model.
    """

    smallest_side = SMALLEST_SIDE
    warning = WARNING

    def __init__(self, folder: Path, threads: int = 0) -> None:
        self.threads = threads_to_use(threads)
        self.card = read_card(folder)
        self.wrong_key_modes = self.card.wrong_key_modes
        if len(self.wrong_key_modes) != 1:
            raise ModelError(
                f"{self.card.name} is not a model of the published network: its card names no recovery mode"
            )
        try:
            count, self._black = int(self.card.record["blocks"]), -1.0 if self.card.record["signed"] else 0.0
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{self.card.name} is not a model of the published network") from error
        self._couplings = [
            PaperCoupling(
                *(open_graph(verified_bytes(folder, self.card, name.format(n)), self.threads) for name in GRAPHS)
            )
            for n in range(1, count + 1)
        ]

    def most_reserved(self, height: int, width: int) -> int:
        """See `Model.most_reserved`: all samples, because a record changes each by one grey level at most."""
        return 3 * height * width

    def protect(self, original: UInt8Image, cover: UInt8Image, key: KeyStreams, *, reserved: int = 0) -> UInt8Image:
        """See `Model.protect`; reserved samples are protected like the others."""
        _check_region(original, cover)
        with opencv_threads(self.threads):
            x, y, key_bands = self._bands(original), self._bands(cover), _key_bands(key, original)
            return self._levels(protect_bands(self._couplings, x, y, key_bands)[1])

    def recover(
        self, protected: UInt8Image, key: KeyStreams, *, reserved: int = 0, wrong_key: WrongKey = "noise"
    ) -> Reading:
        """See `Model.recover`.

        In place of a reserved sample, whose lowest bit belongs to a record, the network gets the mean of the two levels
        that it can have.
        """
        if wrong_key not in self.wrong_key_modes:
            raise ValueError(f"wrong_key is {self.wrong_key_modes[0]!r} with this model, not {wrong_key!r}")
        _check_region(protected)
        levels = protected.astype(np.float32).ravel()
        levels[:reserved] = (protected.ravel()[:reserved] & 0xFE) + np.float32(0.5)
        with opencv_threads(self.threads):
            y, key_bands = self._bands(levels.reshape(protected.shape)), _key_bands(key, protected)
            byproduct = np.tile(key_bands, (1, 3, 1, 1))
            return Reading(self._levels(recover_bands(self._couplings, byproduct, y, key_bands)[0]))

    def _bands(self, region: UInt8Image | FloatArray) -> FloatArray:
        """Return the bands of a region in the network's range: (H, W, 3) grey levels to (1, 12, H/2, W/2) float32."""
        image = region.transpose(2, 0, 1).astype(np.float32)[None] / np.float32(255)
        return haar(image * np.float32(1 - self._black) + np.float32(self._black))

    def _levels(self, bands: FloatArray) -> UInt8Image:
        """Return the region that has these bands, rounded; numbers that overflowed with a wrong key become black."""
        image = (inverse_haar(bands)[0] - np.float32(self._black)) * np.float32(255 / (1 - self._black))
        levels = np.clip(np.rint(np.nan_to_num(image, nan=0.0)), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(levels.transpose(1, 2, 0))


def _key_bands(key: KeyStreams, region: UInt8Image) -> FloatArray:
    """Return the bands of the key map, (1, 4, H/2, W/2)."""
    bits = derive_key_map(key, *region.shape[:2])
    return haar(bits.astype(np.float32)[None, None] * 2 - 1)


def _check_region(*regions: UInt8Image) -> None:
    shape = regions[0].shape
    for region in regions:
        if region.shape != shape or region.dtype != np.uint8 or region.ndim != 3 or shape[2] != 3:
            raise ValueError(f"regions must be uint8 (H, W, 3) of one shape, got {region.dtype} {region.shape}")
    if shape[0] % 2 or shape[1] % 2 or min(shape[:2]) < SMALLEST_SIDE:
        raise ValueError(f"regions must have even sides of at least {SMALLEST_SIDE} pixels, got {shape[1]}x{shape[0]}")

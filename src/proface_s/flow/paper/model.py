"""The published network as a model: originals into covers under a key map, and estimates of them back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ...errors import ModelError
from ...threads import opencv_threads, threads_to_use
from ...types import FloatArray, UInt8Image
from ..cards import Card, read_card, verified_bytes
from ..network import open_graph
from .couplings import Coupling, haar, inverse_haar, protect_bands, recover_bands
from .key_map import KeyMapStream, derive_key_map

MODES: Final = {"RandWR": "noise", "ObfsWR": "cover"}  # the paper's recovery modes, and what a wrong key gives
GRAPHS: Final = ("to-cover-{}.onnx", "to-original-{}.onnx")  # of each coupling, numbered from 1


class PaperModel:
    """Hides originals inside covers with the published network, and estimates them again.

    ::

        original ─ Haar ─┐
        cover ── Haar ───┼─ couplings, under the key map ─► protected, rounded to 8 bits
                         └─────────────────────────────────► byproduct: discarded, the key map takes its place

    Args:
        folder: the model's directory.
        threads: number of threads; 0 for all cores.

    Raises:
        ModelError: if a file is missing, its SHA-256 is not the card's, or the card names no recovery mode.
    """

    def __init__(self, folder: Path, threads: int = 0) -> None:
        self.threads = threads = threads_to_use(threads)
        self.card: Card = read_card(folder)
        try:
            self.wrong_key = MODES[str(self.card.record["mode"])]
            count, self._black = int(self.card.record["blocks"]), -1.0 if self.card.record["signed"] else 0.0
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the card of {folder} is not of the published network", "reinstall the package"
            ) from error
        self._couplings = [
            Coupling(*(open_graph(verified_bytes(folder, self.card, name.format(n)), threads) for name in GRAPHS))
            for n in range(1, count + 1)
        ]

    def protect(
        self,
        originals: Sequence[UInt8Image],
        covers: Sequence[UInt8Image],
        keys: Sequence[KeyMapStream],
        *,
        reserved: Sequence[int] | None = None,
    ) -> list[UInt8Image]:
        """Hide each original in its cover under its key.

        Args:
            originals: (H, W, 3) uint8 RGB regions of even sides, each of its own size.
            covers: the same shapes.
            keys: one per region.
            reserved: ignored: a record changes its samples by one grey level, less than what is hidden there.

        Returns:
            Protected regions, uint8, shaped like the covers.
        """
        with opencv_threads(self.threads):
            return [self._hide(*each) for each in zip(originals, covers, keys, strict=True)]

    def recover(
        self, protected: Sequence[UInt8Image], keys: Sequence[KeyMapStream], *, reserved: Sequence[int] | None = None
    ) -> list[UInt8Image]:
        """Estimate the originals of protected regions; with a wrong key, what the network makes of it."""
        with opencv_threads(self.threads):
            return [self._seek(*each) for each in zip(protected, keys, strict=True)]

    def _hide(self, original: UInt8Image, cover: UInt8Image, key: KeyMapStream) -> UInt8Image:
        x, y, key_bands = self._bands(original), self._bands(cover), _key_bands(key, original)
        return self._levels(protect_bands(self._couplings, x, y, key_bands)[1])

    def _seek(self, protected: UInt8Image, key: KeyMapStream) -> UInt8Image:
        key_bands = _key_bands(key, protected)
        byproduct = np.tile(key_bands, (1, 3, 1, 1))
        return self._levels(recover_bands(self._couplings, byproduct, self._bands(protected), key_bands)[0])

    def _bands(self, region: UInt8Image) -> FloatArray:
        """Return the bands of a region in the network's range, (1, 12, H/2, W/2) float32."""
        image = region.transpose(2, 0, 1).astype(np.float32)[None] / np.float32(255)
        return haar(image * np.float32(1 - self._black) + np.float32(self._black))

    def _levels(self, bands: FloatArray) -> UInt8Image:
        """Inverse of `_bands`, rounded; numbers that overflowed, as under a wrong key, count as black."""
        image = (inverse_haar(bands)[0] - np.float32(self._black)) * np.float32(255 / (1 - self._black))
        levels = np.clip(np.rint(np.nan_to_num(image, nan=0.0)), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(levels.transpose(1, 2, 0))


def _key_bands(key: KeyMapStream, region: UInt8Image) -> FloatArray:
    """Return the bands of the key map, (1, 4, H/2, W/2)."""
    bits = derive_key_map(key, *region.shape[:2])
    return haar(bits.astype(np.float32)[None, None] * 2 - 1)

"""The secure flow as a whole: originals into covers under a key, and back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import ModelError
from ...threads import opencv_threads, threads_to_use
from ...types import UInt8Image
from ..cards import CARD_NAME, DEFAULT_MODEL, Card, canonical_card, read_card, shipped_models, verified_bytes
from ..network import open_engine
from . import rate_forecast
from .couplings import Prior
from .entropy import Tables
from .face_code import Codec
from .haar import Float64
from .lattice import Words, capacity_words, from_digits, read_residues, to_digits, write_residues
from .pad import KeyStreams, derive_shifts, mix, unmix

__all__ = ["CARD_NAME", "DEFAULT_MODEL", "Card", "FlowModel", "canonical_card", "read_card", "shipped_models"]

ENGINE_NAMES = ("luma-even.onnx", "luma-odd.onnx", "chroma-first.onnx", "chroma-second.onnx")
TABLES_NAME = "tables.npz"
SMALL_SIDE = 96  # regions with a shorter side than this get five residues a sample instead of three
SMALLEST_SIDE = 8
PICTURE_LIKE = 13.0  # mean distance from the gamut, grey levels, up to which what was read counts as a picture

WRONG_KEY_MODES = ("noise", "cover")


def modulus_for(height: int, width: int) -> int:
    """Residues per sample: a function of the region's size alone, so that it tells nothing of the face."""
    return 5 if min(height, width) < SMALL_SIDE else 3


class Reading(NamedTuple):
    """What was read out of a protected region.

    Attributes:
        image: (H, W, 3) uint8 RGB, an estimate of the original.
        intact: whether the code of the face is as it was written.  If not, samples of the region were changed, and the
            face is wrong wherever it was coded after the first of them: in details, or as a whole.
    """

    image: UInt8Image
    intact: bool


class FlowModel:
    """Hides originals inside covers, and reads them back.

    ::

        original ── codec.compress ──► words ── to_digits ──► digits ── mix(key) ──► uniform digits
                                                                                          │
        cover ──────────────────────────────────────────── write_residues ◄───────────────┘
                                                                  └──► protected (uint8)

    Args:
        folder: a model directory; the shipped default where None.
        threads: threads to work with; 0 for all cores.

    Raises:
        ModelError: a file is missing or its SHA-256 is not the card's.
    """

    def __init__(self, folder: Path | None = None, threads: int = 0) -> None:
        folder = folder or shipped_models() / DEFAULT_MODEL
        self.threads = threads = threads_to_use(threads)
        self.card = read_card(folder)
        engines = [open_engine(verified_bytes(folder, self.card, name), threads) for name in ENGINE_NAMES]
        self.codec = Codec(Prior(engines), *read_tables(verified_bytes(folder, self.card, TABLES_NAME)))

    def protect(
        self,
        originals: Sequence[UInt8Image],
        covers: Sequence[UInt8Image],
        keys: Sequence[KeyStreams],
        *,
        reserved: Sequence[int] | None = None,
    ) -> list[UInt8Image]:
        """Hide each original in its cover under its key.

        Args:
            originals: (H, W, 3) uint8 RGB regions of even sides, each of its own size.
            covers: the same shapes; rounded to 8 bits before this call, so nothing else of the original gets in.
            keys: one per region.
            reserved: leading samples per region, row-major, that are left as the cover has them; none where None.

        Returns:
            Protected regions, uint8, shaped like the covers: no sample further from its cover than the modulus
            allows.

        Raises:
            ValueError: bad shapes, or so much reserved that the face has no room.
        """
        reserved = reserved or [0] * len(originals)
        with opencv_threads(self.threads):
            return [self._hide(*each) for each in zip(originals, covers, keys, reserved, strict=True)]

    def recover(
        self,
        protected: Sequence[UInt8Image],
        keys: Sequence[KeyStreams],
        *,
        reserved: Sequence[int] | None = None,
        wrong_key: str = "noise",
    ) -> list[UInt8Image]:
        """Read the originals out of protected regions.

        Args:
            protected: (H, W, 3) uint8 RGB regions as `protect` returned them.
            keys: one per region.
            reserved: as in `protect`.
            wrong_key: what a wrong key gives: ``"noise"`` (RandWR), the bits that it reads as black and white, or
                ``"cover"``, the protected region itself (ObfsWR).  Nothing is stored to tell a wrong key: what it
                reads has no structure of a picture.

        Returns:
            Recovered regions, uint8, of the same shapes.
        """
        if wrong_key not in WRONG_KEY_MODES:
            raise ValueError(f"wrong_key is one of {WRONG_KEY_MODES}, not {wrong_key!r}")
        reserved = reserved or [0] * len(keys)
        with opencv_threads(self.threads):
            return [self._seek(*each, wrong_key) for each in zip(protected, keys, reserved, strict=True)]

    def read(self, protected: UInt8Image, key: KeyStreams, reserved: int = 0) -> Reading | None:
        """Read the original out of one protected region, or find that there is none.

        Args:
            protected: (H, W, 3) uint8 RGB of even sides.
            key: its key.
            reserved: as in `protect`.

        Returns:
            The original as `recover` gives it, and whether its code is intact; None if what is read has no structure of
            a picture, as with a wrong key or from changed pixels, or if the region is too small to hide anything.
        """
        if min(protected.shape[:2]) < SMALLEST_SIDE:
            return None
        found, intact = self.codec.expand_checked(self._read(protected, key, reserved), *protected.shape[:2])
        return Reading(np.clip(np.rint(found), 0, 255).astype(np.uint8), intact) if picture_like(found) else None

    def _seek(self, region: UInt8Image, key: KeyStreams, reserved: int, wrong_key: str) -> UInt8Image:
        words = self._read(region, key, reserved)
        found = self.codec.expand(words, *region.shape[:2])
        if picture_like(found):
            return np.clip(np.rint(found), 0, 255).astype(np.uint8)
        return region.copy() if wrong_key == "cover" else _as_noise(words, region.shape)

    def _hide(self, original: UInt8Image, cover: UInt8Image, key: KeyStreams, reserved: int) -> UInt8Image:
        height, width = _check_region(original, cover)
        modulus, samples = modulus_for(height, width), original.size - reserved
        words = self.codec.compress(original, capacity_words(samples, modulus))
        digits = mix(to_digits(words, samples, modulus), derive_shifts(key, samples, modulus), modulus)
        protected = cover.copy().ravel()
        protected[reserved:] = write_residues(protected[reserved:], digits, modulus)
        return protected.reshape(cover.shape)

    def _read(self, protected: UInt8Image, key: KeyStreams, reserved: int) -> Words:
        height, width = _check_region(protected)
        modulus, samples = modulus_for(height, width), protected.size - reserved
        mixed = read_residues(protected.ravel()[reserved:], modulus)
        return from_digits(unmix(mixed, derive_shifts(key, samples, modulus), modulus), modulus)


def picture_like(read: Float64) -> bool:
    """Whether a decoded region lies in or near the range of pictures, as no wrong key's does.

    The coarsest band is coded plainly, so that a wrong key fills it with colours of which most do not exist.  Measured:
    faces under 1, black and white noise (the worst original) under 12, wrong keys over 16 in 3,000 trials of 8 to 128
    pixels.
    """
    return float(np.abs(read - np.clip(read, 0, 255)).mean()) < PICTURE_LIKE


def _as_noise(words: Words, shape: tuple[int, ...]) -> UInt8Image:
    """What was read without being a picture, as black and white bits."""
    bits = np.unpackbits(words.astype("<u4").view(np.uint8))
    return np.resize(bits * np.uint8(255), shape)


def read_tables(data: bytes) -> tuple[Tables, rate_forecast.Weights]:
    """Symbol tables, and the weights that foretell the first step, from their file.

    Raises:
        ModelError: not tables of ours.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            if found["first_step"].shape != (rate_forecast.FEATURES,):
                raise ValueError(f"first_step is {found['first_step'].shape}")
            return Tables.build(found["counts"], found["pulls"]), found["first_step"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError("the model's symbol tables cannot be read", "reinstall the package") from error


def _check_region(*regions: UInt8Image) -> tuple[int, int]:
    shape = regions[0].shape
    for region in regions:
        if region.shape != shape or region.dtype != np.uint8 or region.ndim != 3 or shape[2] != 3:
            raise ValueError(f"regions must be uint8 (H, W, 3) of one shape, got {region.dtype} {region.shape}")
    if shape[0] % 2 or shape[1] % 2 or min(shape[:2]) < SMALLEST_SIDE:
        raise ValueError(f"regions must have even sides of at least 8 pixels, got {shape[1]}x{shape[0]}")
    return int(shape[0]), int(shape[1])

"""The secure flow: originals into covers under a key, and back."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np

from ...errors import ModelError
from ...threads import opencv_threads, threads_to_use
from ...types import UInt8Image, WrongKey
from ..cards import DEFAULT_MODEL, Card, read_card, shipped_models, verified_bytes
from ..model import KeyStreams, Reading
from ..network import open_graph
from . import rate_forecast
from .couplings import Couplings
from .entropy import Tables
from .face_code import FaceCoder
from .frequencies import decode_frequencies
from .haar import Float64
from .lattice import Words, capacity_words, from_digits, read_residues, to_digits, write_residues
from .pad import derive_shifts, mix, unmix
from .steps import StepGrid

GRAPH_NAMES = ("luma-even.onnx", "luma-odd.onnx", "chroma-first.onnx", "chroma-second.onnx")
TABLES_NAME, FREQUENCIES_NAME = "tables.npz", "frequencies.bin"
FINE_GRID: Final = StepGrid(256)
# See `FaceCoder`.  On 236 faces of 32 to 256 pixels: 1.8 tries, 0.14 dB below the finest step that fits.  A slack of
# 0.015 and a margin of 1.5 took 2.0 tries and lost 0.08 dB; `secure-2` takes 1.6 and loses 0.32 dB.
FINE_FIT: Final = {"slack": 0.05, "aim": 0.002, "spread": 1.0, "margin": 1.0}
SMALL_SIDE = 96  # regions with a shorter side below this carry base-5 instead of base-3 digits
SMALLEST_SIDE: Final = 8
PICTURE_LIKE = 13.0  # mean distance from 0..255, grey levels, below which a decoded region counts as a picture
COARSE_STEP: Final = 6.0  # log2 of a step in grey levels: finer ones overshot by 1.3 at most in 800 hard patterns
WRONG_KEY_MODES: Final[tuple[WrongKey, ...]] = ("noise", "cover")


def modulus_for(height: int, width: int) -> int:
    """Return the residues per sample: a function of the region's size alone, so that it tells nothing of the face."""
    return 5 if min(height, width) < SMALL_SIDE else 3


class SecureFlow:
    """The `Model` of this package: protected pixels tell nothing about the face without the key.

    ::

        original ── compress ──► words ── to_digits ──► digits ── mix(key) ──► uniform digits
                                                                                     │
        cover ─────────────────────────────────────────── write_residues ◄───────────┘
                                                               └──► protected (uint8)

    Args:
        folder: a model directory; the shipped default if None.
        threads: threads to work with; 0 for all cores.

    Raises:
        ModelError: if a file is missing or its SHA-256 is not the card's.
    """

    wrong_key_modes = WRONG_KEY_MODES
    smallest_side = SMALLEST_SIDE
    warning = None

    def __init__(self, folder: Path | None = None, threads: int = 0) -> None:
        folder = folder or shipped_models() / DEFAULT_MODEL
        self.card, self.threads = read_card(folder), threads_to_use(threads)
        graphs = [open_graph(verified_bytes(folder, self.card, name), threads) for name in GRAPH_NAMES]
        self.coder = self._open_coder(folder, Couplings(graphs))

    def _open_coder(self, folder: Path, couplings: Couplings) -> FaceCoder:
        """Return the coder of this model's generation: `secure-3` and later have frequencies, `secure-2` counts."""
        if FREQUENCIES_NAME not in self.card.files:
            return FaceCoder(couplings, *read_tables(verified_bytes(folder, self.card, TABLES_NAME)))
        tables = decode_frequencies(verified_bytes(folder, self.card, FREQUENCIES_NAME))
        return FaceCoder(couplings, tables, _forecast_on(self.card), FINE_GRID, **FINE_FIT)

    def most_reserved(self, height: int, width: int) -> int:
        """See `Model.most_reserved`: half of the samples."""
        return 3 * height * width // 2

    def protect(self, original: UInt8Image, cover: UInt8Image, key: KeyStreams, *, reserved: int = 0) -> UInt8Image:
        """See `Model.protect`.

        The cover has 8 bits per sample, so that nothing else of the original gets in.  Reserved samples stay as the
        cover has them; of the others, none is further from its cover than the modulus allows.
        """
        height, width = _check_region(original, cover)
        modulus, samples = modulus_for(height, width), original.size - reserved
        with opencv_threads(self.threads):
            words = self._readable_words(original, capacity_words(samples, modulus))
        digits = mix(to_digits(words, samples, modulus), derive_shifts(key, samples, modulus), modulus)
        protected = cover.copy().ravel()
        protected[reserved:] = write_residues(protected[reserved:], digits, modulus)
        return protected.reshape(cover.shape)

    def recover(
        self, protected: UInt8Image, key: KeyStreams, *, reserved: int = 0, wrong_key: WrongKey = "noise"
    ) -> Reading:
        """See `Model.recover`.

        Nothing is stored to tell a wrong key, but what it reads has no structure of a picture.  In noise mode the bits
        that it reads are returned as black and white samples, in cover mode the protected region itself.
        """
        if wrong_key not in WRONG_KEY_MODES:
            raise ValueError(f"wrong_key is one of {WRONG_KEY_MODES}, not {wrong_key!r}")
        height, width = _check_region(protected)
        words = self._words_in(protected, key, reserved)
        with opencv_threads(self.threads):
            found, intact = self.coder.expand_checked(words, height, width)
        if picture_like(found):
            return Reading(np.clip(np.rint(found), 0, 255).astype(np.uint8), intact=intact)
        image = protected.copy() if wrong_key == "cover" else _as_noise(words, protected.shape)
        return Reading(image, readable=False, intact=False)

    def _readable_words(self, original: UInt8Image, words: int) -> Words:
        """Compress an original so that what is read back counts as a picture.

        With very coarse steps, hard black and white patterns overshoot the range by more than `PICTURE_LIKE`.  Their
        contrast is then reduced; flat grey never overshoots.
        """
        found = self.coder.compress(original, words)
        for contrast in (0.8, 0.6, 0.4, 0.2, 0.0):
            if self.coder.step_of(found) < COARSE_STEP or picture_like(self.coder.expand(found, *original.shape[:2])):
                break
            grey = original.mean()
            softer = np.rint(grey + contrast * (original - grey)).astype(np.uint8)
            found = self.coder.compress(softer, words)
        return found

    def _words_in(self, protected: UInt8Image, key: KeyStreams, reserved: int) -> Words:
        modulus, samples = modulus_for(*protected.shape[:2]), protected.size - reserved
        mixed = read_residues(protected.ravel()[reserved:], modulus)
        return from_digits(unmix(mixed, derive_shifts(key, samples, modulus), modulus), modulus)


def picture_like(read: Float64) -> bool:
    """Return whether a decoded region lies in or near the range of pictures, as none does after a wrong key.

    The coarsest band is coded plainly, so a wrong key fills it with colours most of which do not exist.  Measured:
    faces below 1, black and white noise (the worst original) below 12, wrong keys above 16 in 3,000 trials of 8 to 128
    pixels.
    """
    return float(np.abs(read - np.clip(read, 0, 255)).mean()) < PICTURE_LIKE


def _as_noise(words: Words, shape: tuple[int, ...]) -> UInt8Image:
    """Return words that are no picture as samples of 0 or 255, one per bit."""
    bits = np.unpackbits(words.astype("<u4").view(np.uint8))
    return np.resize(bits * np.uint8(255), shape)


def read_tables(data: bytes) -> tuple[Tables, rate_forecast.ForecastWeights]:
    """Read the symbol tables, and the weights of the rate forecast, from their file.

    Raises:
        ModelError: if they cannot be used.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            if found["first_step"].shape != (rate_forecast.FEATURES,):
                raise ValueError(f"first_step is {found['first_step'].shape}")
            return Tables.of_counts(found["counts"], found["pulls"]), found["first_step"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError("the model's symbol tables cannot be read", code="damaged-model") from error


def _forecast_on(card: Card) -> rate_forecast.ForecastWeights:
    weights = np.array(card.record.get("rate_forecast", []), np.float64)
    if weights.shape != (rate_forecast.FEATURES,):
        raise ModelError(f"the card of {card.name} has no usable rate forecast", code="damaged-model")
    return weights


def _check_region(*regions: UInt8Image) -> tuple[int, int]:
    shape = regions[0].shape
    for region in regions:
        if region.shape != shape or region.dtype != np.uint8 or region.ndim != 3 or shape[2] != 3:
            raise ValueError(f"regions must be uint8 (H, W, 3) of one shape, got {region.dtype} {region.shape}")
    if shape[0] % 2 or shape[1] % 2 or min(shape[:2]) < SMALLEST_SIDE:
        raise ValueError(f"regions must have even sides of at least 8 pixels, got {shape[1]}x{shape[0]}")
    return int(shape[0]), int(shape[1])

"""Methods with planted weaknesses, and scenes small enough for tests."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from proface_lab.attacks.base import AttackBudget, Scene
from proface_lab.evaluation.faces import FaceSample

TINY = AttackBudget(
    "quick",
    side=64,
    victims=4,
    learning_side=32,
    own=24,
    judged=12,
    batch=8,
    fresh=2,
    unet=45,
    restorer=30,
    restoring=20,
    distinguisher=40,
    known=60,
    blind=60,
    guesses=40,
    altered=2,
    styles=("blur",),
)


def texture(seed: int, side: int = 64) -> np.ndarray:
    """Draw blocks of random colours: detail that no cover shows, (side, side, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, (side // 4, side // 4, 3))
    return np.repeat(np.repeat(coarse, 4, axis=0), 4, axis=1).astype(np.uint8)


def faces(count: int, first: int = 0, side: int = 64) -> list[FaceSample]:
    numbers = range(first, first + count)
    return [FaceSample(Path(f"{i}.png"), f"{i}.png", f"person {i}", texture(i, side)) for i in numbers]


def scene(folder: Path, style: str = "solid", budget: AttackBudget = TINY, **options: Any) -> Scene:
    return Scene(faces(12), faces(24, first=100), budget, style, 1, folder, **options)


class Unkeyed:
    """Blends a tenth of the original into the cover; the key has no effect."""

    name = "unkeyed"

    def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        difference = original.astype(np.float64) - cover
        return np.clip(np.rint(cover + difference / 10), 0, 255).astype(np.uint8)

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return protected.copy()


class Pad:
    """Stores the high four bits of the original, under a key stream, in the low four bits of the cover.

    Args:
        bits: number of key bits that the stream depends on.
        reused: whether a passphrase always gives the same key.
    """

    name = "pad"

    def __init__(self, bits: int = 256, reused: bool = False) -> None:
        self.bits, self.reused = bits, reused

    def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        return (cover & 240) | ((original >> 4) ^ self.stream(key, cover.shape))

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return (((protected & 15) ^ self.stream(key, protected.shape)) << 4) | 8

    def stream(self, key: bytes, shape: Sequence[int]) -> np.ndarray:
        number = int.from_bytes(key, "big") % 2**self.bits
        return np.random.default_rng(number).integers(0, 16, tuple(shape), dtype=np.uint8)

    def expanded_key(self) -> Any:
        return None

    def relaxed_key(self) -> Any:
        return None

    def passphrase_keys(self, passphrase: str, count: int) -> list[bytes]:
        return [bytes(32)] * count if self.reused else [secrets.token_bytes(32) for _ in range(count)]


class Signs(Pad):
    """Flips the contrast of each pixel by a bit of the key: local, smooth, and the same for every picture."""

    name = "signs"
    what, levels, derived = "signs", 2, False

    def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        signs = self.expand(key, original.shape) * 2.0 - 1
        return np.clip(np.rint(128 + signs * (original - 128.0) / 4), 0, 255).astype(np.uint8)

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return self.with_signs(protected, self.expand(key, protected.shape))

    def expand(self, key: bytes, shape: Sequence[int]) -> np.ndarray:
        return self.stream(key, (*shape[:2], 1)) % 2

    def with_signs(self, protected: np.ndarray, signs: np.ndarray) -> np.ndarray:
        return np.clip(128 + 4 * (signs * 2.0 - 1) * (protected - 128.0), 0, 255).astype(np.uint8)

    def expanded_key(self) -> Any:
        return _Opened(self)

    def relaxed_key(self) -> Any:
        return _Relaxed()


class _Opened:
    what, levels, derived = "signs", 2, False

    def __init__(self, method: Signs) -> None:
        self.expand, self.recover = method.expand, method.with_signs


class _Relaxed:
    def start(self, height: int, width: int) -> Any:
        import torch

        return torch.zeros(1, 1, height, width)

    def recover(self, protected: Any, key: Any) -> Any:
        return 0.5 + 4 * key * (protected - 0.5)

    def protect(self, original: Any, cover: Any, key: Any) -> Any:
        return 0.5 + key * (original - 0.5) / 4


class Smeared(Signs):
    """Adds a publicly known pattern to the original; the key sets its strength and sign."""

    name = "smeared"
    strength = 0.25

    def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        return self._moved(original, key, 1)

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return self._moved(protected, key, -1)

    def _moved(self, image: np.ndarray, key: bytes, sign: int) -> np.ndarray:
        weight = 1 if key[0] % 2 else -1
        found = image + sign * weight * self.strength * 255 * pattern(image.shape[0])[:, :, None]
        return np.clip(np.rint(found), 0, 255).astype(np.uint8)

    def relaxed_key(self) -> Any:
        return _RelaxedSmear()


class _RelaxedSmear(_Relaxed):
    def start(self, height: int, width: int) -> Any:
        import torch

        return torch.zeros(1, 1, 1, 1)

    def recover(self, protected: Any, key: Any) -> Any:
        import torch

        known = torch.from_numpy(pattern(protected.shape[-1])).float()
        return protected - key * Smeared.strength * known


def pattern(side: int) -> np.ndarray:
    """Return a (side, side) array of -1 and 1."""
    return np.random.default_rng(9).integers(0, 2, (side, side)) * 2.0 - 1

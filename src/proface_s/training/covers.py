"""Random covers for training: every kind of pre-obfuscation at every strength, plus unrelated faces.

The message is white by construction whatever the face is, so training needs covers only.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike

from ..errors import UsageError
from ..flow.model import with_headroom
from ..types import UInt8Image

KINDS = ("blur", "median", "pixelate", "mask", "solid", "swap")
KIND_WEIGHTS = (0.30, 0.14, 0.24, 0.22, 0.05, 0.05)


def _square(image: MatLike, side: int, interpolation: int) -> UInt8Image:
    return np.asarray(cv2.resize(image, (side, side), interpolation=interpolation), np.uint8)


def load_faces(*folders: Path, side: int = 256) -> UInt8Image:
    """Read every JPEG/PNG below the folders of at least ``side`` pixels (less 3 %) as (N, side, side, 3) RGB."""
    faces = []
    for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".png"}:
            continue
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None or min(image.shape[:2]) < side * 0.97:
            continue
        faces.append(_square(image, side, cv2.INTER_AREA)[:, :, ::-1])
    if not faces:
        raise UsageError(f"no face picture of at least {side} pixels in {', '.join(map(str, folders))}")
    return np.ascontiguousarray(np.stack(faces))


def load_stickers(folder: Path | None) -> list[UInt8Image]:
    """RGBA stickers of a folder, or an empty list: (H, W, 4) uint8 RGBA."""
    if folder is None or not folder.is_dir():
        return []
    found = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("*.png"))]
    stickers = [s for s in found if s is not None and s.ndim == 3 and s.shape[2] == 4]
    return [np.asarray(cv2.cvtColor(s, cv2.COLOR_BGRA2RGBA), np.uint8) for s in stickers]


class CoverSource:
    """Draws random (crop, crop, 3) uint8 covers; deterministic given the generator.

    Args:
        faces: (N, S, S, 3) uint8 RGB.
        stickers: RGBA stickers for ``mask`` covers; without any, ellipses are drawn.
    """

    def __init__(self, faces: UInt8Image, stickers: list[UInt8Image]) -> None:
        self.faces, self.stickers = faces, stickers

    def batch(self, count: int, crop: int, rng: np.random.Generator, largest: int = 512) -> UInt8Image:
        """(count, crop, crop, 3) uint8 covers of random kinds, of faces of up to ``largest`` pixels."""
        kinds = [KINDS[rng.choice(len(KINDS), p=KIND_WEIGHTS)] for _ in range(count)]
        return np.stack([self.one(kind, crop, rng, largest) for kind in kinds])

    def one(self, kind: str, crop: int, rng: np.random.Generator, largest: int = 512) -> UInt8Image:
        """One cover of the given kind: a face of ``crop`` to ``largest`` pixels, obfuscated, cropped.

        Smooth covers are made small and enlarged while cropping: the same picture for a tenth of the time.
        """
        face = self.faces[rng.integers(len(self.faces))]
        side = int(np.exp(rng.uniform(np.log(crop), np.log(min(largest, 288) if kind == "swap" else largest))))
        side = max(crop, side)
        small, interpolation = self._obfuscate(kind, face, side, rng)
        zoom = side / small.shape[0]
        x, y = rng.integers(0, side - crop + 1, 2)
        # Pixel centres: output pixel i of the crop shows position (i + x + 1/2) / zoom - 1/2 of the small cover.
        matrix = np.array([[zoom, 0, zoom / 2 - 0.5 - x], [0, zoom, zoom / 2 - 0.5 - y]])
        cover = cv2.warpAffine(
            small, matrix, (crop, crop), flags=interpolation, borderMode=cv2.BORDER_REPLICATE
        )
        if rng.random() < 0.5:
            cover = cover[:, ::-1]
        return with_headroom(np.asarray(cover, np.uint8))

    def _obfuscate(
        self, kind: str, face: UInt8Image, side: int, rng: np.random.Generator
    ) -> tuple[UInt8Image, int]:
        """Cover of a ``side`` pixel face, at any resolution, and how to enlarge it."""
        if kind == "blur":
            sigma = 96 * float(np.exp(rng.uniform(np.log(0.03), np.log(0.2))))
            blurred = cv2.GaussianBlur(_square(face, 96, cv2.INTER_AREA), (0, 0), sigma)
            return np.asarray(blurred, np.uint8), cv2.INTER_CUBIC
        if kind == "median":
            blurred = cv2.medianBlur(_square(face, 96, cv2.INTER_AREA), int(rng.integers(4, 16)) * 2 + 1)
            return np.asarray(blurred, np.uint8), cv2.INTER_LINEAR
        if kind == "pixelate":
            cells = int(rng.integers(4, 17))
            return _square(face, cells, cv2.INTER_AREA), cv2.INTER_NEAREST
        if kind == "solid":
            return np.broadcast_to(rng.integers(0, 256, 3, dtype=np.uint8), (2, 2, 3)).copy(), cv2.INTER_NEAREST
        interpolation = cv2.INTER_AREA if side < face.shape[0] else cv2.INTER_CUBIC
        full = _square(face, side, interpolation)
        return (self._mask(full, rng) if kind == "mask" else full), cv2.INTER_NEAREST

    def _mask(self, face: UInt8Image, rng: np.random.Generator) -> UInt8Image:
        side = face.shape[0]
        base = cv2.GaussianBlur(_square(face, 64, cv2.INTER_AREA), (0, 0), rng.uniform(2, 8))
        base = _square(base, side, cv2.INTER_CUBIC).astype(np.float32)
        canvas = np.zeros((side, side, 4), np.float32)
        if self.stickers:
            sticker = self.stickers[rng.integers(len(self.stickers))]
            size = int(side * rng.uniform(0.8, 1.2))
            resized = _square(sticker, size, cv2.INTER_AREA).astype(np.float32)
            off = (side - size) // 2
            lo, hi = max(off, 0), min(off + size, side)
            canvas[lo:hi, lo:hi] = resized[lo - off : hi - off, lo - off : hi - off]
        else:
            colour = [float(v) for v in rng.integers(0, 256, 3)]
            cv2.ellipse(canvas, (side // 2, side // 2), (side // 3, side // 2), 0, 0, 360, [*colour, 255.0], -1)
        alpha = canvas[:, :, 3:] / 255.0
        return np.round(base * (1 - alpha) + canvas[:, :, :3] * alpha).astype(np.uint8)

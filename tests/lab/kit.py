"""Artificial faces, and judges that need no weights, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from proface_lab.evaluation.faces import FaceSample
from proface_lab.evaluation.measures.recognisers import FaceLocation
from proface_s.types import Box, Face


def picture(seed: int, side: int = 96) -> np.ndarray:
    """Draw coloured blobs on a background of a random colour, (side, side, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 6, 3)) * 0.5 + rng.integers(0, 128, 3)
    return np.clip(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def samples(count: int = 3, side: int = 96) -> list[FaceSample]:
    return [FaceSample(Path(f"{i}.png"), f"{i}.png", f"person {i}", picture(i, side)) for i in range(count)]


def write_faces(folder: Path, count: int = 3, side: int = 96) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(picture(i, side)).save(folder / f"{i}.png")
    return folder


class MiddleLocator:
    """Locates a face in the middle half of every picture that is not plain white."""

    def locate(self, image: np.ndarray) -> FaceLocation | None:
        if image.min() == 255:
            return None
        height, width = image.shape[:2]
        box = Box(width // 4, height // 4, width // 2, height // 2)
        points = np.tile(np.array([width / 2, height / 2], np.float32), (68, 1))
        points[[36, 45], 0] += (-width / 8, width / 8)
        return FaceLocation(box, points)


class MiddleDetector:
    """Detects a face in the middle half of every picture that is not plain white."""

    def detect(self, rgb: np.ndarray) -> list[Face]:
        place = MiddleLocator().locate(rgb)
        return [] if place is None else [Face(place.box)]


class ColourJudge:
    """Tells "faces" apart by their coarse colours: always right on `picture`, and blind if the face is plain."""

    name = "colours"

    def embed(self, image: np.ndarray, place: FaceLocation | None = None) -> np.ndarray | None:
        place = place or MiddleLocator().locate(image)
        if place is None:
            return None
        box = place.box
        face = image[box.y : box.bottom, box.x : box.right].astype(np.float32)
        return (cv2.resize(face, (4, 4), interpolation=cv2.INTER_AREA) - face.mean()).ravel()

    def similarity(self, a: np.ndarray, b: np.ndarray) -> float:
        return float(self.similarities(a[None], b[None])[0, 0])

    def similarities(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        first, second = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (a, b))
        return np.asarray(first @ second.T, np.float32)


class XorMethod:
    """A third party's method: the cover's lowest bit carries the original's highest, under a key stream."""

    name = "xor"

    def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        return (cover & 254) | ((original >> 7) ^ self._stream(key, cover.shape))

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return (((protected & 1) ^ self._stream(key, protected.shape)) * 255).astype(np.uint8)

    @staticmethod
    def _stream(key: bytes, shape: tuple[int, ...]) -> np.ndarray:
        return np.random.default_rng(int.from_bytes(key, "big")).integers(0, 2, shape, dtype=np.uint8)


class FloatXor(XorMethod):
    """`XorMethod` with the float protocol."""

    name = "float-xor"

    def protect_float(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        return (self.protect(original, cover, key) / 255).astype(np.float32)

    def recover_float(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return (self.recover(np.rint(protected * 255).astype(np.uint8), key) / 255).astype(np.float32)


class NotAMethod:
    name = "nothing"

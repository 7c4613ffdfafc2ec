"""Faces for training: folders of pictures, split by person, and random crops at random face sizes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from proface_s.errors import UsageError
from proface_s.types import UInt8Image

from ..pictures import identity_of, list_pictures
from .config import RunConfig
from .covers import CoverSource

LARGEST_KEPT = 768  # pixels; pictures with a longer side are reduced to this
CACHE_BYTES = 4 << 30  # once the cache is full, further pictures are decoded again each time
SMALL_CROPS = (32, 48, 64)
MOST_SMALL = 32  # crops in a step of small ones
TRAIN, VALIDATE, PREVIEW = 0, 1, 2  # streams of random numbers


def split_by_identity(paths: list[tuple[Path, Path]], share: float, only_in: str) -> tuple[list[Path], list[Path]]:
    """Split (path, root) pairs into training and validation files, with each person on one side only.

    A hash of the person's name decides, so adding files never moves a person to the other side.
    """
    train: list[Path] = []
    held: list[Path] = []
    for path, root in paths:
        digest = hashlib.sha256(identity_of(path, root).encode()).digest()
        chosen = int.from_bytes(digest[:4]) < share * 2**32 and only_in in path.as_posix()
        (held if chosen else train).append(path)
    return train, held


def pictures_by_folder(folders: list[Path]) -> list[tuple[Path, Path]]:
    """Find pictures: (path, folder it was found under), sorted within each folder.

    Raises:
        UsageError: if a folder is missing or there are no pictures.
    """
    found = [(path, folder) for folder in folders for path in list_pictures(folder)]
    if not found:
        raise UsageError(f"no pictures in {', '.join(map(str, folders))}", code="no-pictures")
    return found


@dataclass(slots=True, eq=False)
class FaceFolder:
    """Pictures, read on demand and cached while there is room.

    Attributes:
        paths: the files.
        unreadable: files that could not be decoded and are skipped.
    """

    paths: list[Path]
    unreadable: list[Path] = field(default_factory=list)
    _kept: dict[Path, UInt8Image] = field(default_factory=dict)
    _bytes: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def draw(self, rng: np.random.Generator) -> UInt8Image:
        """Return a random picture, (H, W, 3) uint8 RGB.

        Raises:
            UsageError: if 100 draws find no readable picture.
        """
        for _ in range(100):
            path = self.paths[rng.integers(len(self.paths))]
            picture = self._kept.get(path)
            if picture is None:
                picture = self._read(path)
            if picture is not None:
                return picture
            if path not in self.unreadable:
                self.unreadable.append(path)
        raise UsageError(f"{len(self.unreadable)} pictures cannot be read, such as {self.unreadable[0]}")

    def _read(self, path: Path) -> UInt8Image | None:
        read = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if read is None or min(read.shape[:2]) < 16:
            return None
        scale = LARGEST_KEPT / max(read.shape[:2])
        if scale < 1:
            read = cv2.resize(read, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture = np.ascontiguousarray(np.asarray(read, np.uint8)[:, :, ::-1])
        if self._bytes + picture.nbytes <= CACHE_BYTES:
            self._kept[path] = picture
            self._bytes += picture.nbytes
        return picture


@dataclass(frozen=True, slots=True, eq=False)
class CropSampler:
    """Random crops of faces at random sizes, and their covers; the generator determines all choices.

    Attributes:
        faces: the source of the faces.
        sizes: smallest and largest side of a face, pixels.
        covers: the source of covers, or None if no covers are needed.
    """

    faces: FaceFolder
    sizes: tuple[int, int]
    covers: CoverSource | None = None

    def draw(self, count: int, crop: int, rng: np.random.Generator) -> tuple[UInt8Image, UInt8Image | None]:
        """Return ``count`` originals and their covers (or None), each (N, crop, crop, 3) uint8."""
        pairs = [self._one(crop, rng) for _ in range(count)]
        originals = np.stack([pair[0] for pair in pairs])
        return originals, None if self.covers is None else np.stack([pair[1] for pair in pairs])

    def _one(self, crop: int, rng: np.random.Generator) -> tuple[UInt8Image, UInt8Image]:
        face = self.faces.draw(rng)
        low, high = (np.log(max(side, crop)) for side in self.sizes)
        side = int(np.exp(rng.uniform(low, high)))
        scale = side / min(face.shape[:2])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        size = max(crop, round(face.shape[1] * scale)), max(crop, round(face.shape[0] * scale))
        resized = np.asarray(cv2.resize(face, size, interpolation=interpolation), np.uint8)
        y, x = (int(rng.integers(0, n - crop + 1)) for n in resized.shape[:2])
        window = np.s_[y : y + crop, x : x + crop]
        cover = resized if self.covers is None else self.covers.cover(resized, rng)
        flip = slice(None, None, -1) if rng.random() < 0.5 else slice(None)
        return resized[window][:, flip], cover[window][:, flip]


@dataclass(frozen=True, slots=True, eq=False)
class StepCrops(Dataset[tuple[UInt8Image, UInt8Image | None, np.random.Generator]]):
    """The crops of each training step, for a loader whose processes prepare those of coming steps.

    Attributes:
        sampler: the source of the crops.
        config: the run.
        rank: of the process among those that train together.
    """

    sampler: CropSampler
    config: RunConfig
    rank: int

    def __getitem__(self, step: int) -> tuple[UInt8Image, UInt8Image | None, np.random.Generator]:
        """Return originals and covers as `CropSampler.draw` does, and the step's generator, advanced past them."""
        config, rng = self.config, generator_of(self.config, TRAIN, self.rank, step)
        count, crop = config.batch, config.crop
        if rng.random() < config.small_share:
            crop = int(rng.choice([side for side in SMALL_CROPS if side <= config.crop] or [config.crop]))
            count = min(MOST_SMALL, config.batch * config.crop**2 // crop**2)
        return *self.sampler.draw(count, crop, rng), rng

    def from_step(self, step: int) -> Iterator[tuple[Tensor, Tensor | None, np.random.Generator]]:
        """Iterate over the steps from the given one to the last, prepared by as many processes as the run asks for."""
        steps = range(step, self.config.steps)
        workers = self.config.workers
        loader = DataLoader(
            self,
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_use_one_thread,
        )
        return iter(loader)


def _use_one_thread(worker: int) -> None:
    """Keep OpenCV from waiting for threads that a forked process does not have."""
    cv2.setNumThreads(0)


def generator_of(config: RunConfig, stream: int, rank: int, number: int) -> np.random.Generator:
    """Return the generator of one step (or validation, or preview) of one process."""
    return np.random.default_rng([config.seed, stream, rank, number])

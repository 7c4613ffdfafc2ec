"""Count share copies found where nothing is hidden: ``python bench/share/false_finds.py --pictures 10000``.

Variants of public pictures (parts, sizes, mirror images, tones, JPEG of all qualities) go through the directory check
itself, without the searches before it, which would spare most of them the check.  A find takes a CRC-32 by chance: the
bound printed beside the count is the number of checks over 2^32, as if the decoder gave a candidate each time.
"""

from __future__ import annotations

import argparse
import contextlib
import time

import cv2
import numpy as np
import skimage.data

from proface_lab.channels import through_jpeg
from proface_s.errors import DamagedFileError
from proface_s.robust.carriers import DIRECTORY_BITS, directory_ratios
from proface_s.robust.directory import LENGTHS, decode_directory
from proface_s.robust.lattice import BOX_STEPS, STEPS, analyse, luma_of
from proface_s.robust.ldpc import ldpc_code
from proface_s.robust.regions import Region
from proface_s.robust.soft_values import bit_ratios
from proface_s.types import FloatArray, UInt8Image

NAMES = (
    "astronaut",
    "coffee",
    "chelsea",
    "rocket",
    "camera",
    "coins",
    "moon",
    "page",
    "text",
    "brick",
    "grass",
    "gravel",
)
BATCH = 32
CHECKS: tuple[tuple[Region, np.ndarray], ...] = (("photo", STEPS), ("box", BOX_STEPS))


def variant(pictures: list[UInt8Image], rng: np.random.Generator) -> UInt8Image:
    """Return a part of one of the pictures, resized, mirrored, toned and compressed at random."""
    picture = pictures[rng.integers(len(pictures))]
    height, width = picture.shape[:2]
    high, wide = (int(rng.integers(side // 3, side + 1)) for side in (height, width))
    top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    size = tuple(int(side) for side in rng.integers(160, 420, 2))
    part = cv2.resize(picture[top : top + high, left : left + wide], size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        part = part[:, ::-1]
    toned = 255 * (part / 255.0) ** rng.uniform(0.5, 2.0) * rng.uniform(0.6, 1.2)
    return through_jpeg(int(rng.integers(30, 100)))(toned.clip(0, 255).astype(np.uint8))


def soft_directories(picture: UInt8Image) -> list[FloatArray]:
    """Return what the directory decoder would get of a picture, (4096,) for each kind of region."""
    coefficients = analyse(luma_of(picture))
    present = np.ones(coefficients.shape[:2], bool)
    return [directory_ratios(bit_ratios(coefficients, present, steps=steps), region) for region, steps in CHECKS]


def candidates(soft: FloatArray) -> tuple[int, int]:
    """Return how many sound code words the decoder finds in so many tries, (n, 4096), and how many are directories."""
    sound = found = 0
    for length in LENGTHS:
        words, right = ldpc_code(8 * length, DIRECTORY_BITS).decode(soft)
        sound += int(right.sum())
        for word in words[right]:
            with contextlib.suppress(DamagedFileError):
                decode_directory(np.packbits(word).tobytes())
                found += 1
    return sound, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so much time")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pictures = [np.atleast_3d(getattr(skimage.data, name)()) for name in NAMES]
    pictures = [np.repeat(each, 3, axis=2) if each.shape[2] == 1 else each for each in pictures]
    rng, end = np.random.default_rng(arguments.seed), time.monotonic() + arguments.seconds
    count = sound = found = 0
    while count < arguments.pictures and time.monotonic() < end:
        batch = min(BATCH, arguments.pictures - count)
        soft = [each for _ in range(batch) for each in soft_directories(variant(pictures, rng))]
        one = candidates(np.stack(soft))
        count, sound, found = count + batch, sound + one[0], found + one[1]
    checks = count * len(CHECKS) * len(LENGTHS)
    print(f"{found} found in {count} pictures with nothing hidden; the decoder gave {sound} sound words")
    print(f"by chance at most {checks / 2**32:.1e} in all")


if __name__ == "__main__":
    main()

"""Print what of a share copy's layers survives each channel: ``python bench/quality/robust_channels.py PHOTOS``.

Random entries are hidden in photos reduced to a longer side of 1600 pixels, at given rates in bytes per megapixel, and
read back after every channel.  A photo counts only if every byte is right.  Shares are given with their 95 % intervals
(Wilson).  The last line counts finds in the same photos with nothing hidden.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from proface_lab.channels import BASE_CHANNELS, FINE_CHANNELS
from proface_lab.evaluation.measures.metrics import ssim
from proface_s.errors import ProFaceError
from proface_s.image.measures import psnr
from proface_s.image.read import read_picture
from proface_s.robust.directory import SharedFace, ShareDirectory
from proface_s.robust.share_picture import ShareEntry, find_layer, write_layer
from proface_s.types import Box, UInt8Image

LONG_SIDE = 1600
FACES = (2, 3, 5, 10)
KINDS = ("directory", "base", "fine")


def photos(folder: Path, most: int) -> list[UInt8Image]:
    """Return the photos of a folder at the usual size; smaller ones and what is no picture are left out."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("derived") or len(found) == most:
            continue
        try:
            rgb = read_picture(path).rgb
        except ProFaceError:
            continue
        scale = LONG_SIDE / max(rgb.shape[:2])
        if scale > 1:
            continue
        size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
        found.append(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8))
    return found


def filled(
    photo: UInt8Image, faces: int, base: float, fine: float, seed: int
) -> tuple[ShareDirectory, list[ShareEntry]]:
    """Return a directory whose entries have so many bytes per megapixel in all, and random entries for it."""
    rng = np.random.default_rng(seed)
    height, width = photo.shape[:2]
    megapixels = width * height / 1e6
    lengths = int(base * megapixels / faces), int(fine * megapixels / faces)
    listed = tuple(SharedFace(Box(64 * number, 64, 60, 60), 0, *lengths) for number in range(faces))
    directory = ShareDirectory(width, height, "photo", rng.bytes(16), 3, 16, 4, listed)
    return directory, [ShareEntry(rng.bytes(lengths[0]), rng.bytes(lengths[1])) for _ in range(faces)]


def interval(right: int, count: int) -> str:
    """Return a share with its 95 % interval (Wilson), in percent."""
    z = 1.96
    centre = (right + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * math.sqrt(right * (count - right) / count + z * z / 4)
    return f"{right}/{count} ({100 * (centre - half):.0f}-{100 * (centre + half):.0f} %)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--base", type=float, default=250, help="bytes per megapixel in the base layer")
    parser.add_argument("--fine", type=float, default=1900, help="bytes per megapixel in the fine layer")
    parser.add_argument("--most", type=int, default=1000, help="photos")
    arguments = parser.parse_args()
    right: dict[str, list[list[bool]]] = defaultdict(list)
    decibels, similarity, seconds, false = [], [], [], 0
    pictures = photos(arguments.photos, arguments.most)
    for number, photo in enumerate(pictures):
        faces = FACES[number % len(FACES)]
        directory, entries = filled(photo, faces, arguments.base, arguments.fine, number)
        shared = write_layer(photo, directory, entries)
        decibels.append(psnr(shared, photo))
        similarity.append(ssim(shared, photo))
        false += find_layer(photo) is not None
        for name, channel in {**FINE_CHANNELS, **BASE_CHANNELS}.items():
            received = channel(shared)
            start = time.process_time()
            found = find_layer(received)
            seconds.append(time.process_time() - start)
            right[name].append(
                [
                    found is not None and found.directory == directory,
                    found is not None and found.base == tuple(entry.base for entry in entries),
                    found is not None and found.fine == tuple(entry.fine for entry in entries),
                ]
            )
    count = len(pictures)
    print(f"{count} photos of {LONG_SIDE} pixels, {arguments.base:g} and {arguments.fine:g} bytes per megapixel")
    print(
        f"share copy against photo: {np.mean(decibels):.2f} dB (least {min(decibels):.2f}), "
        f"SSIM {np.mean(similarity):.4f} (least {min(similarity):.4f})"
    )
    print(f"| channel | {' | '.join(KINDS)} |\n|---|---|---|---|")
    for name, rows in right.items():
        print(f"| {name} | {' | '.join(interval(sum(row[k] for row in rows), count) for k in range(3))} |")
    print(f"found where nothing is hidden: {interval(false, count)}")
    print(f"reading: {np.mean(seconds):.2f} s of one core (most {max(seconds):.2f} s)")


if __name__ == "__main__":
    main()

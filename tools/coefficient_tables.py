"""Count symbols of JPEG files, and write the distributions of the code of coefficients.

    python tools/coefficient_tables.py tables.txt FOLDER...

Each of the first pictures of each folder (in an order drawn once) is scaled, saved as a JPEG of a drawn quality and
sampling, and a square of it is coded.  The same pictures and the same version of Pillow give the same file.  The tables
are part of the file format (docs/format.md, section 5.1): files that were written with others do not open.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from proface_s.image.jpeg.coefficient_code import DIRECT, SYMBOLS, code_components
from proface_s.image.jpeg.coefficient_contexts import CONTEXTS, KINDS
from proface_s.image.jpeg.read_coefficients import read_jpeg

TITLE = "# Frequencies of the symbols of coefficients: a row per context, 24 rows per kind, 8 kinds (docs/format.md).\n"
PICTURES, ROUNDS = 90, 3
SCALES = [1, 0.75, 0.5, 0.35]
QUALITIES = [60, 75, 80, 85, 90, 92, 95, 98]
SAMPLINGS = [0, 1, 2, 2]  # 4:4:4, 4:2:2, and 4:2:0 twice: most photos have it
SMALLEST, LARGEST = 48, 320  # side of a square, in pixels
SUM = 1 << 16
PRIOR, FLOOR = 8, 0.02  # symbols that the neighbouring contexts lend to each, and that every symbol is given
ENOUGH = 50

Integers = npt.NDArray[np.int32]
Region = tuple[list[Integers], list[npt.NDArray[np.uint16]]]


class Counter:
    """Stands where the coder does, and counts symbols: (KINDS, CONTEXTS, SYMBOLS)."""

    def __init__(self) -> None:
        self.counts = np.zeros((KINDS, CONTEXTS, SYMBOLS))

    def magnitudes(self, kind: int, contexts: npt.NDArray[np.uint8], values: Integers) -> Integers:
        """Count the symbols of a pass."""
        octaves = np.frexp(np.maximum(values - DIRECT // 2, 1))[1] - 1
        np.add.at(self.counts[kind], (contexts, np.where(values < DIRECT, values, octaves + 13)), 1)
        return values

    def signs(self, values: Integers) -> Integers:
        """Signs have no distribution."""
        return values

    def number(self, value: int) -> int:
        """Plain numbers have none either."""
        return value


def regions(folders: Sequence[Path]) -> Iterator[Region]:
    """Yield coefficients and steps of squares of pictures."""
    rng = random.Random(2)
    for folder in folders:
        files = sorted(folder.glob("*.jpg"))
        rng.shuffle(files)
        for file in files[:PICTURES] * ROUNDS:
            with Image.open(file) as opened:
                photo = opened.convert("RGB")
            scale = rng.choice(SCALES)
            size = max(64, int(photo.width * scale)), max(64, int(photo.height * scale))
            buffer = io.BytesIO()
            photo = photo.resize(size, Image.Resampling.LANCZOS)
            photo.save(buffer, "JPEG", quality=rng.choice(QUALITIES), subsampling=rng.choice(SAMPLINGS))
            side = min(size) if min(size) <= SMALLEST else rng.randint(SMALLEST, min(LARGEST, *size))
            left, top = rng.randint(0, size[0] - side), rng.randint(0, size[1] - side)
            yield region(buffer.getvalue(), left, top, side)


def region(data: bytes, left: int, top: int, side: int) -> Region:
    """Return the coefficients of the MCUs that a square of a JPEG file touches."""
    picture = read_jpeg(data)
    width, height = picture.mcu
    rows = slice(top // height, -(-(top + side) // height))
    columns = slice(left // width, -(-(left + side) // width))
    blocks = []
    for each in picture.components:
        across, down = picture.own_blocks(each)
        inside = each.coefficients[:down, :across]
        inside = inside[rows.start * each.v : rows.stop * each.v, columns.start * each.h : columns.stop * each.h]
        blocks.append(inside.astype(np.int32))
    return blocks, [each.table for each in picture.components]


def frequencies(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return positive integers whose sum is `SUM`, for every context of one kind."""
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    found = np.zeros(counts.shape, np.int64)
    for context in range(CONTEXTS):
        others = [other for other in range(CONTEXTS) if other != context and totals[other] > ENOUGH]
        lent = sum(shares[other] * 0.5 ** abs(context - other) for other in others)
        weights = counts[context] + lent / np.sum(lent) * PRIOR + FLOOR
        row = np.maximum(1, np.floor(weights / weights.sum() * SUM).astype(np.int64))
        row[row.argmax()] += SUM - row.sum()
        found[context] = row
    return found


def main() -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    given = parser.parse_args()
    counter = Counter()
    number = 0
    for blocks, steps in regions(given.folders):
        code_components(counter, blocks, steps)
        number += 1
    rows = [row for counts in counter.counts for row in frequencies(counts)]
    given.out.write_text(TITLE + "".join(" ".join(map(str, row)) + "\n" for row in rows), encoding="ascii")
    print(f"{int(counter.counts.sum())} symbols of {number} regions")
    return 0


if __name__ == "__main__":
    sys.exit(main())

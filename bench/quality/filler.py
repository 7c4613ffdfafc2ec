"""Share of a face's words that is filler, and the gain of using them, in dB of recovery.

    python bench/quality/filler.py FACES_DIR [--sizes 64 256] [--limit 6]

Compares, for the same faces and the same number of words, the shipped models; the finest step of `secure-2` that fits
(no slack), on its grid and on finer ones; and its step with the smallest bias of the writer's rounding that fits.  The
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np

from faces import read_faces
from proface_s.ans import SymbolReader, encode_symbols
from proface_s.flow.cards import shipped_models
from proface_s.flow.secure import face_code
from proface_s.flow.secure.face_code import FaceCoder
from proface_s.flow.secure.lattice import Words, capacity_words
from proface_s.flow.secure.model import SecureFlow, modulus_for
from proface_s.flow.secure.steps import StepGrid
from proface_s.image.measures import psnr
from proface_s.types import UInt8Image

BISECTIONS = 6  # of the rounding bias

Way = Callable[[UInt8Image, int], tuple[FaceCoder, Words]]
"""From a face and the number of words to a code, and the coder that reads it."""


def coded(coder: FaceCoder, source: face_code._Source, index: int, words: int) -> Words | None:
    """Return the words of a face coded at a step; None if they do not fit."""
    return encode_symbols(coder._trace(source, index).chunks(coder.tables), words)


def program(coder: FaceCoder) -> Way:
    """Compress as the program does."""
    return lambda face, words: (coder, coder.compress(face, words))


def finest(coder: FaceCoder, per_octave: int) -> Way:
    """Find the finest step that fits by bisection: finer steps nearly always need more words."""
    fine = replace(coder, grid=StepGrid(per_octave))

    def find(face: UInt8Image, words: int) -> tuple[FaceCoder, Words]:
        source = face_code._Source.of(face)
        high = fine.grid.nearest(16 * (coder.step_of(coder.compress(face, words)) + 1))
        low, best = max(-1, high - per_octave // 4), coded(fine, source, high, words)
        while high - low > 1:
            found = coded(fine, source, (low + high) // 2, words)
            low, high = ((low + high) // 2, high) if found is None else (low, (low + high) // 2)
            best = best if found is None else found
        assert best is not None
        return fine, best

    return find


def less_biased(coder: FaceCoder) -> Way:
    """Use the program's step with the smallest rounding bias that fits."""

    def find(face: UInt8Image, words: int) -> tuple[FaceCoder, Words]:
        best = coder.compress(face, words)
        index, source = coder._step_in(SymbolReader(best)), face_code._Source.of(face)
        low, high = 0.0, coder.rounding_bias
        for _ in range(BISECTIONS):
            bias = (low + high) / 2
            found = coded(replace(coder, rounding_bias=bias), source, index, words)
            low, high = (bias, high) if found is None else (low, bias)
            best = best if found is None else found
        return coder, best

    return find


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--limit", type=int, default=6)
    args = parser.parse_args(argv)
    old, new = (SecureFlow(shipped_models() / name).coder for name in ("secure-2", "secure-3"))
    ways = {
        "`secure-2`": program(old),
        "`secure-3`": program(new),
        "finest step": finest(old, 16),
        "grid of 1/64 octave": finest(old, 64),
        "grid of 1/256 octave": finest(old, 256),
        "smaller rounding bias": less_biased(old),
    }
    print("| size | way | recovered | gain, mean | gain, most | filler, mean | filler, most |")
    print("|---|---|---|---|---|---|---|")
    for size in args.sizes:
        faces = list(read_faces(args.faces, size, args.limit))
        room, base = capacity_words(3 * size * size, modulus_for(size, size)), []
        for name, way in ways.items():
            filler, quality = [], []
            for face in faces:
                coder, words = way(face, room)
                filler.append(100 * int(np.argmax(words != 1)) / room)
                found = np.clip(np.rint(coder.expand(words, size, size)), 0, 255).astype(np.uint8)
                quality.append(psnr(found, face))
            base = base or quality
            gains = [each - first for each, first in zip(quality, base, strict=True)]
            print(
                f"| {size} | {name} | {mean(quality):.2f} dB | {mean(gains):+.3f} dB | {max(gains):+.3f} dB "
                f"| {mean(filler):.2f} % | {max(filler):.2f} % |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

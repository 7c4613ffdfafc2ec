"""Share of a face's words that is filler, and the gain of using them, in dB of recovery.

    python bench/quality/filler.py FACES_DIR [--sizes 64 256] [--limit 6]

Compares three ways: the finest step that fits, on the format's grid (no slack); the same on a grid 4 and 16 times
finer, which the format does not have; and the program's step, with the smallest bias of the writer's rounding that
fits, which every reader can decode.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np

from faces import read_faces
from proface_s.flow.secure import face_code as flow
from proface_s.flow.secure.entropy import encode_symbols
from proface_s.flow.secure.face_code import FaceCoder
from proface_s.flow.secure.lattice import Words, capacity_words
from proface_s.flow.secure.model import SecureFlow, modulus_for
from proface_s.image.measures import psnr
from proface_s.types import UInt8Image

LEANS = 6  # bisections of the rounding bias

Way = Callable[[FaceCoder, UInt8Image, int], Words]


def set_grid(times: int) -> None:
    """Make the grid of steps finer by a factor; the couplings still receive the step on the format's grid."""
    steps = 160 * times
    flow.STEPS = steps
    flow._step = lambda index, level: float(
        np.rint(2.0 ** ((index / times + flow.FINEST) / 16) * 2**16) / 2.0 ** (16 + level)
    )
    flow._log_step = lambda index, level: index // times + flow.FINEST - 16 * level


def coded(coder: FaceCoder, source: flow._Source, index: int, words: int) -> Words | None:
    """Return the words of a face coded at a step; None if they do not fit."""
    return encode_symbols(coder._trace(source, index).chunks(coder.tables), words)


def today(coder: FaceCoder, face: UInt8Image, words: int) -> Words:
    return coder.compress(face, words)


def finest(times: int) -> Way:
    """Find the finest step that fits by bisection: finer steps nearly always need more words."""

    def find(coder: FaceCoder, face: UInt8Image, words: int) -> Words:
        start = round(16 * coder.step_of(coder.compress(face, words))) - flow.FINEST
        source = flow._Source.of(face)
        set_grid(times)
        low, high = max(-1, times * (start - 4)), times * start
        best = coded(coder, source, high, words)
        while high - low > 1:
            found = coded(coder, source, (low + high) // 2, words)
            low, high = ((low + high) // 2, high) if found is None else (low, (low + high) // 2)
            best = best if found is None else found
        assert best is not None
        return best

    return find


def less_biased(coder: FaceCoder, face: UInt8Image, words: int) -> Words:
    """Use the program's step with the smallest rounding bias that fits."""
    best = coder.compress(face, words)
    index, source = round(16 * coder.step_of(best)) - flow.FINEST, flow._Source.of(face)
    low, high = 0.0, coder.rounding_bias
    for _ in range(LEANS):
        bias = (low + high) / 2
        found = coded(dataclasses.replace(coder, rounding_bias=bias), source, index, words)
        low, high = (bias, high) if found is None else (low, bias)
        best = best if found is None else found
    return best


WAYS: dict[str, tuple[int, Way]] = {
    "program": (1, today), "finest step": (1, finest(1)), "grid of 1/64 octave": (4, finest(4)),
    "grid of 1/256 octave": (16, finest(16)), "smaller rounding bias": (1, less_biased),
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--limit", type=int, default=6)
    args = parser.parse_args(argv)
    coder = SecureFlow().coder
    print("| size | way | filler, mean | filler, most | gain, mean | gain, most |\n|---|---|---|---|---|---|")
    for size in args.sizes:
        faces = list(read_faces(args.faces, size, args.limit))
        room = capacity_words(3 * size * size, modulus_for(size, size))
        base = []
        for name, (times, way) in WAYS.items():
            filler, quality = [], []
            for face in faces:
                set_grid(1)
                words = way(coder, face, room)
                set_grid(times)
                filler.append(100 * int(np.argmax(words != 1)) / room)
                quality.append(psnr(np.rint(coder.expand(words, size, size)).clip(0, 255).astype(np.uint8), face))
            base = base or quality
            gains = [after - before for after, before in zip(quality, base, strict=True)]
            print(
                f"| {size} | {name} | {mean(filler):.2f} % | {max(filler):.2f} % | {mean(gains):.2f} dB | "
                f"{max(gains):.2f} dB |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

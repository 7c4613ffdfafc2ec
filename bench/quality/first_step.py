"""Number of quantiser steps tried until a face fills its capacity, and the cost of the remaining slack.

    python bench/quality/first_step.py FACES_DIR [--sizes 48 112 256 512] [--limit 40]

Prints the tries of the shipped model (`proface_s.flow.secure.rate_forecast` predicts the first), the number of faces
that need more than two, and how much coarser the chosen step is than the finest that fits, in dB of recovery (6.02 per
octave).
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from pathlib import Path

from faces import read_faces
from proface_s.flow.secure.face_code import FaceCoder
from proface_s.flow.secure.lattice import capacity_words
from proface_s.flow.secure.model import SecureFlow, modulus_for


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[48, 112, 256, 512])
    parser.add_argument("--limit", type=int, default=40)
    args = parser.parse_args(argv)
    tried, trace = [0], FaceCoder._trace

    def counted(coder: FaceCoder, *given: object, **named: object) -> object:
        tried[0] += 1
        return trace(coder, *given, **named)  # type: ignore[arg-type]

    FaceCoder._trace = counted  # type: ignore[method-assign, assignment]
    coder = SecureFlow().coder
    finest = dataclasses.replace(coder, slack=0.0, aim=0.0, spread=0.0)
    print("| size | faces | tries | more than two | left unused |\n|---|---|---|---|---|")
    for size in args.sizes:
        tries, left = [], []
        for face in read_faces(args.faces, size, args.limit):
            words = capacity_words(face.size, modulus_for(size, size))
            tried[0] = 0
            step = coder.step_of(coder.compress(face, words))
            tries.append(tried[0])
            left.append(6.02 * (step - finest.step_of(finest.compress(face, words))))
        if not tries:
            continue  # no face is large enough
        print(
            f"| {size} | {len(tries)} | {statistics.mean(tries):.2f} | {sum(n > 2 for n in tries)} | "
            f"{statistics.mean(left):.2f} dB |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""A 12-megapixel photo with five faces: wall time and peak memory of the real commands.

    python bench/speed/big_photo.py [--faces 5]

Draws a 4000 x 3000 photo with five portraits (the public-domain one that scikit-image ships) of different sizes, then
runs `proface protect`, `proface recover` and `proface --help` in new processes.  Prints the median time of three runs
and the largest peak resident memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import data


def draw_photo(faces: int) -> np.ndarray:
    """Draw a (3000, 4000, 3) uint8 photo: portraits of 700 to 1150 pixels on a noisy gradient."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:3000, 0:4000]
    photo = np.stack([90 + x / 50, 120 + y / 60, 160 - x / 80], axis=2) + rng.normal(0, 4, (3000, 4000, 1))
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    portrait = data.astronaut()[:300, 90:360]
    for i in range(faces):
        height = 700 + 150 * (i % 4)
        scaled = cv2.resize(portrait, (height * 27 // 30, height), interpolation=cv2.INTER_CUBIC)
        top, left = 100 + 1450 * (i // 3), 100 + 1300 * (i % 3)
        photo[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return photo


def run(*arguments: str) -> tuple[float, float]:
    """Return wall seconds and peak memory (MiB) of one command in a new process."""
    code = (
        "import resource, subprocess, sys; rc = subprocess.call(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(rc)"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "proface_s", *arguments]
    started = time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, "PROFACE_PASSPHRASE": "measured on stored files"},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return seconds, int(done.stdout.split()[-1]) / 1024


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        photo, out, back = (str(Path(folder) / n) for n in ("photo.jpg", "out.png", "back.png"))
        Image.fromarray(draw_photo(args.faces)).save(photo, quality=92)
        commands = {
            "--help": ("--help",),
            "protect 12 MP": ("protect", photo, "-o", out, "--overwrite"),
            "recover 12 MP": ("recover", out, "-o", back, "--overwrite"),
        }
        print(f"{os.cpu_count()} cores; {args.faces} faces; median of {args.runs} runs")
        for name, arguments in commands.items():
            results = [run(*arguments) for _ in range(args.runs)]
            seconds = statistics.median(r[0] for r in results)
            print(f"{name:16s} {seconds:6.2f} s   peak {max(r[1] for r in results):7.0f} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

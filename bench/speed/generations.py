"""Two models of the secure flow in turn: processor time to protect and to recover a face, and peak memory.

    python bench/speed/generations.py [--models secure-2 secure-3] [--sides 64 112 256] [--repeats 9]

The models take turns, face by face, with one thread.  Times are medians over the repeats of the time for three faces;
ratios are those of the second model to the first, with the lowest and highest over the repeats.  Peak memory is
measured in processes of their own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from flow_speed import read_faces
from proface_s.covers import apply_style
from proface_s.flow.model import Model
from proface_s.flow.registry import open_model
from proface_s.keys.secrets import FaceKey
from proface_s.types import Style


def actions(model: Model, side: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return what protects three faces, and what recovers them."""
    faces = read_faces(side)
    covers = [apply_style(face, Style("blur")) for face in faces]
    keys = [FaceKey(bytes([number]) * 32) for number in range(len(faces))]
    given = list(zip(faces, covers, keys, strict=True))
    protected = [model.protect(*each) for each in given]
    return lambda: [model.protect(*each) for each in given], lambda: list(map(model.recover, protected, keys))


def seconds(action: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    started = time.process_time()
    action()
    return time.process_time() - started


def peak_mib(name: str, side: int) -> float:
    """Return the peak resident memory of protecting and recovering in a new process."""
    command = [sys.executable, __file__, "--peak-of", name, "--sides", str(side)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs=2, default=["secure-2", "secure-3"])
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 112, 256])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.peak_of:
        for action in actions(open_model(args.peak_of, 1), args.sides[0]):
            action()
        status = Path("/proc/self/status").read_text().splitlines()
        print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)
        return 0
    models = [open_model(name, 1) for name in args.models]
    print("| side | what | " + " | ".join(args.models) + " | ratio | lowest, highest |")
    print("|---|---|---|---|---|---|")
    for side in args.sides:
        for what, pair in zip(
            ("protect", "recover"), zip(*(actions(m, side) for m in models), strict=True), strict=True
        ):
            rows = [[seconds(action) for action in pair] for _ in range(args.repeats)]
            first, second = (median(row[number] for row in rows) for number in (0, 1))
            ratios = sorted(row[1] / row[0] for row in rows)
            print(
                f"| {side} | {what} | {1e3 * first:.0f} ms | {1e3 * second:.0f} ms | {median(ratios):.2f} "
                f"| {ratios[0]:.2f}, {ratios[-1]:.2f} |",
                flush=True,
            )
        peaks = [peak_mib(name, side) for name in args.models]
        print(
            f"| {side} | memory | {peaks[0]:.0f} MiB | {peaks[1]:.0f} MiB | {peaks[1] / peaks[0]:.2f} | |", flush=True
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The flow against the published network, in the same run: seconds per face and peak memory.

    python bench/speed/flow_speed.py [--sides 112 256 512 1024] [--threads 2] [--repeats 3] [--processes 5]

The published network (RandWR, three blocks, 1.07 M parameters) runs in torch with untrained weights, which do not
affect its speed.  Faces are cut from photos that scikit-image ships.  The two take turns in several processes, because
the memory layout of a process makes the published network up to a third faster or slower; figures are medians over the
processes.  Peak memory is measured in separate processes that do nothing else.  Needs the train extra.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from proface_s.covers import apply_style
from proface_s.flow.secure.model import SecureFlow
from proface_s.keys.secrets import FaceKey
from proface_s.types import Style, UInt8Image

Action = Callable[[], object]
LARGE = 1024


def read_faces(side: int) -> list[UInt8Image]:
    """Return a face, a cat's face and a cup, square RGB of one side; only the face from `LARGE` pixels on."""
    sources = (data.astronaut()[0:256, 96:352], data.chelsea()[20:276, 90:346], data.coffee()[60:316, 200:456])
    how = cv2.INTER_AREA if side < 256 else cv2.INTER_CUBIC
    chosen = sources[:1] if side >= LARGE else sources
    return [np.ascontiguousarray(cv2.resize(source, (side, side), interpolation=how)) for source in chosen]


def ours(side: int, threads: int) -> tuple[Action, Action]:
    """Return actions that protect and recover the faces with our flow, one after the other."""
    model, faces = SecureFlow(threads=threads), read_faces(side)
    covers = [apply_style(face, Style("blur")) for face in faces]
    keys = [FaceKey.generate() for _ in faces]
    given = list(zip(faces, covers, keys, strict=True))
    protected = [model.protect(*each) for each in given]
    return lambda: [model.protect(*each) for each in given], lambda: list(map(model.recover, protected, keys))


def published(side: int, threads: int) -> tuple[Action, Action]:
    """Return the same actions with the published network."""
    import torch

    from proface_lab.training.paper.network import PaperFlow, PaperMethod, derive_paper_key_map

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    method, faces = PaperMethod(PaperFlow()), read_faces(side)
    covers = [apply_style(face, Style("blur")) for face in faces]
    key_map = derive_paper_key_map("password", side, side)
    protected = [method.protect(face, cover, key_map) for face, cover in zip(faces, covers, strict=True)]
    return (
        lambda: [method.protect(face, cover, key_map) for face, cover in zip(faces, covers, strict=True)],
        lambda: [method.recover(region, key_map) for region in protected],
    )


METHODS = {"ours": ours, "published": published}


def seconds_in_turn(actions: list[Action], faces: int, repeats: int) -> list[float]:
    """Return median seconds per face of each action, run in turn so that a slow moment affects all."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(repeats):
        for action, kept in zip(actions, times, strict=True):
            started = time.perf_counter()
            action()
            kept.append((time.perf_counter() - started) / faces)
    return [statistics.median(kept) for kept in times]


def seconds_in_processes(side: int, threads: int, repeats: int, processes: int) -> list[list[float]]:
    """Run `seconds_in_turn` on all four actions in each of several new processes."""
    command = [sys.executable, __file__, "--times", "--sides", str(side), "--threads", str(threads),
               "--repeats", str(repeats)]  # fmt: skip
    return [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(processes)
    ]


def peak_mib(name: str, side: int, threads: int) -> float:
    """Return the peak resident memory of protecting and recovering in a new process."""
    command = [sys.executable, __file__, "--peak-of", name, "--sides", str(side), "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[112, 256, 512, 1024])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--times", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--peak-of", choices=METHODS, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.peak_of:
        for action in METHODS[args.peak_of](args.sides[0], args.threads):
            action()
        status = Path("/proc/self/status").read_text().splitlines()  # getrusage would report the parent's peak
        print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)
        return 0
    if args.times:
        actions = [action for method in METHODS.values() for action in method(args.sides[0], args.threads)]
        print(json.dumps(seconds_in_turn(actions, len(read_faces(args.sides[0])), args.repeats)))
        return 0
    print(f"{args.threads} threads, {args.repeats} rounds in each of {args.processes} processes, medians, per face\n")
    print(
        "| side | protect: ours | published | ratio | recover: ours | published | ratio | both: ratio "
        "| lowest, highest | peak: ours | published |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    ratios = []
    for side in args.sides:
        found = seconds_in_processes(side, args.threads, args.repeats, args.processes)
        protect, recover, peer_protect, peer_recover = map(statistics.median, zip(*found, strict=True))
        totals = [(each[2] + each[3]) / (each[0] + each[1]) for each in found]
        peaks = [peak_mib(name, side, args.threads) for name in METHODS]
        total = statistics.median(totals)
        ratios.append(f"<!-- ratio flow-{side} {total:.2f} -->")
        ratios.append(f"<!-- ratio flow-memory-{side} {peaks[1] / peaks[0]:.2f} -->")
        print(
            f"| {side} | {1e3 * protect:.0f} ms | {1e3 * peer_protect:.0f} ms | {peer_protect / protect:.1f} | "
            f"{1e3 * recover:.0f} ms | {1e3 * peer_recover:.0f} ms | {peer_recover / recover:.1f} | {total:.1f} | "
            f"{min(totals):.1f}, {max(totals):.1f} | "
            f"{peaks[0]:.0f} MiB | {peaks[1]:.0f} MiB |",
            flush=True,
        )
    print("\n" + "\n".join(ratios))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

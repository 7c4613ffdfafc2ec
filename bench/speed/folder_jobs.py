"""A folder of 1,000 photos with one job, with two jobs, and on an engine.

    python bench/speed/folder_jobs.py [--number 1000] [--engine dask]

Draws different photos of 640 x 480 with one face and protects them for a public key (a passphrase would cost two runs
of Argon2id per photo, which saturate the memory bus and hardly run in parallel).  The same folder is protected with
`--jobs 1`, with `--jobs 2`, and with `--engine` and two workers.  Prints the time of the whole program, including its
start and that of its workers, and the peak memory of all its processes together, sampled five times a second.  The
engine needs the scale extra; `--engine none` skips it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import data

import bench_kit


def draw_folder(folder: Path, number: int) -> None:
    """Draw JPEG photos, each with the portrait at another place."""
    folder.mkdir()
    portrait = cv2.resize(data.astronaut()[:300, 90:360], (216, 240), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[0:480, 0:640]
    for index in range(number):
        waves = 90 + 60 * np.sin((x + 2 * y) / (40 + index % 97))
        pixels = np.dstack([x * 255 / 640, y * 255 / 480, waves]).astype(np.uint8)
        left, top = index * 7 % 420, index * 3 % 238
        pixels[top : top + 240, left : left + 216] = portrait
        Image.fromarray(pixels).save(folder / f"{index:05}.jpg", quality=90)


def process_tree_mib(pid: int) -> float:
    """Return the memory of a process and its descendants, with shared pages counted once (PSS); 0 once it has ended."""
    total, todo = 0.0, [pid]
    while todo:
        each = todo.pop()
        try:
            for children in Path(f"/proc/{each}/task").glob("*/children"):  # any thread may have started children
                todo += map(int, children.read_text().split())
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{each}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) / 1024 if found else 0
        except OSError:
            continue
    return total


def run(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return seconds, and peak memory of all processes in the first quarter of the time and overall."""
    started = time.perf_counter()
    sizes = []
    environment = {name: value for name, value in os.environ.items() if name != "PROFACE_PASSPHRASE"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        while process.poll() is None:
            sizes.append(process_tree_mib(process.pid))
            time.sleep(0.2)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said}")
    seconds = time.perf_counter() - started
    return seconds, max(sizes[: max(1, len(sizes) // 4)]), max(sizes)


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--engine", choices=("local", "dask", "ray", "none"), default="dask")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_folder(folder / "in", args.number)
        public = bench_kit.run_measured(bench_kit.program("keygen", "-o", str(folder / "key"))).out.strip()
        base = bench_kit.program("protect", str(folder / "in"), "-o", str(folder / "out"), "-r", public, "-q")
        ways = {"--jobs 1": ["--jobs", "1"], "--jobs 2": ["--jobs", "2"]}
        if args.engine != "none":
            ways[f"--engine {args.engine} --jobs 2"] = ["--engine", args.engine, "--jobs", "2"]
        rows, first = [], 0.0
        for way, options in ways.items():
            seconds, early, most = run([*base, *options])
            first = first or seconds
            rows.append([f"`{way}`", f"{seconds:.0f} s", f"{args.number / seconds:.2f}", f"{first / seconds:.2f}",
                         f"{early:.0f} MiB", f"{most:.0f} MiB"])  # fmt: skip
            for each in ("out", "out.manifest"):
                shutil.rmtree(folder / each, ignore_errors=True)
    print(bench_kit.heading(
        f"A folder of {args.number:,} photos", f"python bench/speed/folder_jobs.py --number {args.number}",
        "640 x 480, one face, public key.  Memory is the total of all processes; shared pages count once.",
    ))  # fmt: skip
    print(bench_kit.table(["options", "time", "photos per second", "speed relative to one job",
                     "peak memory in the first quarter", "peak memory"], rows))  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

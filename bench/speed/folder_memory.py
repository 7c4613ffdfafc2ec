"""Does memory stay flat over a folder of many photos?

    python bench/speed/folder_memory.py                        # draws 1,000 photos and protects them
    python bench/speed/folder_memory.py --photos DIR --limit 1.25

Protects a folder for a public key through the command line, detection included, in a separate process, and prints the
resident memory of that process after every tenth of the photos.  With ``--limit`` it fails if the last figure exceeds
that multiple of the figure after a fifth of the photos.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import bench_kit
from folder_jobs import draw_folder


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(photos: Path, out: Path, public: str) -> list[tuple[int, float]]:
    """Return (photos done, resident MiB) after every tenth of the run."""
    total = sum(path.is_file() for path in photos.iterdir())
    command = [sys.executable, "-m", "proface_s", "protect", str(photos), "-o", str(out), "-r", public, "--json"]
    figures, start, sizes = [], time.perf_counter(), []
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, text=True) as run:
        assert run.stdout is not None
        for done, line in enumerate(run.stdout, 1):
            assert '"protected"' in line, line
            sizes.append(resident_mib(run.pid) if run.poll() is None and done < total else sizes[-1])
            if done % max(1, total // 10) == 0:
                recent = float(np.median(sizes[-20:]))
                figures.append((done, recent))
                print(f"{done:>6} photos  {recent:7.1f} MiB  {time.perf_counter() - start:6.1f} s", flush=True)
    if run.returncode:
        raise SystemExit(f"protect exited {run.returncode}")
    return figures


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photos; default: draw them")
    parser.add_argument("--number", type=int, default=1000, help="number of photos to draw")
    parser.add_argument("--limit", type=float, help="fail if the ratio of the last figure to the second exceeds this")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = given.photos or Path(folder, "photos")
        if given.photos is None:
            draw_folder(photos, given.number)
        public = bench_kit.run_measured(bench_kit.program("keygen", "-o", str(Path(folder, "key")))).out.strip()
        figures = measure(photos, Path(folder, "out"), public)
    early, late = figures[1][1], figures[-1][1]
    print(f"after {figures[1][0]} photos {early:.1f} MiB, after {figures[-1][0]} {late:.1f} MiB: x{late / early:.3f}")
    return int(given.limit is not None and late > given.limit * early)


if __name__ == "__main__":
    sys.exit(main())

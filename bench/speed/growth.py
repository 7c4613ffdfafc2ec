"""Growth: time and memory of protecting and recovering, as functions of pixels and of faces.

    python bench/speed/growth.py [--plot docs/evidence/figures/growth.png]

All portraits have the same size (270 pixels high).  Every point is measured in a new process: median seconds of three
rounds, with a public key (the cost of Argon2id does not depend on the photo), and the peak memory of that process.  The
last column of each table is the deviation of the point from a straight line fitted to all points of its sweep; the
lines are listed below it.  Plots need matplotlib (the eval extra).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from PIL import Image

import bench_kit

HEIGHT = 270
PIXELS = [(1, 5), (2, 5), (4, 5), (8, 5), (12, 5), (16, 5)]
FACES = [(12, 1), (12, 5), (12, 25), (12, 60), (12, 125)]
MEASURES = {"protect": "s", "recover": "s", "protect, processor": "s", "peak": "MiB"}


def measure(photo: Path, threads: int, repeats: int) -> dict[str, float]:
    """Measure one photo in this process."""
    from proface_s.api import Session
    from proface_s.keys.recipients import Identity

    session, identity = Session(threads=threads), Identity.generate()
    times: dict[str, list[float]] = {"protect": [], "recover": [], "protect, processor": []}
    with tempfile.TemporaryDirectory() as folder:
        out, back = (Path(folder) / name for name in ("out.png", "back.png"))
        for _ in range(repeats):
            started, cpu = time.perf_counter(), time.process_time()
            result = session.protect(photo, recipients=[identity.recipient], output=out, overwrite=True)
            between = time.perf_counter()
            times["protect, processor"].append(time.process_time() - cpu)
            session.recover(out, identities=[identity], output=back, overwrite=True)
            times["protect"].append(between - started)
            times["recover"].append(time.perf_counter() - between)
    return {"faces": len(result.faces), "peak": bench_kit.own_peak_mib(), **bench_kit.medians(times)}


def measure_sweep(points: list[tuple[int, int]], threads: int, repeats: int) -> list[dict[str, Any]]:
    """Measure every point in a separate process."""
    found = []
    for megapixels, faces in points:
        with tempfile.TemporaryDirectory() as folder:
            photo = Path(folder) / "photo.jpg"
            Image.fromarray(bench_kit.draw_photo(megapixels, faces, HEIGHT)).save(photo, quality=92)
            command = [sys.executable, __file__, "--photo", str(photo), "--threads", str(threads),
                       "--repeats", str(repeats)]  # fmt: skip
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append({"megapixels": megapixels, **json.loads(done.stdout)})
    return found


def line_through(x: list[float], y: list[float]) -> tuple[float, float, float]:
    """Return slope, intercept and R squared of the least-squares line."""
    slope, start = np.polyfit(x, y, 1)
    spread = np.sum((np.array(y) - np.mean(y)) ** 2)
    return float(slope), float(start), float(1 - np.sum((np.array(y) - slope * np.array(x) - start) ** 2) / spread)


def print_sweep(name: str, unit: str, found: list[dict[str, Any]]) -> None:
    """Print the table of a sweep and its lines."""
    x = [each[name] for each in found]
    lines = {key: line_through(x, [each[key] for each in found]) for key in MEASURES}
    rows = []
    for each in found:
        off = max(abs(each[key] / (lines[key][0] * each[name] + lines[key][1]) - 1) for key in ("protect", "recover"))
        rows.append([each["megapixels"], each["faces"], f"{each['protect']:.2f} s", f"{each['recover']:.2f} s",
                     f"{each['protect, processor']:.2f} s", f"{each['peak']:.0f} MiB",
                     f"{100 * off:.0f} %"])  # fmt: skip
    print(bench_kit.table(["megapixels", "faces found", "protect", "recover", "protect, processor",
                     "peak memory", "off the line by"], rows))  # fmt: skip
    for key, (slope, start, fit) in lines.items():
        print(f"* {key}: {start:.3g} {MEASURES[key]} + {slope:.3g} {MEASURES[key]} {unit}; R² {fit:.3f}")
    print()


def plot(sweeps: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Plot time and memory of both sweeps with their lines."""
    try:
        import matplotlib
    except ImportError:
        print(f"matplotlib is not installed: {path} was not drawn", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(sweeps), figsize=(9, 6), sharex="col", constrained_layout=True)
    for column, (name, found) in enumerate(sweeps.items()):
        x = np.array([each[name] for each in found], float)
        for row, keys in enumerate((("protect", "recover"), ("peak",))):
            for key in keys:
                y = [each[key] for each in found]
                slope, start, _ = line_through(list(x), y)
                (drawn,) = axes[row, column].plot(x, y, "o", label=key)
                axes[row, column].plot(x, slope * x + start, "-", color=drawn.get_color(), linewidth=1)
            axes[row, column].set_ylim(bottom=0)
            axes[row, column].set_ylabel("seconds" if row == 0 else "peak MiB")
        axes[0, column].legend()
        axes[0, column].set_title(f"against {name}, " + ("5 faces" if name == "megapixels" else "12 megapixels"))
        axes[1, column].set_xlabel(name)
    figure.savefig(path, dpi=80)


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--plot", type=Path, help="write the plots to this file")
    parser.add_argument("--photo", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.photo:
        print(json.dumps(measure(args.photo, args.threads, args.repeats)))
        return 0
    sweeps = {name: measure_sweep(points, args.threads, args.repeats) for name, points in
              (("megapixels", PIXELS), ("faces", FACES))}  # fmt: skip
    print(bench_kit.heading(
        "Growth", f"python bench/speed/growth.py --threads {args.threads} --repeats {args.repeats}",
        f"Portraits {HEIGHT} pixels high, public key, {args.threads} threads; a new process for every point.",
    ))  # fmt: skip
    print_sweep("megapixels", "per megapixel", sweeps["megapixels"])
    print_sweep("faces", "per face", sweeps["faces"])
    if args.plot:
        plot(sweeps, args.plot)
        print(f"![time and memory against pixels and faces]({args.plot.name})\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

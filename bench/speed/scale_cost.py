"""Cost of a photo and of a face, from the manifest of any run: for docs/how-to/scale.md and for planning your own runs.

    proface protect PHOTOS -o OUT --engine dask --jobs 2 -r age1...
    python bench/speed/scale_cost.py OUT.manifest

Processor seconds are fitted by a + b x megapixels + c x megapixels in faces' regions + d x faces (non-negative least
squares).  They include detection, the seal, encoding and the verification of every output.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import bench_kit
from proface_s.scale.locations import Location
from proface_s.scale.manifest import read_rows


def fit(columns: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """Solve non-negative least squares approximately: drop columns until no coefficient is negative."""
    chosen = list(range(len(columns)))
    while True:
        found, *_ = np.linalg.lstsq(np.stack([columns[i] for i in chosen], 1), y, rcond=None)
        if (found >= 0).all() or len(chosen) == 1:
            shares = np.zeros(len(columns))
            shares[chosen] = found
            return shares
        chosen.pop(int(np.argmin(found)))


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    args = parser.parse_args(argv)
    place = Location(str(args.manifest.absolute()))
    rows = [row for row in read_rows(place, place.files(".parquet")).to_pylist() if row["status"] == "done"]
    cpu, faces, covered, pixels, sent, made = (
        np.array([row[name] for row in rows], float)
        for name in ("cpu_s", "faces", "face_pixels", "pixels", "source_bytes", "target_bytes")
    )
    columns = [np.ones(len(rows)), pixels / 1e6, covered / 1e6, faces]
    shares = fit(columns, cpu)
    predicted = sum(share * column for share, column in zip(shares, columns, strict=True))
    off = np.abs(predicted / cpu - 1)
    wall = sum(row["read_s"] + row["protect_s"] + row["write_s"] for row in rows)
    found = f"{len(rows)} photos, {faces.sum():.0f} faces."
    print(bench_kit.heading("Cost", "python bench/speed/scale_cost.py OUT.manifest", found))
    print(bench_kit.table(["", "mean of a photo"], [
        ["megapixels", f"{pixels.mean() / 1e6:.2f}"],
        ["faces", f"{faces.mean():.2f}"],
        ["megapixels in faces' regions", f"{covered.mean() / 1e6:.2f}"],
        ["processor seconds", f"{cpu.mean():.2f}"],
        ["seconds", f"{wall / len(rows):.2f}"],
        ["MB in", f"{sent.mean() / 1e6:.2f}"],
        ["MB out", f"{made.mean() / 1e6:.2f}"],
        ["bytes out per pixel", f"{made.sum() / pixels.sum():.2f}"],
        ["manifest bytes per row", f"{sum(p.stat().st_size for p in args.manifest.glob('*.parquet')) / len(rows):.0f}"],
    ]))  # fmt: skip
    print(
        f"Processor seconds of a photo: {shares[0]:.2f} + {shares[1]:.3f} per megapixel + {shares[2]:.2f} per "
        f"megapixel in faces' regions + {shares[3]:.3f} per face; median error {100 * np.median(off):.0f} %.\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Limits of a run's first process: tasks, names and manifest rows per second, without touching any photo.

    python bench/speed/scale_limits.py [--rows 1000000] [--tasks 1000] [--names 100000]

Empty tasks go through dask with two workers on this machine, and back; names are listed in a local folder of empty
files; a manifest is written, gathered, and read as a resumed run reads it.  The figures to use are the processor
seconds of this process, which hardly change on a busy machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import secrets
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path

import bench_kit
from proface_s.api.options import ProtectOptions
from proface_s.keys.recipients import Identity
from proface_s.processes import Executor
from proface_s.scale.engines import start_engine
from proface_s.scale.job import CollectionJob
from proface_s.scale.locations import Location, picture_names
from proface_s.scale.manifest import MAIN, open_manifest
from proface_s.scale.outcomes import ManifestRow


def clocked(action: Callable[[], object]) -> tuple[float, float]:
    """Run an action; return its wall seconds and the processor seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def tasks_through(engine: Executor, number: int) -> None:
    """Submit calls that do nothing, in the way of a run."""
    left, in_hand = number, set()
    while left or in_hand:
        while left and len(in_hand) < engine.ahead:
            in_hand.add(engine.submit(abs, 1))
            left -= 1
        in_hand -= wait(in_hand, return_when=FIRST_COMPLETED).done


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--names", type=int, default=100_000)
    args = parser.parse_args(argv)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("in", "out"):
            (folder / each).mkdir()
        options = ProtectOptions.of(recipients=[Identity.generate().recipient])
        job = CollectionJob(str(folder / "in"), str(folder / "out"), options, frozenset((".jpg",)))
        with start_engine("dask", job, jobs=2) as engine:
            tasks_through(engine, 20)
            rows.append(["tasks through dask", args.tasks, *clocked(lambda: tasks_through(engine, args.tasks))])
        for index in range(args.names):
            (folder / "in" / f"{index:08}.jpg").touch()
        source = Location(str(folder / "in"))
        rows.append(["names listed", args.names, *clocked(lambda: list(picture_names(source, job.suffixes)))])
        manifest = open_manifest(Location(str(folder / "manifest")), job)
        row = ManifestRow(
            "",
            status="done",
            faces=2,
            face_pixels=120_000,
            pixels=12_000_000,
            source_bytes=3_000_000,
            target_bytes=15_000_000,
            read_s=0.01,
            protect_s=1.5,
            write_s=0.02,
            cpu_s=1.6,
            worker="host:12345",
        )

        def write() -> None:
            for index in range(args.rows):
                source, a, b = f"2024/{index % 1000:03}/{index:08}.jpg", secrets.token_hex(32), secrets.token_hex(32)
                manifest.add(dataclasses.replace(row, source=source, target=source + ".protected.png",
                                                 source_sha256=a, target_sha256=b))  # fmt: skip
            manifest.flush()

        rows.append(["manifest rows written", args.rows, *clocked(write)])
        rows.append(["manifest rows gathered", args.rows, *clocked(manifest.close)])
        rows.append(["manifest rows read to resume", args.rows, *clocked(manifest.known)])
        size = (folder / "manifest" / MAIN).stat().st_size
    print(
        bench_kit.heading(
            "Limits of a run's first process", "python bench/speed/scale_limits.py", "No photo is protected here."
        )
    )
    print(
        bench_kit.table(
            ["what", "number", "seconds", "processor seconds", "per processor second"],
            [[what, f"{n:,}", f"{wall:.1f}", f"{cpu:.1f}", f"{n / cpu:,.0f}"] for what, n, wall, cpu in rows],
        )
    )
    print(f"Peak memory {bench_kit.own_peak_mib():.0f} MiB; the manifest has {size / args.rows:.0f} bytes per row.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

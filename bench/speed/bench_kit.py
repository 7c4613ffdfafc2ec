"""Shared code of the benches: machine description, medians of interleaved runs, drawn photos, measured processes.

Times from different machines, or from a busy one, cannot be compared; ratios of actions interleaved in one run can.
So every bench has a peer in the same run, and reports the load of the machine.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

Action = Callable[[], object]


def describe_machine() -> str:
    """Return processor, cores, memory, versions and load of the machine, in one line."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    name = found[1] if found else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    busy = f"; **busy**, load {load:.1f}: trust the ratios only" if load > 0.5 * cores else f"; load {load:.1f}"
    return (
        f"{name}, {cores} cores, {memory:.0f} GiB; Python {platform.python_version()}, numpy {np.__version__}, "
        f"OpenCV {cv2.__version__}{busy}"
    )


def time_in_turn(actions: Mapping[str, Action], repeats: int, warm: int = 1) -> dict[str, list[float]]:
    """Time actions in turn, so that a slow moment affects all; return seconds, without the ``warm`` first rounds."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(warm + repeats):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            if number >= warm:
                times[name].append(time.perf_counter() - started)
    return times


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median of each list of times."""
    return {name: statistics.median(each) for name, each in times.items()}


def median_ratio(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the median of a / b over the rounds."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def heading(title: str, command: str, text: str) -> str:
    """Return the head of a Markdown section: title, command, machine and an explanation."""
    return f"## {title}\n\n`{command}`  \n{describe_machine()}\n\n{text}\n"


def draw_photo(megapixels: float, faces: int, largest: int = 800) -> np.ndarray:
    """Draw a 4:3 photo: copies of scikit-image's public-domain portrait in a grid on a noisy gradient.

    Args:
        megapixels: size of the photo.
        faces: number of portraits.
        largest: maximum height of a portrait, in pixels; its face is about a third of that.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    from skimage import data

    width = 2 * round(np.sqrt(megapixels * 1e6 * 4 / 3) / 2)
    height = 2 * round(width * 3 / 8)
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    photo = np.stack([90 + 80 * x / width, 120 + 50 * y / height, 160 - 50 * x / width], axis=2)
    photo = np.clip(photo + rng.normal(0, 4, (height, width, 1)), 0, 255).astype(np.uint8)
    columns = max(1, int(np.ceil(np.sqrt(faces * 4 / 3))))
    rows = max(1, -(-faces // columns))
    side = min(int(0.92 * width / columns / 0.9), int(0.92 * height / rows), largest)
    portrait = data.astronaut()[:300, 90:360]
    how = cv2.INTER_AREA if side < 300 else cv2.INTER_CUBIC
    portrait = cv2.resize(portrait, (side * 27 // 30, side), interpolation=how)
    for index in range(faces):
        top, left = height * (index // columns) // rows, width * (index % columns) // columns
        photo[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    return photo


@dataclass(frozen=True)
class FinishedProcess:
    """A finished process: seconds, peak resident memory in MiB, its stdout, and seconds of all processors together."""

    seconds: float
    peak_mib: float
    out: str
    processor_seconds: float


def run_measured(command: Sequence[str], **environment: str) -> FinishedProcess:
    """Run a command in a new process.

    Raises:
        SystemExit: if it fails.
    """
    code = ("import resource, subprocess, sys, time; t = time.perf_counter(); rc = subprocess.call(sys.argv[1:]); "
            "s = time.perf_counter() - t; sys.stdout.flush(); "
            "u = resource.getrusage(resource.RUSAGE_CHILDREN); print(); "
            "print(s, u.ru_maxrss, u.ru_utime + u.ru_stime); sys.exit(rc)")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    out, _, last = done.stdout.rstrip("\n").rpartition("\n")
    seconds, peak, processor = map(float, last.split())
    return FinishedProcess(seconds, peak / 1024, out, processor)


def program(*arguments: str) -> list[str]:
    """Return a command of this checkout's command-line program."""
    return [sys.executable, "-m", "proface_s", *arguments]


def own_peak_mib() -> float:
    """Return the peak resident memory of this process; getrusage would report the parent's if that was larger."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

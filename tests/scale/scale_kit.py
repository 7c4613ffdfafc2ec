"""Helpers of the tests of `proface_s.scale`: drawings, a job, and work that kills its worker."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
from PIL import Image

from proface_s.api.options import ProtectOptions
from proface_s.scale.job import CollectionJob, PhotoTask
from proface_s.scale.outcomes import PhotoOutcome
from proface_s.scale.worker import protect_one
from proface_s.types import Box

BOX = Box(40, 20, 64, 64)
SUFFIXES = frozenset((".png", ".jpg"))


def drawn(seed: int) -> np.ndarray:
    """Return a smooth drawing, (H, W, 3) uint8, in which no face is found."""
    y, x = np.mgrid[0:120, 0:160]
    waves = 90 + 60 * np.sin((x + 2 * y) / (40 + 9 * seed))
    return np.dstack([x * 255 / 160, y * 255 / 120, waves]).astype(np.uint8)


def draw_folder(folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    """Write different drawings; return their pixels by name."""
    pixels = {name: drawn(seed) for seed, name in enumerate(names)}
    for name, each in pixels.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(each).save(folder / name)
    return pixels


def job_for(source: object, target: object, recipient: object, *, threads: int = 1, **more: object) -> CollectionJob:
    """Return a job that hides one given box, which is quick; ``more`` are options of `ProtectOptions.of`."""
    options = ProtectOptions.of(recipients=[str(recipient)], boxes=[BOX], faces="none", **more)  # type: ignore[arg-type]
    return CollectionJob(str(source), str(target), options, SUFFIXES, threads=threads)


def lethal_work(job: CollectionJob, task: PhotoTask) -> PhotoOutcome:
    """Protect a photo as `protect_one`; some kill their process, as a system that is short of memory does.

    Names decide: ``once`` kills the first time, before anything is done; ``midway`` the first time, when the output is
    written but not yet renamed; ``late`` the first time, when it is renamed but not yet reported; ``always`` every
    time.  ``hog`` takes 2 GiB, bit by bit, and keeps them.  Finished photos are noted in ``done.log``.
    """
    marker = Path(job.target).parent / f"{Path(task.source).stem}.killed"
    first = not marker.exists()
    if "always" in task.source or ("once" in task.source and first):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if "midway" in task.source and first:
        marker.touch()
        os.replace = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    hoard = []
    if "hog" in task.source:
        for _ in range(40):
            hoard.append(np.ones(50 * 2**20, np.uint8))
            time.sleep(0.05)
        time.sleep(300)
    outcome = protect_one(job, task)
    with Path(job.target).with_name("done.log").open("a") as log:
        log.write(task.source + "\n")
    if "late" in task.source and first:
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome

"""Logs of a run, as CSV files and for TensorBoard, with the same measures in both."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

KINDS = ("train", "validation")

Log = Callable[[str, int, dict[str, float], dict[str, float]], None]


@contextmanager
def open_logs(folder: Path, step: int) -> Iterator[Log]:
    """Open the logs of a run that starts or resumes after a step; yields ``log(kind, step, measures, others)``.

    Entries for later steps, left by a process that was killed, are dropped.  ``others`` go to the CSV file only.

    Args:
        folder: folder of the run.
        step: the last completed step.
    """
    from torch.utils.tensorboard import SummaryWriter

    for kind in KINDS:
        truncate_rows(folder / f"{kind}.csv", step)
    writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def log(kind: str, step: int, measures: dict[str, float], others: dict[str, float]) -> None:
        for name, value in measures.items():
            writer.add_scalar(f"{kind}/{name}", value, step)
        if measures:
            append_row(folder / f"{kind}.csv", {"step": step, **measures, **others})

    try:
        yield log
    finally:
        writer.close()


def append_row(path: Path, row: dict[str, float]) -> None:
    """Append a row to a CSV file, with a header row if the file is new."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow({name: round(value, 5) for name, value in row.items()})


def truncate_rows(path: Path, last: int) -> None:
    """Drop the rows after a step, and a row that a killed process left incomplete."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = file.read().splitlines(keepends=True) or [""]
    kept = [row for row in rows if row.endswith("\n") and int(row.split(",")[0]) <= last]
    if len(kept) == len(rows):
        return
    if not kept:
        path.unlink()
        return
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        file.write("".join([head, *kept]))
    os.replace(temporary, path)

"""The benchmarks of `proface_s.scale` run with the current code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask.distributed", reason="the scale extra is not installed")

BENCH = Path(__file__).parents[2] / "bench" / "speed"


def test_the_limits_of_the_first_process_are_measured() -> None:
    command = [sys.executable, str(BENCH / "scale_limits.py"), "--rows", "500", "--tasks", "10", "--names", "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[1] for row in rows[2:]] == ["10", "20", "500", "500", "500"]

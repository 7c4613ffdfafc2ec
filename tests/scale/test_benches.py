"""The benchmarks of `proface_s.scale` run with the current code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from paths_kit import ROOT

pytest.importorskip("dask.distributed", reason="the scale extra is not installed")

BENCH = ROOT / "bench" / "speed"


def test_the_limits_of_the_first_process_are_measured() -> None:
    command = [sys.executable, str(BENCH / "scale_limits.py"), "--rows", "500", "--tasks", "10", "--names", "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[1] for row in rows[2:]] == ["10", "20", "500", "500", "500"]

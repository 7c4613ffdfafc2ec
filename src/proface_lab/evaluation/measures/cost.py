"""Cost of a method: parameters, operations, seconds per face and peak memory, measured in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from proface_s.errors import ProFaceError, UsageError

from ..method import Costed, load_method

REPEATS: Final = 5
LIMIT_SECONDS: Final = 900


def measure_cost(spec: str, size: int) -> dict[str, Any]:
    """Run `measure_in_process` in a new process, so that peak memory is the method's.

    Raises:
        UsageError: if the process fails.
    """
    command = [sys.executable, "-m", __name__, spec, str(size)]
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)  # so that it finds third-party modules too
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    except (OSError, subprocess.SubprocessError) as error:
        text = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise UsageError(f"the cost of {spec} cannot be measured: {text[-1] if text else 'no reason given'}") from None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_in_process(spec: str, size: int) -> dict[str, Any]:
    """Measure the median seconds to protect and to recover one face, and the peak memory."""
    method = load_method(spec)
    original, cover = _pictures(size)
    protecting, recovering = [], []
    for _ in range(REPEATS):
        started = time.perf_counter()
        protected = method.protect(original, cover, bytes(32))
        between = time.perf_counter()
        method.recover(protected, bytes(32))
        protecting.append(between - started)
        recovering.append(time.perf_counter() - between)
    costed = method if isinstance(method, Costed) else None
    return {
        "name": method.name,
        "size": size,
        "steps": getattr(method, "steps", None),
        "parameters": costed.parameters if costed else None,
        "macs": costed.macs(size, size) if costed else None,
        "protect_seconds": round(float(np.median(protecting)), 4),
        "recover_seconds": round(float(np.median(recovering)), 4),
        "peak_mib": None if (peak := peak_memory()) is None else round(peak),
    }


def peak_memory() -> float | None:
    """Return the peak memory of this process in MiB; None if the system does not report it.

    On Linux ``ru_maxrss`` starts at the parent's value, so the process's own ``VmHWM`` is read instead.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        import resource
    except ModuleNotFoundError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _pictures(size: int) -> tuple[Any, Any]:
    """Make a picture with the statistics of photos (not a face), and a flat cover."""
    import cv2

    rng, picture = np.random.default_rng(0), np.full((size, size, 3), 128.0)
    side = 4
    while side <= size:
        noise = rng.normal(0, 100 / side**0.8, (side, side, 3))
        picture += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
        side *= 2
    return np.clip(picture, 0, 255).astype(np.uint8), np.full((size, size, 3), 127, np.uint8)


if __name__ == "__main__":
    try:
        print(json.dumps(measure_in_process(sys.argv[1], int(sys.argv[2]))))
    except ProFaceError as error:
        raise SystemExit(error.message) from None

"""Settings that keep dependencies from sending statistics or leaving files without the user's knowledge.

Some libraries send usage statistics from the moment they are loaded, unless told not to: onnxruntime leaves a device
identifier in the cache folder and reports to its maker, ray reports its clusters.  A program that handles people's
photos must do neither.  Code that loads such a library calls `silence` first, worker processes inherit the settings,
and `tests/silence` watches the system calls.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any, Final

SILENT: Final = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime
    "RAY_USAGE_STATS_ENABLED": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, which a user's own method may load
    "DO_NOT_TRACK": "1",  # many others respect this
}


def silence() -> None:
    """Set `SILENT` in the environment of this process, which the processes that it starts inherit."""
    os.environ.update(SILENT)


def private_cache(variable: str) -> None:
    """Give a dependency a temporary cache folder, deleted when the process ends, unless the user has chosen one.

    Args:
        variable: name of the environment variable that the dependency reads when it is imported.
    """
    if not os.environ.get(variable):
        folder = tempfile.mkdtemp(prefix="proface-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[variable] = folder


def load_onnxruntime() -> Any:
    """Import onnxruntime with its telemetry off.  No other line of the project imports it.

    Raises:
        ModuleNotFoundError: if it is not installed.
    """
    silence()
    import onnxruntime

    return onnxruntime

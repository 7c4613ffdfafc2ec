"""Settings that keep dependencies from writing or talking behind the user's back.

Some libraries send usage statistics unless told not to, from the moment they are loaded: onnxruntime leaves a device
identifier in the cache folder and reports to its maker, ray reports its clusters.  What runs on people's photos must
do neither.  So whatever loads such a library calls `silence` first, worker processes inherit the settings, and
`tests/silence` watches the system calls.
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
    "DO_NOT_TRACK": "1",  # what many others look for
}


def silence() -> None:
    """Set `SILENT` in this process's environment, and so in that of every process it starts."""
    os.environ.update(SILENT)


def private_cache(variable: str) -> None:
    """Point a dependency's cache folder at a temporary one that is deleted at the end, unless the user has chosen one.

    Args:
        variable: of the environment; the dependency reads it when it is imported.
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

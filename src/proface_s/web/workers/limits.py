"""Limits enforced by the operating system on a worker process: CPU time, memory, files, and no core dumps."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

try:
    import resource
except ImportError:  # Windows, where only the parent's clock ends a job
    resource = None  # type: ignore[assignment]

_STATM: Final = Path("/proc/self/statm")


def forbid_core_dumps() -> None:
    """Disable core files: this process's memory holds photos and keys."""
    if resource is not None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_cpu(seconds: float | None) -> None:
    """Let SIGXCPU end this process after more CPU time, all threads together.

    Args:
        seconds: CPU time from now on, rounded up to whole seconds; None for no limit.
    """
    if resource is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if seconds is None:
        _set(resource.RLIMIT_CPU, resource.RLIM_INFINITY, hard)
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _set(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1, hard)


def allow_memory(more: int | None) -> None:
    """Let further allocations fail with MemoryError beyond a limit; no effect without /proc.

    Args:
        more: bytes of address space in addition to those in use now; None for no limit.
    """
    if resource is None or not _STATM.exists():
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    _set(resource.RLIMIT_AS, resource.RLIM_INFINITY if more is None else in_use + more, hard)


def allow_files(size: int | None) -> None:
    """Let writing to a file fail beyond a size.

    Args:
        size: in bytes; None for no limit.
    """
    if resource is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    _set(resource.RLIMIT_FSIZE, resource.RLIM_INFINITY if size is None else size, hard)


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes; 0 without /proc."""
    if not _STATM.exists():
        return 0
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _set(kind: int, soft: int, hard: int) -> None:
    if hard != resource.RLIM_INFINITY:
        soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, hard))

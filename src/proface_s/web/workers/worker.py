"""The main loop of a worker process, where all work on uploaded pictures and clips happens, within limits.

::

    parent ── task: {"work", "options"}, photo ──► read the picture's header ── {"event": "need", "bytes"} ──► parent
    parent ── b"go" ──► work ── {"event": "progress", ...}* ── {"event": "done", ...}, pictures ──► parent

A clip is not sent: its task also has ``files``, the paths at which it is and at which the result is to be written.

Jobs and keys arrive through a pipe, never as arguments or in the environment.  Replies are JSON and bytes: the parent
unpickles nothing from a process that may have decoded a hostile file.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from ...api import Session
from ...processes import share_cores
from ...progress import Stage
from .. import operations
from ..problems import body, problem_of
from ..settings import MIB, ServiceSettings
from .jobs import KEY_LIMITS, ClipFiles, JobPlan, JobResult, TaskKind, WorkerTools
from .limits import allow_cpu, allow_files, allow_memory, forbid_core_dumps, resident_bytes
from .pipe import MessagePipe, PipeClosedError

GO: Final = b"go"
_SPARE_BYTES: Final = 512 * MIB  # address space in addition to what a job is expected to need: threads, libraries
_THREAD_BYTES: Final = 80 * MIB  # address space of a thread of a decoder or encoder: stack, and memory set aside
_CLIP_THREADS: Final = 4  # for each core, of decoder, encoder and detector
_NICENESS: Final = 10
_KEPT_BYTES: Final = 384 * MIB  # a worker larger than this after a job is replaced; 140 MiB are a detection network


class _Inbox(MessagePipe):
    """Messages from the parent; if the pipe closes, this process exits at once, whatever it is doing."""

    def __init__(self) -> None:
        outgoing = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # keep output of libraries from mixing with the messages
        super().__init__(sys.stdin.buffer, outgoing)
        self._messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def receive(self) -> bytes:
        """Wait for one message."""
        return self._messages.get()

    def _listen(self) -> None:
        try:
            while True:
                self._messages.put(super().receive())
        except PipeClosedError:
            os._exit(0)


def main() -> None:
    """Read settings and session from the first message, load the model, and do jobs until the parent ends.

    Sends ``{"event": "ready"}`` once the model is loaded, or the problem that prevented it.  A worker for clips loads
    none, and leaves the cores to the others where they need them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    if sys.stderr is not None:  # which may be closed
        faulthandler.enable()  # a crash in a library says where, without values, on the service's standard error
    forbid_core_dumps()
    pipe = _Inbox()
    settings, session, for_clips = pickle.loads(pipe.receive())  # sent by our own parent
    session = session.limited(KEY_LIMITS)
    if for_clips and hasattr(os, "nice"):
        os.nice(_NICENESS)
    share_cores(settings.workers)
    try:
        _ = None if for_clips else session.model
    except Exception as error:
        problem = body(problem_of(error, debug=settings.debug))
        pipe.tell({"event": "problem", "spent": True, **problem})
        return
    pipe.tell({"event": "ready"})
    try:
        while True:
            task = pipe.hear()
            _answer(pipe, settings, session, task, pipe.receive())
    except PipeClosedError:
        return


def _answer(pipe: MessagePipe, settings: ServiceSettings, session: Session, task: dict[str, Any], photo: bytes) -> None:
    """Do one job; send any exception as a problem."""
    kind = operations.KINDS[task["work"]]
    source = ClipFiles.of(task["files"]) if "files" in task else photo
    try:
        done = _do(pipe, WorkerTools(settings, session), kind, source, task["options"])
    except PipeClosedError:
        raise
    except Exception as error:
        problem = body(problem_of(error, kind.what, debug=settings.debug))
        allow_memory(None)
        pipe.tell({"event": "problem", "spent": _is_large(), **problem})
        return
    finally:
        allow_memory(None)
        allow_cpu(None)
        allow_files(None)
    pipe.tell(
        {
            "event": "done",
            "spent": _is_large(),
            "facts": done.facts,
            "files": [[each.name, each.media_type] for each in done.files],
        }
    )
    for each in done.files:
        pipe.send(each.data)


def _do(pipe: MessagePipe, tools: WorkerTools, kind: TaskKind, source: bytes | ClipFiles, text: str) -> JobResult:
    options = kind.options.model_validate_json(text) if kind.options else None
    threads = 0 if isinstance(source, bytes) else _CLIP_THREADS * (os.cpu_count() or 1) * _THREAD_BYTES
    allow_cpu(kind.header_seconds)
    allow_memory(_SPARE_BYTES + threads)
    plan = kind.plan(source, options, tools.settings)
    pipe.tell({"event": "need", "bytes": plan.memory})
    if pipe.receive() != GO:
        raise PipeClosedError
    allow_memory(2 * plan.memory + _SPARE_BYTES + threads)
    allow_cpu(plan.read_seconds)
    allow_files(plan.file_bytes)
    return kind.work(tools, source, options, _teller(pipe, plan))


def _teller(pipe: MessagePipe, plan: JobPlan) -> Callable[[Stage, int, int], None]:
    reading = True

    def tell(stage: Stage, done: int, total: int) -> None:
        nonlocal reading
        if reading and stage != "read":  # the file is read; what follows may take its time
            reading = False
            allow_cpu(plan.job_seconds)
        pipe.tell({"event": "progress", "stage": stage, "done": done, "total": total})

    return tell


def _is_large() -> bool:
    return resident_bytes() > _KEPT_BYTES

"""The main loop of a worker process, where all work on uploaded pictures happens, within limits.

::

    parent ── task: {"work", "options"}, photo ──► read the picture's header ── {"event": "need", "bytes"} ──► parent
    parent ── b"go" ──► work ── {"event": "progress", ...}* ── {"event": "done", ...}, pictures ──► parent

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
from .limits import allow_cpu, allow_memory, forbid_core_dumps, resident_bytes
from .pipe import MessagePipe, PipeClosedError

GO: Final = b"go"
_HEADER_SECONDS: Final = 5.0  # CPU time to read the size of a picture
_SECONDS_PER_PIXEL: Final = 0.5e-6
_SPARE_BYTES: Final = 512 * MIB  # address space in addition to what a job is expected to need: threads, libraries
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

    Sends ``{"event": "ready"}`` once the model is loaded, or the problem that prevented it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    faulthandler.enable()  # a crash in a library says where, without values, on the service's standard error
    forbid_core_dumps()
    pipe = _Inbox()
    settings, session = pickle.loads(pipe.receive())  # sent by our own parent
    session = session.limited(operations.KEY_LIMITS)
    share_cores(settings.workers)
    try:
        _ = session.model
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
    try:
        done = _do(pipe, settings, session, task, photo)
    except PipeClosedError:
        raise
    except Exception as error:
        problem = body(problem_of(error, debug=settings.debug))
        allow_memory(None)
        pipe.tell({"event": "problem", "spent": _is_large(), **problem})
        return
    finally:
        allow_memory(None)
        allow_cpu(None)
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


def _do(
    pipe: MessagePipe, settings: ServiceSettings, session: Session, task: dict[str, Any], photo: bytes
) -> operations.JobResult:
    kind = operations.KINDS[task["work"]]
    options = kind.options.model_validate_json(task["options"]) if kind.options else None
    allow_cpu(_HEADER_SECONDS)
    allow_memory(_SPARE_BYTES)
    pixels = kind.pixels(photo, settings)
    need = kind.bytes_needed(photo, options, pixels)
    pipe.tell({"event": "need", "bytes": need})
    if pipe.receive() != GO:
        raise PipeClosedError
    allow_memory(2 * need + _SPARE_BYTES)
    allow_cpu(settings.read_seconds + _SECONDS_PER_PIXEL * pixels)
    return kind.work(operations.WorkerTools(settings, session), photo, options, _teller(pipe, settings))


def _teller(pipe: MessagePipe, settings: ServiceSettings) -> Callable[[Stage, int, int], None]:
    reading = True

    def tell(stage: Stage, done: int, total: int) -> None:
        nonlocal reading
        if reading and stage != "read":  # the picture is decoded; what follows may take its time
            reading = False
            allow_cpu(settings.job_seconds)
        pipe.tell({"event": "progress", "stage": stage, "done": done, "total": total})

    return tell


def _is_large() -> bool:
    return resident_bytes() > _KEPT_BYTES

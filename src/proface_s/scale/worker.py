"""One photo in a worker: read it, protect it, write it atomically, and report the outcome.

A worker is given a `CollectionJob`: locations and public keys.  It draws file keys from its own operating system, wraps
them to the recipients, and forgets them with the photo.  Nothing that a worker knows, receives or sends opens a face.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .. import __version__
from ..api.files.kinds import output_kind
from ..api.files.saving import encode_cover
from ..api.medium import medium_of
from ..api.session import process_session
from ..container.carriers.carrier import from_chunks, read_chunks
from ..errors import DiskFullError, Fact, ImageError, NoFaceError, ProFaceError, foreign_text
from ..flow.model import Model
from ..image.write import OutputFormat
from .job import CollectionJob, PhotoStatus, PhotoTask
from .locations import Location, sha256_hex


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """The outcome of one photo, as a row of the manifest.

    Attributes:
        source: its name relative to the run's source.
        target: the output's name relative to the run's target; empty if there is no output.
        status: how it ended.
        reason: why there is no protected output; empty if there is one.
        faces: number of protected regions.
        face_pixels: of all protected regions together.
        pixels: width times height of the photo.
        source_sha256: of the photo's bytes, hexadecimal; empty if they could not be read.
        target_sha256: of the output's bytes.
        source_bytes: size of the photo.
        target_bytes: size of the output.
        read_s: seconds to read it.
        protect_s: seconds from its bytes to the verified bytes of the output.
        write_s: seconds to write the output.
        cpu_s: processor seconds of the worker's process for all three; they vary little on a busy machine.
        attempt: from 1; higher if workers died.
        worker: host and process id.
        share_target: the share copy's name relative to the run's target; empty if there is none.
        share_sha256: of the share copy's bytes.
        share_bytes: size of the share copy.
    """

    source: str
    target: str = ""
    status: PhotoStatus = "failed"
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
    share_target: str = ""
    share_sha256: str = ""
    share_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """The outcome of one photo.

    Attributes:
        row: for the manifest.
        unchanged: whether it was finished or set aside before, so that nothing was done.
        warnings: for the user.
        stop: why no other photo can succeed either; empty otherwise.  The photo then counts as not attempted.
        code: of the failure, see `proface_s.error_codes`; None if there is none.
        facts: of the failure, see `proface_s.errors`.
    """

    row: ManifestRow
    unchanged: bool = False
    warnings: tuple[str, ...] = field(default=())
    stop: str = ""
    code: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


def protect_one(job: CollectionJob, task: PhotoTask) -> PhotoOutcome:
    """Protect one photo, unless the manifest says that it is finished and it has not changed.

    Failures are returned, not raised.

    Args:
        job: the run.
        task: the photo.
    """
    row = ManifestRow(task.source, attempt=task.attempt, worker=f"{socket.gethostname()}:{os.getpid()}")
    cpu = time.process_time()
    outcome = _attempted(job, task, row)
    return replace(outcome, row=replace(outcome.row, cpu_s=time.process_time() - cpu))


def _attempted(job: CollectionJob, task: PhotoTask, row: ManifestRow) -> PhotoOutcome:
    started = time.perf_counter()
    source, target = Location(job.source), Location(job.target)
    try:
        data = source.read(task.source)
    except ImageError as error:
        return _failed(row, error, source)
    row = replace(row, source_bytes=len(data), source_sha256=sha256_hex(data), read_s=time.perf_counter() - started)
    options = job.options
    try:
        kind, _ = output_kind(data, None, options.file_format, lambda: options.pixels_reason(None))
        row = replace(row, target=job.target_of(task.source, kind))
        if _settled(job, task, row, kind):
            return PhotoOutcome(replace(row, target=""), unchanged=True)
        return _protected(job, data, row, kind)
    except Exception as error:
        return _failed(row, error, target)


def photo_digest(job: CollectionJob, task: PhotoTask) -> str:
    """Return the digest of a photo without decoding it; empty if it cannot be read."""
    try:
        return sha256_hex(Location(job.source).read(task.source))
    except ImageError:
        return ""


def check_worker(job: CollectionJob) -> str:
    """Check that this process can do a run's work, and return its version of the package.

    Raises:
        ImageError: if it cannot reach the run's source or target.
        ModelError: if it lacks a model.
        UsageError: if the model's only mode does not go with public keys.
    """
    for location in map(Location, (job.source, job.target, *([job.published] if job.published else []))):
        if not location.exists():
            raise ImageError(f"{location} does not exist on {socket.gethostname()}", code="worker-location")
    job.options.for_model(_model(job))
    return __version__


def _settled(job: CollectionJob, task: PhotoTask, row: ManifestRow, kind: OutputFormat) -> bool:
    """Return whether nothing is left to do for a photo: the same bytes were finished, or killed their workers, before.

    A photo is finished if its outputs are still what the manifest says, and were made with the current model, and its
    covers are there if they are wanted.
    """
    known, target = task.known, Location(job.target)
    if known is None or known.source_sha256 != row.source_sha256:
        return False
    if known.status not in ("done", "copied"):
        return known.status in ("poisoned", "no-face")
    if job.published is not None and not Location(job.published).size(job.published_of(row.source, kind)):
        return False
    data = _same_file(target, row.target, known.target_sha256, known.target_bytes)
    if data is None:
        return False
    if known.status == "copied":
        return True
    shared = job.share_of(task.source)
    if shared and _same_file(target, shared, known.share_sha256, known.share_bytes) is None:
        return False
    header, _ = from_chunks(read_chunks(data))
    return not medium_of(header).in_pixels or header.model_id == _model(job).card.model_id


def _same_file(target: Location, name: str, sha256: str, size: int) -> bytes | None:
    """Return the content of an output if it is the one that the manifest knows, else None."""
    if target.size(name) != size:
        return None
    data = target.read(name)
    return data if sha256_hex(data) == sha256 else None


def _model(job: CollectionJob) -> Model:
    """Return the model that hides the faces; loads it on first use."""
    return process_session(job.threads).models.named(job.options.model)


def _protected(job: CollectionJob, data: bytes, row: ManifestRow, kind: OutputFormat) -> PhotoOutcome:
    started = time.perf_counter()
    result = process_session(job.threads).protect_with(data, job.options)
    written = time.perf_counter()
    source = Location(job.source)
    like = source.path(row.source) if source.is_local else None
    target = Location(job.target)
    if job.published is not None:
        Location(job.published).write(job.published_of(row.source, kind), encode_cover(result, kind), like=like)
    target.write(row.target, result.data, like=like)
    name = job.share_of(row.source)
    if result.share is not None and name:
        shared = result.share.data
        target.write(name, shared, like=like)
        row = replace(row, share_target=name, share_sha256=sha256_hex(shared), share_bytes=len(shared))
    height, width = result.protected.shape[:2]
    row = replace(
        row,
        status="done" if result.faces else "copied",
        faces=len(result.faces),
        face_pixels=sum(face.box.area for face in result.faces),
        pixels=height * width,
        target_sha256=sha256_hex(result.data),
        target_bytes=len(result.data),
        protect_s=written - started,
        write_s=time.perf_counter() - written,
    )
    return PhotoOutcome(row, warnings=result.warnings)


def _failed(row: ManifestRow, error: Exception, location: Location) -> PhotoOutcome:
    """Return the outcome of a photo that raised an error; ``location`` may be gone."""
    row = replace(row, target="", status="no-face" if isinstance(error, NoFaceError) else "failed")
    if isinstance(error, DiskFullError):
        stop = f"no space is left in {location}"
        return PhotoOutcome(replace(row, reason=error.message), code=error.code, facts=error.facts, stop=stop)
    if isinstance(error, ImageError) and not _is_reachable(location):
        stop = f"{location} cannot be reached any more"
        return PhotoOutcome(replace(row, reason=error.message), code=error.code, facts=error.facts, stop=stop)
    if isinstance(error, ProFaceError):
        return PhotoOutcome(replace(row, reason=error.message), code=error.code, facts=error.facts)
    if isinstance(error, MemoryError):
        return PhotoOutcome(replace(row, reason="not enough memory"), code="worker-memory")
    detail = f"{type(error).__name__}: {foreign_text(error)}" if str(error) else type(error).__name__
    return PhotoOutcome(replace(row, reason=f"internal error: {detail}"), code="internal")


def _is_reachable(location: Location) -> bool:
    try:
        return location.exists()
    except ProFaceError:
        return False

"""One photo or clip in a worker: read it, protect it, write it atomically, and report the outcome.

A worker is given a `CollectionJob`: locations and public keys.  It draws file keys from its own operating system, wraps
them to the recipients, and forgets them with the photo or clip.  Nothing that a worker knows, receives or sends opens a
face.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace

from .. import __version__
from ..api.files.kinds import output_kind
from ..api.files.saving import encode_cover
from ..api.medium import medium_of
from ..api.session import process_session
from ..container.carriers.carrier import from_chunks, read_chunks
from ..errors import ImageError
from ..flow.model import Model
from ..image.write import OutputFormat
from ..video.clip_names import is_clip_name
from .clip_worker import clip_outcome
from .job import CollectionJob, PhotoTask
from .locations import Location, sha256_hex
from .outcomes import ManifestRow, PhotoOutcome, failed_outcome


def protect_one(job: CollectionJob, task: PhotoTask) -> PhotoOutcome:
    """Protect one photo or clip, unless the manifest says that it is finished and it has not changed.

    Failures are returned, not raised.

    Args:
        job: the run.
        task: the photo or clip.
    """
    row = ManifestRow(task.source, attempt=task.attempt, worker=f"{socket.gethostname()}:{os.getpid()}")
    cpu = time.process_time()
    work = clip_outcome if is_clip_name(task.source) else _attempted
    outcome = work(job, task, row)
    return replace(outcome, row=replace(outcome.row, cpu_s=time.process_time() - cpu))


def _attempted(job: CollectionJob, task: PhotoTask, row: ManifestRow) -> PhotoOutcome:
    started = time.perf_counter()
    source, target = Location(job.source), Location(job.target)
    try:
        data = source.read(task.source)
    except ImageError as error:
        return failed_outcome(row, error, source)
    row = replace(row, source_bytes=len(data), source_sha256=sha256_hex(data), read_s=time.perf_counter() - started)
    options = job.options
    try:
        kind, _ = output_kind(data, None, options.file_format, lambda: options.pixels_reason(None))
        row = replace(row, target=job.target_of(task.source, kind))
        if _settled(job, task, row, kind):
            return PhotoOutcome(replace(row, target=""), unchanged=True)
        return _protected(job, data, row, kind)
    except Exception as error:
        return failed_outcome(row, error, target)


def photo_digest(job: CollectionJob, task: PhotoTask) -> str:
    """Return the digest of a photo or clip without decoding it; empty if it cannot be read."""
    try:
        return Location(job.source).digest(task.source)
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

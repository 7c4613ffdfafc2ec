"""One clip in a worker: files of this machine are worked on where they are, others are copied here and back."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..errors import ImageError, UsageError
from ..video.clip.protect import protect_clip
from .job import ClipJob, CollectionJob, PhotoTask
from .locations import Location
from .outcomes import ManifestRow, PhotoOutcome, failed_outcome


def clip_outcome(job: CollectionJob, task: PhotoTask, row: ManifestRow) -> PhotoOutcome:
    """Protect a clip, unless the manifest says that it is finished and it has not changed.

    Failures are returned, not raised.

    Args:
        job: the run.
        task: the clip.
        row: of the manifest, begun.
    """
    assert job.clips is not None
    started = time.perf_counter()
    source, target = Location(job.source), Location(job.target)
    try:
        row = replace(row, source_bytes=source.size(task.source) or 0, source_sha256=source.digest(task.source))
    except ImageError as error:
        return failed_outcome(row, error, source)
    row = replace(row, target=job.clip_of(task.source), read_s=time.perf_counter() - started)
    try:
        if _settled(task, row, target):
            return PhotoOutcome(replace(row, target=""), unchanged=True)
        return _protected(job, job.clips, row)
    except Exception as error:
        return failed_outcome(row, error, target)


def _settled(task: PhotoTask, row: ManifestRow, target: Location) -> bool:
    """Return whether nothing is left to do for a clip: the same bytes were finished, or killed their workers, before.

    A clip is finished if its output is still what the manifest says.
    """
    known = task.known
    if known is None or known.source_sha256 != row.source_sha256:
        return False
    if known.status != "done":
        return known.status in ("poisoned", "no-face")
    return target.size(row.target) == known.target_bytes and target.digest(row.target) == known.target_sha256


def _protected(job: CollectionJob, clips: ClipJob, row: ManifestRow) -> PhotoOutcome:
    started = time.perf_counter()
    source, target = Location(job.source), Location(job.target)
    if job.published is not None:
        raise UsageError("clips have no covers alone", code="not-for-clips", what="covers alone")
    with _local_files(source, row.source, target, row.target) as (clip, made):
        done = protect_clip(
            clip, made, clips.options, clips.clip,
            corrections=clips.corrections, overwrite=True, threads=job.threads,
        )  # fmt: skip
        written = time.perf_counter()
        if not target.is_local:
            target.put(row.target, str(made))
    row = replace(
        row,
        status="done",
        faces=len(done.people),
        pixels=done.size[0] * done.size[1],
        target_sha256=target.digest(row.target),
        target_bytes=done.bytes_written,
        protect_s=written - started,
        write_s=time.perf_counter() - written,
    )
    return PhotoOutcome(row, warnings=done.warnings)


@contextmanager
def _local_files(source: Location, clip: str, target: Location, output: str) -> Iterator[tuple[Path, Path]]:
    """Yield a path to read a clip from and one to write its protected copy to; copies here are removed at the end.

    A folder for copies, of which one is unprotected, is its owner's alone.
    """
    with tempfile.TemporaryDirectory(prefix="proface-", ignore_cleanup_errors=True) as scratch:
        here = Path(source.path(clip)) if source.is_local else Path(scratch, f"clip{os.path.splitext(clip)[1]}")
        if not source.is_local:
            source.get(clip, str(here))
        made = target.ready_path(output) if target.is_local else os.path.join(scratch, "protected.mp4")
        yield here, Path(made)

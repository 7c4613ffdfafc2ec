"""How the work on a photo or clip ended: what the manifest notes, and what the user is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import DiskFullError, Fact, ImageError, NoFaceError, ProFaceError, foreign_text
from .job import PhotoStatus
from .locations import Location


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """The outcome of one photo or clip, as a row of the manifest.

    Attributes:
        source: its name relative to the run's source.
        target: the output's name relative to the run's target; empty if there is no output.
        status: how it ended.
        reason: why there is no protected output; empty if there is one.
        faces: number of protected regions, or people.
        face_pixels: of all protected regions together; 0 for a clip.
        pixels: width times height of the photo, or of a frame.
        source_sha256: of its bytes, hexadecimal; empty if they could not be read.
        target_sha256: of the output's bytes.
        source_bytes: its size.
        target_bytes: size of the output.
        read_s: seconds to read it; of a clip, to read its digest.
        protect_s: seconds from its bytes to the verified bytes of the output.
        write_s: seconds to write the output; of a clip, to copy it to where it belongs.
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
    """The outcome of one photo or clip.

    Attributes:
        row: for the manifest.
        unchanged: whether it was finished or set aside before, so that nothing was done.
        warnings: for the user.
        stop: why no other can succeed either; empty otherwise.  It then counts as not attempted.
        code: of the failure, see `proface_s.error_codes`; None if there is none.
        facts: of the failure, see `proface_s.errors`.
    """

    row: ManifestRow
    unchanged: bool = False
    warnings: tuple[str, ...] = field(default=())
    stop: str = ""
    code: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


def failed_outcome(row: ManifestRow, error: Exception, location: Location) -> PhotoOutcome:
    """Return the outcome of a photo or clip that raised an error; ``location`` may be gone."""
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

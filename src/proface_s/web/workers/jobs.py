"""Jobs as the service and its workers see them: what they may use, what they work with, and what they return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from ...api import Session
from ...api.files.kinds import with_format
from ...container.header.header import Header
from ...container.header.stanzas import BareStanza, PassphraseStanza
from ...errors import CostlyFileError
from ...image.write import OutputFormat
from ...keys.derive import KdfLimits, KdfParams
from ...progress import Progress
from ..settings import KDF_BYTES, MOST_PASSPHRASES, ServiceSettings

KEY_LIMITS = KdfLimits(memory_kib=KDF_BYTES // 1024, total_kib=MOST_PASSPHRASES * KdfParams().cost)
MOST_FILES = 2  # a protected file and its share copy
_MEDIA: dict[OutputFormat, str] = {"png": "image/png", "webp": "image/webp", "tiff": "image/tiff", "jpeg": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A picture file that a job has made.

    Attributes:
        name: file name, such as ``protected.jpg``; independent of the uploaded file's name.
        media_type: media type.
        data: bytes of the file.
    """

    name: str
    media_type: str
    data: bytes

    @classmethod
    def of(cls, what: str, data: bytes, kind: OutputFormat = "png") -> ResultFile:
        """Return a file of a kind, named ``what`` with the suffix of the kind."""
        return cls(with_format(f"{what}.png", kind), _MEDIA[kind], data)


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job.

    Attributes:
        facts: one of the responses in `proface_s.web.models`, as JSON values.
        files: the pictures; at most `MOST_FILES`.
    """

    facts: dict[str, Any]
    files: tuple[ResultFile, ...] = ()

    @classmethod
    def of(cls, facts: BaseModel, *files: ResultFile) -> JobResult:
        """Return a result with these facts and these pictures."""
        return cls(facts.model_dump(mode="json"), files)


@dataclass(frozen=True, slots=True)
class WorkerTools:
    """The settings and session of a worker process."""

    settings: ServiceSettings
    session: Session


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """Where a job on a clip reads and writes; nothing else is written.

    Attributes:
        source: the clip.
        people: where who is in it is kept, once they have been found.
        output: where to write what the job makes.
    """

    source: Path
    people: Path
    output: Path

    def fields(self) -> dict[str, str]:
        """Return the paths as JSON values; `of` is the inverse."""
        return {"source": str(self.source), "people": str(self.people), "output": str(self.output)}

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> ClipFiles:
        """Return the paths of JSON values."""
        return cls(Path(fields["source"]), Path(fields["people"]), Path(fields["output"]))


@dataclass(frozen=True, slots=True)
class JobPlan:
    """What a job may use.

    Attributes:
        memory: at its peak, in bytes.
        read_seconds: CPU time until the file is read.
        job_seconds: CPU time from there on.
        file_bytes: size of the files that it writes; None if it writes none.
    """

    memory: int
    read_seconds: float
    job_seconds: float
    file_bytes: int | None = None


class TaskKind(Protocol):
    """One kind of job.

    Attributes:
        options: model of the options; None if there are no options.
        field: name of the field of the upload that holds the file: ``photo`` or ``clip``.
        what: what the file is, in words: ``picture`` or ``clip``.
        header_seconds: CPU time to look at the file before it is planned.
    """

    @property
    def options(self) -> type[BaseModel] | None: ...
    @property
    def field(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def header_seconds(self) -> float: ...

    def patience(self, settings: ServiceSettings) -> tuple[float, float]:
        """Return how long to wait for a sign of life, in seconds by the clock: until the file is read, and later."""

    def plan(self, source: Any, options: Any, settings: ServiceSettings) -> JobPlan:
        """Return what the job may use, after a look at the file, which is bytes or `ClipFiles`."""

    def work(self, tools: WorkerTools, source: Any, options: Any, tell: Progress) -> JobResult:
        """Do the job."""


def derivation_bytes(header: Header) -> int:
    """Return the additional memory, in bytes, for deriving a file's keys, within the limits of the service.

    Raises:
        CostlyFileError: if it takes more than the service allows.
    """
    runs = {
        (stanza.salt, stanza.params)
        for group in header.groups
        for stanza in group.stanzas
        if isinstance(stanza, (PassphraseStanza, BareStanza))
    }
    most = max((params.memory_kib for _, params in runs), default=0) * 1024
    if most > KDF_BYTES or sum(params.cost for _, params in runs) > KEY_LIMITS.total_kib:
        raise CostlyFileError(
            "opening this file with a passphrase takes more work than this service does",
            code="costly-passphrase",
        )
    return max(0, most - KdfParams().memory_kib * 1024)

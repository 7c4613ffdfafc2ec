"""What a run does: everything that a worker is told, and nothing that has to be kept from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from ..api.options import ProtectOptions
from ..covers import format_style, sticker_file
from ..errors import UsageError
from ..image.names import fitted_name
from ..image.write import FORMATS, Format
from ..types import Box, Style
from .urls import check_url

Status = Literal["done", "copied", "no-face", "failed", "poisoned"]
"""``copied``: no face found, and an unprotected copy was asked for.  ``poisoned``: killed its workers; set aside."""

MAX_ATTEMPTS = 3
"""How often a photo may kill the worker that works on it before it is set aside."""

IDENTITY = ("source", "target", "style", "recipients", "boxes", "faces", "seal", "file_format", "record",
            "keep_metadata", "allow_no_face")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A run over a collection.  Other attributes as in `proface_s.api.options.ProtectOptions`.

    Attributes:
        source: URL or folder of the photos.
        target: URL or folder of the outputs.
        recipients: public keys, ``age1...``.  There is no field for a passphrase: none can get to a worker.
        suffixes: lower-case suffixes of the files to take, each with its dot.
        recursive: also take what is in folders of folders.
        threads: of each worker's inference engine.
    """

    source: str
    target: str
    recipients: tuple[str, ...]
    suffixes: frozenset[str]
    style: Style = field(default_factory=lambda: Style("blur"))
    boxes: tuple[Box, ...] = ()
    faces: tuple[int, ...] | None = None
    seal: bool | None = None
    file_format: Format = "png"
    record: bool = True
    keep_metadata: bool = False
    allow_no_face: bool = False
    recursive: bool = True
    threads: int = 1

    def __post_init__(self) -> None:
        for place in (self.source, self.target):
            check_url(place)
        if not self.recipients:
            raise UsageError(
                "a run on an engine protects for public keys, and none was given",
                "make a key pair, and give its public key",
                code="no-recipients",
            )
        self.options  # noqa: B018  (checks them)

    @property
    def options(self) -> ProtectOptions:
        """How every photo is protected."""
        return ProtectOptions.of(
            recipients=self.recipients,
            style=self.style,
            boxes=self.boxes,
            faces="all" if self.faces is None else self.faces,
            seal=self.seal,
            file_format=self.file_format,
            record=self.record,
            keep_metadata=self.keep_metadata,
            allow_no_face=self.allow_no_face,
        )

    def target_of(self, source: str) -> str:
        """Name of the output of a photo, both relative: ``a/b.jpg`` -> ``a/b.jpg.protected.png``.

        A name that would be too long for a file system is shortened.  The suffix of the photo stays, so that no two
        photos share an output, whatever is added to the collection later.
        """
        folder, slash, name = source.rpartition("/")
        return folder + slash + fitted_name(name, f".protected{FORMATS[self.file_format][0]}")

    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of all that outputs depend on: runs that differ in it do not share a manifest.

        The model is not part of it: every output says which one made it.
        """
        settings = {name: value for name, value in asdict(self).items() if name in IDENTITY}
        settings["style"] = format_style(self.style)
        settings["boxes"] = list(map(str, self.boxes))
        # Faces were once counted from 0: an older run must not go on with others.
        numbers = ",".join(map(str, self.faces or ()))
        settings["faces"] = "all" if self.faces is None else f"from 1: {numbers}" if numbers else "none"
        settings["seal"] = self.options.sealed
        settings["recipients"] = sorted(set(self.recipients))
        sticker = sticker_file(self.style)
        if sticker is not None:
            settings["sticker"] = hashlib.sha256(sticker.read_bytes()).hexdigest()
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """What a manifest says of a photo: its last status, the digest of what was read, the output's digest and size."""

    status: Status
    source_sha256: str
    target_sha256: str
    target_bytes: int


@dataclass(frozen=True, slots=True)
class Task:
    """One photo: its name relative to the source, what is known of it, and which attempt this is, from 1."""

    source: str
    known: Known | None = None
    attempt: int = 1

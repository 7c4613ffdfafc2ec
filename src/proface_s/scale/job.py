"""Everything that a worker is told about a run, and nothing that must be kept from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from ..api.face_search import USUAL_SEARCH
from ..api.files.kinds import COVERED_SUFFIX, PROTECTED_SUFFIX, with_format
from ..api.options import ProtectOptions
from ..api.share.protect_share import share_suffix
from ..covers import format_style, sticker_file
from ..errors import UsageError
from ..image.names import fitted_name
from ..image.write import FORMATS, JPEG_QUALITY, OutputFormat
from ..types import Style
from ..video.clip.options import COVER_STYLE, QUALITY, ClipOptions
from ..video.clip_names import PROTECTED_CLIP, is_clip_name
from ..video.people.corrections import Corrections
from .urls import check_url

PhotoStatus = Literal["done", "copied", "no-face", "failed", "poisoned"]
"""``copied``: no face was found, and a copy was asked for.  ``poisoned``: it killed its workers and was set aside."""

MAX_ATTEMPTS = 3
"""How many workers a photo may kill before it is set aside."""

FINGERPRINTED: Final = ("lock", "style", "boxes", "faces", "seal", "file_format", "quality", "record", "keep_metadata",
                        "allow_no_face", "search", "share")  # fmt: skip
"""Options of `ProtectOptions` that runs may differ in."""

IN_OUTPUTS: Final = ("model",)
"""Options that runs may differ in, and that every output shows."""

_USUAL_STYLE: Final = Style("blur")

FIXED: Final[dict[str, tuple[Any, ...]]] = {
    "own": ({},),
    "own_styles": ({},),
    "wrong_key": (None, "noise"),
    "sidecar": ("none",),
}
"""The other options, with the only values that a run accepts."""


@dataclass(frozen=True, slots=True)
class ClipJob:
    """How every clip of a collection is protected.

    Attributes:
        options: as for photos, with the cover of clips.
        clip: everything that only clips have.
        corrections: of who was found.
    """

    options: ProtectOptions
    clip: ClipOptions = field(default_factory=ClipOptions)
    corrections: Corrections = field(default_factory=Corrections)


@dataclass(frozen=True, slots=True)
class CollectionJob:
    """A run over a collection.

    Attributes:
        source: URL or folder of the photos.
        target: URL or folder of the outputs.
        options: how every photo is protected: for public keys only, so that no passphrase gets to a worker.
        suffixes: lower-case suffixes of the files to protect, each with its dot.
        recursive: include subfolders.
        threads: that each worker may use.
        published: URL or folder for the covers alone, in which nothing is hidden; None if they are not wanted.
        clips: how clips are protected; needed if there are suffixes of clips among ``suffixes``.

    Raises:
        UsageError: if a URL carries a secret, or the options cannot be used for a whole collection.
    """

    source: str
    target: str
    options: ProtectOptions
    suffixes: frozenset[str]
    recursive: bool = True
    threads: int = 1
    published: str | None = None
    clips: ClipJob | None = None

    def __post_init__(self) -> None:
        for url in (self.source, self.target, self.published):
            if url is not None:
                check_url(url)
        if self.clips is not None and self.clips.options.lock != self.options.lock:
            raise UsageError("clips and photos of a run have the same recipients", code="engine-option")
        if self.options.lock.passphrases or not self.options.lock.recipients:
            raise UsageError(
                "a run on an engine protects for public keys alone, and "
                + ("a passphrase was given" if self.options.lock.passphrases else "none was given"),
                code="no-recipients",
            )
        for name, values in FIXED.items():
            every = [self.options] + ([] if self.clips is None else [self.clips.options])
            if any(getattr(options, name) not in values for options in every):
                raise UsageError(f"a run on an engine needs the default of the option {name}", code="engine-option")

    def target_of(self, source: str, kind: OutputFormat) -> str:
        """Return the name of a photo's output, both relative: ``a/b.jpg`` -> ``a/b.jpg.protected.jpg``.

        A name that would be too long for a file system is shortened.  The suffix of the photo is kept, so that no two
        photos share an output, whatever is added to the collection later.

        Args:
            source: name of the photo.
            kind: of the output.
        """
        return _named(source, with_format(PROTECTED_SUFFIX, kind))

    def clip_of(self, source: str) -> str:
        """Return the name of a clip's output, likewise: ``a/b.mov`` -> ``a/b.mov.protected.mp4``."""
        return _named(source, PROTECTED_CLIP)

    def published_of(self, source: str, kind: OutputFormat) -> str:
        """Return the name of a photo's covers, likewise: ``a/b.jpg`` -> ``a/b.jpg.covered.jpg``."""
        return _named(source, with_format(COVERED_SUFFIX, kind))

    def share_of(self, source: str) -> str:
        """Return the name of a photo's share copy, if it is a file: ``a/b.jpg`` -> ``a/b.jpg.share.jpg``; else ''."""
        share = self.options.share
        return "" if share is None or share.inside else _named(source, share_suffix(share))

    def outputs_of(self, source: str) -> list[tuple[str, str]]:
        """Return all outputs that a photo or clip may have: (URL or folder, name in it)."""
        if is_clip_name(source):
            return [(self.target, self.clip_of(source))]
        kinds: tuple[OutputFormat, ...] = (*FORMATS, "jpeg")
        chosen, shared = self.options.file_format, self.share_of(source)
        outputs = [(self.target, shared)] if shared else []
        for kind in kinds if chosen is None else (chosen,):
            outputs.append((self.target, self.target_of(source, kind)))
            if self.published is not None:
                outputs.append((self.published, self.published_of(source, kind)))
        return outputs

    def fingerprint(self) -> str:
        """Return the SHA-256 (hexadecimal) of all that outputs depend on: runs that differ in it share no manifest.

        The model is not included: every output says which one made it.
        """
        options = self.options
        settings: dict[str, Any] = {
            "source": self.source,
            "target": self.target,
            "recipients": sorted({str(recipient) for recipient in options.lock.recipients}),
            "style": format_style(options.style),
            "boxes": [str(box) for box in options.boxes],
            "faces": _selection(options.faces),
            "seal": options.sealed,
            "file_format": options.file_format or "same",
            "record": options.record,
            "keep_metadata": options.keep_metadata,
            "allow_no_face": options.allow_no_face,
        }
        if options.quality != JPEG_QUALITY:
            settings["quality"] = options.quality
        if self.published is not None:
            settings["published"] = self.published
        if options.search != USUAL_SEARCH:
            settings["search"] = asdict(options.search)
        if options.share is not None:
            share = asdict(options.share)
            settings["share"] = share if share.pop("inside") is False else {**share, "inside": True}
        if self.clips is not None and (of_clips := self._of_clips(self.clips)):
            settings["clips"] = of_clips
        sticker = sticker_file(options.style)
        if sticker is not None:
            settings["sticker"] = hashlib.sha256(sticker.read_bytes()).hexdigest()
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def _of_clips(self, clips: ClipJob) -> dict[str, Any]:
        """Return what of the clips' settings does not follow from those of the photos; nothing by default.

        A run that was begun before clips were taken is continued with them.
        """
        cover = COVER_STYLE if self.options.style == _USUAL_STYLE else format_style(self.options.style)
        usual = ClipOptions(quality=QUALITY if self.options.quality == JPEG_QUALITY else self.options.quality)
        style = format_style(clips.options.style)
        found = {name: value for name, value in asdict(clips.clip).items() if value != getattr(usual, name)}
        return found | ({} if style == cover else {"style": style})


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A photo's entry in the manifest: its last status, the digest of the photo, digests and sizes of the outputs."""

    status: PhotoStatus
    source_sha256: str
    target_sha256: str
    target_bytes: int
    share_sha256: str = ""
    share_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PhotoTask:
    """One photo or clip to protect.

    Attributes:
        source: its name, relative to the run's source.
        known: its entry in the manifest, or None.
        attempt: number of this attempt, from 1.
    """

    source: str
    known: KnownPhoto | None = None
    attempt: int = 1


def _named(source: str, suffix: str) -> str:
    folder, slash, name = source.rpartition("/")
    return folder + slash + fitted_name(name, suffix)


def _selection(faces: tuple[int, ...] | None) -> str:
    """Write which detected faces are protected, as fingerprints have it.

    Numbers are marked because they were once counted from 0: such a run must not be continued with other faces.
    """
    if faces is None:
        return "all"
    return f"from 1: {','.join(map(str, faces))}" if faces else "none"

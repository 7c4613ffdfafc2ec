"""Options of `protect` and `recover`, checked once, in the one form that everything behind them takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, SupportsIndex

from ..container.header.lock_plan import check_locks
from ..covers import parse_style
from ..errors import UsageError
from ..faces import BoxLike, parse_box, parse_boxes
from ..faces.boxes import HEAD_MARGIN
from ..faces.numbering import index_of, indices_of, number_of, parse_selection
from ..flow.model import Model, check_supported_mode
from ..flow.registry import model_names
from ..image.write import JPEG_QUALITY, OutputFormat
from ..keys.access import Credentials, Lock
from ..keys.face_key_text import PortableFaceKey
from ..keys.passphrase import check_passphrase
from ..keys.recipients import Identity, Recipient
from ..types import Box, Style, WrongKey
from .face_search import USUAL_SEARCH, FaceSearch
from .files.reasons import check_jpeg, pixels_reason
from .share.options import ShareOptions

_MODES: Final = ("noise", "cover")
Sidecar = Literal["none", "also", "instead"]
FaceRef = int | Box
"""How an option names one face: by its number in the protected file, from 1, or by a box given by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectOptions:
    """Options of `protect`: everything that an output depends on, apart from the picture.

    `ProtectOptions.of` takes the same keywords as `Session.protect`, in all the forms that people have; the fields here
    hold one form each.

    Attributes:
        lock: who can open the faces without a lock of their own; may be empty if every face has one.
        own: face -> its own lock.
        style: the cover.
        own_styles: face -> its own cover.
        boxes: further faces given by hand, in pixels of the upright picture; parts outside it are ignored.
        faces: numbers of the detected faces to protect, from 1, ascending; all of them if None.  If empty, no face is
            looked for.
        seal: also store an exact, encrypted copy of each face; if None, where ``wrong_key`` allows it.
        wrong_key: ``noise``: a wrong key is recognised and refused; ``cover``: it quietly gives the covered face.  If
            None, the first mode that the model has: ``noise``, except for models that have ``cover`` alone.
        allow_no_face: copy a picture without a face as it is, instead of refusing it.
        keep_metadata: keep author, copyright and date.
        file_format: ``png``, ``webp``, ``tiff`` or ``jpeg``; if None, the output's name decides, or else it is the
            kind of the photo, see `output_kind`.
        quality: of a JPEG that has to be made, 1 to 100; a photo that is a JPEG keeps its own coefficients.
        sidecar: write header and seals to ``NAME.pfs``: not at all (``none``), ``also`` or ``instead`` of into the
            picture.
        record: write what recovery needs into the faces' pixels too.
        model: name of the model that hides the faces; the session's if None.
        search: how faces are looked for.
        share: how a share copy is made as well; none if None.
        sealed: whether seals are made: ``seal``, or if None, what follows from ``wrong_key``.
        passphrase_warnings: what to tell about passphrases that are accepted, but easy to guess.

    Raises:
        UsageError: if the options contradict each other, nobody could open the faces, or a passphrase is too weak.
    """

    lock: Lock = field(default_factory=Lock)
    own: Mapping[FaceRef, Lock] = field(default_factory=dict)
    style: Style = field(default_factory=lambda: Style("blur"))
    own_styles: Mapping[FaceRef, Style] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()
    faces: tuple[int, ...] | None = None
    seal: bool | None = None
    wrong_key: WrongKey | None = None
    allow_no_face: bool = False
    keep_metadata: bool = False
    file_format: OutputFormat | None = None
    quality: int = JPEG_QUALITY
    sidecar: Sidecar = "none"
    record: bool = True
    model: str | None = None
    search: FaceSearch = USUAL_SEARCH
    share: ShareOptions | None = None

    sealed: bool = field(init=False, repr=False, compare=False)
    passphrase_warnings: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        locks = [lock for lock in (self.lock, *self.own.values()) if not lock.empty]
        if not 1 <= self.quality <= 100:
            raise UsageError(f"the quality of a JPEG is 1 to 100, not {self.quality}", code="jpeg-quality")
        if self.wrong_key not in (None, *_MODES):
            raise UsageError(f"a wrong key gives noise or cover, not {self.wrong_key!r}")
        if not 0 <= self.search.margin <= 2:
            raise UsageError(f"margin {self.search.margin} is not between 0 and 2")
        if self.search.threshold is not None and not 0 <= self.search.threshold <= 1:
            raise UsageError(f"threshold {self.search.threshold} is not between 0 and 1")
        if not locks:
            raise UsageError("no passphrase and no recipient was given")
        check_locks([self.lock])  # apart from the others: every face may have a lock of its own
        check_locks(list(self.own.values()))
        if self.model is not None and self.model.lower() not in model_names():
            raise UsageError(f"there is no model {self.model!r}", code="unknown-model", known=", ".join(model_names()))
        if self.wrong_key == "cover" and self.seal:
            raise UsageError(
                "where a wrong key gives the cover, there can be no seal",
                code="cover-mode-seal",
            )
        if self.wrong_key == "cover" and any(lock.recipients or len(lock.passphrases) != 1 for lock in locks):
            raise UsageError(
                "where a wrong key gives the cover, each face has exactly one passphrase and no recipient",
                code="cover-mode-keys",
            )
        if self.share is not None and not isinstance(self.share, ShareOptions):
            raise UsageError(f"a share copy is asked for with ShareOptions, not with {self.share!r}")
        if self.share is not None and self.wrong_key == "cover":
            raise UsageError("a share copy tells a wrong key: it has no cover mode", code="share-cover-mode")
        texts = dict.fromkeys(text for lock in locks for text in lock.passphrases)
        warnings = dict.fromkeys(warning for text in texts for warning in check_passphrase(text))
        object.__setattr__(self, "sealed", self.wrong_key != "cover" if self.seal is None else self.seal)
        if self.share is not None and self.share.inside and not self.sealed:
            raise UsageError(
                "without seals, no face in a file is exact: there is nothing to keep beside the reduced ones",
                code="share-inside-seal",
            )
        if self.file_format == "jpeg":
            check_jpeg(self.pixels_reason(self.model))
        object.__setattr__(self, "passphrase_warnings", tuple(warnings))

    def pixels_reason(self, default_model: str | None) -> str | None:
        """Return why faces will be hidden in pixels, see `pixels_reason`.

        Args:
            default_model: name of the model if the options name none; None for that of the package.
        """
        inside = self.share is not None and self.share.inside
        model = self.model or default_model
        return pixels_reason(seal=self.sealed, wrong_key=self.wrong_key, model=model, inside=inside)

    def for_model(self, model: Model) -> ProtectOptions:
        """Return these options with ``wrong_key`` decided: if None, it is the model's first mode.

        Args:
            model: hides the faces.

        Raises:
            UsageError: if the model does not have the mode, or its first mode contradicts the options.
        """
        wrong_key = self.wrong_key or model.wrong_key_modes[0]
        check_supported_mode(model, wrong_key)
        return self if wrong_key == (self.wrong_key or "noise") else replace(self, wrong_key=wrong_key)

    @classmethod
    def of(
        cls,
        passphrase: str | Sequence[str] | None = None,
        *,
        recipients: Sequence[Recipient | str] = (),
        own: Mapping[Any, Lock] | None = None,
        style: str | Style = "blur",
        own_styles: Mapping[Any, str | Style] | None = None,
        boxes: BoxLike | Sequence[BoxLike] = (),
        faces: str | int | Sequence[int] = "all",
        seal: bool | None = None,
        wrong_key: WrongKey | None = None,
        allow_no_face: bool = False,
        keep_metadata: bool = False,
        file_format: OutputFormat | None = None,
        quality: int = JPEG_QUALITY,
        sidecar: Sidecar = "none",
        record: bool = True,
        model: str | None = None,
        detector: str | None = None,
        threshold: float | None = None,
        margin: float = HEAD_MARGIN,
        thorough: bool = False,
        share: ShareOptions | None = None,
    ) -> ProtectOptions:
        """Make options of what people have: text, tuples and single values.  Arguments as in `Session.protect`.

        Raises:
            UsageError: if something is malformed, and as the class itself.
        """
        return cls(
            lock=Lock.of(passphrase, recipients),
            own={_face(key): lock for key, lock in (own or {}).items()},
            style=parse_style(style) if isinstance(style, str) else style,
            own_styles={
                _face(key): parse_style(each) if isinstance(each, str) else each
                for key, each in (own_styles or {}).items()
            },
            boxes=tuple(parse_boxes(boxes)),
            faces=parse_selection(faces),
            seal=seal,
            wrong_key=wrong_key,
            allow_no_face=allow_no_face,
            keep_metadata=keep_metadata,
            file_format=file_format,
            quality=quality,
            sidecar=sidecar,
            record=record,
            model=model,
            search=FaceSearch(detector=detector, threshold=threshold, margin=margin, thorough=thorough),
            share=share,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverOptions:
    """Options of `recover`: everything that a result depends on, apart from the picture and the model.

    `RecoverOptions.of` takes the same keywords as `Session.recover`, in all the forms that people have.

    Attributes:
        credentials: everything there is to open the faces with; all of it is tried.
        faces: numbers of the only faces to bring back, from 1, ascending; they must open.  All that open if None.
        force: if nothing opens the picture, write what the wrong key reads (noise) instead of refusing it.
        expect: refuse a picture that is not in this mode, ``noise`` or ``cover``; any mode if None.
        file_format: as in `ProtectOptions`.
        from_pixels: ignore header and sidecar, and read the records in the pixels.

    Raises:
        UsageError: if there is no such mode.
    """

    credentials: Credentials = field(default_factory=Credentials)
    faces: tuple[int, ...] | None = None
    force: bool = False
    expect: WrongKey | None = None
    file_format: OutputFormat | None = None
    from_pixels: bool = False

    def __post_init__(self) -> None:
        if self.expect is not None and self.expect not in _MODES:
            raise UsageError(f"a file is in noise mode or in cover mode, not {self.expect!r}")

    @classmethod
    def of(
        cls,
        passphrase: str | None = None,
        *,
        identities: Sequence[Identity | str] = (),
        face_keys: Sequence[PortableFaceKey | str] = (),
        faces: int | Collection[int] | None = None,
        force: bool = False,
        expect: WrongKey | None = None,
        file_format: OutputFormat | None = None,
        from_pixels: bool = False,
    ) -> RecoverOptions:
        """Make options of what people have: text, and single values.  Arguments as in `Session.recover`.

        Raises:
            UsageError: if something is malformed, and as the class itself.
        """
        return cls(
            credentials=Credentials.of(passphrase, identities, face_keys),
            faces=None if faces is None else tuple(map(number_of, indices_of(faces))),
            force=force,
            expect=expect,
            file_format=file_format,
            from_pixels=from_pixels,
        )


def _face(face: Any) -> FaceRef:
    """Read what names one face: a whole number, or else a box."""
    return number_of(index_of(face)) if isinstance(face, SupportsIndex) else parse_box(face)

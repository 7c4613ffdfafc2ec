"""Request and response bodies for clips, as described by /openapi.json."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ...api.face_search import FaceSearch
from ...faces.boxes import HEAD_MARGIN
from ...video.clip.options import COVER_STYLE, INTERVAL, QUALITY, ClipOptions
from ...video.clip.results import ClipInspection, ProtectedClip, RecoveredClip
from ...video.people.corrections import Corrections, TimedBox
from ..models import BoxModel, DetectorName, FaceNumber, Key, Margin, RequestModel, Share, StyleModel

_MOST = 1000  # people
Seconds = Annotated[float, Field(ge=0, le=1e6)]
Span = tuple[float, float]


class HeldRequest(RequestModel):
    """What all requests about clips have."""

    hold: bool = Field(
        False,
        description="hold the clip, and a file that is made of it, as long as the client reads the answer, which has "
        "to be a stream; `clip` and `file` in its result name them",
    )


class PeopleRequest(HeldRequest):
    """Options of /api/people."""

    detector: DetectorName | None = Field(None, description="one of /api/about, or several joined by +; null: default")
    threshold: Share | None = Field(None, description="least confidence of a face; null: each engine's own")
    thorough: bool = Field(False, description="look closer for faces; takes several times as long")
    interval: float = Field(INTERVAL, gt=0, le=10, description="seconds from one look for faces to the next")

    def search(self) -> FaceSearch:
        """Return how faces are looked for."""
        return FaceSearch(detector=self.detector, threshold=self.threshold, thorough=self.thorough)


class TimedBoxModel(BoxModel):
    """A place that is covered from one time to another, in seconds; null: from the beginning, to the end."""

    start: Seconds | None = None
    stop: Seconds | None = None

    def timed(self) -> TimedBox:
        """Return the place."""
        stop = float("inf") if self.stop is None else self.stop
        return TimedBox(self.start or 0.0, stop, self.box())


class PersonSettingsModel(RequestModel):
    """Settings of one person that differ from the rest: style, keys, or both."""

    person: FaceNumber = Field(description="number of the person, as /api/people gives it")
    style: StyleModel | None = None
    passphrase: Key | None = None
    recipients: list[Key] = Field([], max_length=100)


class ClipProtectRequest(PeopleRequest):
    """Options of /api/protect for a clip; who is in a held clip is not looked for again."""

    passphrase: Key | None = Field(None, description="opens all people who have none of their own")
    recipients: list[Key] = Field([], max_length=100, description="public keys, age1...")
    style: StyleModel = Field(default_factory=lambda: StyleModel(name=COVER_STYLE))
    people: Annotated[list[FaceNumber], Field(min_length=1, max_length=_MOST)] | None = Field(
        None, description="numbers of the only people to cover, as /api/people gives them; null: everybody"
    )
    same: list[Annotated[list[FaceNumber], Field(min_length=2, max_length=_MOST)]] = Field(
        [], max_length=_MOST, description="groups of numbers, each of one person in truth"
    )
    boxes: list[TimedBoxModel] = Field(
        [], max_length=_MOST, description="further places, each of a person of its own, numbered after those found"
    )
    own: list[PersonSettingsModel] = Field([], max_length=_MOST, description="people who differ from the rest")
    margin: Margin = Field(HEAD_MARGIN, description="how far to hide beyond a face, as a share of its size")
    exact: bool = Field(
        False, description="seal the whole original, which comes back bit for bit; everybody has the same keys"
    )
    mute: bool = Field(False, description="leave the sound out; a voice tells who somebody is")
    start: Seconds | None = Field(None, description="of the part to protect, in seconds; null: the beginning")
    stop: Seconds | None = Field(None, description="end of that part; null: the end")
    codec: Literal["h264", "hevc", "av1"] | None = Field(
        None, description="null: h264, which plays everywhere, and hevc for clips of more than 8 bits"
    )
    quality: int = Field(QUALITY, ge=1, le=100)

    def corrections(self) -> Corrections:
        """Return what is to be changed of what was found."""
        faces = None if self.people is None else tuple(self.people)
        return Corrections(tuple(map(tuple, self.same)), faces, tuple(box.timed() for box in self.boxes))

    def clip_options(self) -> ClipOptions:
        """Return the options that only clips have.

        Raises:
            UsageError: if they contradict each other.
        """
        return ClipOptions(
            codec=self.codec, quality=self.quality, exact=self.exact, mute=self.mute,
            start=self.start, stop=self.stop, interval=self.interval,
        )  # fmt: skip


class ClipRecoverRequest(HeldRequest):
    """Options of /api/recover for a clip; every key that is given is tried."""

    passphrase: Key | None = None
    identities: list[Key] = Field([], max_length=100, description="private keys, AGE-SECRET-KEY-1...")
    face_keys: list[Key] = Field([], max_length=_MOST, description="keys of single people, pfk1...")
    people: Annotated[list[FaceNumber], Field(min_length=1, max_length=_MOST)] | None = Field(
        None, description="only these, by their numbers in the file, from 1"
    )


class PersonModel(BaseModel):
    """A person in a clip."""

    number: int
    box: BoxModel = Field(description="where the face is seen best, in the upright frame")
    best: float = Field(description="when that is, in seconds")
    spans: list[Span] = Field(description="when the person is seen, in seconds")
    picture: str | None = Field(description="the face as a JPEG of 160x160 pixels, in base64")


class PeopleResponse(BaseModel):
    """Response of /api/people: who is in a clip."""

    width: int
    height: int
    frames: int
    seconds: float
    people: list[PersonModel]
    warnings: list[str]


class CoveredPersonModel(BaseModel):
    """A protected person: number in the file, number as it was found, style, and a box that holds all covers."""

    number: int
    found: int
    box: BoxModel
    style: str


class ClipProtectResponse(BaseModel):
    """Response of /api/protect for a clip."""

    people: list[CoveredPersonModel]
    warnings: list[str]
    format: str = Field(description="of the file: mp4")
    bytes: int = Field(description="size of the file")

    @classmethod
    def of(cls, done: ProtectedClip) -> ClipProtectResponse:
        """Describe a protected clip."""
        people = [
            CoveredPersonModel(number=each.number, found=each.found, box=BoxModel.of(each.box), style=each.style)
            for each in done.people
        ]
        return cls(people=people, warnings=list(done.warnings), format="mp4", bytes=done.bytes_written)


class RecoveredPersonModel(BaseModel):
    """Outcome for one person: part of the exact original, back from the sealed track, or still covered."""

    number: int
    outcome: Literal["exact", "sealed", "covered"]


class ClipRecoverResponse(BaseModel):
    """Response of /api/recover for a clip."""

    people: list[RecoveredPersonModel]
    exact: bool = Field(description="whether the file is the original, bit for bit")
    warnings: list[str]
    format: str = Field(description="of the file: mp4, or that of an exact original")
    bytes: int = Field(description="size of the file")

    @classmethod
    def of(cls, done: RecoveredClip, file_format: str) -> ClipRecoverResponse:
        """Describe a recovered clip."""
        back: Literal["exact", "sealed"] = "exact" if done.exact else "sealed"
        people = [RecoveredPersonModel(number=number, outcome=back) for number in done.recovered]
        people += [RecoveredPersonModel(number=number, outcome="covered") for number in done.covered]
        return cls(
            people=sorted(people, key=lambda each: each.number),
            exact=done.exact,
            warnings=list(done.warnings),
            format=file_format,
            bytes=done.bytes_written,
        )


class InspectedPersonModel(BaseModel):
    """A person in a protected clip, as visible without a key."""

    number: int
    box: BoxModel = Field(description="holds all covers, in the stored frame")
    style: str
    group: int = Field(description="people of one group open with the same keys")
    spans: list[Span] = Field(description="when the person is covered, in seconds")
    forgotten: bool = Field(description="no key opens the person any more")


class ClipInspectResponse(BaseModel):
    """Response of /api/inspect for a clip: what a protected clip shows without a key."""

    version: int
    width: int
    height: int
    frames: int
    seconds: float
    exact: bool = Field(description="whether the whole original is sealed in place of tracks of the people")
    people: list[InspectedPersonModel]
    kdf: list[str]
    groups: int
    recipients: int
    problems: list[str] = Field(description="what is wrong with the sealed track")

    @classmethod
    def of(cls, found: ClipInspection) -> ClipInspectResponse:
        """Describe an inspection."""
        people = [
            InspectedPersonModel(
                number=each.number, box=BoxModel.of(each.box), style=each.style, group=each.group,
                spans=[(round(start, 3), round(stop, 3)) for start, stop in each.spans], forgotten=each.forgotten,
            )
            for each in found.people
        ]  # fmt: skip
        return cls(
            version=found.version, width=found.size[0], height=found.size[1], frames=found.frames,
            seconds=round(found.duration, 3), exact=found.exact, people=people, kdf=list(found.kdf),
            groups=found.groups, recipients=found.recipients, problems=list(found.problems),
        )  # fmt: skip

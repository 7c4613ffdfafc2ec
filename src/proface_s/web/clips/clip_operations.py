"""Jobs on clips: one function each, from a file and options to a `JobResult`; `proface_s.video` does the work."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from ...api import Credentials, Lock
from ...api.options import FaceRef, ProtectOptions, RecoverOptions
from ...errors import ProFaceError, UsageError
from ...image.write import encode_jpeg
from ...progress import Progress, Stage
from ...types import Picture, Style, UInt8Image
from ...video.clip.manage import inspect_clip
from ...video.clip.protect import check_unprotected, write_protected
from ...video.clip.read import ClipInfo, damage_notes, read_clip_info
from ...video.clip.recover import recover_clip
from ...video.clip.track.reading import read_sealed_track
from ...video.people.of_clip import cut_clip_tiles, find_clip_people, read_people, write_people
from ...video.people.people import People
from ...video.people.sheet import best_view
from ..models import BoxModel
from ..problems import refused
from ..settings import (
    BASIC_BYTES,
    CLIP_BYTES_PER_PIXEL,
    CLIP_SECONDS_PER_PIXEL,
    ClipLimits,
    ServiceSettings,
)
from ..uploads import CLIP
from ..workers.jobs import KEY_LIMITS, ClipFiles, JobPlan, JobResult, WorkerTools, derivation_bytes
from .clip_models import (
    ClipInspectResponse,
    ClipProtectRequest,
    ClipProtectResponse,
    ClipRecoverRequest,
    ClipRecoverResponse,
    HeldRequest,
    PeopleRequest,
    PeopleResponse,
    PersonModel,
    PersonSettingsModel,
)

_OVERHEAD_SECONDS: Final = 120.0  # CPU time of a job besides its frames
_THOROUGH: Final = 6  # times as long as usual
_TELL_SECONDS: Final = 0.2  # between two steps of progress
_TILE_QUALITY: Final = 88
_SUFFIXES: Final[Mapping[str, str]] = {"matroska": "mkv", "avi": "avi", "mpegts": "ts", "mpeg": "mpg", "flv": "flv"}


@dataclass(frozen=True, slots=True)
class ClipTask:
    """One kind of job on clips; see `proface_s.web.workers.jobs.TaskKind`.

    Attributes:
        do: the function that does it, given the files and the options.
        options: model of the options.
        decodes: whether all frames are decoded.
    """

    do: Callable[[WorkerTools, ClipFiles, Any, Progress], JobResult]
    options: type[BaseModel]
    decodes: bool = True
    field = CLIP
    what = "clip"
    header_seconds = 60.0

    def patience(self, settings: ServiceSettings) -> tuple[float, float]:
        """Return how long to wait for a sign of life, in seconds by the clock: until the file is read, and later."""
        return settings.clips.step_seconds, settings.clips.step_seconds

    def plan(self, files: ClipFiles, options: BaseModel, settings: ServiceSettings) -> JobPlan:
        """Return what the job may use, after a look at the clip.

        Raises:
            RefusedError: 413 if the clip is too long or too large.
            CostlyFileError: if opening it needs more key derivation than the service allows.
            ImageError: if it is no clip.
        """
        with _named(files):
            info, limits = read_clip_info(files.source), settings.clips
            pixels = _checked(info, limits) if self.decodes else 0
            derives = isinstance(options, ClipRecoverRequest) and options.passphrase is not None
            keys = derivation_bytes(read_sealed_track(files.source).header) if derives else 0
        memory = CLIP_BYTES_PER_PIXEL * info.width * info.height + BASIC_BYTES + keys
        closely = isinstance(options, PeopleRequest) and options.thorough
        seconds = _OVERHEAD_SECONDS + CLIP_SECONDS_PER_PIXEL * pixels * (_THOROUGH if closely else 1)
        return JobPlan(memory, _OVERHEAD_SECONDS, seconds, round(limits.growth * limits.max_bytes))

    def work(self, tools: WorkerTools, files: ClipFiles, options: Any, tell: Progress) -> JobResult:
        """Do the job."""
        tell("read", 0, 1)
        with _named(files):
            info = read_clip_info(files.source)
            frames = max(1, tools.settings.clips.max_pixels // (info.width * info.height))
            return self.do(tools, files, options, FrameProgress(tell, frames))


class FrameProgress:
    """Progress of the work on frames: passed on a few times a second, and ended if there are too many frames.

    Args:
        tell: is told.
        most: frames that may be worked on in one stage.
    """

    def __init__(self, tell: Progress, most: int) -> None:
        self._tell, self._most = tell, most
        self._stage, self._count, self._told = "", 0, 0.0

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        """Count a frame.

        Raises:
            RefusedError: 413 if there are more frames than the file said, and too many.
        """
        if stage != self._stage:
            self._stage, self._count, self._told = stage, 0, 0.0
        self._count += 1
        if self._count > self._most:
            raise _too_long(f"it has more than {self._most} frames of this size")
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._tell(stage, done, total)


def list_people(tools: WorkerTools, files: ClipFiles, options: PeopleRequest, tell: Progress) -> JobResult:
    """Find out who is in a clip, and keep it for the jobs that follow."""
    check_unprotected(files.source)
    people, failures = _found(tools, files, options, tell)
    write_people(files.people, people, overwrite=True)
    tiles = cut_clip_tiles(files.source, people)
    facts = PeopleResponse(
        width=people.size[0],
        height=people.size[1],
        frames=len(people.times),
        seconds=round(float(people.times[-1]), 3),
        people=[_person(people, number, tiles.get(number)) for number in people.persons],
        warnings=list(damage_notes(failures)),
    )
    return JobResult.of(facts)


def protect_people(tools: WorkerTools, files: ClipFiles, options: ClipProtectRequest, tell: Progress) -> JobResult:
    """Cover people in a clip under their keys."""
    locks, clip_options = _locks(options), options.clip_options()
    check_unprotected(files.source)
    people = read_people(files.people) if files.people.exists() else _found(tools, files, options, tell)[0]
    people = options.corrections().apply(people)
    numbers = {person: number for number, person in enumerate(people.persons, 1)}
    chosen = ProtectOptions.of(
        options.passphrase,
        recipients=options.recipients,
        own={_number(numbers, each): lock for each, lock in locks},
        style=options.style.style(),
        own_styles=_own_styles(numbers, options),
        margin=options.margin,
    )
    done = write_protected(files.source, files.output, people, chosen, clip_options, progress=tell)
    return JobResult.of(ClipProtectResponse.of(done))


def recover_people(tools: WorkerTools, files: ClipFiles, options: ClipRecoverRequest, tell: Progress) -> JobResult:
    """Bring the people of a protected clip back."""
    credentials = Credentials.of(options.passphrase, options.identities, options.face_keys)
    if credentials.empty:
        raise UsageError("there is nothing to open the file with", code="no-key")
    people = None if options.people is None else tuple(sorted(set(options.people)))
    chosen = RecoverOptions(credentials=credentials, faces=people)
    done = recover_clip(files.source, files.output, chosen, limits=KEY_LIMITS, progress=tell)
    container = read_clip_info(files.output).container.partition(",")[0]
    return JobResult.of(ClipRecoverResponse.of(done, _SUFFIXES.get(container, "mp4")))


def examine_clip(files: ClipFiles) -> JobResult:
    """Return what a protected clip shows without a key."""
    return JobResult.of(ClipInspectResponse.of(inspect_clip(files.source)))


CLIP_TASKS: Final[Mapping[str, ClipTask]] = {
    "people": ClipTask(list_people, PeopleRequest),
    "protect-clip": ClipTask(protect_people, ClipProtectRequest),
    "recover-clip": ClipTask(recover_people, ClipRecoverRequest),
    "inspect-clip": ClipTask(lambda tools, files, options, tell: examine_clip(files), HeldRequest, decodes=False),
}


@contextmanager
def _named(files: ClipFiles) -> Iterator[None]:
    """Let errors say "the clip" instead of the path at which the service holds it."""
    try:
        yield
    except ProFaceError as error:
        message = error.message
        for path in (files.source, files.output):
            message = message.replace(f"{path}: ", "").replace(str(path), "the clip")
        raise error.reworded(message) from None


def _checked(info: ClipInfo, limits: ClipLimits) -> int:
    """Return how many pixels all frames have, at most those that are allowed.

    Raises:
        RefusedError: 413 if the clip is too long, or its frames too large.
    """
    pixels = info.width * info.height
    if pixels > limits.max_frame_pixels:
        most = limits.max_frame_pixels
        raise _too_long(f"its frames have {info.width}x{info.height} pixels; the limit is {most / 1e6:.1f} million")
    if info.duration is not None and info.duration > limits.max_seconds:
        raise _too_long(f"it lasts {info.duration:.0f} seconds; the limit is {limits.max_seconds:g}")
    if info.frames is not None and info.frames * pixels > limits.max_pixels:
        raise _too_long(
            f"its {info.frames} frames have {info.frames * pixels / 1e9:.1f} billion pixels together; "
            f"the limit is {limits.max_pixels / 1e9:g} billion"
        )
    return limits.max_pixels if info.frames is None else info.frames * pixels


def _too_long(detail: str) -> Exception:
    return refused(
        413, "too-long", "The clip is too long or too large", detail, "protect it in shorter parts, or smaller"
    )


def _found(tools: WorkerTools, files: ClipFiles, options: PeopleRequest, tell: Progress) -> tuple[People, list[float]]:
    detector = tools.session.detector_for(options.search())
    return find_clip_people(files.source, detector, options.interval, progress=tell)


def _person(people: People, number: int, tile: UInt8Image | None) -> PersonModel:
    view = best_view(people, number)
    picture = None if tile is None else base64.b64encode(encode_jpeg(Picture(tile), _TILE_QUALITY)).decode()
    return PersonModel(
        number=number,
        box=BoxModel.of(view.box),
        best=round(view.seconds, 3),
        spans=[(round(start, 3), round(stop, 3)) for start, stop in people.spans(number)],
        picture=picture,
    )


def _locks(options: ClipProtectRequest) -> list[tuple[PersonSettingsModel, Lock]]:
    """Return the locks of people who have one of their own.

    Raises:
        UsageError: if a person is listed twice.
    """
    if len({each.person for each in options.own}) < len(options.own):
        raise UsageError("a person is listed twice among those with settings of their own")
    own = [each for each in options.own if each.passphrase is not None or each.recipients]
    return [(each, Lock.of(each.passphrase, each.recipients)) for each in own]


def _own_styles(numbers: Mapping[int, int], options: ClipProtectRequest) -> dict[FaceRef, Style]:
    return {_number(numbers, each): each.style.style() for each in options.own if each.style is not None}


def _number(numbers: Mapping[int, int], settings: PersonSettingsModel) -> int:
    """Return the number in the file of a person with settings of their own.

    Raises:
        UsageError: if that person is not covered.
    """
    if settings.person not in numbers:
        raise UsageError(f"person {settings.person} is not covered, and has settings", code="unknown-person")
    return numbers[settings.person]

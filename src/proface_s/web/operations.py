"""Jobs of the workers: one function each, from uploaded bytes and options to a `JobResult`.

A worker process looks up its job in `KINDS`; `proface_s.api` does the actual work.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image
from pydantic import BaseModel

from .. import __version__
from ..api import Credentials, Lock, Session, inspect
from ..api.files.io import load
from ..api.options import ProtectOptions, RecoverOptions
from ..container.carriers.carrier import from_chunks, read_chunks
from ..covers import FALLBACKS, FaceRegion, cover_face, get_style, ready_style_names
from ..errors import ImageError, ProFaceError, UsageError
from ..faces import DEFAULT_DETECTOR, detector_names
from ..flow.cards import DEFAULT_MODEL
from ..flow.registry import shipped_cards
from ..image.read import picture_size
from ..image.write import encode_picture
from ..keys.passphrase import GOOD_LENGTH, MIN_LENGTH, generate_passphrase, passphrase_bits
from ..progress import Progress
from ..types import Box, Picture, Style
from ..video.clip.options import fits_clips
from .about import ClipLimitsInfo, ModelInfo, ServiceInfo, StyleInfo, StyleOptionInfo
from .clips.clip_operations import CLIP_TASKS
from .inspect_response import CoverPreview, InspectResponse, RenderedPicture
from .models import (
    DetectRequest,
    DetectResponse,
    GeneratedPassphrase,
    PreviewRequest,
    ProtectRequest,
    ProtectResponse,
    RecoverRequest,
    RecoverResponse,
    asked_format,
)
from .settings import (
    MOST_SHARED_PIXELS,
    PREVIEW_PIXELS,
    SHARE_BYTES_PER_PIXEL,
    ServiceSettings,
    bytes_needed,
    takes_clips,
)
from .uploads import PHOTO
from .workers.jobs import JobPlan, JobResult, ResultFile, TaskKind, WorkerTools, derivation_bytes

_WORDS: Final = 6
_SHOWN_SIDE: Final = 2048
_SECONDS_PER_PIXEL: Final = 0.5e-6  # CPU time to decode a picture
_SLACK: Final = 4.0  # wall-clock time allowed per CPU time, because other programs use the cores too


@dataclass(frozen=True, slots=True)
class PictureTask:
    """One kind of job on photos; see `proface_s.web.workers.jobs.TaskKind`.

    Attributes:
        work: the function that does it, given the photo and the options.
        options: model of the options; None if there are no options.
        most_pixels: largest picture accepted; None for the limit in the settings.
    """

    work: Callable[[WorkerTools, bytes, Any, Progress], JobResult]
    options: type[BaseModel] | None = None
    most_pixels: int | None = None
    field = PHOTO
    what = "picture"
    header_seconds = 5.0

    def patience(self, settings: ServiceSettings) -> tuple[float, float]:
        """Return how long to wait for a sign of life, in seconds by the clock: until the file is read, and later."""
        return _SLACK * (settings.read_seconds + 1e-6 * settings.max_pixels), _SLACK * settings.job_seconds

    def plan(self, photo: bytes, options: BaseModel | None, settings: ServiceSettings) -> JobPlan:
        """Return what the job may use, after a look at the file's header.

        Raises:
            CostlyFileError: if opening the file needs more key derivation than the service allows.
        """
        pixels = self._pixels(photo, settings)
        derives = isinstance(options, RecoverRequest) and options.passphrase is not None
        shares = isinstance(options, ProtectRequest) and options.share is not None
        copied = SHARE_BYTES_PER_PIXEL * min(pixels, MOST_SHARED_PIXELS) if shares else 0
        memory = bytes_needed(pixels) + copied + (_key_bytes(photo) if derives else 0)
        return JobPlan(memory, settings.read_seconds + _SECONDS_PER_PIXEL * pixels, settings.job_seconds)

    def _pixels(self, photo: bytes, settings: ServiceSettings) -> int:
        """Return how many pixels will be decoded, from the file's header; 0 if the job will refuse the file anyway."""
        try:
            width, height = picture_size(photo, name="the file")
        except ImageError:
            return 0
        return min(width * height, self.most_pixels or settings.max_pixels)


def detect(session: Session, photo: bytes, options: DetectRequest, progress: Progress) -> JobResult:
    """Find and number the faces, and return the regions that would be hidden."""
    boxes = [box.box() for box in options.boxes]
    found = session.detect(
        photo,
        boxes=boxes,
        faces=options.faces,
        detector=options.detector,
        threshold=options.threshold,
        margin=options.margin,
        thorough=options.thorough,
        file_format=asked_format(options.format),
        progress=progress,
    )
    return JobResult.of(DetectResponse.of(found))


def examine(settings: ServiceSettings, photo: bytes, progress: Progress) -> JobResult:
    """Return what a protected file shows without a key."""
    progress("read", 0, 1)
    return JobResult.of(InspectResponse.of(inspect(photo, max_pixels=settings.max_pixels)))


def preview(photo: bytes, options: PreviewRequest, progress: Progress) -> JobResult:
    """Cover the face region shown by a picture, as `protect` would, in one style or in several side by side."""
    progress("read", 0, 1)
    styles = [each.style() for each in options.styles or [options.style]]
    picture = load(photo, max_pixels=PREVIEW_PIXELS // len(styles))
    region = FaceRegion(picture.rgb)
    covers = [cover_face(region, style) for style in styles]
    covered = Picture(np.hstack([each.pixels for each in covers]), source=picture.source)
    why = [None if each.fallback is None else FALLBACKS[each.fallback] for each in covers]
    facts = CoverPreview(width=covered.size[0], height=covered.size[1], fallbacks=why)
    return JobResult.of(facts, ResultFile.of("preview", encode_picture(covered)))


def render(settings: ServiceSettings, photo: bytes, progress: Progress) -> JobResult:
    """Return any readable picture, upright, as a JPEG of moderate size that every browser displays."""
    progress("read", 0, 1)
    picture = load(photo, max_pixels=settings.max_pixels)
    image = Image.fromarray(picture.rgb)
    image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    facts = RenderedPicture(width=image.width, height=image.height)
    return JobResult.of(facts, ResultFile.of("shown", file.getvalue(), "jpeg"))


def protect(session: Session, photo: bytes, options: ProtectRequest, progress: Progress) -> JobResult:
    """Hide the faces of a photo, and make its share copy if one is asked for."""
    own: dict[int | Box, Lock] = {}
    styles: dict[int | Box, Style | str] = {}
    for each in options.own:
        face = each.face()
        if face in own or face in styles:
            raise UsageError(f"face {face} is listed twice among those with something of their own")
        lock = Lock.of(each.passphrase, each.recipients)
        if not lock.empty:
            own[face] = lock
        if each.style is not None:
            styles[face] = each.style.style()
    chosen = ProtectOptions.of(
        options.passphrase,
        recipients=options.recipients,
        own=own,
        style=options.style.style(),
        own_styles=styles,
        boxes=[box.box() for box in options.boxes],
        faces=options.faces,
        seal=options.seal,
        wrong_key=options.wrong_key,
        model=options.model,
        record=options.record,
        keep_metadata=options.keep_metadata,
        file_format=asked_format(options.format),
        quality=options.quality,
        detector=options.detector,
        threshold=options.threshold,
        margin=options.margin,
        thorough=options.thorough,
        share=None if options.share is None else options.share.options(),
    )
    done = session.protect_with(photo, chosen, progress=progress)
    facts = ProtectResponse.of(done)
    files = [ResultFile.of("protected", done.data, facts.format)]
    if done.share is not None and facts.share is not None and not done.share.inside:
        files.append(ResultFile.of("share", done.share.data, facts.share.format))
    return JobResult.of(facts, *files)


def recover(session: Session, photo: bytes, options: RecoverRequest, progress: Progress) -> JobResult:
    """Restore the faces of a protected file."""
    credentials = Credentials.of(options.passphrase, options.identities, options.face_keys)
    if credentials.empty:
        raise UsageError("there is nothing to open the file with", code="no-key")
    chosen = RecoverOptions(
        credentials=credentials,
        faces=None if options.faces is None else tuple(sorted(set(options.faces))),
        expect=options.expect,
        file_format=asked_format(options.format),
        from_pixels=options.from_pixels,
    )
    done = session.recover_with(photo, chosen, progress=progress)
    done.require_faces()
    facts = RecoverResponse.of(done)
    return JobResult.of(facts, ResultFile.of("recovered", done.data, facts.format))


KINDS: dict[str, TaskKind] = {
    "detect": PictureTask(
        lambda tools, photo, options, tell: detect(tools.session, photo, options, tell), DetectRequest
    ),
    "inspect": PictureTask(lambda tools, photo, _, tell: examine(tools.settings, photo, tell)),
    "render": PictureTask(lambda tools, photo, _, tell: render(tools.settings, photo, tell)),
    "preview": PictureTask(
        lambda _, photo, options, tell: preview(photo, options, tell), PreviewRequest, PREVIEW_PIXELS
    ),
    "protect": PictureTask(
        lambda tools, photo, options, tell: protect(tools.session, photo, options, tell), ProtectRequest
    ),
    "recover": PictureTask(
        lambda tools, photo, options, tell: recover(tools.session, photo, options, tell), RecoverRequest
    ),
    **CLIP_TASKS,
}


def _key_bytes(photo: bytes) -> int:
    """Return the additional memory, in bytes, for deriving a photo's keys, within the limits of the service."""
    try:
        header, _ = from_chunks(read_chunks(photo, "the file"), "the file")
    except ProFaceError:  # the job itself reports what is wrong with it
        return 0
    return derivation_bytes(header)


def phrase() -> GeneratedPassphrase:
    """Generate a passphrase of random words."""
    return GeneratedPassphrase(passphrase=generate_passphrase(_WORDS), bits=int(passphrase_bits(_WORDS)))


def about(settings: ServiceSettings) -> ServiceInfo:
    """Describe the styles, models and limits of this service."""
    styles = []
    for name in ready_style_names():  # the others need a file of this machine
        style = get_style(name)
        least, most = style.strength_range
        styles.append(
            StyleInfo(
                name=name,
                summary=style.summary,
                unit=style.unit.text,
                more_is_stronger=style.unit.more_is_stronger,
                default=style.default_strength,
                least=least,
                most=most,
                weak_limit=style.weak_limit,
                shape=style.default_shape,
                clips=fits_clips(style),
                option=None if style.option is None else StyleOptionInfo.of(style.option),
            )
        )
    return ServiceInfo(
        version=__version__,
        styles=styles,
        models=[ModelInfo.of(card) for card in sorted(shipped_cards(), key=lambda card: card.name != DEFAULT_MODEL)],
        detectors=list(dict.fromkeys((DEFAULT_DETECTOR, *detector_names()))),
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        clips=ClipLimitsInfo.of(settings.clips) if takes_clips() else None,
        preview_pixels=PREVIEW_PIXELS,
        least_passphrase=MIN_LENGTH,
        good_passphrase=GOOD_LENGTH,
    )

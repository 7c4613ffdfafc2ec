"""Tasks of the workers: one function for each, from bytes and options to `Done`; the api does the work itself.

A worker process looks a task up in `KINDS`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image
from pydantic import BaseModel

from .. import __version__
from ..api import Credentials, Lock, Session, inspect
from ..api import options as api_options
from ..api.files.io import load
from ..container.carriers.carrier import from_chunks, read_chunks
from ..container.header.stanzas import BareStanza, PassphraseStanza
from ..covers import apply_style, get_style, style_names
from ..covers.stickers import STICKERS
from ..errors import CostlyFileError, ImageError, ProFaceError, UsageError
from ..image.read import picture_size
from ..image.write import FORMATS, encode_picture
from ..keys.derive import KdfLimits, KdfParams
from ..keys.passphrase import GOOD_LENGTH, MIN_LENGTH, generate_passphrase, passphrase_bits
from ..progress import Progress
from ..types import Box, Picture, Style
from .models import (
    About,
    DetectAnswer,
    DetectOptions,
    InspectAnswer,
    Phrase,
    PreviewOptions,
    ProtectAnswer,
    ProtectOptions,
    RecoverAnswer,
    RecoverOptions,
    ReversibleFormat,
    Shown,
    StyleInfo,
)
from .settings import KDF_BYTES, MOST_PASSPHRASES, PREVIEW_PIXELS, Settings, bytes_needed

KEY_LIMITS = KdfLimits(memory_kib=KDF_BYTES // 1024, total_kib=MOST_PASSPHRASES * KdfParams().cost)
_WORDS = 6
_SHOWN_SIDE = 2048
_MEDIA = {"png": "image/png", "webp": "image/webp", "tiff": "image/tiff"}


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a job.

    Attributes:
        facts: one of the answers in `proface_s.web.models`, as JSON.
        data: bytes of a picture file, or None.
        media_type: of the picture.
        name: for the picture; says nothing of the upload's name.
    """

    facts: dict[str, Any]
    data: bytes | None = None
    media_type: str = "image/png"
    name: str = "picture.png"

    @classmethod
    def of(
        cls, facts: BaseModel, data: bytes | None = None, media_type: str = "image/png", name: str = "picture.png"
    ) -> Done:
        """A job's result from its description."""
        return cls(facts.model_dump(mode="json"), data, media_type, name)


@dataclass(frozen=True, slots=True)
class Tools:
    """Settings and session of a worker process."""

    settings: Settings
    session: Session


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of task.

    Attributes:
        work: does it, from the photo and its options.
        options: their model; None for a task without any.
        most_pixels: of its picture; None for as many as the settings allow.
    """

    work: Callable[[Tools, bytes, Any, Progress], Done]
    options: type[BaseModel] | None = None
    most_pixels: int | None = None

    def pixels(self, photo: bytes, settings: Settings) -> int:
        """Return how many pixels will be decoded, from the file's header; 0 if the work itself will refuse the file."""
        try:
            width, height = picture_size(photo, name="the file")
        except ImageError:
            return 0
        return min(width * height, self.most_pixels or settings.max_pixels)

    def bytes_needed(self, photo: bytes, options: BaseModel | None, pixels: int) -> int:
        """Return the memory that the task will take.

        Raises:
            CostlyFileError: the file asks for more key derivation than the service does.
        """
        derives = isinstance(options, RecoverOptions) and options.passphrase is not None
        return bytes_needed(pixels) + (_key_bytes(photo) if derives else 0)


def detect(session: Session, photo: bytes, options: DetectOptions, progress: Progress) -> Done:
    """Find faces, number them, and say which regions would be hidden."""
    boxes = [box.box() for box in options.boxes]
    return Done.of(DetectAnswer.of(session.detect(photo, boxes=boxes, faces=options.faces, progress=progress)))


def examine(settings: Settings, photo: bytes, progress: Progress) -> Done:
    """Say what a protected file shows without a key."""
    progress("read", 0, 1)
    return Done.of(InspectAnswer.of(inspect(photo, max_pixels=settings.max_pixels)))


def preview(photo: bytes, options: PreviewOptions, progress: Progress) -> Done:
    """Cover the region that a picture shows, as `protect` would."""
    progress("read", 0, 1)
    picture = load(photo, max_pixels=PREVIEW_PIXELS)
    covered = Picture(apply_style(picture.rgb, options.style.style()), source=picture.source)
    return Done.of(_shown(covered), encode_picture(covered), name="preview.png")


def render(settings: Settings, photo: bytes, progress: Progress) -> Done:
    """Any picture that can be read, upright, as a JPEG of moderate size that every browser shows."""
    progress("read", 0, 1)
    picture = load(photo, max_pixels=settings.max_pixels)
    image = Image.fromarray(picture.rgb)
    image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return Done.of(Shown(width=image.width, height=image.height), file.getvalue(), "image/jpeg", "shown.jpg")


def protect(session: Session, photo: bytes, options: ProtectOptions, progress: Progress) -> Done:
    """Hide faces."""
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
    chosen = api_options.ProtectOptions.of(
        options.passphrase,
        recipients=options.recipients,
        own=own,
        style=options.style.style(),
        own_styles=styles,
        boxes=[box.box() for box in options.boxes],
        faces=options.faces,
        seal=options.seal,
        wrong_key=options.wrong_key,
        record=options.record,
        keep_metadata=options.keep_metadata,
        file_format=options.format,
    )
    done = session.protect_with(photo, chosen, progress=progress)
    return Done.of(ProtectAnswer.of(done), done.data, _MEDIA[options.format], _name("protected", options.format))


def recover(session: Session, photo: bytes, options: RecoverOptions, progress: Progress) -> Done:
    """Bring faces back."""
    credentials = Credentials.of(options.passphrase, options.identities, options.face_keys)
    if credentials.empty:
        raise UsageError("there is nothing to open the file with", "give a passphrase, an identity or a face key")
    chosen = api_options.RecoverOptions(
        credentials=credentials,
        faces=None if options.faces is None else tuple(sorted(set(options.faces))),
        expect=options.expect,
        file_format=options.format,
        from_pixels=options.from_pixels,
    )
    done = session.recover_with(photo, chosen, progress=progress)
    return Done.of(RecoverAnswer.of(done), done.data, _MEDIA[options.format], _name("recovered", options.format))


KINDS = {
    "detect": Kind(lambda tools, photo, options, tell: detect(tools.session, photo, options, tell), DetectOptions),
    "inspect": Kind(lambda tools, photo, _, tell: examine(tools.settings, photo, tell)),
    "render": Kind(lambda tools, photo, _, tell: render(tools.settings, photo, tell)),
    "preview": Kind(lambda _, photo, options, tell: preview(photo, options, tell), PreviewOptions, PREVIEW_PIXELS),
    "protect": Kind(lambda tools, photo, options, tell: protect(tools.session, photo, options, tell), ProtectOptions),
    "recover": Kind(lambda tools, photo, options, tell: recover(tools.session, photo, options, tell), RecoverOptions),
}


def _key_bytes(photo: bytes) -> int:
    """Return the memory beyond the usual that deriving the keys of a file takes, within the limits of the service."""
    try:
        header, _ = from_chunks(read_chunks(photo, "the file"), "the file")
    except ProFaceError:  # the work itself says what is wrong with it
        return 0
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
            "an identity or a face key opens it without that work; no file that was made on this page asks for so much",
        )
    return max(0, most - KdfParams().memory_kib * 1024)


def phrase() -> Phrase:
    """A passphrase of random words."""
    return Phrase(passphrase=generate_passphrase(_WORDS), bits=int(passphrase_bits(_WORDS)))


def about(settings: Settings) -> About:
    """Describe the styles and limits of this service."""
    styles = []
    for name in style_names():
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
                options=list(STICKERS) if name == "mask" else [],
            )
        )
    return About(
        version=__version__,
        styles=styles,
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        preview_pixels=PREVIEW_PIXELS,
        least_passphrase=MIN_LENGTH,
        good_passphrase=GOOD_LENGTH,
    )


def _shown(picture: Picture) -> Shown:
    width, height = picture.size
    return Shown(width=width, height=height)


def _name(stem: str, file_format: ReversibleFormat) -> str:
    return stem + FORMATS[file_format][0]

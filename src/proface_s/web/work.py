"""What the workers do: one function per question, from bytes and options to `Done`; the api does the work itself."""

from __future__ import annotations

import io

from PIL import Image

from .. import __version__, obfuscate
from ..api import Credentials, Lock, Session, inspect
from ..api.kinds import load
from ..api.progress import Progress
from ..errors import UsageError
from ..imaging.writing import FORMATS, encode_picture
from ..keys.passphrase import GOOD_LENGTH, MIN_LENGTH, generate_passphrase, passphrase_bits
from ..obfuscate.mask import STICKERS
from ..types import Picture, Style
from .answers import Done
from .models import (
    About,
    DetectAnswer,
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
from .settings import PREVIEW_PIXELS, Settings

_WORDS = 6
_SHOWN_SIDE = 2048
_MEDIA = {"png": "image/png", "webp": "image/webp", "tiff": "image/tiff"}


def detect(session: Session, photo: bytes, progress: Progress) -> Done:
    """Find faces, and say which regions would be hidden."""
    progress("find", 0, 1)
    return Done(DetectAnswer.of(session.detect(photo)))


def examine(settings: Settings, photo: bytes, progress: Progress) -> Done:
    """Say what a protected file shows without a key."""
    progress("read", 0, 1)
    return Done(InspectAnswer.of(inspect(photo, max_pixels=settings.max_pixels)))


def preview(photo: bytes, options: PreviewOptions, progress: Progress) -> Done:
    """Cover the region that a picture shows, as `protect` would."""
    progress("read", 0, 1)
    picture = load(photo, max_pixels=PREVIEW_PIXELS)
    covered = Picture(obfuscate.cover(picture.rgb, options.style.style()), source=picture.source)
    return Done(_shown(covered), encode_picture(covered), name="preview.png")


def render(settings: Settings, photo: bytes, progress: Progress) -> Done:
    """Any picture that can be read, upright, as a JPEG of moderate size that every browser shows."""
    progress("read", 0, 1)
    picture = load(photo, max_pixels=settings.max_pixels)
    image = Image.fromarray(picture.rgb)
    image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return Done(Shown(width=image.width, height=image.height), file.getvalue(), "image/jpeg", "shown.jpg")


def protect(session: Session, photo: bytes, options: ProtectOptions, progress: Progress) -> Done:
    """Hide faces."""
    own: dict[int, Lock] = {}
    styles: dict[int, Style | str] = {}
    for each in options.own:
        if each.number in own or each.number in styles:
            raise UsageError(f"face {each.number} is listed twice among those with something of their own")
        lock = Lock.of(each.passphrase, each.recipients)
        if not lock.empty:
            own[each.number] = lock
        if each.style is not None:
            styles[each.number] = each.style.style()
    done = session.protect(
        photo, options.passphrase, style=options.style.style(), own_styles=styles, own=own,
        boxes=[str(box) for box in options.boxes], faces=options.faces, recipients=options.recipients,
        seal=options.seal, wrong_key=options.wrong_key, record=options.record,
        keep_metadata=options.keep_metadata, file_format=options.format, progress=progress,
    )
    return Done(ProtectAnswer.of(done), done.data, _MEDIA[options.format], _name("protected", options.format))


def recover(session: Session, photo: bytes, options: RecoverOptions, progress: Progress) -> Done:
    """Bring faces back."""
    credentials = Credentials.of(options.passphrase, options.identities, options.face_keys)
    if credentials.empty:
        raise UsageError("there is nothing to open the file with", "give a passphrase, an identity or a face key")
    done = session.recover(
        photo, credentials=credentials, faces=options.faces, from_pixels=options.from_pixels,
        file_format=options.format, progress=progress,
    )
    return Done(RecoverAnswer.of(done), done.data, _MEDIA[options.format], _name("recovered", options.format))


def phrase() -> Phrase:
    """A passphrase of random words."""
    return Phrase(passphrase=generate_passphrase(_WORDS), bits=int(passphrase_bits(_WORDS)))


def about(settings: Settings) -> About:
    """What this service can do."""
    styles = []
    for name in obfuscate.names():
        style = obfuscate.get(name)
        least, most = style.strength_range
        styles.append(StyleInfo(
            name=name, summary=style.summary, unit=style.unit.text, more_is_stronger=style.unit.more_is_stronger,
            default=style.default_strength, least=least, most=most, weak_limit=style.weak_limit,
            options=list(STICKERS) if name == "mask" else [],
        ))
    return About(
        version=__version__, styles=styles, max_bytes=settings.max_bytes, max_pixels=settings.max_pixels,
        preview_pixels=PREVIEW_PIXELS, least_passphrase=MIN_LENGTH, good_passphrase=GOOD_LENGTH,
    )


def _shown(picture: Picture) -> Shown:
    width, height = picture.size
    return Shown(width=width, height=height)


def _name(stem: str, file_format: ReversibleFormat) -> str:
    return stem + FORMATS[file_format][0]

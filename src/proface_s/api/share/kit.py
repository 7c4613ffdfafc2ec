"""A kit for real apps: share copies of drawn photos to send, and what they were when they came back.

::

    make_kit ─► send/photo-01.share.jpg ... ─ an app ─► received/APP/anything.jpg ─► read_kit ─► which faces came back
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from ...covers import apply_style, parse_style
from ...errors import ImageError, ProFaceError, UsageError, WrongKeyError
from ...image.read import read_picture
from ...image.regions import cut, paste_all
from ...image.write import write_atomic
from ...keys.access import Credentials, Lock
from ...keys.derive import KekDeriver
from ...robust.share_picture import find_layer
from ...types import Picture
from .drawn_photos import draw_photo
from .options import ShareOptions
from .protect_share import make_share_copy
from .recover_share import verify_layer

SEND: Final = "send"
RECEIVED: Final = "received"
INDEX: Final = "kit.json"
PHOTOS: Final = 10
PASSPHRASE: Final = "nothing in this kit is secret"
"""Of every kit: its photos are drawn, and its results are to be published."""

STYLE: Final = "pixelate"
_VERSION: Final = 1
_MOST_INDEX: Final = 1 << 20  # bytes

State = Literal["all", "smallest", "faded", "nothing", "unreadable", "foreign"]
"""What came back of a photo: faces with all their bytes, their smallest copies, a layer that is too faded to open, no
layer; or the file is no picture, or a share copy of something else."""


@dataclass(frozen=True, slots=True)
class KitPhoto:
    """A photo of a kit.

    Attributes:
        name: its file in the folder ``send``.
        salt: hexadecimal, by which the photo is known again.
        size: (width, height) as sent.
        faces: how many are hidden.
        face_bytes: from which each comes back after usual compression, on average.
        robust_face_bytes: the same after nearly anything; 0 if there is no room for that.
    """

    name: str
    salt: str
    size: tuple[int, int]
    faces: int
    face_bytes: int
    robust_face_bytes: int


@dataclass(frozen=True, slots=True)
class ReturnedPhoto:
    """A file that came back.

    Attributes:
        app: the folder in which it lies.
        path: the file.
        photo: which photo it is, or None if nothing tells.
        size: (width, height) as received; None if it is no picture.
        state: what came back.
        faces: how many of its faces opened.
        face_bytes: from how many bytes each, on average.
    """

    app: str
    path: Path
    photo: KitPhoto | None
    size: tuple[int, int] | None
    state: State
    faces: int = 0
    face_bytes: int = 0


def make_kit(
    folder: str | os.PathLike[str], count: int = PHOTOS, done: Callable[[KitPhoto], None] = lambda photo: None
) -> tuple[KitPhoto, ...]:
    """Write the share copies of drawn photos into a new folder, beside an index and a place for what comes back.

    Args:
        folder: is made; may exist if it is empty.
        count: number of photos, 1 to `PHOTOS`.
        done: is told about each photo.

    Raises:
        UsageError: if there cannot be so many photos, or the folder is not empty.
        ImageError: if a file cannot be written.
    """
    folder = Path(folder)
    if not 1 <= count <= PHOTOS:
        raise UsageError(f"a kit has 1 to {PHOTOS} photos, not {count}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder", code="kit-exists")
    try:
        (folder / SEND).mkdir(parents=True, exist_ok=True)
        (folder / RECEIVED).mkdir(exist_ok=True)
    except OSError as error:
        raise ImageError(f"cannot make {folder}: {error.strerror}") from None
    photos = []
    for number in range(count):
        photos.append(_make_photo(folder / SEND, number))
        done(photos[-1])
    index = {"kit": _VERSION, "photos": [asdict(photo) for photo in photos]}
    write_atomic(folder / INDEX, json.dumps(index, indent=1).encode("ascii"))
    return tuple(photos)


def read_kit(
    folder: str | os.PathLike[str], done: Callable[[ReturnedPhoto], None] = lambda photo: None
) -> tuple[ReturnedPhoto, ...]:
    """Read everything that came back: each file below a folder of ``received``, which is named after an app.

    Args:
        folder: of the kit; nothing is written.
        done: is told about each file.

    Raises:
        UsageError: if this is no kit.
    """
    folder = Path(folder)
    photos = {photo.salt: photo for photo in kit_photos(folder)}
    found = []
    for path in sorted((folder / RECEIVED).glob("*/**/*")):
        if path.is_file() and not path.name.startswith("."):
            found.append(_read_returned(path, path.relative_to(folder / RECEIVED).parts[0], photos))
            done(found[-1])
    return tuple(found)


def kit_photos(folder: Path) -> tuple[KitPhoto, ...]:
    """Return the photos of a kit.

    Raises:
        UsageError: if this is no kit.
    """
    path = folder / INDEX
    try:
        with path.open("rb") as stream:
            index = json.loads(stream.read(_MOST_INDEX))
        if index["kit"] != _VERSION:
            raise ValueError("another version")
        return tuple(_photo_of(each) for each in index["photos"])
    except (OSError, ValueError, TypeError, KeyError):
        raise UsageError(f"{folder} is no kit: {INDEX} in it is missing or damaged", code="no-kit") from None


def is_kit(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder has the index of a kit."""
    return (Path(folder) / INDEX).is_file()


def _photo_of(fields: dict[str, Any]) -> KitPhoto:
    width, height = map(int, fields["size"])
    numbers = (int(fields[name]) for name in ("faces", "face_bytes", "robust_face_bytes"))
    return KitPhoto(str(fields["name"]), str(fields["salt"]), (width, height), *numbers)


def _make_photo(folder: Path, number: int) -> KitPhoto:
    """Draw a photo, make its share copy and write it."""
    drawn = draw_photo(number)
    picture = Picture(drawn.rgb)
    style = parse_style(STYLE)
    covers = [(box, apply_style(cut(drawn.rgb, box), style)) for box in drawn.boxes]
    covered = replace(picture, rgb=paste_all(drawn.rgb, covers))
    longer = max(picture.size)
    made = make_share_copy(
        picture,
        covered,
        drawn.boxes,
        [Lock((PASSPHRASE,))] * len(drawn.boxes),
        ShareOptions(long_side=longer if longer in (2048, 1600, 1280) else None),
    )
    path = folder / f"photo-{number + 1:02}.share.jpg"
    write_atomic(path, made.data)
    found = find_layer(read_picture(made.data).rgb)
    assert found is not None, "it has been read back"
    salt = found.directory.salt.hex()
    return KitPhoto(path.name, salt, made.size, len(drawn.boxes), _mean(made.face_bytes), _mean(made.robust_face_bytes))


def _read_returned(path: Path, app: str, photos: dict[str, KitPhoto]) -> ReturnedPhoto:
    try:
        picture = read_picture(path)
    except ProFaceError:
        return ReturnedPhoto(app, path, None, None, "unreadable")
    found = find_layer(picture.rgb)
    if found is None:
        return ReturnedPhoto(app, path, None, picture.size, "nothing")
    photo = photos.get(found.directory.salt.hex())
    if photo is None:
        return ReturnedPhoto(app, path, None, picture.size, "foreign")
    if found.fine is None and found.base is None:
        return ReturnedPhoto(app, path, photo, picture.size, "faded")
    try:
        checked = verify_layer(found, picture.size, Credentials(passphrases=(PASSPHRASE,)), KekDeriver())
    except WrongKeyError:
        return ReturnedPhoto(app, path, photo, picture.size, "faded")
    back = sum(face.key == "opens" for face in checked.faces)
    if found.fine is not None:
        return ReturnedPhoto(app, path, photo, picture.size, "all", back, photo.face_bytes)
    return ReturnedPhoto(app, path, photo, picture.size, "smallest", back, photo.robust_face_bytes)


def _mean(lengths: Sequence[int]) -> int:
    return sum(lengths) // len(lengths)

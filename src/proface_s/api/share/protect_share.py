"""Photo and its cover -> share copy; `recover_share` is the way back.

::

    photo ── reduced to canonical size ── faces ─ codes ─ encrypted ─┐
    cover ── reduced to canonical size ──────────────────────────────┴─► layer written into it ─► JPEG ─► read back
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageCms

from ...covers.heads.landmarks import Points, find_mesh
from ...errors import ImageError
from ...image.names import fitted_name
from ...image.provenance import with_synthetic_note
from ...image.read import read_picture
from ...image.regions import cut, paste_all
from ...image.transparency import composite
from ...keys.access import Lock
from ...keys.derive import SALT_BYTES, KdfLimits, KdfParams, KekDeriver
from ...keys.secrets import FaceKey
from ...keys.share_keys import ENTRY_TAG_BYTES, encrypt_entry, share_face_key
from ...robust.directory import KeyStanza, SharedFace, ShareDirectory
from ...robust.likeness import CODEC, encode_likeness
from ...robust.share_picture import FoundLayer, ShareEntry, find_layer, find_whole_layer, write_layer
from ...types import Box, Face, Picture, UInt8Image
from ..files.saving import free_path
from ..results.shared import ShareCopy
from .layout import canonical_size, shared_box, unplanned_face, with_lengths
from .options import ShareFormat, ShareOptions
from .share_secrets import lock_shared_faces, placeholders, share_context

FindLayer = Callable[[UInt8Image], FoundLayer | None]

QUALITIES: Final = (90, 87, 85)
"""Of a JPEG: the first that gives a file of at most `USUAL_BYTES`, which encoders that aim at a size leave alone."""

USUAL_BYTES: Final = 400_000
USUAL_QUALITY: Final = 75  # of apps: what is left after it decides whether a share copy is worth sending
_DARKEST, _BRIGHTEST = 12, 243  # of covers, so that the grain is not cut off
_WHITE: Final = 255


def share_suffix(options: ShareOptions) -> str:
    """Return what names of share copies end with: ``.share.jpg`` or ``.share.png``."""
    return ".share.png" if options.file_format == "png" else ".share.jpg"


def share_path(target: Path, options: ShareOptions) -> Path:
    """Return where the share copy goes: ``NAME.share.jpg`` beside the protected file ``target``."""
    return target.with_name(fitted_name(target.stem.removesuffix(".protected"), share_suffix(options)))


def share_paths(target: Path) -> list[Path]:
    """Return where share copies of the protected file ``target`` may be, one path per format."""
    formats: tuple[ShareFormat, ...] = ("jpeg", "png")
    return [share_path(target, ShareOptions(file_format=each)) for each in formats]


def share_target(target: Path | None, options: ShareOptions, overwrite: bool) -> Path | None:
    """Return where the share copy goes, checked before any work.

    Args:
        target: where the protected file goes; if None, nothing is written.
        options: name the format; nothing is written beside the file if they put the copy into it.
        overwrite: replace an existing file.

    Raises:
        ImageError: if a file is there, and must not be replaced.
    """
    return None if target is None or options.inside else free_path(share_path(target, options), overwrite)


def require_room(size: tuple[int, int], boxes: Sequence[Box], locks: Sequence[Lock], options: ShareOptions) -> None:
    """Refuse faces that do not fit into a share copy, before any work on them.

    Args:
        size: (width, height) of the photo.
        boxes: the regions that will be covered.
        locks: who can open each face.
        options: how the share copy is made.

    Raises:
        UsageError: if they do not fit.
    """
    planned_directory(size, boxes, [0] * len(boxes), bytes(SALT_BYTES), placeholders(locks), options)


def planned_directory(
    size: tuple[int, int],
    boxes: Sequence[Box],
    groups: Sequence[int],
    salt: bytes,
    stanzas: tuple[KeyStanza, ...],
    options: ShareOptions,
) -> ShareDirectory:
    """Return the directory of the share copy of a photo; its lengths depend on sizes, boxes and kinds of keys alone.

    Args:
        size: (width, height) of the photo.
        boxes: the covered regions.
        groups: number of the key group of each face.
        salt: of the share copy.
        stanzas: ways to open the key groups.
        options: how the share copy is made.

    Raises:
        UsageError: if the faces do not fit.
    """
    canonical, params = canonical_size(size, options), KdfParams()
    faces = tuple(
        unplanned_face(shared_box(box, size, canonical), group, CODEC) for box, group in zip(boxes, groups, strict=True)
    )
    cost = (params.time_cost, params.memory_kib.bit_length() - 1, params.lanes)
    return with_lengths(ShareDirectory(*canonical, options.region, salt, *cost, faces, stanzas))


def make_share_copy(
    picture: Picture,
    covered: Picture,
    boxes: Sequence[Box],
    locks: Sequence[Lock],
    options: ShareOptions,
    *,
    heads: Sequence[Face | None] = (),
    limits: KdfLimits | None = None,
) -> ShareCopy:
    """Make the share copy of a photo.

    Args:
        picture: the photo as it was.
        covered: the same photo with plain covers and nothing hidden; its alpha too is what is published.
        boxes: the covered regions.
        locks: who can open each face.
        options: how.
        heads: for each region, what the detector says of the face in it, or None if it was given by hand; if empty,
            all were.
        limits: what key derivation may cost; those of the format if None.

    Returns:
        The file, already read back, as it is and as an app would compress it.

    Raises:
        UsageError: if the faces do not fit.
        ImageError: if the photo is so plain, dark or bright that no face would come back after an app.
    """
    directory, keys = new_directory(picture.size, boxes, locks, options, limits)
    data, entries = shared_file(picture, covered, boxes, directory, keys, options, heads)
    return described_copy(data, directory, entries, picture)


def new_directory(
    size: tuple[int, int],
    boxes: Sequence[Box],
    locks: Sequence[Lock],
    options: ShareOptions,
    limits: KdfLimits | None = None,
) -> tuple[ShareDirectory, list[FaceKey]]:
    """Return the directory of a new share copy, with a salt of its own, and the key of each face.

    Args:
        size: (width, height) of the photo.
        boxes, locks, options, limits: as for `make_share_copy`.

    Raises:
        UsageError: if the faces do not fit.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    locked = lock_shared_faces(locks, salt, KdfParams(), KekDeriver(limits))
    directory = planned_directory(size, boxes, locked.groups, salt, locked.stanzas, options)
    keys = [share_face_key(secret, share_context(directory, index)) for index, secret in enumerate(locked.lock_secrets)]
    return directory, keys


def described_copy(
    data: bytes,
    directory: ShareDirectory,
    entries: Sequence[ShareEntry],
    photo: Picture,
    find: FindLayer = find_layer,
) -> ShareCopy:
    """Read a finished share copy back, and describe it.

    Args:
        data: the file.
        directory, entries: what is hidden in it.
        photo: what it was made of.
        find: finds the layer in the file as it is.

    Raises:
        ImageError: if no face would come back after an app.
    """
    warnings = _checked(data, directory, entries, find)
    if find_whole_layer(photo.rgb) is not None:
        warnings += ("the photo is a share copy itself: what is hidden in it will not come back from the new one",)
    fine = tuple(face.fine_bytes - ENTRY_TAG_BYTES for face in directory.faces)
    base = tuple(max(0, face.base_bytes - ENTRY_TAG_BYTES) for face in directory.faces)
    return ShareCopy(data, directory.size, fine, base, warnings=warnings)


def shared_file(
    picture: Picture,
    covered: Picture,
    boxes: Sequence[Box],
    directory: ShareDirectory,
    keys: Sequence[FaceKey],
    options: ShareOptions,
    heads: Sequence[Face | None] = (),
) -> tuple[bytes, list[ShareEntry]]:
    """Return the file of a share copy and the entries hidden in it: a function of the arguments alone.

    Args:
        picture, covered, boxes, options, heads: as for `make_share_copy`.
        directory: of the share copy.
        keys: of the faces.
    """
    original, cover = (_shown(each, directory.size) for each in (picture, covered))
    points = face_points(picture, boxes, directory, heads)
    rgb, entries = with_layer(original, cover, points, directory, keys)
    return _encoded(rgb, options, covered.synthetic), entries


def with_layer(
    original: UInt8Image,
    cover: UInt8Image,
    points: Sequence[Points | None],
    directory: ShareDirectory,
    keys: Sequence[FaceKey],
) -> tuple[UInt8Image, list[ShareEntry]]:
    """Hide the faces of a picture in its covered copy, both at canonical size; return also the entries hidden in it.

    Args:
        original: (H, W, 3) as it was.
        cover: (H, W, 3) with plain covers.
        points: `face_points`.
        directory, keys: as for `shared_file`.
    """
    places = [face.box for face in directory.faces]
    cover = paste_all(cover, [(box, cut(cover, box).clip(_DARKEST, _BRIGHTEST)) for box in places])
    entries = [
        _entry(cut(original, face.box), points[index], face, keys[index]) for index, face in enumerate(directory.faces)
    ]
    return write_layer(cover, directory, entries), entries


def face_points(
    picture: Picture, boxes: Sequence[Box], directory: ShareDirectory, heads: Sequence[Face | None] = ()
) -> list[Points | None]:
    """Return the landmarks of each face, (5, 2) in pixels of its box at canonical size; None if they are not known.

    Args:
        picture, boxes, heads: as for `make_share_copy`.
        directory: of the share copy.
    """
    found = [_landmarks(picture, *each) for each in zip(boxes, heads or [None] * len(boxes), strict=True)]
    return [
        _moved(each, picture.size, directory.size, face.box) for each, face in zip(found, directory.faces, strict=True)
    ]


def _shown(picture: Picture, size: tuple[int, int]) -> UInt8Image:
    """Return the pixels of a photo at another size, in sRGB and on white, as apps show them."""
    shown = picture.rgb if picture.alpha is None else composite(picture.rgb, picture.alpha, _WHITE)
    if size != picture.size:
        shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), np.uint8)
    if picture.icc_profile is None:
        return shown.copy()
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc_profile))
        converted = ImageCms.profileToProfile(Image.fromarray(shown), profile, ImageCms.createProfile("sRGB"))
    except (OSError, ImageCms.PyCMSError):  # no program shows such a profile's colours
        return shown.copy()
    return np.array(converted, np.uint8)


def _landmarks(picture: Picture, box: Box, head: Face | None) -> Points | None:
    """Return the landmarks of the face in a region, (5, 2), in pixels of the photo; None if they cannot be found."""
    if head is not None:
        head = replace(head, box=replace(head.box, x=head.box.x - box.x, y=head.box.y - box.y))
    mesh = find_mesh(cut(picture.rgb, box), head)
    return None if mesh is None else np.add(mesh.five_points, (box.x, box.y))


def _moved(landmarks: Points | None, size: tuple[int, int], canonical: tuple[int, int], box: Box) -> Points | None:
    """Return landmarks in pixels of a box at canonical size, (5, 2); None if they are not known."""
    return None if landmarks is None else np.asarray(landmarks * np.divide(canonical, size) - (box.x, box.y))


def _entry(pixels: UInt8Image, points: Points | None, face: SharedFace, key: FaceKey) -> ShareEntry:
    """Encode and encrypt one face for both layers."""
    base = encode_likeness(pixels, face.base_bytes - ENTRY_TAG_BYTES, points) if face.base_bytes else None
    fine = encode_likeness(pixels, face.fine_bytes - ENTRY_TAG_BYTES, points)
    return ShareEntry(
        b"" if base is None else encrypt_entry(key, "base", base),
        encrypt_entry(key, "fine", fine),
    )


def _encoded(shared: UInt8Image, options: ShareOptions, synthetic: bool) -> bytes:
    if options.file_format == "png":
        buffer = io.BytesIO()
        Image.fromarray(shared).save(buffer, "PNG")
        return with_synthetic_note(buffer.getvalue()) if synthetic else buffer.getvalue()
    files = (_as_jpeg(shared, quality) for quality in QUALITIES)
    data = b""
    for data in files:
        if len(data) <= USUAL_BYTES:
            break
    return with_synthetic_note(data) if synthetic else data


def _as_jpeg(shared: UInt8Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(shared).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def _checked(data: bytes, directory: ShareDirectory, entries: Sequence[ShareEntry], find: FindLayer) -> tuple[str, ...]:
    """Compare what the finished file shows, as it is and as apps compress it, with what was hidden.

    Raises:
        ImageError: if a face would not come back.
    """
    written = read_picture(data).rgb
    fine, base = True, True
    for seek, rgb in ((find, written), (find_layer, read_picture(_as_jpeg(written, USUAL_QUALITY)).rgb)):
        found = seek(rgb)
        right = found is not None and found.directory == directory
        fine &= right and found is not None and found.fine == tuple(each.fine for each in entries)
        base &= right and found is not None and found.base == tuple(each.base for each in entries)
    if not (fine or base):
        raise ImageError(
            "the share copy would not survive an app: the photo is too plain, too dark or too bright to hide faces in",
            code="share-unreadable",
        )
    if not fine:
        return ("the photo is plain: only the smallest copies of the faces survive in the share copy",)
    if not base and any(each.base for each in entries):
        return ("the photo is plain: the share copy survives little compression",)
    return ()

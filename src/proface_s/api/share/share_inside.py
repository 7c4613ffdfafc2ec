"""Both layers in one picture: reduced faces in the covered photo, and the exact ones hidden on top of them.

::

    photo ── plain covers ── layer of a share copy ─┬─ outside the faces ─────────────────────────┐
                                                    └─ covers with its grain ── protect_picture ──┴─► protected file

The file opens as every protected file does; what an app makes of it, as what it makes of a share copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...covers import FaceCover, FaceRegion, cover_face
from ...errors import UsageError
from ...image.regions import cut, paste_all
from ...keys.derive import KdfLimits
from ...keys.secrets import FaceKey
from ...robust.directory import ShareDirectory
from ...robust.share_picture import ShareEntry, find_whole_layer
from ...types import Picture, UInt8Image
from ..footprints import covered
from ..protection.selection import FacePlan, largest_head
from ..results.shared import ShareCopy
from .options import LONG_SIDES, ShareOptions
from .protect_share import described_copy, face_points, new_directory, with_layer

_LONGEST: Final = max(LONG_SIDES)


@dataclass(frozen=True, slots=True, eq=False)
class LayeredPhoto:
    """A photo that carries the layer of a share copy, ready for its faces to be hidden in it exactly.

    Attributes:
        picture: the photo with its faces as they were and, outside them, the grain of the layer.
        covers: the covers of the faces, with that grain.
        plain: (H, W, 3) the photo with plain covers, and nothing hidden.
        directory: of the layer.
        entries: hidden in it.
    """

    picture: Picture
    covers: tuple[FaceCover, ...]
    plain: UInt8Image
    directory: ShareDirectory
    entries: tuple[ShareEntry, ...]


def layered_photo(
    picture: Picture, faces: Sequence[FacePlan], options: ShareOptions, limits: KdfLimits | None = None
) -> LayeredPhoto:
    """Cover the faces of a photo, and hide reduced copies of them in the covered photo, under fresh keys.

    Args:
        picture: the photo.
        faces: how each is covered, and who can open it.
        options: what carries.
        limits: what key derivation may cost; those of the format if None.

    Raises:
        UsageError: if the photo is partly transparent, or the faces do not fit.
    """
    check_opaque(picture)
    locks = [face.lock for face in faces]
    directory, keys = new_directory(picture.size, [face.box for face in faces], locks, options, limits)
    return layered_again(picture, faces, directory, keys)


def layered_again(
    picture: Picture, faces: Sequence[FacePlan], directory: ShareDirectory, keys: Sequence[FaceKey]
) -> LayeredPhoto:
    """Return what `layered_photo` makes, a function of the arguments alone.

    Args:
        picture, faces: as there.
        directory: of the layer.
        keys: of the faces in the layer.
    """
    boxes = [face.box for face in faces]
    covers = [cover_face(FaceRegion.of(picture.rgb, face.box, face.heads, face.by_hand), face.style) for face in faces]
    shown = covered(picture, [(f.box, f.footprint, made.pixels) for f, made in zip(faces, covers, strict=True)]).rgb
    points = face_points(picture, boxes, directory, [largest_head(face) for face in faces])
    rgb, entries = with_layer(picture.rgb, shown, points, directory, keys)
    grained = tuple(replace(made, pixels=cut(rgb, box)) for made, box in zip(covers, boxes, strict=True))
    around = picture.rgb if directory.region == "box" else rgb  # the layer's cells of 4 pixels may reach beyond them
    originals = [(area, cut(picture.rgb, area)) for area in (face.footprint.area(face.box) for face in faces)]
    return LayeredPhoto(replace(picture, rgb=paste_all(around, originals)), grained, shown, directory, tuple(entries))


def inside_copy(data: bytes, made: LayeredPhoto, photo: Picture) -> ShareCopy:
    """Read a finished protected file back as its receiver does after an app, and describe what it holds.

    Args:
        data: the file.
        made: what it was made of.
        photo: as it was.

    Raises:
        ImageError: if no face would come back after an app.
    """
    # as `forget`, `rewrap` and `inspect` find it, which must not miss a layer that a receiver would find
    found = described_copy(data, made.directory, made.entries, photo, find_whole_layer)
    return replace(found, inside=True, warnings=(*found.warnings, *_remarks(made)))


def check_opaque(picture: Picture) -> None:
    """Refuse a photo that apps show otherwise than its colours are.

    Raises:
        UsageError: if it is transparent anywhere.
    """
    if picture.alpha is not None and picture.alpha.min() < 255:
        raise UsageError(
            f"{picture.source} is partly transparent: apps change its colours, and what is hidden in them is lost",
            code="share-inside-alpha",
        )


def _remarks(made: LayeredPhoto) -> tuple[str, ...]:
    """Return what the sender should know."""
    remarks = []
    if made.directory.region != "box":
        remarks.append("the photo has a fine grain outside the faces, which it keeps when it is recovered")
    if max(made.picture.size) > _LONGEST:
        remarks.append(
            f"apps reduce photos of more than {_LONGEST} pixels, and may leave too little to bring a face back"
        )
    if made.picture.icc_profile is not None:
        remarks.append("the photo has a colour profile: an app that converts its colours may leave less")
    return tuple(remarks)

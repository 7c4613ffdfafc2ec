"""Compare an existing share copy with what a run would write now, so that a resumed run can skip it.

A share copy is a function of its directory, its face keys, the photo and the covers (`shared_file`).  So it is finished
if everything that is asked for now opens it, and writing it again with its own directory and keys gives the same file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ...covers import FaceRegion, apply_style, recorded_synthetic
from ...errors import ProFaceError
from ...image.jpeg.picture import JpegPicture
from ...image.read import read_file, read_picture
from ...keys.access import Credentials, Lock
from ...keys.derive import KekDeriver
from ...keys.passphrase import normalise_passphrase
from ...keys.recipients import Identity
from ...keys.secrets import FaceKey
from ...robust.share_picture import FoundLayer, find_layer, find_whole_layer
from ...types import Picture, UInt8Image
from ..files.io import PictureInput, load
from ..footprints import plain_covers
from ..header_checks import read_header
from ..jpeg.regions import McuGrid
from ..jpeg.sources import jpeg_source
from ..medium import medium_of
from ..options import ProtectOptions
from ..protection.selection import Choice, FacePlan, choose_regions, largest_head, plan_faces
from ..session import Session
from ..share.options import ShareOptions
from ..share.protect_share import planned_directory, shared_file
from ..share.recover_share import opening_key
from ..share.share_inside import layered_again
from ..share.share_secrets import opened_face_keys, placeholders
from .proof import LOCKED, UNPROVED, other_options

OTHER_COVER = "it was made from another photo or with another cover, or it was changed since"


def unfinished_share(
    source: str | os.PathLike[str],
    protected: PictureInput,
    shared: str | os.PathLike[str],
    session: Session,
    options: ProtectOptions,
    identities: Sequence[Identity] = (),
) -> str | None:
    """Say why a file is not the share copy that a run would write for a photo; None if it is.

    Args:
        source: the photo.
        protected: the finished protected file, which `unfinished` has compared with the photo.
        shared: the file that may be its share copy.
        session: finds the faces.
        options: what was asked for now, a share copy among it.
        identities: private keys of recipients, as for `unfinished`.

    Returns:
        A reason, without the files' names.

    Raises:
        ImageError: if the photo cannot be read.
        UsageError: if the request makes no sense for this photo.
    """
    hidden = load(protected)
    if not any(hidden.chunks.values()):
        return None  # a photo without a face has no share copy
    header, _ = read_header(hidden)
    original, jpeg, place = load(source), None, None
    if not medium_of(header).in_pixels:
        original, jpeg, _ = jpeg_source(original, options.quality)
        place = McuGrid.of(jpeg).place
    find = partial(session.find, search=options.search)
    choice = choose_regions(original, find, options.faces, options.boxes, options.search.margin, place)
    faces = plan_faces(original, choice, options)
    synthetic = any(recorded_synthetic(face.style) for face in header.faces)
    covered = plain_covers(replace(hidden, synthetic=synthetic), header, _covers(original, jpeg, faces))
    try:
        data = read_file(shared)
        found = find_layer(read_picture(data).rgb)
    except ProFaceError as error:
        return error.message
    if found is None:
        return "it is not a share copy"
    share = options.share or ShareOptions()
    return _other_copy(data, found, original, covered, faces, share, identities)


def _covers(photo: Picture, jpeg: JpegPicture | None, faces: Sequence[FacePlan]) -> list[UInt8Image]:
    """Return the plain cover of each face, as protecting made it."""
    covers, grid = [], None if jpeg is None else McuGrid.of(jpeg)
    for face in faces:
        box = face.box if grid is None else grid.pixels(grid.area(face.box))
        cover = apply_style(FaceRegion.of(photo.rgb, box, face.heads, face.by_hand), face.style)
        covers.append(cover[: face.box.h, : face.box.w])
    return covers


def _other_copy(
    data: bytes,
    found: FoundLayer,
    original: Picture,
    covered: Picture,
    faces: Sequence[FacePlan],
    share: ShareOptions,
    identities: Sequence[Identity],
) -> str | None:
    """Compare a share copy with the request."""
    keys = _asked_keys(found, original, faces, share, identities)
    if isinstance(keys, str):
        return keys
    boxes, heads = [face.box for face in faces], [largest_head(face) for face in faces]
    again, _ = shared_file(original, covered, boxes, found.directory, keys, share, heads)
    return None if again == data else OTHER_COVER


def carrying_photo(
    original: Picture,
    protected: Picture,
    choose: Callable[[], Choice],
    options: ProtectOptions,
    identities: Sequence[Identity],
) -> Picture | str:
    """Return the photo as it was when its faces were hidden exactly: with the layer of a share copy, if there is one.

    Args:
        original: the photo.
        protected: what may be its output.
        choose: chooses the faces of the photo, once they have to be known.
        options, identities: as for `unfinished_share`; a share copy inside the output or none.

    Returns:
        The photo, or why the output is not what was asked for.

    Raises:
        UsageError: if the request makes no sense for this photo.
    """
    found = find_whole_layer(protected.rgb)
    if options.share is None or not options.share.inside:
        added = found is not None and find_whole_layer(original.rgb) is None
        return other_options("with a share copy in it") if added else original
    choice = choose()
    if not choice.regions:
        return original
    if found is None:
        return other_options("without a share copy in it")
    faces = plan_faces(original, choice, options)
    keys = _asked_keys(found, original, faces, options.share, identities)
    return keys if isinstance(keys, str) else layered_again(original, faces, found.directory, keys).picture


def _asked_keys(
    found: FoundLayer,
    original: Picture,
    faces: Sequence[FacePlan],
    share: ShareOptions,
    identities: Sequence[Identity],
) -> list[FaceKey] | str:
    """Return the key of each face, if directory and keys of a layer are what was asked for; else the reason."""
    directory, boxes, locks = found.directory, [face.box for face in faces], [face.lock for face in faces]
    groups = [face.group for face in directory.faces]
    if [(each.group, each.kind) for each in directory.stanzas] != [(s.group, s.kind) for s in placeholders(locks)]:
        return other_options("other keys")
    if len(groups) != len(faces) or directory != planned_directory(
        original.size, boxes, groups, directory.salt, directory.stanzas, share
    ):
        return other_options("other faces, or another size or region of the share copy")
    try:
        return _proved_keys(found, locks, identities)
    except ProFaceError as error:
        return error.message


def _proved_keys(found: FoundLayer, locks: Sequence[Lock], identities: Sequence[Identity]) -> list[FaceKey] | str:
    """Return the key of each face, if everything that should open it does; else the reason."""
    deriver, known = KekDeriver(), {identity.recipient: identity for identity in identities}
    opened: dict[Lock, list[list[tuple[FaceKey, ...]]]] = {}
    for lock in dict.fromkeys(locks):
        texts = list(dict.fromkeys(map(normalise_passphrase, lock.passphrases)))
        ways = [Credentials.of(text) for text in texts]
        ways += [Credentials.of(None, [known[each]]) for each in dict.fromkeys(lock.recipients) if each in known]
        if len(ways) < len(texts) + len(set(lock.recipients)):
            return UNPROVED
        opened[lock] = [opened_face_keys(found.directory, way, deriver) for way in ways]
    keys = []
    for index, lock in enumerate(locks):
        first, *others = (opening_key(found, index, each[index]) for each in opened[lock])
        if first is None or None in others:
            return LOCKED if lock.passphrases else other_options("other recipients")
        keys.append(first)
    return keys

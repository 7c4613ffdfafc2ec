"""Received picture -> photo with reduced faces: the inverse of `protect_share`, whatever an app has done in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...errors import DamagedFileError, NotProtectedError, UnexpectedModeError, UsageError, WrongKeyError
from ...faces.numbering import format_numbers, number_of
from ...image.regions import cut, paste_all
from ...keys.access import Credentials
from ...keys.derive import KekDeriver
from ...keys.face_key_text import PortableFaceKey
from ...keys.secrets import FaceKey
from ...keys.share_keys import ENTRY_TAG_BYTES, decrypt_entry, portable_share_key
from ...robust.likeness import decode_likeness
from ...robust.share_picture import LAYERS, FoundLayer, find_layer
from ...types import Box, Picture, UInt8Image
from ..recovery.attempt import RecoveryAttempt
from ..recovery.recover_from_pixels import recover_from_pixels
from ..recovery.recover_picture import Recovered
from ..results.recovered import Outcome, RecoveredFace
from ..results.verified import KeyState, Verification, VerifiedFace
from .share_secrets import opened_face_keys, share_context


def recover_without_header(picture: Picture, attempt: RecoveryAttempt) -> Recovered:
    """Bring faces back from the pixels alone: by records in them, or else by the layer of a share copy.

    Arguments and errors are those of `recover_from_pixels`; and a share copy of which too little is left to bring any
    face back is damaged.

    Raises:
        NotProtectedError, DamagedFileError, WrongKeyError, UsageError, UnexpectedModeError: as `recover_from_pixels`.
    """
    try:
        return recover_from_pixels(picture, attempt)
    except NotProtectedError:
        found = find_layer(picture.rgb)
        if found is None:
            raise
    if attempt.expect == "cover":
        raise UnexpectedModeError(f"{picture.source} is a share copy, which is in noise mode, not in cover mode")
    return recover_share_copy(picture, found, attempt)


def recover_share_copy(picture: Picture, found: FoundLayer, attempt: RecoveryAttempt) -> Recovered:
    """Bring back every face of a share copy that the credentials open.

    Args:
        picture: as received.
        found: what `find_layer` found in it.
        attempt: what there is to open it with, and what is wanted.

    Raises:
        DamagedFileError: if too little is left of it.
        WrongKeyError: if nothing opens, or a face that is wanted does not.
        UsageError: if there is no face of a number that is wanted.
    """
    faces, only = found.directory.faces, attempt.only
    for index in only or ():
        if not 0 <= index < len(faces):
            raise UsageError(f"there is no face {number_of(index)}: {picture.source} has {len(faces)}")
    if found.fine is None and found.base is None:
        raise DamagedFileError(
            f"{picture.source} is {describe_layer(found)}, of which too little is left to bring a face back",
            code="share-faded",
        )
    attempt.progress("open", 0, 1)
    keys = opened_face_keys(found.directory, attempt.credentials, KekDeriver(attempt.limits))
    codes = [_code(found, index, keys[index]) for index in range(len(faces))]
    closed = [index for index in (range(len(faces)) if only is None else only) if codes[index] is None]
    if closed and (only is not None or len(closed) == len(faces)):
        raise WrongKeyError(
            f"the key given does not open face {format_numbers(sorted(closed))}; {picture.source} is "
            f"{describe_layer(found)}"
        )
    upright = np.rot90(picture.rgb, found.turns)
    size = (upright.shape[1], upright.shape[0])
    places = [_place(found, face.box) for face in faces]
    outcomes: list[RecoveredFace] = []
    restored = []
    for index, (code, place) in enumerate(zip(codes, places, strict=True)):
        attempt.progress("restore", index, len(faces))
        outcome: Outcome = "left" if not attempt.wants(index) else "locked" if code is None else "reduced"
        box = _inside(place, size)
        length = len(code) if code is not None and outcome == "reduced" else None
        outcomes.append(RecoveredFace(number_of(index), _turned_back(box, size, found.turns), outcome, length))
        if code is not None and outcome == "reduced" and box.area:
            restored.append((box, _restored(upright, faces[index].codec, code, place, box)))
    lengths = sorted({face.likeness_bytes for face in outcomes if face.likeness_bytes is not None})
    ends = " to ".join(map(str, [*lengths[:1], *lengths[1:][-1:]]))
    told = f"a share copy holds no exact faces: each is a likeness from {ends} bytes"
    pasted = np.ascontiguousarray(np.rot90(paste_all(upright, restored), -found.turns))
    return Recovered(replace(picture, rgb=pasted, jpeg=None), tuple(outcomes), (told,))


def shared_face_key(found: FoundLayer, index: int, credentials: Credentials, deriver: KekDeriver) -> PortableFaceKey:
    """Return the key of one face of a share copy, to be given away: it opens that face and nothing else.

    Args:
        found: the layer.
        index: position of the face.
        credentials: something that opens the face.
        deriver: makes keys of passphrases, within its limits.

    Raises:
        UsageError: if there is no such face.
        WrongKeyError: if the credentials do not open it.
        DamagedFileError: if too little is left to tell.
    """
    if not 0 <= index < len(found.directory.faces):
        raise UsageError(f"there is no face {number_of(index)}: {describe_layer(found)}")
    if found.fine is None and found.base is None:
        raise DamagedFileError(f"too little is left of {describe_layer(found)} to check a key", code="share-faded")
    key = opening_key(found, index, opened_face_keys(found.directory, credentials, deriver)[index])
    if key is None:
        raise WrongKeyError(f"the key given does not open face {number_of(index)}")
    return portable_share_key(key, share_context(found.directory, index))


def verify_layer(
    found: FoundLayer, size: tuple[int, int], credentials: Credentials, deriver: KekDeriver
) -> Verification:
    """Check which faces of a share copy are left, and which the credentials open.

    Args:
        found: the layer.
        size: (width, height) of the received picture.
        credentials: what there is to open it with; may be empty.
        deriver: makes keys of passphrases, within its limits.

    Raises:
        WrongKeyError: if the credentials open nothing.
    """
    left = found.fine is not None or found.base is not None
    keys = opened_face_keys(found.directory, credentials, deriver) if left and not credentials.empty else None
    states: list[KeyState] = []
    for index in range(len(found.directory.faces)):
        opens = keys is not None and opening_key(found, index, keys[index]) is not None
        states.append("unchecked" if keys is None else "opens" if opens else "locked")
    if keys is not None and "opens" not in states:
        raise WrongKeyError(f"the key given opens no face of {describe_layer(found)}")
    faces = tuple(
        VerifiedFace(number_of(index), box, "unchecked", state, "none", likeness_bytes=bytes_left(found, index))
        for index, (box, state) in enumerate(zip(received_boxes(found, size), states, strict=True))
    )
    problems = () if left else (f"too little is left of {describe_layer(found)} to bring a face back",)
    small = () if found.fine is not None or not left else ("only the smallest copies of the faces are left",)
    return Verification(faces, False, problems, (f"this is {describe_layer(found)}: nothing in it is exact", *small))


def describe_inside(found: FoundLayer, credentials: Credentials, deriver: KekDeriver) -> str:
    """Return what to tell of a layer that a protected file carries, and whether a key that opens the file opens it.

    Args:
        found: the layer.
        credentials: what there is to open it with; may be empty.
        deriver: makes keys of passphrases, within its limits.
    """
    what = f"the file also carries {describe_layer(found)}"
    if credentials.empty:
        return what
    keys = opened_face_keys(found.directory, credentials, deriver)
    opened = [index for index, each in enumerate(keys) if opening_key(found, index, each) is not None]
    return f"{what}, of which the key opens {'face ' + format_numbers(opened) if opened else 'none'}"


def bytes_left(found: FoundLayer, index: int) -> int:
    """Return the length of the longest code of a face that is left, 0 if none is."""
    face = found.directory.faces[index]
    entry = face.fine_bytes if found.fine is not None else face.base_bytes if found.base is not None else 0
    return max(0, entry - ENTRY_TAG_BYTES)


def describe_layer(found: FoundLayer) -> str:
    """Return what is hidden, for messages: ``a share copy of 1600 x 1068 pixels with 3 faces``."""
    count = len(found.directory.faces)
    width, height = found.directory.size
    return f"a share copy of {width} x {height} pixels with {count} face{'' if count == 1 else 's'}"


def received_boxes(found: FoundLayer, size: tuple[int, int]) -> list[Box]:
    """Return where the faces of a share copy lie in the received picture; empty boxes for those that were cut off.

    Args:
        found: the layer, and how the picture lies.
        size: (width, height) of the received picture.
    """
    upright = size[::-1] if found.turns % 2 else size
    boxes = [_inside(_place(found, face.box), upright) for face in found.directory.faces]
    return [_turned_back(box, upright, found.turns) for box in boxes]


def _turned_back(box: Box, size: tuple[int, int], turns: int) -> Box:
    """Return where a box of the upright picture of a size lies in the received one."""
    (x, y, w, h), (width, height) = (box.x, box.y, box.w, box.h), size
    for _ in range(turns):
        x, y, w, h, width, height = height - y - h, x, h, w, height, width
    return Box(x, y, w, h)


def _place(found: FoundLayer, box: Box) -> Box:
    """Return where a box of the canonical picture lies in the upright one, perhaps in part or wholly outside it."""
    whole, (wide, high) = found.placement, found.directory.size
    left, right = (round(whole.left + x * (whole.right - whole.left) / wide) for x in (box.x, box.right))
    top, bottom = (round(whole.top + y * (whole.bottom - whole.top) / high) for y in (box.y, box.bottom))
    return Box(left, top, max(1, right - left), max(1, bottom - top))


def _inside(place: Box, size: tuple[int, int]) -> Box:
    """Return the part of a place that is inside a picture, perhaps empty."""
    left, right = (min(max(x, 0), size[0]) for x in (place.x, place.right))
    top, bottom = (min(max(y, 0), size[1]) for y in (place.y, place.bottom))
    return Box(left, top, right - left, bottom - top)


def _restored(rgb: UInt8Image, codec: int, code: bytes, place: Box, box: Box) -> UInt8Image:
    """Return the part ``box`` of a face that lies at ``place``."""
    before = (box.y - place.y, box.x - place.x)
    after = (place.bottom - box.bottom, place.right - box.right)
    cover = np.pad(cut(rgb, box), [*zip(before, after, strict=True), (0, 0)], "edge")
    return cut(decode_likeness(codec, code, cover), Box(before[1], before[0], box.w, box.h))


def _code(found: FoundLayer, index: int, keys: Sequence[FaceKey]) -> bytes | None:
    """Return the longest code of a face that one of the keys opens; None if none does."""
    return next((code for _, code in _openings(found, index, keys)), None)


def opening_key(found: FoundLayer, index: int, keys: Sequence[FaceKey]) -> FaceKey | None:
    """Return the key that opens a face; None if none does."""
    return next((key for key, _ in _openings(found, index, keys)), None)


def _openings(found: FoundLayer, index: int, keys: Sequence[FaceKey]) -> Iterator[tuple[FaceKey, bytes]]:
    """Yield every key that opens an entry of a face, and the code in it; the longest code first."""
    for layer in LAYERS:
        entries = found.fine if layer == "fine" else found.base
        entry = b"" if entries is None else entries[index]
        for key in keys if entry else ():
            with contextlib.suppress(WrongKeyError):
                yield key, decrypt_entry(key, layer, entry)

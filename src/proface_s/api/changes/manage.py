"""Change who can open a protected file, without its original: forget a face, change its locks, export a face's key."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from ...container.header.header import Header, forget_face, slot_digest
from ...container.header.lock import relock_header
from ...container.header.lock_plan import check_locks
from ...container.header.unlock import check_cost, try_passphrases, unlock_groups, unlock_header
from ...container.records.record_space import with_current_records
from ...errors import NotProtectedError, ProFaceError, UsageError, WrongKeyError
from ...faces.numbering import index_of, indices_of, number_of
from ...keys.access import Credentials, Lock
from ...keys.derive import KdfLimits, KekDeriver
from ...keys.face_key_text import TAG_BYTES, PortableFaceKey, encode_face_key
from ...keys.passphrase import check_passphrase
from ...keys.secrets import FaceKey, FileKey
from ...robust.share_picture import find_layer
from ..files.io import PictureInput, load_protected
from ..files.kinds import FORGOTTEN_SUFFIX, REWRAPPED_SUFFIX
from ..header_checks import check_faces, read_header
from ..medium import medium_of
from ..recovery.recover_from_pixels import find_headers
from ..results.changed import ChangedFile
from ..share.recover_share import shared_face_key
from .rewrite import open_to_change, write_changed

ERASING: Final = "erasing the face overwrites them"


def face_key(image: PictureInput, face: int, credentials: Credentials, *, limits: KdfLimits | None = None) -> str:
    """The key of one face as text (``pfk1...``): anybody who has it can open that face of this file, and nothing else.

    Args:
        image: a protected file or a share copy; one without metadata does, too, if the face has a record in its pixels.
        face: its number in the file, from 1, as `inspect` shows it.
        credentials: something that opens the face.
        limits: what key derivation may cost; those of the format if None.

    Raises:
        UsageError: if there is no such face.
        WrongKeyError: the credentials do not open it, or it was forgotten.
    """
    index = index_of(face)
    picture, deriver = load_protected(image), KekDeriver(limits)
    if any(picture.chunks.values()):
        header, _ = read_header(picture)
        check_faces(header, [index])
        return _face_key(header, index, unlock_header(header, credentials, deriver=deriver).face_keys)
    refusal: WrongKeyError | None = None
    try:
        partials = find_headers(picture)
    except NotProtectedError:
        found = find_layer(picture.rgb)
        if found is None:
            raise
        return encode_face_key(shared_face_key(found, index, credentials, deriver))
    check_cost([partial.header for partial in partials], credentials, deriver)
    for partial in partials:
        if index in partial.faces:
            try:
                opened = unlock_header(partial.header, credentials, authenticated=False, deriver=deriver)
                return _face_key(partial.header, index, opened.face_keys)
            except WrongKeyError as error:
                refusal = error
    raise refusal or UsageError(f"there is no record of face {face} in the pixels", code="no-record")


def _face_key(header: Header, index: int, keys: Mapping[int, FaceKey]) -> str:
    record = header.faces[index]
    if index not in keys:
        raise WrongKeyError(
            f"face {number_of(index)} was forgotten: its key is gone"
            if record.forgotten
            else f"the key given does not open face {number_of(index)}"
        )
    return encode_face_key(PortableFaceKey(index, slot_digest(record.slot)[:TAG_BYTES], keys[index]))


def forget(
    image: str | os.PathLike[str] | bytes,
    faces: int | Collection[int],
    *,
    erase: bool = False,
    output: str | os.PathLike[str] | None = None,
    in_place: bool = False,
    overwrite: bool = False,
) -> ChangedFile:
    """Take away from a file what it needs to bring some faces back: wrapped key, seal and in-pixel record.

    Needs no key.  Other copies of the file are not changed.

    Args:
        image: a protected file: its path or its bytes.
        faces: numbers of the faces in the file, from 1, as `inspect` shows them; or a single one.
        erase: also overwrite the faces' pixels, so that nothing is left to read; else they still hold the encrypted
            code, which the faces' own keys (`face_key`), where they were handed out, still open.
        output: where to write; for a path, ``NAME.forgotten`` with its own suffix beside it if None.
        in_place: replace the file itself.
        overwrite: replace an existing output.

    Raises:
        UsageError: no such face, or none named.
        NotProtectedError, DamagedFileError: no header, not this picture's, or changed pixels.
    """
    indices = indices_of(faces)
    if not indices:
        raise UsageError("no face was named", code="no-face-named")
    kept = open_to_change(image, output, FORGOTTEN_SUFFIX, in_place=in_place, overwrite=overwrite)
    header, changed = kept.header, kept.picture
    check_faces(header, indices)
    for index in indices:
        header = forget_face(header, index, erased=erase)
    if erase:
        changed = medium_of(header).with_erased(changed, header, indices)
    changed = replace(changed, rgb=with_current_records(changed.rgb, header, indices))
    data = write_changed(kept, changed, header, {i: seal for i, seal in kept.seals.items() if i not in indices})
    warnings = (*kept.warnings, *_left_behind(header, indices))
    return ChangedFile(data, kept.target, tuple(map(number_of, indices)), warnings)


def rewrap(
    image: str | os.PathLike[str] | bytes,
    credentials: Credentials,
    lock: Lock,
    *,
    keep: bool = False,
    output: str | os.PathLike[str] | None = None,
    in_place: bool = False,
    overwrite: bool = False,
    limits: KdfLimits | None = None,
) -> ChangedFile:
    """Change who can open a file; the covered picture stays as it is.

    Of the pixels only the lowest bits that in-pixel records use may change.  Copies of the old file still open as
    they did, and face keys that were handed out still open their faces.

    Args:
        image: a protected file: its path or its bytes.
        credentials: what opens the groups of faces to change; the others stay as they are.
        lock: who can open them from now on.
        keep: whether those who can open them now still can.
        output: where to write; for a path, ``NAME.rewrapped`` with its own suffix beside it if None.
        in_place: replace the file itself.
        overwrite: replace an existing output.
        limits: what key derivation may cost; those of the format if None.

    Raises:
        WrongKeyError: the credentials open no group.
        UsageError: a weak passphrase, nobody named, or a file in ``cover`` mode.
        NotProtectedError, DamagedFileError: no header, not this picture's, or changed pixels.
    """
    notes = [note for passphrase in lock.passphrases for note in check_passphrase(passphrase)]
    kept = open_to_change(image, output, REWRAPPED_SUFFIX, in_place=in_place, overwrite=overwrite)
    header = kept.header
    check_locks([lock])
    noise = header.wrong_key == "noise"
    file_keys = unlock_groups(header, credentials, required=True, deriver=KekDeriver(limits)) if noise else {}
    changed = relock_header(header, file_keys, lock, keep=keep, deriver=KekDeriver(limits))
    _check_locked(changed, file_keys, lock, KekDeriver(limits))
    faces = [index for index, face in enumerate(header.faces) if face.group in file_keys]
    picture = replace(kept.picture, rgb=with_current_records(kept.picture.rgb, changed, faces))
    data = write_changed(kept, picture, changed, kept.seals)
    locked = len(header.groups) - len(file_keys)
    if locked:
        notes.append(f"{locked} of {len(header.groups)} groups of faces did not open and stay as they were")
    return ChangedFile(data, kept.target, tuple(map(number_of, faces)), (*kept.warnings, *notes))


def _left_behind(header: Header, faces: Collection[int]) -> tuple[str, ...]:
    """Return warnings about what forgetting cannot reach; of a JPEG, whose pixels hide nothing, only other copies."""
    warnings = ["copies of the file made before this one still open the face"]
    if medium_of(header).in_pixels and any(not header.faces[index].erased for index in faces):
        warnings.append(
            "the pixels still hold the encrypted code: a person who was given the face's own key can still read it; "
            f"{ERASING}"
        )
    return tuple(warnings)


def _check_locked(header: Header, file_keys: Mapping[int, FileKey], lock: Lock, deriver: KekDeriver) -> None:
    """Make sure that every new passphrase opens the groups before an old file may be replaced."""
    for number, file_key in file_keys.items():
        for passphrase in lock.passphrases:
            if try_passphrases(header.groups[number], number, [passphrase], deriver) != file_key:
                raise ProFaceError(
                    "verification failed: the new passphrase would not open the file", code="verification-failed"
                )

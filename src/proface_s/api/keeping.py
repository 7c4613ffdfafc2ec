"""Changing who can open a protected file, without its original: forget a face, lock anew, hand out one face's key."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..container.carrier import attach, from_chunks, read_chunks, to_chunks
from ..container.header import Header, forget_face, slot_digest
from ..container.lock import relock
from ..container.unlock import open_groups, try_passphrases, unlock_header
from ..errors import ProFaceError, UsageError, WrongKeyError
from ..imaging.reading import read_picture
from ..imaging.regions import cut, paste
from ..imaging.writing import encode_picture, format_of_bytes, write_atomic
from ..keys.access import Credentials, Lock
from ..keys.derive import KdfParams
from ..keys.passphrase import check_passphrase
from ..keys.portable import TAG_BYTES, PortableFaceKey, encode_face_key
from ..keys.secret import FileKey
from ..types import Picture, UInt8Image
from .erasing import smear
from .kinds import FORGOTTEN_SUFFIX, REWRAPPED_SUFFIX, Pictured, file_bytes, load, output_for
from .recording import with_current_records
from .recovering import changed_faces, check_digests, check_faces, read_header
from .results import KeptFile

_REPORT = "please report this"


def face_key(image: Pictured, face: int, credentials: Credentials) -> str:
    """The key of one face as text (``pfk1...``): whoever has it can open that face of this file, and nothing else.

    Args:
        image: a protected file.
        face: its number, as `inspect` shows it.
        credentials: something that opens the face.

    Raises:
        UsageError: there is no such face.
        WrongKeyError: the credentials do not open it, or it was forgotten.
    """
    picture = load(image)
    header, _ = read_header(picture)
    check_faces(header, [face])
    keys = unlock_header(header, credentials).face_keys
    if face not in keys:
        record = header.faces[face]
        raise WrongKeyError(
            f"face {face} was forgotten: its key is gone" if record.forgotten
            else f"the key given does not open face {face}"
        )
    return encode_face_key(PortableFaceKey(face, slot_digest(header.faces[face].slot)[:TAG_BYTES], keys[face]))


def forget(
    image: str | os.PathLike[str] | bytes, faces: Collection[int], *, erase: bool = False,
    output: str | os.PathLike[str] | None = None, in_place: bool = False, overwrite: bool = False,
) -> KeptFile:
    """Take away from a file what it needs to bring some faces back: wrapped key, seal and in-pixel record.

    Needs no key.  Other copies of the file are not changed.

    Args:
        image: a protected file: its path or its bytes.
        faces: numbers of the faces.
        erase: also overwrite the faces' pixels, so that nothing is left to read; else they still hold the encrypted
            code, which the faces' own keys (`face_key`), where they were handed out, still open.
        output: where to write; for a path, ``NAME.forgotten.png`` beside it where None.
        in_place: replace the file itself.
        overwrite: replace an existing output.

    Raises:
        UsageError: no such face, or none named.
        NotProtectedError, DamagedFileError: no header, not this picture's, or changed pixels.
    """
    target = _target(image, output, FORGOTTEN_SUFFIX, in_place, overwrite)
    picture = load(image)
    header, seals = read_header(picture)
    if not faces:
        raise UsageError("no face was named", "name it with --face, by the number that `proface inspect` shows")
    check_faces(header, faces)
    check_digests(picture, header)
    rgb = picture.rgb
    for index in sorted(set(faces)):
        header = forget_face(header, index, erased=erase)
        box = header.faces[index].box
        if erase:
            rgb = paste(rgb, box, smear(cut(picture.rgb, box)))
    rgb = with_current_records(rgb, header, faces)
    kept = {index: seal for index, seal in seals.items() if index not in faces}
    data = _rebuilt(file_bytes(image), picture, rgb, header, kept)
    _write(image, target, data, in_place, overwrite)
    return KeptFile(data, target, tuple(sorted(set(faces))), _left_behind(header, faces))


def rewrap(
    image: str | os.PathLike[str] | bytes, credentials: Credentials, lock: Lock, *, keep: bool = False,
    output: str | os.PathLike[str] | None = None, in_place: bool = False, overwrite: bool = False,
) -> KeptFile:
    """Change who can open a file; the covered picture stays as it is.

    Of the pixels only the lowest bits that in-pixel records use may change.  Copies of the old file still open as
    they did, and face keys that were handed out still open their faces.

    Args:
        image: a protected file: its path or its bytes.
        credentials: what opens the groups of faces to change; the others stay as they are.
        lock: who can open them from now on.
        keep: whether those who can open them now still can.
        output: where to write; for a path, ``NAME.rewrapped.png`` beside it where None.
        in_place: replace the file itself.
        overwrite: replace an existing output.

    Raises:
        WrongKeyError: the credentials open no group.
        UsageError: a weak passphrase, nobody named, or a file in ``cover`` mode.
        NotProtectedError, DamagedFileError: no header, not this picture's, or changed pixels.
    """
    notes = [note for passphrase in lock.passphrases for note in check_passphrase(passphrase)]
    target = _target(image, output, REWRAPPED_SUFFIX, in_place, overwrite)
    picture = load(image)
    header, seals = read_header(picture)
    check_digests(picture, header)
    file_keys = open_groups(header, credentials) if header.wrong_key == "noise" else {}
    changed = relock(header, file_keys, lock, keep=keep)
    _check_locked(changed, file_keys, lock)
    faces = [index for index, face in enumerate(header.faces) if face.group in file_keys]
    rgb = with_current_records(picture.rgb, changed, faces)
    data = _rebuilt(file_bytes(image), picture, rgb, changed, seals)
    _write(image, target, data, in_place, overwrite)
    locked = len(header.groups) - len(file_keys)
    if locked:
        notes.append(f"{locked} of {len(header.groups)} groups of faces did not open and stay as they were")
    return KeptFile(data, target, tuple(faces), tuple(notes))


def _left_behind(header: Header, faces: Collection[int]) -> tuple[str, ...]:
    """What forgetting cannot reach."""
    warnings = ["copies of the file made before this one still open the face"]
    if any(not header.faces[index].erased for index in faces):
        warnings.append(
            "the pixels still hold the encrypted code: whoever was given the face's own key can still read it; "
            "--erase overwrites them"
        )
    return tuple(warnings)


def _rebuilt(
    data: bytes, picture: Picture, rgb: UInt8Image, header: Header, seals: Mapping[int, bytes]
) -> bytes:
    """The file with another header, and read back; its pixels are encoded anew only where they changed."""
    if not np.array_equal(rgb, picture.rgb):
        data = encode_picture(replace(picture, rgb=rgb), format_of_bytes(data), keep_metadata=True)
    done = attach(data, to_chunks(header, seals))
    again = from_chunks(read_chunks(done))
    pixels = read_picture(done, name="the changed file")
    if again != (header, dict(seals)) or not np.array_equal(pixels.rgb, rgb) or changed_faces(pixels, header):
        raise ProFaceError("verification failed: the changed file is not what it should be", _REPORT)
    return done


def _check_locked(header: Header, file_keys: Mapping[int, FileKey], lock: Lock) -> None:
    """Make sure that every new passphrase opens the groups before an old file may be replaced."""
    keks: dict[tuple[str, bytes, KdfParams], bytes] = {}
    for number, file_key in file_keys.items():
        for passphrase in lock.passphrases:
            if try_passphrases(header.groups[number], number, [passphrase], keks) != file_key:
                raise ProFaceError("verification failed: the new passphrase would not open the file", _REPORT)


def _target(
    image: str | os.PathLike[str] | bytes, output: str | os.PathLike[str] | None, suffix: str, in_place: bool,
    overwrite: bool,
) -> Path | None:
    """Where the changed file goes, checked before any work."""
    if not in_place:
        return output_for(image, output, suffix, overwrite)
    if isinstance(image, bytes) or output is not None:
        raise UsageError("in place means: the input file itself, and no other output")
    return Path(image).resolve()


def _write(image: object, target: Path | None, data: bytes, in_place: bool, overwrite: bool) -> None:
    if target is None:
        return
    if not in_place:
        write_atomic(target, data, overwrite=overwrite)
        return
    mode = stat.S_IMODE(target.stat().st_mode)
    write_atomic(target, data, overwrite=True)
    target.chmod(mode)

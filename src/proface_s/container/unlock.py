"""Locking a header under passphrases and unlocking it again: the one place where keys and header meet.

Writing, in this order, because a face key is needed before the protected region (and its digest) exists::

    ring = KeyRing.generate(contexts...)      random file keys and face secrets
    ring.face_key(i)                          -> protect the face -> region digest
    lock_header(ring, ..., passphrases)       -> Header with wrapped keys and MACs

Reading: `unlock_header(header, passphrase)` gives the face keys of every group the passphrase opens.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proface_s.container.codec import mac_input
from proface_s.container.header import (
    DIGEST_BYTES,
    FORMAT_VERSION,
    FaceRecord,
    Group,
    Header,
    PassphraseStanza,
)
from proface_s.container.rules import check_header
from proface_s.errors import DamagedFileError, UsageError, WrongKeyError
from proface_s.keys.derive import SALT_BYTES, KdfParams, derive_kek
from proface_s.keys.passphrase import normalise_passphrase
from proface_s.keys.secret import FaceContext, FaceKey, FaceSecret, FileKey
from proface_s.types import Box


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Fresh secrets for one picture that is about to be protected.

    Attributes:
        model_id: 16 bytes, see `Header`.
        boxes: the protected regions, in header order.
        groups: for every face, the number of its group.
        file_keys: one per group.
        face_secrets: one per face.
    """

    model_id: bytes
    boxes: tuple[Box, ...]
    groups: tuple[int, ...]
    file_keys: tuple[FileKey, ...]
    face_secrets: tuple[FaceSecret, ...]

    @classmethod
    def generate(cls, model_id: bytes, boxes: Sequence[Box], groups: Sequence[int] | None = None) -> KeyRing:
        """Draw all secrets from the operating system's generator.

        Args:
            model_id: 16 bytes.
            boxes: the protected regions.
            groups: for every face, the number of its group, 0 upwards; None puts all into group 0.
        """
        numbers = tuple(groups) if groups is not None else (0,) * len(boxes)
        if not boxes or len(numbers) != len(boxes):
            raise ValueError(f"{len(boxes)} boxes and {len(numbers)} group numbers")
        return cls(
            model_id=model_id,
            boxes=tuple(boxes),
            groups=numbers,
            file_keys=tuple(FileKey.generate() for _ in range(max(numbers) + 1)),
            face_secrets=tuple(FaceSecret.generate() for _ in boxes),
        )

    def context(self, index: int) -> FaceContext:
        """What the key of face ``index`` is bound to."""
        return FaceContext(FORMAT_VERSION, index, self.boxes[index], self.model_id)

    def face_key(self, index: int) -> FaceKey:
        """The key of face ``index``."""
        return self.face_secrets[index].face_key(self.context(index))


@dataclass(frozen=True, slots=True)
class FaceNote:
    """What the writer tells about one protected face, besides its box and keys; see `FaceRecord`."""

    style: str
    strength: float | None
    digest: bytes
    sealed: bool = True


def lock_header(
    ring: KeyRing,
    size: tuple[int, int],
    notes: Sequence[FaceNote],
    passphrases: Sequence[Sequence[str]],
    params: KdfParams | None = None,
) -> Header:
    """Build the header of a protected picture and lock it.

    Args:
        ring: the secrets the faces were protected with.
        size: (width, height) of the picture.
        notes: one per face.
        passphrases: for every group, one or more passphrases, each of which opens it alone.  A passphrase
            used in several groups gets one salt, so that opening costs one Argon2id run; the file then shows
            that these groups share a passphrase.
        params: cost of Argon2id; the defaults of `KdfParams` where None.

    Returns:
        A valid header; `unlock_header` is the inverse.

    Raises:
        UsageError: a box outside the picture, overlapping boxes, a group without passphrase, and the like.
    """
    if len(notes) != len(ring.boxes) or len(passphrases) != len(ring.file_keys):
        raise UsageError(
            f"{len(notes)} notes for {len(ring.boxes)} faces, "
            f"passphrases for {len(passphrases)} of {len(ring.file_keys)} groups"
        )
    cost = params or KdfParams()
    keks = _derive_each({normalise_passphrase(text) for group in passphrases for text in group}, cost)
    groups = []
    for number, (file_key, texts) in enumerate(zip(ring.file_keys, passphrases, strict=True)):
        opened_by = dict.fromkeys(normalise_passphrase(text) for text in texts)
        stanzas = tuple(
            PassphraseStanza(salt, cost, file_key.wrap_for(kek, number))
            for salt, kek in (keks[text] for text in opened_by)
        )
        groups.append(Group(stanzas, bytes(DIGEST_BYTES)))
    faces = tuple(_face_record(ring, index, note) for index, note in enumerate(notes))
    width, height = size
    header = Header(width, height, ring.model_id, tuple(groups), faces)
    try:
        check_header(header)
    except DamagedFileError as error:
        raise UsageError(error.message) from None
    return sign_header(header, dict(enumerate(ring.file_keys)))


def unlock_header(header: Header, passphrase: str) -> dict[int, FaceKey]:
    """Open every group a passphrase opens.  Inverse of `lock_header`.

    Returns:
        face index -> face key, for the faces of those groups that are not forgotten; empty if all of them
        are.

    Raises:
        WrongKeyError: the passphrase opens no group.
        DamagedFileError: a group opened, but its MAC does not match: the header was altered.
    """
    file_keys = unlock_groups(header, passphrase)
    keys = {}
    for index, face in enumerate(header.faces):
        if face.group not in file_keys or face.forgotten:
            continue
        context = header.face_context(index)
        try:
            keys[index] = file_keys[face.group].unwrap_face(face.slot, context).face_key(context)
        except WrongKeyError:
            raise DamagedFileError(f"the key of face {index} is inconsistent with the header") from None
    return keys


def unlock_groups(header: Header, passphrase: str) -> dict[int, FileKey]:
    """The file keys of all groups a passphrase opens: group number -> verified file key.

    Argon2id runs once per distinct salt and cost, however many groups share it.

    Raises:
        WrongKeyError: the passphrase opens no group.
        DamagedFileError: the MAC of an opened group does not match.
    """
    keks: dict[tuple[bytes, KdfParams], bytes] = {}
    opened: dict[int, FileKey] = {}
    for number, group in enumerate(header.groups):
        stanzas = [stanza for stanza in group.stanzas if isinstance(stanza, PassphraseStanza)]
        # Stanzas whose derivation has already been done are tried first: they cost nothing.
        for stanza in sorted(stanzas, key=lambda each: (each.salt, each.params) not in keks):
            run = (stanza.salt, stanza.params)
            if run not in keks:
                keks[run] = derive_kek(passphrase, *run)
            with contextlib.suppress(WrongKeyError):
                opened[number] = FileKey.unwrap_with(keks[run], stanza.wrapped_key, number)
                break
    if not opened:
        raise WrongKeyError("the passphrase does not open this file", hint="check for typing errors")
    for number, file_key in opened.items():
        if not file_key.verify_header_mac(mac_input(header, number), header.groups[number].mac):
            raise DamagedFileError("the header was altered after the picture was protected")
    return opened


def sign_header(header: Header, file_keys: Mapping[int, FileKey]) -> Header:
    """Recompute the MACs of the groups whose file keys are given, e.g. after changing their passphrases.

    Args:
        header: any header.
        file_keys: group number -> file key; the MACs of all other groups stay as they are.
    """
    groups = list(header.groups)
    for number, file_key in file_keys.items():
        groups[number] = replace(groups[number], mac=file_key.header_mac(mac_input(header, number)))
    return replace(header, groups=tuple(groups))


def change_passphrases(
    header: Header, current: str, new: Sequence[str], params: KdfParams | None = None
) -> Header:
    """Replace the passphrases of every group that ``current`` opens; pictures and face keys stay the same.

    Other passphrases and recipients of those groups lose access.  Copies of the old file still open with the
    old passphrase.

    Raises:
        WrongKeyError, DamagedFileError: as `unlock_groups`.
        UsageError: no new passphrase given.
    """
    if not new:
        raise UsageError("no new passphrase was given")
    file_keys = unlock_groups(header, current)
    cost = params or KdfParams()
    keks = _derive_each({normalise_passphrase(text) for text in new}, cost)
    groups = list(header.groups)
    for number, file_key in file_keys.items():
        wrapped = [(salt, file_key.wrap_for(kek, number)) for salt, kek in keks.values()]
        stanzas = tuple(PassphraseStanza(salt, cost, key) for salt, key in wrapped)
        groups[number] = replace(groups[number], stanzas=stanzas)
    return sign_header(replace(header, groups=tuple(groups)), file_keys)


def _derive_each(texts: set[str], params: KdfParams) -> dict[str, tuple[bytes, bytes]]:
    """Passphrase -> (fresh salt, key-encryption key)."""
    try:
        params.check()
    except DamagedFileError as error:
        raise UsageError(error.message) from None
    salts = {text: secrets.token_bytes(SALT_BYTES) for text in texts}
    return {text: (salt, derive_kek(text, salt, params)) for text, salt in salts.items()}


def _face_record(ring: KeyRing, index: int, note: FaceNote) -> FaceRecord:
    group = ring.groups[index]
    slot = ring.file_keys[group].wrap_face(ring.face_secrets[index], ring.context(index))
    return FaceRecord(ring.boxes[index], group, note.style, note.strength, note.digest, slot, note.sealed)

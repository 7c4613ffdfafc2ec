"""Locking a header: fresh keys for a picture, wrapped for everybody who may open it.

Writing, in this order, because a face key is needed before the protected region (and its digest) exists::

    plan_header(...)                          refuses what cannot be locked
    ring = KeyRing.generate(...)              random file keys and face secrets     (wrong key -> noise)
    ring = KeyRing.derive(passphrases, ...)   file keys are what Argon2id gives     (wrong key -> cover)
    ring.face_key(i)                          -> protect the face -> region digest
    lock_header(ring, ..., locks)             -> Header with wrapped keys and MACs

`proface_s.container.header.unlock` has the inverse, `unlock_header`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import DamagedFileError, UsageError
from ...keys.access import Lock
from ...keys.derive import MAX_TOTAL_COST_KIB, SALT_BYTES, KdfParams, KekDeriver
from ...keys.passphrase import normalise_passphrase
from ...keys.secrets import FaceContext, FaceKey, FaceSecret, FileKey
from ...keys.wrap import WRAPPED_BYTES
from ...types import Box
from .header import (
    DIGEST_BYTES,
    FORMAT_VERSION,
    RECIPIENT_BODY_BYTES,
    BareStanza,
    FaceRecord,
    Footprint,
    Group,
    Header,
    PassphraseStanza,
    RecipientStanza,
    Stanza,
    reserve,
    with_footprints,
)
from .header_bytes import mac_input
from .validation import MAX_FACES, MAX_GROUPS, MAX_STANZAS, check_header


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Fresh secrets for one picture that is about to be protected.

    Attributes:
        model_id: 16 bytes, see `Header`.
        boxes: the protected regions, in header order.
        groups: for every face, the number of its group.
        file_keys: one per group.
        face_secrets: one per face.
        slots: 60 bytes per face, what the header will say of its secret.
        bare: in ``cover`` mode one stanza per group; else empty.
    """

    model_id: bytes
    boxes: tuple[Box, ...]
    groups: tuple[int, ...]
    file_keys: tuple[FileKey, ...]
    face_secrets: tuple[FaceSecret, ...]
    slots: tuple[bytes, ...]
    bare: tuple[BareStanza, ...] = ()

    @classmethod
    def generate(cls, model_id: bytes, boxes: Sequence[Box], groups: Sequence[int] | None = None) -> KeyRing:
        """Draw all secrets from the operating system's generator.

        Args:
            model_id: 16 bytes.
            boxes: the protected regions.
            groups: for every face, the number of its group, 0 upwards; None puts all into group 0.
        """
        numbers = _group_numbers(boxes, groups)
        file_keys = tuple(FileKey.generate() for _ in range(max(numbers) + 1))
        face_secrets = tuple(FaceSecret.generate() for _ in boxes)
        slots = tuple(
            file_keys[number].wrap_face(secret, _context(model_id, boxes, index))
            for index, (number, secret) in enumerate(zip(numbers, face_secrets, strict=True))
        )
        return cls(model_id, tuple(boxes), numbers, file_keys, face_secrets, slots)

    @classmethod
    def derive(
        cls,
        model_id: bytes,
        boxes: Sequence[Box],
        groups: Sequence[int] | None,
        passphrases: Sequence[str],
        params: KdfParams | None = None,
        deriver: KekDeriver | None = None,
    ) -> KeyRing:
        """Secrets of the ``cover`` mode: every passphrase gives some, and nothing stored tells which are right.

        Args:
            model_id: 16 bytes.
            boxes: the protected regions.
            groups: as in `generate`.
            passphrases: one per group.
            params: cost of Argon2id; the defaults of `KdfParams` where None.
            deriver: makes keys of the passphrases; one with the limits of the format if None.

        Raises:
            UsageError: not one passphrase per group.
        """
        numbers, cost, deriver = _group_numbers(boxes, groups), _checked(params), deriver or KekDeriver()
        if len(passphrases) != max(numbers) + 1:
            raise UsageError(f"{len(passphrases)} passphrases for {max(numbers) + 1} groups of faces")
        bare = tuple(BareStanza(secrets.token_bytes(SALT_BYTES), cost) for _ in passphrases)
        file_keys = tuple(
            FileKey(deriver.derive(text, each.salt, cost)) for text, each in zip(passphrases, bare, strict=True)
        )
        slots = tuple(secrets.token_bytes(WRAPPED_BYTES) for _ in boxes)
        face_secrets = tuple(
            file_keys[number].derive_face(slot, _context(model_id, boxes, index))
            for index, (number, slot) in enumerate(zip(numbers, slots, strict=True))
        )
        return cls(model_id, tuple(boxes), numbers, file_keys, face_secrets, slots, bare)

    def context(self, index: int) -> FaceContext:
        """What the key of face ``index`` is bound to."""
        return _context(self.model_id, self.boxes, index)

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
    locks: Sequence[Lock],
    params: KdfParams | None = None,
    reserved: Sequence[int] = (),
    deriver: KekDeriver | None = None,
    footprints: Sequence[Footprint] = (),
) -> Header:
    """Build the header of a protected picture and lock it.

    Args:
        ring: the secrets the faces were protected with.
        size: (width, height) of the picture.
        notes: one per face.
        locks: for every group, who may open it.  A passphrase used in several groups gets one salt, so that
            opening costs one Argon2id run; the file then shows that these groups share a passphrase.  In ``cover``
            mode they are in the ring already, and this is not looked at.
        params: cost of Argon2id; the defaults of `KdfParams` where None.
        reserved: per face, how many leading samples its in-pixel record may use (`reserve`); none where empty.
        deriver: makes keys of the passphrases; one with the limits of the format if None.
        footprints: per face, what its cover replaced; where empty, the header does not tell.

    Returns:
        A valid header; `unlock_header` is the inverse.

    Raises:
        UsageError: a box outside the picture, overlapping boxes, a group that nothing opens, and the like.
    """
    if len(notes) != len(ring.boxes):
        raise UsageError(f"{len(notes)} notes for {len(ring.boxes)} faces")
    groups: tuple[Group, ...]
    if ring.bare:
        groups = tuple(Group((stanza,), bytes(DIGEST_BYTES)) for stanza in ring.bare)
    else:
        if len(locks) != len(ring.file_keys):
            raise UsageError(f"locks for {len(locks)} of {len(ring.file_keys)} groups of faces")
        file_keys = dict(enumerate(ring.file_keys))
        wrapped = _wrap_for_all(file_keys, dict(enumerate(locks)), _checked(params), deriver or KekDeriver())
        groups = tuple(Group(wrapped[number], bytes(DIGEST_BYTES)) for number in range(len(locks)))
    faces = tuple(_face_record(ring, index, note) for index, note in enumerate(notes))
    width, height = size
    header = Header(width, height, ring.model_id, groups, faces, wrong_key="cover" if ring.bare else "noise")
    header = reserve(header, reserved)
    header = _valid(with_footprints(header, footprints) if footprints else header)
    return header if ring.bare else sign_header(header, dict(enumerate(ring.file_keys)))


def plan_header(
    model_id: bytes,
    size: tuple[int, int],
    boxes: Sequence[Box],
    groups: Sequence[int],
    locks: Sequence[Lock],
    *,
    cover: bool = False,
    params: KdfParams | None = None,
) -> Header:
    """Build a header of the right lengths, but with zeros for keys and digests: what `lock_header` will make.

    It refuses what cannot be locked, before any key has been derived and any face hidden.

    Args:
        model_id: 16 bytes.
        size: (width, height) of the picture.
        boxes: the protected regions.
        groups: for every face, the number of its group, 0 upwards.
        locks: for every group, who may open it.
        cover: whether it is for the ``cover`` mode.
        params: cost of Argon2id; the defaults of `KdfParams` if None.

    Raises:
        UsageError: too many faces, groups, or ways to open one; a box outside the picture; overlapping boxes.
    """
    check_locks(locks, params)
    if len(boxes) > MAX_FACES:
        raise UsageError(f"{len(boxes)} faces are too many for one file: at most {MAX_FACES} are possible")
    wrapped = _stand_ins(dict(enumerate(locks)), _checked(params), cover)
    faces = tuple(
        FaceRecord(box, group, "planned", None, bytes(DIGEST_BYTES), bytes(WRAPPED_BYTES), not cover)
        for box, group in zip(boxes, groups, strict=True)
    )
    stanzas = tuple(Group(wrapped[number], bytes(DIGEST_BYTES)) for number in range(len(locks)))
    return _valid(Header(*size, model_id, stanzas, faces, wrong_key="cover" if cover else "noise"))


def check_locks(locks: Iterable[Lock], params: KdfParams | None = None) -> None:
    """Refuse more ways to open a file than it can hold.

    Args:
        locks: of all faces; equal ones make one group.
        params: cost of Argon2id; the defaults of `KdfParams` if None.

    Raises:
        UsageError: too many different ones, too many passphrases in all, or one with too many ways to open it.
    """
    distinct = dict.fromkeys(lock for lock in locks if not lock.empty)
    texts = dict.fromkeys(normalise_passphrase(text) for lock in distinct for text in lock.passphrases)
    most = MAX_TOTAL_COST_KIB // _checked(params).cost
    if len(texts) > most:
        raise UsageError(
            f"{len(texts)} different passphrases are too many for one file: a reader could not try them all; "
            f"at most {most} are possible",
            "let several faces open with the same passphrase, or use public keys",
        )
    if len(distinct) > MAX_GROUPS:
        raise UsageError(
            f"{len(distinct)} different sets of keys are too many for one file: at most {MAX_GROUPS} are possible",
            "let several faces open with the same keys",
        )
    for lock in distinct:
        ways = len(dict.fromkeys(lock.passphrases)) + len(dict.fromkeys(lock.recipients))
        if ways > MAX_STANZAS:
            raise UsageError(
                f"a face would have {ways} stanzas (passphrases and recipients): at most {MAX_STANZAS} are possible"
            )


def relock(
    header: Header,
    file_keys: Mapping[int, FileKey],
    lock: Lock,
    params: KdfParams | None = None,
    *,
    keep: bool = False,
    deriver: KekDeriver | None = None,
) -> Header:
    """Change who opens some groups; pictures and face keys stay the same.

    Copies of the old file still open as they did.

    Args:
        header: any header that is not in ``cover`` mode.
        file_keys: group number -> its file key, for the groups to change; all other groups stay as they are.
        lock: who may open them from now on.
        params: cost of Argon2id; the defaults of `KdfParams` where None.
        keep: whether all those who can open them now still can.
        deriver: makes keys of the passphrases; one with the limits of the format if None.

    Raises:
        UsageError: nobody could open them, too many could, or the header is in ``cover`` mode.
    """
    if header.wrong_key == "cover":
        raise UsageError(
            "the keys of this file are made from the passphrase itself, which cannot be changed",
            "protect the original again (files whose wrong keys give the cover store no key that could be locked anew)",
        )
    if lock.empty:
        raise UsageError("no new passphrase or recipient was given")
    check_locks([lock], params)
    locks, cost = dict.fromkeys(file_keys, lock), _checked(params)
    _valid(_with_stanzas(header, _stand_ins(locks, cost, cover=False), keep))  # before any key is derived
    wrapped = _wrap_for_all(file_keys, locks, cost, deriver or KekDeriver())
    return sign_header(_valid(_with_stanzas(header, wrapped, keep)), file_keys)


def _with_stanzas(header: Header, stanzas: Mapping[int, tuple[Stanza, ...]], keep: bool) -> Header:
    """A header with other stanzas in some groups, or with more of them; MACs are not renewed."""
    groups = list(header.groups)
    for number, new in stanzas.items():
        kept = groups[number].stanzas if keep else ()
        groups[number] = replace(groups[number], stanzas=(*kept, *new))
    return replace(header, groups=tuple(groups))


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


def _stand_ins(locks: Mapping[int, Lock], params: KdfParams, cover: bool) -> dict[int, tuple[Stanza, ...]]:
    """Group number -> stanzas of the kinds, lengths and costs that it will have, without keys; salts are numbers."""
    salts: dict[str, bytes] = {}
    for lock in locks.values():
        for text in map(normalise_passphrase, lock.passphrases):
            salts.setdefault(text, len(salts).to_bytes(SALT_BYTES, "big"))
    key, ephemeral = bytes(WRAPPED_BYTES), bytes(RECIPIENT_BODY_BYTES - WRAPPED_BYTES)
    stand_ins: dict[int, tuple[Stanza, ...]] = {}
    for number, lock in locks.items():
        texts = dict.fromkeys(map(normalise_passphrase, lock.passphrases))
        stand_ins[number] = (
            *(BareStanza(salts[text], params) for text in texts if cover),
            *(PassphraseStanza(salts[text], params, key) for text in texts if not cover),
            *(RecipientStanza(ephemeral, key) for _ in dict.fromkeys(lock.recipients)),
        )
    return stand_ins


def _wrap_for_all(
    file_keys: Mapping[int, FileKey], locks: Mapping[int, Lock], params: KdfParams, deriver: KekDeriver
) -> dict[int, tuple[Stanza, ...]]:
    """Group number -> its stanzas, passphrases first; each distinct passphrase is derived once."""
    texts = dict.fromkeys(normalise_passphrase(text) for lock in locks.values() for text in lock.passphrases)
    salts = {text: secrets.token_bytes(SALT_BYTES) for text in texts}
    keks = {text: deriver.derive(text, salt, params) for text, salt in salts.items()}
    wrapped: dict[int, tuple[Stanza, ...]] = {}
    for number, file_key in file_keys.items():
        stanzas: list[Stanza] = [
            PassphraseStanza(salts[text], params, file_key.wrap_for(keks[text], number))
            for text in dict.fromkeys(map(normalise_passphrase, locks[number].passphrases))
        ]
        for recipient in dict.fromkeys(locks[number].recipients):
            ephemeral, kek = recipient.agree()
            stanzas.append(RecipientStanza(ephemeral, file_key.wrap_for(kek, number)))
        wrapped[number] = tuple(stanzas)
    return wrapped


def _context(model_id: bytes, boxes: Sequence[Box], index: int) -> FaceContext:
    return FaceContext(FORMAT_VERSION, index, boxes[index], model_id)


def _group_numbers(boxes: Sequence[Box], groups: Sequence[int] | None) -> tuple[int, ...]:
    numbers = tuple(groups) if groups is not None else (0,) * len(boxes)
    if not boxes or len(numbers) != len(boxes):
        raise ValueError(f"{len(boxes)} boxes and {len(numbers)} group numbers")
    return numbers


def _checked(params: KdfParams | None) -> KdfParams:
    """The cost to use; a wrong one is the caller's mistake here, not a damaged file."""
    params = params or KdfParams()
    try:
        params.check()
    except DamagedFileError as error:
        raise UsageError(error.message) from None
    return params


def _valid(header: Header) -> Header:
    try:
        check_header(header)
    except DamagedFileError as error:
        raise UsageError(error.message) from None
    return header


def _face_record(ring: KeyRing, index: int, note: FaceNote) -> FaceRecord:
    box, group, slot = ring.boxes[index], ring.groups[index], ring.slots[index]
    return FaceRecord(box, group, note.style, note.strength, note.digest, slot, note.sealed)

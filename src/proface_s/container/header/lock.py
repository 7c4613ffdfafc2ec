"""Locking a header: wrap a picture's fresh keys for every passphrase and recipient that may open it.

A face key is needed before the protected region (and its digest) exists, so a writer works in this order::

    plan_header(...)                          refuses what cannot be locked
    ring = KeyRing.generate(...)              random file keys and face secrets      (wrong key -> noise)
    ring = KeyRing.derive(passphrases, ...)   file keys are the output of Argon2id   (wrong key -> cover)
    ring.face_key(i)                          -> protect the face -> region digest
    lock_header(ring, ..., locks)             -> Header with wrapped keys and MACs

`proface_s.container.header.unlock` has the inverse, `unlock_header`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import UsageError
from ...keys.access import Lock
from ...keys.derive import SALT_BYTES, KdfParams, KekDeriver
from ...keys.passphrase import normalise_passphrase
from ...keys.secrets import FileKey
from .clip_mark import ClipMark
from .coefficient_map import CoefficientMap
from .footprint import Footprint
from .header import (
    DIGEST_BYTES,
    FaceEntry,
    Group,
    Header,
    with_clip_mark,
    with_coefficient_map,
    with_footprints,
    with_reserved_samples,
)
from .header_bytes import mac_input
from .key_ring import KeyRing, valid_cost
from .lock_plan import check_locks, placeholder_stanzas, valid_header
from .stanzas import PassphraseStanza, RecipientStanza, Stanza


@dataclass(frozen=True, slots=True)
class FaceDescription:
    """The writer's description of one protected face, apart from its box and keys; attributes as in `FaceEntry`."""

    style: str
    strength: float | None
    digest: bytes
    sealed: bool = True


def lock_header(
    ring: KeyRing,
    size: tuple[int, int],
    descriptions: Sequence[FaceDescription],
    locks: Sequence[Lock],
    params: KdfParams | None = None,
    reserved: Sequence[int] = (),
    deriver: KekDeriver | None = None,
    footprints: Sequence[Footprint] = (),
    coefficients: CoefficientMap | None = None,
    clip: ClipMark | None = None,
) -> Header:
    """Build the header of a protected picture and lock it; `unlock_header` is the inverse.

    Args:
        ring: the secrets that the faces were protected with.
        size: (width, height) of the picture.
        descriptions: one per face.
        locks: for every group, its passphrases and recipients.  A passphrase used in several groups gets one salt, so
            that opening costs one Argon2id run; the file then shows that these groups share a passphrase.  Ignored in
            ``cover`` mode, in which the ring already depends on the passphrases.
        params: cost of Argon2id; the defaults of `KdfParams` if None.
        reserved: per face, how many leading samples its in-pixel record may use (`with_reserved_samples`); if empty,
            there are no records.
        deriver: derives keys from the passphrases; one with the limits of the format if None.
        footprints: per face, its footprint; if empty, the header holds none.
        coefficients: what digests and seals of a JPEG file are of; None for other files.
        clip: what makes it the header of a clip; None for pictures.

    Returns:
        A valid header.

    Raises:
        UsageError: if a box lies outside the picture, boxes overlap, a group has neither passphrase nor recipient, or
            another rule of the format is broken.
    """
    if len(descriptions) != len(ring.boxes):
        raise UsageError(f"{len(descriptions)} descriptions for {len(ring.boxes)} faces")
    groups: tuple[Group, ...]
    if ring.bare:
        groups = tuple(Group((stanza,), bytes(DIGEST_BYTES)) for stanza in ring.bare)
    else:
        if len(locks) != len(ring.file_keys):
            raise UsageError(f"locks for {len(locks)} of {len(ring.file_keys)} groups of faces")
        file_keys = dict(enumerate(ring.file_keys))
        wrapped = _wrap_for_all(file_keys, dict(enumerate(locks)), valid_cost(params), deriver or KekDeriver())
        groups = tuple(Group(wrapped[number], bytes(DIGEST_BYTES)) for number in range(len(locks)))
    faces = tuple(_face_entry(ring, index, each) for index, each in enumerate(descriptions))
    width, height = size
    header = Header(width, height, ring.model_id, groups, faces, wrong_key="cover" if ring.bare else "noise")
    header = with_reserved_samples(header, reserved)
    header = header if coefficients is None else with_coefficient_map(header, coefficients)
    header = header if clip is None else with_clip_mark(header, clip)
    header = valid_header(with_footprints(header, footprints) if footprints else header)
    return header if ring.bare else renew_macs(header, dict(enumerate(ring.file_keys)))


def relock_header(
    header: Header,
    file_keys: Mapping[int, FileKey],
    lock: Lock,
    params: KdfParams | None = None,
    *,
    keep: bool = False,
    deriver: KekDeriver | None = None,
) -> Header:
    """Change the passphrases and recipients of some groups; the picture and the face keys stay the same.

    Copies of the old file still open as they did.

    Args:
        header: any header that is not in ``cover`` mode.
        file_keys: group number -> its file key, for the groups to change; all other groups stay as they are.
        lock: the new passphrases and recipients.
        params: cost of Argon2id; the defaults of `KdfParams` if None.
        keep: whether the present passphrases and recipients stay valid.
        deriver: derives keys from the passphrases; one with the limits of the format if None.

    Raises:
        UsageError: if the lock is empty, there would be too many ways to open a group, or the header is in ``cover``
            mode.
    """
    if header.wrong_key == "cover":
        raise UsageError(
            "the keys of this file are made from the passphrase itself, which cannot be changed",
            code="fixed-passphrase",
        )
    if lock.empty:
        raise UsageError("no new passphrase or recipient was given")
    check_locks([lock], params)
    locks, cost = dict.fromkeys(file_keys, lock), valid_cost(params)
    valid_header(_with_stanzas(header, placeholder_stanzas(locks, cost), keep))  # before any key is derived
    wrapped = _wrap_for_all(file_keys, locks, cost, deriver or KekDeriver())
    return renew_macs(valid_header(_with_stanzas(header, wrapped, keep)), file_keys)


def renew_macs(header: Header, file_keys: Mapping[int, FileKey]) -> Header:
    """Return a header with new MACs for the groups whose file keys are given, e.g. after changing their stanzas.

    Args:
        header: any header.
        file_keys: group number -> file key; the MACs of all other groups stay as they are.
    """
    groups = list(header.groups)
    for number, file_key in file_keys.items():
        groups[number] = replace(groups[number], mac=file_key.header_mac(mac_input(header, number)))
    return replace(header, groups=tuple(groups))


def _with_stanzas(header: Header, stanzas: Mapping[int, tuple[Stanza, ...]], keep: bool) -> Header:
    """Return a header with the stanzas of some groups replaced, or extended if ``keep``; MACs are not renewed."""
    groups = list(header.groups)
    for number, new in stanzas.items():
        kept = groups[number].stanzas if keep else ()
        groups[number] = replace(groups[number], stanzas=(*kept, *new))
    return replace(header, groups=tuple(groups))


def _wrap_for_all(
    file_keys: Mapping[int, FileKey], locks: Mapping[int, Lock], params: KdfParams, deriver: KekDeriver
) -> dict[int, tuple[Stanza, ...]]:
    """Wrap each group's file key into its stanzas, passphrases first; each distinct passphrase is derived once."""
    texts = dict.fromkeys(normalise_passphrase(text) for lock in locks.values() for text in lock.passphrases)
    salts = {text: secrets.token_bytes(SALT_BYTES) for text in texts}
    keks = {text: deriver.derive(text, salt, params) for text, salt in salts.items()}
    wrapped: dict[int, tuple[Stanza, ...]] = {}
    for number, file_key in file_keys.items():
        stanzas: list[Stanza] = [
            PassphraseStanza(salts[text], params, file_key.wrap(keks[text], number))
            for text in dict.fromkeys(map(normalise_passphrase, locks[number].passphrases))
        ]
        for recipient in dict.fromkeys(locks[number].recipients):
            ephemeral, kek = recipient.agree()
            stanzas.append(RecipientStanza(ephemeral, file_key.wrap(kek, number)))
        wrapped[number] = tuple(stanzas)
    return wrapped


def _face_entry(ring: KeyRing, index: int, description: FaceDescription) -> FaceEntry:
    box, group, slot = ring.boxes[index], ring.groups[index], ring.slots[index]
    style, strength = description.style, description.strength
    return FaceEntry(box, group, style, strength, description.digest, slot, description.sealed)

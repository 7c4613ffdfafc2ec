"""Secrets of the faces of a share copy: made for its locks, and found again with credentials."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...errors import WrongKeyError
from ...keys.access import Credentials, Lock
from ...keys.derive import KEY_BYTES, KdfParams, KekDeriver
from ...keys.passphrase import normalise_passphrase
from ...keys.secrets import FaceKey
from ...keys.share_keys import ShareContext, mask_group_secret, share_face_key
from ...robust.directory import VERSION, KeyStanza, ShareDirectory

PASSPHRASE: Final = 1
RECIPIENT: Final = 2


@dataclass(frozen=True, slots=True)
class LockedFaces:
    """Groups and secrets of the faces of a new share copy.

    Attributes:
        groups: for every face, the number of its group, 0 if one passphrase opens it.
        stanzas: ways to open the other groups.
        lock_secrets: for every face, the 32 bytes that its key is derived from; never shown by ``repr``.
    """

    groups: tuple[int, ...]
    stanzas: tuple[KeyStanza, ...]
    lock_secrets: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"<LockedFaces: {len(self.groups)}>"


def placeholders(locks: Sequence[Lock]) -> tuple[KeyStanza, ...]:
    """Return the stanzas that `lock_shared_faces` will make, in their order, without the keys in them."""
    stanzas: list[KeyStanza] = []
    group = 0
    for lock in dict.fromkeys(locks):
        if not _is_direct(lock):
            group += 1
            kinds = [PASSPHRASE] * len(_texts(lock)) + [RECIPIENT] * len(dict.fromkeys(lock.recipients))
            stanzas += [KeyStanza(group, kind, b"") for kind in kinds]
    return tuple(stanzas)


def lock_shared_faces(locks: Sequence[Lock], salt: bytes, params: KdfParams, deriver: KekDeriver) -> LockedFaces:
    """Make the secrets of faces; `opened_face_keys` finds their keys again.

    Args:
        locks: who can open each face.
        salt: of the share copy.
        params: cost of Argon2id.
        deriver: makes keys of passphrases.
    """
    numbers: dict[Lock, int] = {}
    found: dict[int, bytes] = {}
    stanzas: list[KeyStanza] = []
    for lock in dict.fromkeys(locks):
        if _is_direct(lock):
            numbers[lock] = 0
            continue
        group = numbers[lock] = len(found) + 1
        secret = found[group] = secrets.token_bytes(KEY_BYTES)
        for text in _texts(lock):
            kek = deriver.derive(text, salt, params)
            stanzas.append(KeyStanza(group, PASSPHRASE, mask_group_secret(kek, secret, salt, group)))
        for recipient in dict.fromkeys(lock.recipients):
            ephemeral, kek = recipient.agree()
            stanzas.append(KeyStanza(group, RECIPIENT, ephemeral + mask_group_secret(kek, secret, salt, group)))
    lock_secrets = tuple(
        found[numbers[lock]] if numbers[lock] else deriver.derive(_texts(lock)[0], salt, params) for lock in locks
    )
    return LockedFaces(tuple(numbers[lock] for lock in locks), tuple(stanzas), lock_secrets)


def share_context(directory: ShareDirectory, index: int) -> ShareContext:
    """Return what the keys of a face are bound to."""
    return ShareContext(VERSION, directory.salt, directory.size, index, directory.faces[index].box)


def cost_of(directory: ShareDirectory) -> KdfParams:
    """Return the cost of Argon2id that a directory names."""
    return KdfParams(directory.passes, 1 << directory.memory_log, directory.lanes)


def opened_face_keys(
    directory: ShareDirectory, credentials: Credentials, deriver: KekDeriver
) -> list[tuple[FaceKey, ...]]:
    """Return for each face the keys that may open it: only the tag of an entry can tell which one does.

    Args:
        directory: of the share copy.
        credentials: everything there is to try.
        deriver: makes keys of passphrases, within its limits.

    Raises:
        CostlyFileError: if trying would take too much work.
    """
    salt, params = directory.salt, cost_of(directory)
    texts = list(dict.fromkeys(map(normalise_passphrase, credentials.passphrases)))
    deriver.check(texts, [(salt, params)])
    recipients = [each for each in directory.stanzas if each.kind == RECIPIENT]
    deriver.limits.check_agreements(len(recipients) * len(credentials.identities))
    keks = [deriver.derive(text, salt, params) for text in texts]
    unmasked: dict[int, list[bytes]] = {0: keks}
    for stanza in directory.stanzas:
        ephemeral, masked = stanza.body[:-KEY_BYTES], stanza.body[-KEY_BYTES:]
        usable = keks if stanza.kind == PASSPHRASE else _agreed(credentials, ephemeral)
        unmasked.setdefault(stanza.group, [])
        unmasked[stanza.group] += [mask_group_secret(kek, masked, salt, stanza.group) for kek in usable]
    found = []
    for index, face in enumerate(directory.faces):
        context = share_context(directory, index)
        given = [each.key for each in credentials.face_keys if each.belongs_to(index, context.digest)]
        found.append((*given, *(share_face_key(secret, context) for secret in unmasked[face.group])))
    return found


def _agreed(credentials: Credentials, ephemeral: bytes) -> list[bytes]:
    keks = []
    for identity in credentials.identities:
        with contextlib.suppress(WrongKeyError):
            keks.append(identity.agree_with(ephemeral))
    return keks


def _is_direct(lock: Lock) -> bool:
    return len(_texts(lock)) == 1 and not lock.recipients


def _texts(lock: Lock) -> list[str]:
    return list(dict.fromkeys(map(normalise_passphrase, lock.passphrases)))

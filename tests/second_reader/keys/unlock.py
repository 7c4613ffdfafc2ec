"""Which faces the given keys open (docs/format.md, sections 3 and 4)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..container.fields import RECIPIENT, Stanza, require
from ..container.header import Face, Header
from ..outcomes import WrongKey
from . import derivations as keys
from . import text as text_keys


@dataclass(frozen=True)
class Credentials:
    """What a person has: passphrases, identities and face keys as text."""

    passphrases: Sequence[str] = ()
    identities: Sequence[str] = ()
    face_keys: Sequence[str] = ()


@dataclass
class Opened:
    """Face keys by index of the face: in cover mode, where no key is wrong, one for each passphrase."""

    face_keys: dict[int, list[bytes]] = field(default_factory=dict)
    groups: set[int] = field(default_factory=set)


def unlock(header: Header, credentials: Credentials, with_macs: bool) -> Opened:
    """All that the credentials open; `WrongKey` if that is nothing."""
    opened = Opened()
    matched = False
    for text in credentials.face_keys:
        given = text_keys.face_key(text)
        for face in header.faces:
            if face.index == given.index and face.slot_digest[:8] == given.tag:
                matched = True
                if not face.erased:
                    opened.face_keys[face.index] = [given.key]
    for number, file_keys in _file_keys(header, credentials).items():
        opened.groups.add(number)
        if with_macs and not header.cover:
            found = keys.mac(file_keys[0], header.mac_input(number))
            require(hmac.compare_digest(found, header.groups[number].mac), "a header that was altered")
        for face in header.faces:
            if face.group == number and not face.forgotten and face.index not in opened.face_keys:
                opened.face_keys[face.index] = [_face_key(header, face, file_key) for file_key in file_keys]
    if not matched and not opened.groups:
        raise WrongKey
    return opened


def _face_key(header: Header, face: Face, file_key: bytes) -> bytes:
    context = header.context(face)
    if header.cover:
        secret: bytes | None = keys.derive(file_key, "cover-face", context + face.slot)
    else:
        secret = keys.unwrap(file_key, face.slot, "wrap-face", context)
    require(secret is not None, "a slot that was altered")
    return keys.derive(secret or b"", "face-key", context)


def _file_keys(header: Header, credentials: Credentials) -> dict[int, list[bytes]]:
    """File keys by group, cheap stanzas first."""
    found: dict[int, list[bytes]] = {}
    derived: dict[tuple[object, ...], bytes] = {}
    ways = [(number, stanza) for number, group in enumerate(header.groups) for stanza in group.stanzas]
    for number, stanza in sorted(ways, key=lambda way: _cost(way[1])):
        for kek in _keks(stanza, credentials, derived) if header.cover or number not in found else ():
            file_key = kek if header.cover else keys.unwrap(kek, stanza.body[-60:], "wrap-file", bytes([number]))
            if file_key is not None:
                found.setdefault(number, []).append(file_key)
    return found


def _cost(stanza: Stanza) -> int:
    return stanza.derivation[1] * stanza.derivation[2] if stanza.derivation else 0


def _keks(stanza: Stanza, credentials: Credentials, derived: dict[tuple[object, ...], bytes]) -> Iterator[bytes]:
    """What the credentials make of a stanza; each derivation is made once."""
    if stanza.derivation:
        for passphrase in credentials.passphrases:
            way = (passphrase, *stanza.derivation)
            if way not in derived:
                derived[way] = keys.passphrase_kek(passphrase, *stanza.derivation)
            yield derived[way]
    elif stanza.kind == RECIPIENT and len(stanza.body) == 92:
        for text in credentials.identities:
            kek = keys.identity_kek(text_keys.identity(text), stanza.body[:32])
            if kek is not None:
                yield kek

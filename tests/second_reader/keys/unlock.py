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
    """Face keys by index of the face, and file keys by number of the group."""

    face_keys: dict[int, bytes] = field(default_factory=dict)
    file_keys: dict[int, bytes] = field(default_factory=dict)

    @property
    def groups(self) -> set[int]:
        """The groups that opened."""
        return set(self.file_keys)


def unlock(header: Header, credentials: Credentials, with_macs: bool) -> Opened:
    """All that the credentials open; `WrongKey` if that is nothing.  Raises `NotAKey` for what is no key."""
    identities = [text_keys.identity(text) for text in credentials.identities]
    given_keys = [text_keys.face_key(text) for text in credentials.face_keys]
    if header.cover and len(credentials.passphrases) > 1:
        raise text_keys.NotAKey("several passphrases for a file that does not tell which is right")
    opened = Opened()
    matched = False
    for given in given_keys:
        for face in header.faces:
            if face.index == given.index and face.slot_digest[:8] == given.tag:
                matched = True
                if not face.erased:
                    opened.face_keys[face.index] = given.key
    for number, file_key in _file_keys(header, credentials.passphrases, identities).items():
        opened.file_keys[number] = file_key
        if with_macs and not header.cover:
            found = keys.mac(file_key, header.mac_input(number))
            require(hmac.compare_digest(found, header.groups[number].mac), "a header that was altered")
        for face in header.faces:
            if face.group == number and not face.forgotten and face.index not in opened.face_keys:
                opened.face_keys[face.index] = _face_key(header, face, file_key)
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


def _file_keys(header: Header, passphrases: Sequence[str], identities: Sequence[bytes]) -> dict[int, bytes]:
    """File keys by group, cheap stanzas first."""
    found: dict[int, bytes] = {}
    derived: dict[tuple[object, ...], bytes] = {}
    ways = [(number, stanza) for number, group in enumerate(header.groups) for stanza in group.stanzas]
    for number, stanza in sorted(ways, key=lambda way: _cost(way[1])):
        for kek in _keks(stanza, passphrases, identities, derived) if number not in found else ():
            file_key = kek if header.cover else keys.unwrap(kek, stanza.body[-60:], "wrap-file", bytes([number]))
            if file_key is not None:
                found[number] = file_key
    return found


def _cost(stanza: Stanza) -> int:
    return stanza.derivation[1] * stanza.derivation[2] if stanza.derivation else 0


def _keks(
    stanza: Stanza,
    passphrases: Sequence[str],
    identities: Sequence[bytes],
    derived: dict[tuple[object, ...], bytes],
) -> Iterator[bytes]:
    """What passphrases and identities make of a stanza; each derivation is made once."""
    if stanza.derivation:
        for passphrase in passphrases:
            way = (passphrase, *stanza.derivation)
            if way not in derived:
                derived[way] = keys.passphrase_kek(passphrase, *stanza.derivation)
            yield derived[way]
    elif stanza.kind == RECIPIENT and len(stanza.body) == 92:
        for identity in identities:
            kek = keys.identity_kek(identity, stanza.body[:32])
            if kek is not None:
                yield kek

"""Unlocking a header with passphrases, identities and keys of single faces.

::

    passphrase ─ Argon2id ─► KEK ─┐
    identity ─── X25519 ───► KEK ─┴─► file key ─ verifies the MAC ─► face secrets ─► face keys
    face key ────────────────────────────────────────────────────────────────────► that face's key

The inverse of `proface_s.container.header.lock`.  In ``cover`` mode nothing is verified: any passphrase gives face
keys.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...errors import DamagedFileError, UsageError, WrongKeyError
from ...keys.access import Credentials
from ...keys.derive import SALT_BYTES, KdfParams, KekDeriver
from ...keys.secrets import FaceKey, FileKey
from .header import Group, Header, slot_digest
from .header_bytes import mac_input
from .stanzas import KIND_X25519, BareStanza, OtherStanza, PassphraseStanza, RecipientStanza

_ALTERED = "the header was altered after the picture was protected"


@dataclass(frozen=True, slots=True)
class UnlockedHeader:
    """The keys that credentials opened.

    Attributes:
        face_keys: face index -> face key; in ``cover`` mode they may be wrong.
        groups: group number -> verified file key; empty in ``cover`` mode, and if face keys alone opened something.
    """

    face_keys: dict[int, FaceKey]
    groups: dict[int, FileKey]


def unlock_header(
    header: Header, credentials: Credentials, *, authenticated: bool = True, deriver: KekDeriver | None = None
) -> UnlockedHeader:
    """Open everything that the credentials open; inverse of `lock_header`.

    The cost of trying everything is checked before the first key is derived.

    Args:
        header: the header.
        credentials: everything to try.
        authenticated: whether to verify the MACs; False only for headers that never had any, because they were put
            together from in-pixel records.
        deriver: derives keys from passphrases within its limits; one with the limits of the format if None.  Pass the
            same one again to derive nothing twice.

    Returns:
        The keys.  A forgotten face opens with its own face key alone, which needs nothing from the header.  If all
        faces that would open are forgotten, there may be no face key at all.

    Raises:
        WrongKeyError: if nothing opens; the message names what was tried.
        DamagedFileError: if a group opened, but its MAC does not match: the header was altered.
        UsageError: if there is nothing to try, or several passphrases for a file that cannot tell which is right.
        CostlyFileError: if it would take more work than the limits allow; none has been done.
    """
    if credentials.empty:
        raise UsageError("no passphrase, identity or face key was given", code="no-key")
    own, deriver = _own_keys(header, credentials), deriver or KekDeriver()
    if header.wrong_key == "cover":
        keys = {**_cover_keys(header, credentials, deriver), **own}
        if not keys and not (credentials.passphrases and all(face.forgotten for face in header.faces)):
            raise _nothing_opens(header, credentials)
        return UnlockedHeader(keys, {})
    groups = unlock_groups(header, credentials, authenticated=authenticated, deriver=deriver)
    if not groups and not own:
        raise _nothing_opens(header, credentials)
    return UnlockedHeader({**unwrap_face_keys(header, groups), **own}, groups)


def check_cost(headers: Iterable[Header], credentials: Credentials, deriver: KekDeriver) -> None:
    """Check that trying all credentials on all these headers stays within the limits, before any work is done.

    Raises:
        CostlyFileError: if one derivation needs too much memory, or there are too many derivations or key agreements.
    """
    stanzas = [stanza for header in headers for group in header.groups for stanza in group.stanzas]
    runs = [(each.salt, each.params) for each in stanzas if isinstance(each, (PassphraseStanza, BareStanza))]
    deriver.check(credentials.passphrases, runs)
    recipients = sum(isinstance(stanza, RecipientStanza) for stanza in stanzas)
    deriver.limits.check_agreements(recipients * len(credentials.identities))


def unlock_groups(
    header: Header,
    credentials: Credentials,
    *,
    authenticated: bool = True,
    required: bool = False,
    deriver: KekDeriver | None = None,
) -> dict[int, FileKey]:
    """Return the file keys of all groups that passphrases or identities open: group number -> verified file key.

    Argon2id runs once per passphrase and distinct salt and cost, however many groups share it.

    Args:
        header: a header that is not in ``cover`` mode.
        credentials: what to try; face keys open no group.
        authenticated: see `unlock_header`.
        required: whether at least one group must open.
        deriver: see `unlock_header`.

    Raises:
        WrongKeyError: if no group opens, but one is required to.
        DamagedFileError: if the MAC of an opened group does not match.
        CostlyFileError: see `unlock_header`.
    """
    deriver = deriver or KekDeriver()
    check_cost([header], credentials, deriver)
    opened: dict[int, FileKey] = {}
    for number, group in enumerate(header.groups):
        file_key = _try_identities(group, number, credentials)
        if file_key is None:
            file_key = try_passphrases(group, number, credentials.passphrases, deriver)
        if file_key is not None:
            opened[number] = file_key
    for number, file_key in opened.items() if authenticated else ():
        if not file_key.verify_header_mac(mac_input(header, number), header.groups[number].mac):
            raise DamagedFileError(_ALTERED)
    if required and not opened:
        raise _nothing_opens(header, credentials)
    return opened


def unwrap_face_keys(header: Header, file_keys: Mapping[int, FileKey]) -> dict[int, FaceKey]:
    """Unwrap the keys of all faces of some groups, except forgotten ones: face index -> face key.

    Raises:
        DamagedFileError: if a face's wrapped secret does not open.
    """
    keys = {}
    for index, face in enumerate(header.faces):
        if face.group not in file_keys or face.forgotten:
            continue
        context = header.face_context(index)
        try:
            keys[index] = file_keys[face.group].unwrap_face(face.slot, context).face_key(context)
        except WrongKeyError:
            raise DamagedFileError(f"the key of face {index + 1} is inconsistent with the header") from None
    return keys


def noise_keys(header: Header, credentials: Credentials, *, deriver: KekDeriver | None = None) -> dict[int, FaceKey]:
    """Derive keys from wrong credentials, which read noise, instead of refusing the credentials.

    The keys are derived as in ``cover`` mode, at the full cost of Argon2id: the noise must not become a cheap way to
    guess a passphrase that its owner may use for another file.

    Args:
        header: the header.
        credentials: those that did not open it.
        deriver: see `unlock_header`.

    Returns:
        face index -> a key, for all faces that are not forgotten.
    """
    keys: dict[int, FaceKey] = {}
    deriver = deriver or KekDeriver()
    for number, group in enumerate(header.groups):
        file_key = _noise_file_key(group, credentials, deriver)
        if file_key is not None:
            keys.update(_derived_keys(header, number, file_key))
    for given in credentials.face_keys:
        if given.index < len(header.faces) and not header.faces[given.index].forgotten:
            keys[given.index] = given.key
    return keys


def _own_keys(header: Header, credentials: Credentials) -> dict[int, FaceKey]:
    """Return the given face keys that belong to faces of this file."""
    digests = [slot_digest(face.slot) for face in header.faces]
    given = [key for key in credentials.face_keys if key.index < len(digests)]
    return {key.index: key.key for key in given if key.belongs_to(key.index, digests[key.index])}


def _cover_keys(header: Header, credentials: Credentials, deriver: KekDeriver) -> dict[int, FaceKey]:
    """Derive the keys of a passphrase in ``cover`` mode, right or wrong, for all faces that are not forgotten."""
    if len(credentials.passphrases) > 1:
        raise UsageError(
            "several passphrases were given for a file that does not tell which is right", code="several-passphrases"
        )
    check_cost([header], credentials, deriver)
    keys: dict[int, FaceKey] = {}
    for passphrase in credentials.passphrases:
        for number, group in enumerate(header.groups):
            for stanza in group.stanzas:
                if isinstance(stanza, BareStanza):
                    file_key = FileKey(deriver.derive(passphrase, stanza.salt, stanza.params))
                    keys.update(_derived_keys(header, number, file_key))
    return keys


def _derived_keys(header: Header, group: int, file_key: FileKey) -> dict[int, FaceKey]:
    """Derive the keys of a group's faces from a file key, right or wrong."""
    contexts = {index: header.face_context(index) for index in range(len(header.faces))}
    return {
        index: file_key.derive_face(face.slot, contexts[index]).face_key(contexts[index])
        for index, face in enumerate(header.faces)
        if face.group == group and not face.forgotten
    }


def _try_identities(group: Group, number: int, credentials: Credentials) -> FileKey | None:
    for stanza in group.stanzas:
        if isinstance(stanza, RecipientStanza):
            for identity in credentials.identities:
                with contextlib.suppress(WrongKeyError):
                    return FileKey.unwrap(identity.agree_with(stanza.ephemeral), stanza.wrapped_key, number)
    return None


def try_passphrases(group: Group, number: int, passphrases: Sequence[str], deriver: KekDeriver) -> FileKey | None:
    """Return the file key of one group, its MAC unverified, or None if no passphrase opens it.

    Args:
        group: the group.
        number: its number in the header.
        passphrases: those to try.
        deriver: derives keys from them.
    """
    stanzas = [stanza for stanza in group.stanzas if isinstance(stanza, PassphraseStanza)]
    runs = [(text, stanza) for text in passphrases for stanza in stanzas]

    def cost(run: tuple[str, PassphraseStanza]) -> int:
        text, stanza = run
        return 0 if deriver.knows(text, stanza.salt, stanza.params) else stanza.params.cost

    for text, stanza in sorted(runs, key=cost):  # derived keys are free; then the cheapest
        with contextlib.suppress(WrongKeyError):
            kek = deriver.derive(text, stanza.salt, stanza.params)
            return FileKey.unwrap(kek, stanza.wrapped_key, number)
    return None


def _noise_file_key(group: Group, credentials: Credentials, deriver: KekDeriver) -> FileKey | None:
    for stanza in group.stanzas:
        if isinstance(stanza, PassphraseStanza) and credentials.passphrases:
            return FileKey(deriver.derive(credentials.passphrases[0], stanza.salt, stanza.params))
        if isinstance(stanza, RecipientStanza) and credentials.identities:
            with contextlib.suppress(WrongKeyError):
                return FileKey(credentials.identities[0].agree_with(stanza.ephemeral))
    if credentials.passphrases:  # a group for recipients alone
        salt = group.mac[:SALT_BYTES].ljust(SALT_BYTES, b"\0")
        return FileKey(deriver.derive(credentials.passphrases[0], salt, KdfParams()))
    return None


def _nothing_opens(header: Header, credentials: Credentials) -> WrongKeyError | DamagedFileError:
    """Return the error that says why nothing opened."""
    stanzas = [stanza for group in header.groups for stanza in group.stanzas]
    if credentials.identities and any(isinstance(s, OtherStanza) and s.kind == KIND_X25519 for s in stanzas):
        return DamagedFileError("a recipient's part of the header is damaged")
    if credentials.passphrases:
        if not any(isinstance(stanza, PassphraseStanza) for stanza in stanzas):
            return WrongKeyError("no passphrase opens this file", code="recipients-only")
        return WrongKeyError("the passphrase does not open this file", code="wrong-passphrase")
    if credentials.identities:
        if not any(isinstance(stanza, RecipientStanza) for stanza in stanzas):
            return WrongKeyError("this file was not made for any recipient", code="not-for-recipients")
        return WrongKeyError("no identity given opens this file", code="other-recipients")
    return WrongKeyError(
        "the face key belongs to another file",
        code="other-face-key",
    )

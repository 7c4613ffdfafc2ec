"""Proof that keys open a protected file, and that its faces are those of a photo.

Part of `proface_s.api.resume.comparison`, which compares what can be seen without a key.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...container.header.header import Header, region_digest
from ...container.header.header_bytes import mac_input
from ...container.header.stanzas import BareStanza, PassphraseStanza, RecipientStanza
from ...container.header.unlock import unlock_header, unwrap_face_keys
from ...container.seal import header_seal_context, open_seal
from ...covers import FaceRegion, apply_style, get_style
from ...errors import DamagedFileError, WrongKeyError
from ...flow.model import Model
from ...keys.access import Credentials, Lock
from ...keys.derive import KdfParams, KekDeriver
from ...keys.passphrase import normalise_passphrase
from ...keys.recipients import Identity
from ...keys.secrets import FaceKey, FileKey
from ...types import Picture, Style
from ..footprints import original_of
from ..jpeg.comparing import JpegPair
from ..protection.selection import FacePlan

LOCKED = "the passphrase does not open all of its faces"
OTHER_PHOTO = "it was made from another photo"
UNPROVED = "it cannot be checked for which recipients it was made"


def other_options(what: str) -> str:
    """Return the reason for an output that differs in an option."""
    return f"it was made with other options: {what}"


def other_stanzas(header: Header, locks: Sequence[Lock]) -> str | None:
    """Compare number and kind of the stanzas of each group with its lock; needs no key.

    Args:
        header: of the file.
        locks: one per group.
    """
    for group, lock in zip(header.groups, locks, strict=True):
        by_passphrase = [each for each in group.stanzas if isinstance(each, (PassphraseStanza, BareStanza))]
        by_recipient = [each for each in group.stanzas if isinstance(each, RecipientStanza)]
        if len(by_recipient) != len(set(lock.recipients)):
            return other_options("another number of recipients")
        if len(by_passphrase) != len(_texts(lock)) or len(by_passphrase) + len(by_recipient) != len(group.stanzas):
            return other_options("another number of passphrases")
        if any(stanza.params != KdfParams() for stanza in by_passphrase):
            return other_options("another cost of guessing a passphrase")
    return None


@dataclass(frozen=True, slots=True, eq=False)
class PhotoAndOutput:
    """A photo and its supposed output.  Regions, groups and stanzas have been compared with what was asked for.

    Attributes:
        original: the photo.
        protected: the output.
        header: its header; the digests of the faces have been checked.
        seals: face index -> seal.
        jpeg: coefficients of both, if the output is a JPEG.
    """

    original: Picture
    protected: Picture
    header: Header
    seals: Mapping[int, bytes]
    jpeg: JpegPair | None = None


def unproved_reason(
    evidence: PhotoAndOutput,
    locks: Sequence[Lock],
    faces: Sequence[FacePlan],
    model: Model,
    identities: Sequence[Identity],
) -> str | None:
    """Open a file with everything that should open it, and compare its faces with the photo's.

    Args:
        evidence: the files.
        locks: one per group: who should be able to open it.
        faces: how each face should be covered.
        model: the one that the file should have been made with.
        identities: private keys of recipients.  Nothing else shows that a stanza is for a recipient.

    Returns:
        What contradicts the request, or could not be shown; None if everything was shown.

    Raises:
        DamagedFileError: if header or seals were altered.
    """
    deriver = KekDeriver()
    try:
        opened = [_file_keys(evidence.header, n, lock, identities, deriver) for n, lock in enumerate(locks)]
    except WrongKeyError as error:
        return error.message
    keys = _face_keys(evidence.header, locks, {n: found[0] for n, found in enumerate(opened) if found})
    for index in keys:
        if reason := _other_face(evidence, index, keys[index], faces[index], model):
            return reason
    expected = [len(_texts(lock)) + len(set(lock.recipients)) for lock in locks]
    shown = evidence.header.wrong_key == "cover" or [len(found) for found in opened] == expected
    return None if shown and len(keys) == len(faces) else UNPROVED


def _file_keys(
    header: Header, number: int, lock: Lock, identities: Sequence[Identity], deriver: KekDeriver
) -> list[FileKey]:
    """The verified file key of one group, once for every passphrase and recipient that was shown to open it.

    Raises:
        WrongKeyError: if a passphrase or an identity of a recipient does not open the group.
        DamagedFileError: if the header was altered.
    """
    if header.wrong_key == "cover":
        return []
    group = header.groups[number]
    found = _by_passphrases(header, number, _texts(lock), deriver)
    known = {identity.recipient: identity for identity in identities}
    theirs = [_by_identity(header, number, known[each]) for each in dict.fromkeys(lock.recipients) if each in known]
    if None in found:
        raise WrongKeyError(LOCKED)
    if None in theirs:
        raise WrongKeyError(other_options("other recipients"))
    keys = [key for key in (*found, *theirs) if key is not None]
    if not all(key.verify_header_mac(mac_input(header, number), group.mac) for key in keys):
        raise DamagedFileError("its header was altered")
    return keys


def _by_passphrases(header: Header, number: int, texts: Sequence[str], deriver: KekDeriver) -> list[FileKey | None]:
    """The file key of a group once for every passphrase that has a stanza of its own.

    Stanzas are in the order the passphrases were given in, so that usually each is tried once.
    """
    left = [stanza for stanza in header.groups[number].stanzas if isinstance(stanza, PassphraseStanza)]
    found: list[FileKey | None] = []
    for text in texts:
        key = None
        for stanza in left:
            with contextlib.suppress(WrongKeyError):
                kek = deriver.derive(text, stanza.salt, stanza.params)
                key = FileKey.unwrap(kek, stanza.wrapped_key, number)
                left.remove(stanza)
                break
        found.append(key)
    return found


def _by_identity(header: Header, number: int, identity: Identity) -> FileKey | None:
    for stanza in header.groups[number].stanzas:
        if isinstance(stanza, RecipientStanza):
            with contextlib.suppress(WrongKeyError):
                return FileKey.unwrap(identity.agree_with(stanza.ephemeral), stanza.wrapped_key, number)
    return None


def _face_keys(header: Header, locks: Sequence[Lock], opened: Mapping[int, FileKey]) -> dict[int, FaceKey]:
    """Face index -> key; in ``cover`` mode whatever the passphrases give, which the faces themselves must confirm."""
    if header.wrong_key != "cover":
        return unwrap_face_keys(header, opened)
    keys: dict[int, FaceKey] = {}
    for text in dict.fromkeys(text for lock in locks for text in _texts(lock)):
        given = unlock_header(header, Credentials.of(text)).face_keys
        theirs = [number for number, lock in enumerate(locks) if text in _texts(lock)]
        keys |= {index: key for index, key in given.items() if header.faces[index].group in theirs}
    return keys


def _other_face(evidence: PhotoAndOutput, index: int, key: FaceKey, face: FacePlan, model: Model) -> str | None:
    """Compare one face with the photo.

    The seal is an exact copy, and the header names the cover.  Where there is no seal, or the header does not say all
    about the cover, the face is hidden once more under the same key, which always gives the same pixels.
    """
    header = evidence.header
    if evidence.jpeg is not None:
        return _other_jpeg_face(evidence, evidence.jpeg, index, key, face)
    box, reserved = header.faces[index].box, header.reserved(index)
    if header.faces[index].sealed:
        if index not in evidence.seals:
            return "its seals are gone"
        whole = original_of(evidence.original, box, header.footprint(index))
        sealed = open_seal(key, evidence.seals[index], whole.shape, header_seal_context(header, index))
        if not np.array_equal(sealed, whole):
            return OTHER_PHOTO
        if _named_in_full(face.style):
            return None
    region = FaceRegion.of(evidence.original.rgb, box, face.heads, face.by_hand)
    again = model.protect(region.pixels, apply_style(region, face.style), key, reserved=reserved)
    if region_digest(again, reserved) == header.faces[index].digest:
        return None
    if header.faces[index].sealed:
        return other_options("another cover")
    return LOCKED if header.wrong_key == "cover" else "its faces are not as they would be hidden now"


def _other_jpeg_face(evidence: PhotoAndOutput, jpeg: JpegPair, index: int, key: FaceKey, face: FacePlan) -> str | None:
    """`_other_face` for a JPEG, whose covers are a function of photo and style alone."""
    if index not in evidence.seals:
        return "its seals are gone"
    if not jpeg.same_face(evidence.header, index, key, evidence.seals[index]):
        return OTHER_PHOTO
    same = jpeg.same_cover(evidence.original, evidence.header, index, face)
    return None if same else other_options("another cover")


def _named_in_full(style: Style) -> bool:
    """Return whether name and strength, which headers hold, say everything about a cover."""
    return style.option is None and get_style(style.name).option is None


def _texts(lock: Lock) -> list[str]:
    """The distinct passphrases of a lock."""
    return list(dict.fromkeys(map(normalise_passphrase, lock.passphrases)))

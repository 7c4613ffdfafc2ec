"""Stanzas: the ways to open a group of faces.  Each wraps the group's file key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...keys.derive import KdfParams

KIND_PASSPHRASE: Final = 1
KIND_X25519: Final = 2
KIND_BARE: Final = 3
RECIPIENT_BODY_BYTES: Final = 92


@dataclass(frozen=True, slots=True)
class PassphraseStanza:
    """One passphrase that opens a group.

    Attributes:
        salt: 16 random bytes for Argon2id; equal salts in one header mean the same passphrase.
        params: cost of the derivation.
        wrapped_key: 60 bytes, the file key under the passphrase's key (`FileKey.wrap`).
    """

    salt: bytes
    params: KdfParams
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class RecipientStanza:
    """One X25519 recipient that opens a group.  It does not reveal who the recipient is.

    Attributes:
        ephemeral: 32 bytes, the public key of a key pair made for this stanza alone.
        wrapped_key: 60 bytes, the file key under the key that both sides agree on.
    """

    ephemeral: bytes
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class BareStanza:
    """The passphrase of a group in ``cover`` mode: the output of Argon2id *is* the file key.

    Attributes:
        salt: 16 random bytes for Argon2id.
        params: cost of the derivation.
    """

    salt: bytes
    params: KdfParams


@dataclass(frozen=True, slots=True)
class OtherStanza:
    """A stanza of a kind that this version cannot use; it is kept unchanged.

    Attributes:
        kind: 0..255, but not 1 or 3, and 2 only if the body does not have a recipient's 92 bytes.
        body: at most 65535 bytes.
    """

    kind: int
    body: bytes


Stanza = PassphraseStanza | RecipientStanza | BareStanza | OtherStanza

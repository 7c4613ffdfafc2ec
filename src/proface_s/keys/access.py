"""Locks, the passphrases and recipients that will open a face, and credentials to open a file with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .face_key_text import PortableFaceKey, decode_face_key
from .recipients import Identity, Recipient, decode_identity, decode_recipient


@dataclass(frozen=True, slots=True)
class Lock:
    """Passphrases and recipients that will open a group of faces; each of them alone is enough.

    Attributes:
        passphrases: never shown by ``repr``.
        recipients: public keys.
    """

    passphrases: tuple[str, ...] = field(default=(), repr=False)
    recipients: tuple[Recipient, ...] = ()

    @classmethod
    def of(cls, passphrase: str | Sequence[str] | None = None, recipients: Sequence[Recipient | str] = ()) -> Lock:
        """Build a lock from passphrases and from public keys as text or as objects.

        Raises:
            UsageError: if a recipient is invalid.
        """
        passphrases = () if passphrase is None else (passphrase,) if isinstance(passphrase, str) else tuple(passphrase)
        return cls(passphrases, tuple(decode_recipient(r) if isinstance(r, str) else r for r in recipients))

    @property
    def empty(self) -> bool:
        """Whether it has neither passphrase nor recipient, so that nothing would open it."""
        return not self.passphrases and not self.recipients


@dataclass(frozen=True, slots=True)
class Credentials:
    """Passphrases and keys to open a file with; all of them are tried.

    Attributes:
        passphrases: never shown by ``repr``.
        identities: private keys, never shown by ``repr``.
        face_keys: keys of single faces, never shown by ``repr``.
    """

    passphrases: tuple[str, ...] = field(default=(), repr=False)
    identities: tuple[Identity, ...] = ()
    face_keys: tuple[PortableFaceKey, ...] = ()

    @classmethod
    def of(
        cls,
        passphrase: str | Sequence[str] | None = None,
        identities: Sequence[Identity | str] = (),
        face_keys: Sequence[PortableFaceKey | str] = (),
    ) -> Credentials:
        """Build credentials from passphrases, and from private keys and face keys as text or as objects.

        Raises:
            UsageError: if an identity or a face key is invalid; the message does not repeat its text.
        """
        return cls(
            () if passphrase is None else (passphrase,) if isinstance(passphrase, str) else tuple(passphrase),
            tuple(decode_identity(i) if isinstance(i, str) else i for i in identities),
            tuple(decode_face_key(k) if isinstance(k, str) else k for k in face_keys),
        )

    @property
    def empty(self) -> bool:
        """Whether it holds nothing to try."""
        return not self.passphrases and not self.identities and not self.face_keys

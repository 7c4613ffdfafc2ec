"""Who may open something, and what somebody has to open it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .face_key_text import PortableFaceKey, decode_face_key
from .recipients import Identity, Recipient, decode_identity, decode_recipient


@dataclass(frozen=True, slots=True)
class Lock:
    """What shall open a group of faces: any one of these, alone.

    Attributes:
        passphrases: never shown by ``repr``.
        recipients: public keys.
    """

    passphrases: tuple[str, ...] = field(default=(), repr=False)
    recipients: tuple[Recipient, ...] = ()

    @classmethod
    def of(cls, passphrase: str | Sequence[str] | None = None, recipients: Sequence[Recipient | str] = ()) -> Lock:
        """From passphrases and public keys as they are written.

        Raises:
            UsageError: a recipient that is none.
        """
        passphrases = () if passphrase is None else (passphrase,) if isinstance(passphrase, str) else tuple(passphrase)
        return cls(passphrases, tuple(decode_recipient(r) if isinstance(r, str) else r for r in recipients))

    @property
    def empty(self) -> bool:
        """Whether nothing would ever open it."""
        return not self.passphrases and not self.recipients


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody has to open a file with; everything is tried.

    Attributes:
        passphrases: never shown by ``repr``.
        identities: private keys; their ``repr`` shows nothing.
        face_keys: keys of single faces; likewise.
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
        """From passphrases, private keys and face keys as they are written.

        Raises:
            UsageError: an identity or a face key that is none; its text is not repeated.
        """
        return cls(
            () if passphrase is None else (passphrase,) if isinstance(passphrase, str) else tuple(passphrase),
            tuple(decode_identity(i) if isinstance(i, str) else i for i in identities),
            tuple(decode_face_key(k) if isinstance(k, str) else k for k in face_keys),
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to try."""
        return not self.passphrases and not self.identities and not self.face_keys

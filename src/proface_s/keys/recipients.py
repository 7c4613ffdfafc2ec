"""X25519 key pairs (RFC 7748): who protects a picture needs only the public half, the *recipient*.

The texts are those of age (https://age-encryption.org/v1), so that keys made with ``age-keygen`` work here and
ours work there::

    age1...               recipient: Bech32 of the 32-byte public key
    AGE-SECRET-KEY-1...   identity: Bech32 of the 32-byte private key, in upper case

What is derived from them is ours: HKDF with labels of this package, never what age derives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from proface_s.errors import UsageError, WrongKeyError
from proface_s.keys.bech32 import BECH32, decode_bech32, encode_bech32
from proface_s.keys.derive import KEY_BYTES, subkey
from proface_s.keys.secret import Secret

RECIPIENT_PREFIX: Final = "age"
IDENTITY_PREFIX: Final = "age-secret-key-"
_LABEL: Final = "x25519"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody's public key.

    Attributes:
        public: 32 bytes.

    Raises:
        UsageError: no key at all: what anybody agrees on with it is known to everybody (RFC 7748, section 6.1).
    """

    public: bytes

    def __post_init__(self) -> None:
        if len(self.public) != KEY_BYTES:
            raise UsageError(f"a recipient has {KEY_BYTES} bytes, not {len(self.public)}")
        self.agree()

    def agree(self) -> tuple[bytes, bytes]:
        """A fresh ephemeral public key (32 bytes), and the key-encryption key (32 bytes) it leads to."""
        ephemeral = X25519PrivateKey.generate()
        try:
            shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.public))
        except ValueError:
            raise UsageError("a recipient is not a usable public key") from None
        public = ephemeral.public_key().public_bytes_raw()
        return public, subkey(shared, _LABEL, public + self.public)

    def __str__(self) -> str:
        return encode_bech32(RECIPIENT_PREFIX, self.public, BECH32)


class Identity(Secret):
    """Somebody's private key: 32 bytes that are never shown by accident."""

    __slots__ = ()

    @property
    def recipient(self) -> Recipient:
        """The public half."""
        return Recipient(self._public())

    def agree_with(self, ephemeral: bytes) -> bytes:
        """Inverse side of `Recipient.agree`: the same key-encryption key, 32 bytes.

        Args:
            ephemeral: 32 bytes, from the file.

        Raises:
            WrongKeyError: the file's ephemeral key is not usable.
        """
        try:
            shared = self._private().exchange(X25519PublicKey.from_public_bytes(ephemeral))
        except ValueError:
            raise WrongKeyError("a recipient's part of the header is not usable") from None
        return subkey(shared, _LABEL, ephemeral + self._public())

    def _private(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self._raw)

    def _public(self) -> bytes:
        return self._private().public_key().public_bytes_raw()


def encode_identity(identity: Identity) -> str:
    """``AGE-SECRET-KEY-1...``.  `decode_identity` is the inverse."""
    return encode_bech32(IDENTITY_PREFIX, identity.reveal(), BECH32).upper()


def decode_identity(text: str, name: str = "the identity") -> Identity:
    """Read a private key.

    Raises:
        UsageError: it is none.  The text is not repeated.
    """
    return Identity(_decoded(text, IDENTITY_PREFIX, name, "an identity is a line AGE-SECRET-KEY-1..."))


def decode_recipient(text: str, name: str = "the recipient") -> Recipient:
    """Read a public key; ``str`` is the inverse.

    Args:
        text: ``age1...``.
        name: how messages call it; the text, which may be a private key in the wrong place, is not repeated.

    Raises:
        UsageError: it is none.
    """
    if text.strip().lower().startswith(IDENTITY_PREFIX):
        raise UsageError(f"{name} is a private key", "give the public key, age1...; keep the private one to yourself")
    try:
        return Recipient(_decoded(text, RECIPIENT_PREFIX, name, "a recipient is a public key, age1..."))
    except UsageError as error:
        raise UsageError(error.message.replace("a recipient", name, 1), error.hint) from None


def _decoded(text: str, prefix: str, name: str, hint: str) -> bytes:
    try:
        data = decode_bech32(text.strip(), prefix, BECH32)
        if len(data) != KEY_BYTES:
            raise ValueError("its length is wrong")
    except ValueError as problem:
        raise UsageError(f"{name} is not usable: {problem}", hint) from None
    return data

"""X25519 key pairs (RFC 7748): protecting a picture needs only the public half, the *recipient*.

The texts are those of age (https://age-encryption.org/v1), so that keys from ``age-keygen`` work here and vice versa::

    age1...               recipient: Bech32 of the 32-byte public key
    AGE-SECRET-KEY-1...   identity: Bech32 of the 32-byte private key, in upper case

The keys derived from them differ from those of age: HKDF uses labels of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ..errors import UsageError, WrongKeyError
from .bech32 import BECH32, decode_bech32, encode_bech32
from .derive import KEY_BYTES, subkey
from .secrets import Secret

RECIPIENT_PREFIX: Final = "age"
IDENTITY_PREFIX: Final = "age-secret-key-"
_LABEL: Final = "x25519"
_RECIPIENT_LENGTH: Final = 62
_FIELD: Final = 2**255 - 19  # canonical public keys are less (RFC 7748, section 5)
_OTHER_KEYS: Final = (  # beginning of a line, in lower case, and the kind of key
    ("ssh-", "an SSH key"),
    ("ecdsa-sha2-", "an SSH key"),
    ("sk-ssh-", "an SSH key"),
    ("sk-ecdsa-", "an SSH key"),
    ("-----begin openssh", "an SSH private key"),
    ("-----begin rsa private", "an SSH private key"),
    ("-----begin ec private", "an SSH private key"),
    ("-----begin dsa private", "an SSH private key"),
    ("-----begin pgp", "a PGP key"),
    ("-----begin ", "a PEM file"),
    ("age-plugin-", "the identity of an age plugin"),
    ("age-secret-key-pq-", "a post-quantum identity of age"),
    ("age1pq1", "a post-quantum recipient of age"),
    ("pfk1", "the key of a single face"),
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A public key.

    Attributes:
        public: 32 bytes.

    Raises:
        UsageError: if no identity can have this public key: its length is wrong, it is not reduced modulo the field's
            prime (X25519 would silently reduce it), or it is a point of low order, with which every agreement gives the
            same secret (RFC 7748, sections 5 and 6.1).
    """

    public: bytes

    def __post_init__(self) -> None:
        if len(self.public) != KEY_BYTES:
            raise UsageError(f"a recipient has {KEY_BYTES} bytes, not {len(self.public)}")
        if int.from_bytes(self.public, "little") >= _FIELD:
            raise UsageError("a recipient is not a usable public key: no identity has it")
        self.agree()

    def agree(self) -> tuple[bytes, bytes]:
        """Return a fresh ephemeral public key (32 bytes) and the agreed key-encryption key (32 bytes).

        `Identity.agree_with` is the other side.

        Raises:
            UsageError: if no private key belongs to this public key.
        """
        ephemeral = X25519PrivateKey.generate()
        try:
            shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.public))
        except ValueError:
            raise UsageError("a recipient is not a usable public key") from None
        public = ephemeral.public_key().public_bytes_raw()
        return public, subkey(shared, _LABEL, public + self.public)

    def __str__(self) -> str:
        return encode_recipient(self)


class Identity(Secret):
    """A private key: 32 bytes that are never shown by accident."""

    __slots__ = ()

    @property
    def recipient(self) -> Recipient:
        """The public half."""
        return Recipient(self._public())

    def agree_with(self, ephemeral: bytes) -> bytes:
        """Return the key-encryption key (32 bytes) that `Recipient.agree` returned on the other side.

        Args:
            ephemeral: 32 bytes, the ephemeral public key from the file.

        Raises:
            WrongKeyError: if the ephemeral key is not usable.
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
    """Encode a private key as ``AGE-SECRET-KEY-1...``; `decode_identity` is the inverse."""
    return encode_bech32(IDENTITY_PREFIX, identity.reveal(), BECH32).upper()


def decode_identity(text: str, name: str = "the identity") -> Identity:
    """Decode a private key; inverse of `encode_identity`.

    Args:
        text: ``AGE-SECRET-KEY-1...``.
        name: the key's name in messages, which never repeat the text.

    Raises:
        UsageError: if the text is another kind of key, or not a key.
    """
    _refuse_others(text, name)
    if text.strip().lower().startswith(RECIPIENT_PREFIX + "1"):
        raise UsageError(f"{name} is not usable: it is a public key", code="public-key-given")
    try:
        return Identity(_decoded(text, IDENTITY_PREFIX))
    except ValueError as problem:
        raise UsageError(f"{name} is not usable: {problem}", code="bad-identity") from None


def encode_recipient(recipient: Recipient) -> str:
    """Encode a public key as ``age1...``; `decode_recipient` is the inverse."""
    return encode_bech32(RECIPIENT_PREFIX, recipient.public, BECH32)


def decode_recipient(text: str, name: str = "the recipient") -> Recipient:
    """Decode a public key; inverse of `encode_recipient`.

    Args:
        text: ``age1...``.
        name: the key's name in messages, which never repeat the text: it may be a private key in the wrong place.

    Raises:
        UsageError: if the text is another kind of key, or not a key.
    """
    _refuse_others(text, name)
    if text.strip().lower().startswith(IDENTITY_PREFIX):
        raise UsageError(f"{name} is a private key", code="private-key-given")
    try:
        return Recipient(_decoded(text, RECIPIENT_PREFIX))
    except ValueError as problem:
        raise UsageError(f"{name} is not usable: {problem}", code="bad-recipient") from None
    except UsageError as error:
        raise error.reworded(error.message.replace("a recipient", name, 1)) from None


def _refuse_others(text: str, name: str) -> None:
    """Name the kind of another program's key, which helps more than a parse error.

    Raises:
        UsageError: if the text begins like such a key.
    """
    start = text.strip().lower()
    for beginning, kind in _OTHER_KEYS:
        if start.startswith(beginning):
            raise UsageError(f"{name} is not usable: it is {kind}", code="unsupported-key")
    # age1NAME1...: an X25519 key has no second "1" (except as a typing error) and a fixed length.
    if start.startswith(RECIPIENT_PREFIX + "1") and "1" in start[4:] and len(start) != _RECIPIENT_LENGTH:
        raise UsageError(f"{name} is not usable: it is the recipient of an age plugin", code="unsupported-key")


def _decoded(text: str, prefix: str) -> bytes:
    """Return the bytes of a key.

    Raises:
        ValueError: if the text has a typing error, or another length or prefix.
    """
    data = decode_bech32(text.strip(), prefix, BECH32)
    if len(data) != KEY_BYTES:
        raise ValueError("its length is wrong")
    return data

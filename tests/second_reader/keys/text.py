"""Identities and face keys as text: Bech32 and Bech32m (docs/format.md, sections 3.1 and 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
BECH32, BECH32M = 1, 0x2BC830A3


class NotAKey(ValueError):
    """The text is no key of the expected kind."""


@dataclass(frozen=True)
class FaceKey:
    """A face key, for the face of this index if the tag is that of its slot."""

    index: int
    tag: bytes
    key: bytes


def identity(text: str) -> bytes:
    """The X25519 private key of ``AGE-SECRET-KEY-...``, with white space around it."""
    return _payload(text.strip(), "age-secret-key-", BECH32, 32)


def identities_in(file: str) -> list[str]:
    """The identities of a key file: one a line; empty lines and comments (``#``) are skipped."""
    lines = (line.strip() for line in file.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def recipient(text: str) -> bytes:
    """The X25519 public key of ``age1...``."""
    return _payload(text, "age", BECH32, 32)


def face_key(text: str) -> FaceKey:
    """The fields of ``pfk1...``; white space is ignored."""
    payload = _payload("".join(text.split()), "pfk", BECH32M, 43)
    if payload[0] != 1:
        raise NotAKey("a face key of a later version")
    return FaceKey(int.from_bytes(payload[1:3]), payload[3:11], payload[11:])


def _payload(text: str, prefix: str, constant: int, length: int) -> bytes:
    if text not in (text.lower(), text.upper()):
        raise NotAKey("mixed case")
    found, _, data = text.lower().rpartition("1")
    if found != prefix or not set(data) <= set(ALPHABET):
        raise NotAKey(f"not a key with the prefix {prefix}")
    values = [ALPHABET.index(character) for character in data]
    if _checksum([ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values) != constant:
        raise NotAKey("a typing error: the checksum does not match")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    if len(bits) // 8 != length or len(bits) - 8 * length > 4 or "1" in bits[8 * length :]:
        raise NotAKey("a key of another length")
    return int(bits[: 8 * length], 2).to_bytes(length)


def _checksum(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check

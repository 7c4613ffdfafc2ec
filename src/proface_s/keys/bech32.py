"""Bech32 (BIP 173) and Bech32m (BIP 350): bytes as text whose checksum finds every error in up to four characters.

::

    prefix | "1" | data, five bits a character | checksum, six characters

The guarantee holds for texts of at most 90 characters; all of ours are shorter.  The texts are often secret, so no
message repeats any part of them.
"""

from __future__ import annotations

from typing import Final

BECH32: Final = 1
BECH32M: Final = 0x2BC830A3
MAX_LENGTH: Final = 90

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH: Final = 6


def encode_bech32(prefix: str, data: bytes, variant: int = BECH32M) -> str:
    """Encode bytes as lower-case text; `decode_bech32` is the inverse.

    Args:
        prefix: the human-readable part: lower-case ASCII.
        data: any bytes whose text has at most `MAX_LENGTH` characters.
        variant: `BECH32` or `BECH32M`.

    Raises:
        ValueError: if the text would be too long.
    """
    values = _regroup(data, 8, 5)
    padded = [*_expanded(prefix), *values, *[0] * _CHECKSUM_LENGTH]
    check = _polymod(padded) ^ variant
    values += [check >> 5 * (_CHECKSUM_LENGTH - 1 - i) & 31 for i in range(_CHECKSUM_LENGTH)]
    text = prefix + "1" + "".join(_ALPHABET[value] for value in values)
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{len(data)} bytes are too many for a text of {MAX_LENGTH} characters")
    return text


def decode_bech32(text: str, prefix: str, variant: int = BECH32M) -> bytes:
    """Decode text in lower or upper case, but not in mixed case; inverse of `encode_bech32`.

    Raises:
        ValueError: if the text is invalid; the message says why without repeating any of it.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("it is too long")
    if text not in (text.lower(), text.upper()):
        raise ValueError("it mixes upper and lower case")
    text = text.lower()
    if not text.startswith(prefix + "1"):
        raise ValueError(f"it does not begin with {prefix}1")
    body = text[len(prefix) + 1 :]
    if len(body) < _CHECKSUM_LENGTH or not set(body) <= set(_ALPHABET):
        raise ValueError("it is cut short or holds a character that does not belong there")
    values = [_ALPHABET.index(character) for character in body]
    if _polymod([*_expanded(prefix), *values]) != variant:
        raise ValueError("its checksum does not match: there is a typing error in it")
    return _ungroup(values[:-_CHECKSUM_LENGTH])


def _polymod(values: list[int]) -> int:
    """Return the checksum's remainder as in BIP 173."""
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate(_GENERATOR):
            check ^= generator if top >> i & 1 else 0
    return check


def _expanded(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _regroup(data: bytes, have: int, want: int) -> list[int]:
    """Regroup bits from groups of ``have`` to groups of ``want``; the last group is padded with zeros."""
    bits = "".join(f"{byte:0{have}b}" for byte in data)
    bits += "0" * (-len(bits) % want)
    return [int(bits[i : i + want], 2) for i in range(0, len(bits), want)]


def _ungroup(values: list[int]) -> bytes:
    """Regroup groups of five bits as bytes; fewer than five bits, all zero, may be left over."""
    bits = "".join(f"{value:05b}" for value in values)
    whole = len(bits) - len(bits) % 8
    if len(bits) - whole >= 5 or "1" in bits[whole:]:
        raise ValueError("its length is wrong")
    return bytes(int(bits[i : i + 8], 2) for i in range(0, whole, 8))

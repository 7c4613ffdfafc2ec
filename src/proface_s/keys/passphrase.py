"""Passphrases: rules, warnings and a generator.

A protected picture may be attacked offline for years, so length is decisive; Argon2id only multiplies the cost of a
guess.  `generate_passphrase` draws from the EFF large wordlist (7776 words, 12.9 bits each; see NOTICE).
"""

from __future__ import annotations

import math
import secrets
import unicodedata
from importlib import resources
from typing import Final

from ..errors import UsageError

MIN_LENGTH: Final = 8
GOOD_LENGTH: Final = 15
MIN_WORDS: Final = 4
WORDLIST: Final = "eff_large_wordlist.txt"


def normalise_passphrase(text: str) -> str:
    """Return the NFC form of a passphrase, so that the same key presses give the same key on every system.

    Raises:
        UsageError: if the text is not valid Unicode (lone surrogates, e.g. from undecodable bytes in the environment).
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the passphrase is not valid Unicode text", code="not-unicode") from None
    return unicodedata.normalize("NFC", text)


def check_passphrase(text: str) -> list[str]:
    """Check the strength of a passphrase that will protect a picture (never of one that opens a file).

    Returns:
        Warnings to show, if any; the passphrase never appears in them.

    Raises:
        UsageError: if the passphrase is shorter than 8 characters after NFC normalisation, or not valid Unicode.
    """
    normal = normalise_passphrase(text)
    if len(normal) < MIN_LENGTH:
        raise UsageError(
            f"the passphrase has {len(normal)} characters; at least {MIN_LENGTH} are needed",
            code="weak-passphrase",
        )
    warnings = []
    if len(normal) < GOOD_LENGTH:
        warnings.append(f"the passphrase is shorter than {GOOD_LENGTH} characters and may be guessed")
    if len(set(normal)) < MIN_LENGTH // 2:
        warnings.append("the passphrase repeats very few different characters and may be guessed")
    if normal != normal.strip():
        warnings.append("the passphrase begins or ends with a space; it counts as part of it")
    return warnings


def read_wordlist() -> tuple[str, ...]:
    """Return the 7776 words of the EFF large wordlist, in order."""
    text = resources.files("proface_s.keys").joinpath(WORDLIST).read_text(encoding="ascii")
    return tuple(text.split())


def generate_passphrase(words: int = 6) -> str:
    """Draw random words with the operating system's generator and join them with ``-``.

    Four words of the list contain a hyphen, but none of them consists of two other words of the list, so every draw
    gives a different text and the entropy is exactly `passphrase_bits(words)`.

    Args:
        words: how many, at least 4; six give 77 bits.

    Raises:
        UsageError: if ``words`` is less than 4.
    """
    if words < MIN_WORDS:
        raise UsageError(f"{words} words are too few for a passphrase; at least {MIN_WORDS} are needed")
    wordlist = read_wordlist()
    return "-".join(secrets.choice(wordlist) for _ in range(words))


def passphrase_bits(words: int) -> float:
    """Return the entropy in bits of a generated passphrase with this number of words."""
    return words * math.log2(7776)

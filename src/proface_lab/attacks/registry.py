"""Adversaries by name; each has its own module, imported on demand."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final

from proface_s.errors import UsageError

from .base import Attack

MODULES: Final = {  # name -> module; in the order of docs/evidence/attacks.md
    "wrong-keys": "wrong_keys",
    "inversion": "inversion",
    "same-cover": "same_cover",
    "known-plaintext": "known_plaintext",
    "ciphertext-only": "ciphertext_only",
    "two-time": "two_time",
    "tampering": "tampering",
    "guessing": "guessing",
    "channels": "channels",
    "covers": "covers",
    "readout": "readout",
    "moving-covers": "moving_covers",
}


def find_attack(name: str) -> Attack:
    """Return one adversary.

    Raises:
        UsageError: if the name is unknown.
        ModuleNotFoundError: if it needs a package that is not installed.
    """
    chosen_attacks([name])
    attack: Attack = import_module(f"{__package__}.adversaries.{MODULES[name]}").ATTACK
    return attack


def chosen_attacks(names: Sequence[str]) -> list[str]:
    """Return the names, each once, in the order of docs/evidence/attacks.md; ``all`` stands for all of them.

    Raises:
        UsageError: if a name is unknown.
    """
    for name in names:
        if name not in MODULES and name != "all":
            raise UsageError(f"there is no attack {name!r}", code="unknown-attack", known=", ".join(MODULES))
    return [name for name in MODULES if name in names or "all" in names]

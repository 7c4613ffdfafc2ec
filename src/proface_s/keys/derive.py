"""Key derivation: Argon2id from a passphrase (RFC 9106) and HKDF-SHA256 from a key (RFC 5869).

::

    passphrase ─ Argon2id(salt, KdfParams) ─► KEK ─ unwraps ─► file key ─ HKDF(label, context) ─► all other keys

Every HKDF call goes through `subkey`, which prefixes its label with ``proface-s/v1/``; two uses never share a label.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import CostlyFileError, DamagedFileError, ProFaceError
from .passphrase import normalise_passphrase

KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
LABEL_PREFIX: Final = b"proface-s/v1/"

MIN_MEMORY_KIB: Final = 1024
MAX_MEMORY_KIB: Final = 1024 * 1024
MAX_TIME_COST: Final = 16
MAX_LANES: Final = 16
MAX_TOTAL_COST_KIB: Final = 16 * 2**20
"""Memory that all derivations of one file may fill together: that of one derivation with every parameter at its cap."""

MAX_AGREEMENTS: Final = 16384  # of X25519, about two seconds

_argon2id: Final = threading.Lock()
"""Held during a derivation.  OpenSSL has one pool of threads for all derivations of a process: two at the same moment
fail because it is empty, as if memory were lacking, or each wait forever for the other's (OpenSSL 4.0.3)."""


@dataclass(frozen=True, slots=True)
class KdfParams:
    """Cost of one Argon2id derivation (RFC 9106; the defaults are its second recommended option).

    Attributes:
        time_cost: passes over the memory, 1..16.
        memory_kib: memory in KiB, 1024..1048576 (1 MiB to 1 GiB).
        lanes: degree of parallelism, 1..16; part of the function, not a tuning parameter.
    """

    time_cost: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4

    @property
    def cost(self) -> int:
        """KiB of memory filled by all passes together, which is proportional to the time of one guess."""
        return self.time_cost * self.memory_kib

    def check(self) -> None:
        """Check that the parameters are in range, before any memory is allocated.

        Raises:
            DamagedFileError: if a parameter is outside its range.
        """
        for name, value, low, high in (
            ("time cost", self.time_cost, 1, MAX_TIME_COST),
            ("memory (KiB)", self.memory_kib, MIN_MEMORY_KIB, MAX_MEMORY_KIB),
            ("lanes", self.lanes, 1, MAX_LANES),
        ):
            if not low <= value <= high:
                raise DamagedFileError(f"key derivation {name} is {value}; allowed are {low} to {high}")


def derive_kek(passphrase: str, salt: bytes, params: KdfParams) -> bytes:
    """Derive the key-encryption key of a passphrase with Argon2id v1.3 (RFC 9106).

    Args:
        passphrase: any text; it is NFC-normalised and UTF-8 encoded here.  Its strength is not checked (see
            `check_passphrase`), so that old files always open.
        salt: 16 random bytes, stored next to the parameters.
        params: cost; its range is checked first.

    Returns:
        32 bytes.

    Raises:
        DamagedFileError: if a parameter is out of range.
        UsageError: if the passphrase is not valid Unicode.
        ProFaceError: if the machine has too little memory for these parameters.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"salt must be {SALT_BYTES} bytes, not {len(salt)}")
    params.check()
    secret = normalise_passphrase(passphrase).encode("utf-8")
    try:
        with _argon2id:
            return Argon2id(
                salt=salt,
                length=KEY_BYTES,
                iterations=params.time_cost,
                lanes=params.lanes,
                memory_cost=params.memory_kib,
            ).derive(secret)
    except MemoryError:
        raise ProFaceError(
            f"not enough memory to derive the key ({params.memory_kib // 1024} MiB needed)",
            code="key-memory",
        ) from None


def unlimited_memory(count: int) -> AbstractContextManager[Any]:
    """Grant memory at once: the budget of a program that works on one file at a time."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class KdfLimits:
    """Limits on the work that an unverified file may ask for.

    The defaults are those of the file format: no valid file exceeds them with one passphrase.  A service that opens
    files from strangers should lower them.

    Attributes:
        memory_kib: memory of one Argon2id derivation, in KiB.
        total_kib: KiB that all derivations may fill together: the sum of passes x memory.
        agreements: number of X25519 agreements, one for each recipient in the file and each identity given.
        reserve: called with the bytes of each derivation; returns a context manager that holds the memory.  It may
            wait until memory is free, or raise.
    """

    memory_kib: int = MAX_MEMORY_KIB
    total_kib: int = MAX_TOTAL_COST_KIB
    agreements: int = MAX_AGREEMENTS
    reserve: Callable[[int], AbstractContextManager[Any]] = unlimited_memory

    def check_agreements(self, count: int) -> None:
        """Check the number of agreements before the first one.

        Raises:
            CostlyFileError: if there are more than `agreements`.
        """
        if count > self.agreements:
            raise CostlyFileError(
                f"trying every identity on every recipient of the file takes {count} key agreements; "
                f"at most {self.agreements} are made",
                code="many-agreements",
            )


class KekDeriver:
    """Derives keys with Argon2id within limits, and each key only once.

    Args:
        limits: limits on all derivations of this object together; those of the format if None.
    """

    def __init__(self, limits: KdfLimits | None = None) -> None:
        self.limits = limits or KdfLimits()
        self._known: dict[tuple[str, bytes, KdfParams], bytes] = {}
        self._spent = 0

    def knows(self, passphrase: str, salt: bytes, params: KdfParams) -> bool:
        """Return whether `derive` would cost nothing."""
        return (passphrase, salt, params) in self._known

    def check(self, passphrases: Iterable[str], runs: Iterable[tuple[bytes, KdfParams]]) -> None:
        """Check that trying every passphrase stays within the limits, before the first derivation.

        Args:
            passphrases: those to try.
            runs: salt and cost of the stanzas to try them on; equal ones are counted once.

        Raises:
            CostlyFileError: if one derivation takes too much memory, or all of them too much work.
        """
        texts, distinct = dict.fromkeys(passphrases), dict.fromkeys(runs)
        todo = [params for salt, params in distinct for text in texts if not self.knows(text, salt, params)]
        most = max((params.memory_kib for params in todo), default=0)
        if most > self.limits.memory_kib:
            raise CostlyFileError(
                f"deriving a key of the file takes {most // 1024} MiB of memory; "
                f"at most {self.limits.memory_kib // 1024} MiB are spent on it"
            )
        total = self._spent + sum(params.cost for params in todo)
        if total > self.limits.total_kib:
            raise CostlyFileError(
                f"the {len(todo)} key derivations that the file asks for fill {total // 1024} MiB of memory, all "
                f"passes together; at most {self.limits.total_kib // 1024} MiB are allowed"
            )

    def derive(self, passphrase: str, salt: bytes, params: KdfParams) -> bytes:
        """Return `derive_kek` of these arguments.

        Raises:
            CostlyFileError: if the limits do not allow it.
            DamagedFileError: as `derive_kek`.
            UsageError: as `derive_kek`.
            ProFaceError: as `derive_kek`.
        """
        run = (passphrase, salt, params)
        if run not in self._known:
            self.check([passphrase], [(salt, params)])
            with self.limits.reserve(params.memory_kib * 1024):
                self._known[run] = derive_kek(passphrase, salt, params)
            self._spent += params.cost
        return self._known[run]


def subkey(key: bytes, label: str, context: bytes = b"", length: int = KEY_BYTES) -> bytes:
    """Derive a key with HKDF-SHA256 (RFC 5869), no salt, info = ``b"proface-s/v1/" + label + b"\\0" + context``.

    The zero byte ends the label, so that no label and context can be mistaken for another pair.

    Args:
        key: 32 uniformly random bytes (hence no salt).
        label: ASCII name of the result's only purpose.
        context: canonical bytes that the result is bound to.
        length: number of bytes to derive, at most 8160.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"key must be {KEY_BYTES} bytes, not {len(key)}")
    info = LABEL_PREFIX + label.encode("ascii") + b"\0" + context
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)

"""Key derivation: Argon2id from a passphrase (RFC 9106) and HKDF-SHA256 from a key (RFC 5869).

::

    passphrase ─ Argon2id(salt, KdfParams) ─► KEK ─ unwraps ─► file key ─ HKDF(label, context) ─► all other
    keys

Every HKDF call goes through `subkey`, whose label starts with ``proface-s/v1/``; two uses never share a
label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proface_s.errors import DamagedFileError, ProFaceError
from proface_s.keys.passphrase import normalise_passphrase

KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
LABEL_PREFIX: Final = b"proface-s/v1/"

MIN_MEMORY_KIB: Final = 1024
MAX_MEMORY_KIB: Final = 1024 * 1024
MAX_TIME_COST: Final = 16
MAX_LANES: Final = 16


@dataclass(frozen=True, slots=True)
class KdfParams:
    """Cost of one Argon2id derivation (RFC 9106; the defaults are its second recommended option).

    Attributes:
        time_cost: passes over the memory, 1..16.
        memory_kib: memory in KiB, 1024..1048576 (1 MiB to 1 GiB).
        lanes: degree of parallelism, 1..16; part of the function, not a tuning knob.
    """

    time_cost: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4

    @property
    def cost(self) -> int:
        """KiB of memory filled, all passes together: proportional to the time one guess takes."""
        return self.time_cost * self.memory_kib

    def check(self) -> None:
        """Refuse parameters that no honest writer uses, before any memory is allocated.

        Raises:
            DamagedFileError: a parameter lies outside the ranges above.
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
        passphrase: any text; it is NFC-normalised and UTF-8 encoded here.  Strength is not checked here
            (see `check_passphrase`), so that old files always open.
        salt: 16 random bytes, stored next to the parameters.
        params: cost; checked against the caps first.

    Returns:
        32 bytes.

    Raises:
        DamagedFileError: parameters outside the caps.
        UsageError: the passphrase is not valid Unicode.
        ProFaceError: the machine has not enough memory for these parameters.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"salt must be {SALT_BYTES} bytes, not {len(salt)}")
    params.check()
    secret = normalise_passphrase(passphrase).encode("utf-8")
    try:
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
            hint="close other programs, or open the file on a machine with more memory",
        ) from None


def subkey(key: bytes, label: str, context: bytes = b"", length: int = KEY_BYTES) -> bytes:
    """HKDF-SHA256 without salt (RFC 5869), info = ``b"proface-s/v1/" + label + b"\\0" + context``.

    The zero byte ends the label, so no label and context can be mistaken for another pair.

    Args:
        key: 32 uniformly random bytes (hence no salt).
        label: ASCII name of the single purpose of the result.
        context: canonical bytes the result is bound to.
        length: number of bytes wanted, at most 8160.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"key must be {KEY_BYTES} bytes, not {len(key)}")
    info = LABEL_PREFIX + label.encode("ascii") + b"\0" + context
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)

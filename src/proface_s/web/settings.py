"""Limits and settings of a service."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

MIB = 1 << 20
TOKEN_VARIABLE = "PROFACE_TOKEN"
LEAST_TOKEN = 16  # characters: what is guessed over a network is not guessed fast
PREVIEW_PIXELS = 1 << 20
OPTIONS_BYTES = MIB // 4  # the JSON beside a photo
HELD_BYTES = 384 * MIB
WORK_BYTES = 1536 * MIB
BYTES_PER_PIXEL = 20  # measured at the peak of protecting and recovering, alpha included
BASIC_BYTES = 96 * MIB  # of one job beside its pixels: one Argon2id with the default cost, and small change
KDF_BYTES = 256 * MIB  # of one Argon2id that a file may ask for
MOST_PASSPHRASES = 32  # of one file: each may cost one Argon2id


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and doors of one service.

    Attributes:
        host: name or address it listens on.
        token: what every request to the API must carry; None for none.  Never shown by ``repr``.
        max_bytes: of one uploaded file.
        max_pixels: of one picture; larger ones are refused before they are decoded.
        workers: pictures worked on at the same time.
        waiting: pictures that may wait for a worker; further ones are sent away with 503.
        held_bytes: uploads and answers held in memory, all together; further ones are sent away with 503.
        upload_seconds: that a whole upload may take.
        idle_seconds: that a client may say nothing during its upload, or read nothing of an answer.
        work_bytes: memory for decoded pictures and key derivation of all workers together; jobs wait for it.
        read_seconds: CPU time to decode one picture, beside half a second for a million pixels.
        job_seconds: CPU time of one job once its picture is decoded.
        debug: show where unexpected errors come from, on stderr.
    """

    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)
    max_bytes: int = 64 * MIB
    max_pixels: int = 64_000_000
    workers: int = 1
    waiting: int = 8
    held_bytes: int = HELD_BYTES
    upload_seconds: float = 120.0
    idle_seconds: float = 15.0
    work_bytes: int = WORK_BYTES
    read_seconds: float = 10.0
    job_seconds: float = 600.0
    debug: bool = False


def bytes_needed(pixels: int) -> int:
    """Return the peak memory of the work on a picture of so many pixels."""
    return BYTES_PER_PIXEL * pixels + BASIC_BYTES


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a service on this host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"

"""Settings and limits of a service."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

MIB = 1 << 20
TOKEN_VARIABLE = "PROFACE_TOKEN"
LEAST_TOKEN = 16  # characters; guessing over a network is slow
PREVIEW_PIXELS = 1 << 20
OPTIONS_BYTES = MIB // 4  # of the JSON sent with a photo
HELD_BYTES = 384 * MIB
WORK_BYTES = 1536 * MIB
BYTES_PER_PIXEL = 20  # measured at the peak of protecting and recovering, alpha included
SHARE_BYTES_PER_PIXEL = 48  # of a share copy, measured at the peak of making one
MOST_SHARED_PIXELS = 4092 * 4092  # of a share copy
BASIC_BYTES = 256 * MIB  # of one job besides its pixels: a detection network, one Argon2id, and some slack
KDF_BYTES = 256 * MIB  # of one key derivation that a file may ask for
MOST_PASSPHRASES = 32  # per file; each may cost one key derivation


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Address, token and limits of one service.

    Attributes:
        host: name or address to listen on.
        token: required with every request to the API; None if no token is required.  Never shown by ``repr``.
        max_bytes: size of one uploaded file.
        max_pixels: pixels of one picture; larger pictures are rejected before they are decoded.
        workers: jobs that run at the same time.
        waiting: jobs that may wait for a worker; further ones are rejected with 503.
        held_bytes: total size of uploads and responses held in memory; beyond it, uploads are rejected with 503.
        upload_seconds: time for a whole upload.
        idle_seconds: time that a client may pause while it sends an upload or reads a response.
        work_bytes: memory for decoded pictures and key derivation of all workers together; jobs wait for it.
        read_seconds: CPU time to decode one picture, in addition to half a second per million pixels.
        job_seconds: CPU time of one job once its picture is decoded.
        debug: whether to print tracebacks of unexpected errors to stderr.
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
    """Return the peak memory of a job, in bytes, for a picture with this many pixels."""
    return BYTES_PER_PIXEL * pixels + BASIC_BYTES


def is_loopback(host: str) -> bool:
    """Return whether a service on this host can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"

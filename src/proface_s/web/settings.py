"""What a service allows."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

MIB = 1 << 20
LEAST_TOKEN = 16  # characters: what is guessed over a network is not guessed fast
PREVIEW_PIXELS = 1 << 20
OPTIONS_BYTES = MIB // 4  # the JSON beside a photo
HELD_BYTES = 384 * MIB


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
    debug: bool = False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service on this host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"

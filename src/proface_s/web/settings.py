"""Settings and limits of a service."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from importlib.util import find_spec

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


CLIP_BYTES_PER_PIXEL = 200  # of a frame, at the peak: decoder, look-ahead, encoder; measured at 720p
CLIP_SECONDS_PER_PIXEL = 8e-6  # CPU time; six times what finding people takes, measured with a look at every frame


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """Limits on clips, which are held in files; one of them is worked on at a time.

    Attributes:
        max_bytes: size of one uploaded clip.
        max_seconds: its length.
        max_frame_pixels: pixels of one frame.
        max_pixels: pixels of all frames together.
        held: clips that clients may hold at the same time; further ones are rejected with 503.
        upload_seconds: time for a whole upload.
        hold_seconds: time for which a clip is held after its last use.
        step_seconds: time, by the clock, between two signs of life of a worker.
        growth: size of the largest result, compared with the largest upload: clips are encoded anew, and the original
            may be sealed in them.
    """

    max_bytes: int = 1024 * MIB
    max_seconds: float = 600.0
    max_frame_pixels: int = 4096 * 2304
    max_pixels: int = 40_000_000_000
    held: int = 4
    upload_seconds: float = 3600.0
    hold_seconds: float = 3600.0
    step_seconds: float = 300.0
    growth: float = 4.0

    @property
    def work_bytes(self) -> int:
        """Memory of a job on a clip, with the key derivation that a file may ask for."""
        return CLIP_BYTES_PER_PIXEL * self.max_frame_pixels + BASIC_BYTES + KDF_BYTES


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
        clips: limits on clips.
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
    clips: ClipLimits = field(default_factory=ClipLimits)
    debug: bool = False


def bytes_needed(pixels: int) -> int:
    """Return the peak memory of a job, in bytes, for a picture with this many pixels."""
    return BYTES_PER_PIXEL * pixels + BASIC_BYTES


def takes_clips() -> bool:
    """Return whether clips can be worked on: whether PyAV, of the extra ``video``, is installed."""
    return find_spec("av") is not None


def is_loopback(host: str) -> bool:
    """Return whether a service on this host can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"

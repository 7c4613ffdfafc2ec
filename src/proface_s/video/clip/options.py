"""Options of clips, beside those that photos have as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from ...api.options import ProtectOptions
from ...covers.base import CoverStyle
from ...errors import UsageError
from ...image.write import JPEG_QUALITY

ClipCodec = Literal["h264", "hevc", "av1"]
CODECS: Final[tuple[ClipCodec, ...]] = get_args(ClipCodec)

COVER_STYLE: Final = "pixelate"
"""Style of clips if the user names none: a blur that moves shows one face many times."""

QUALITY: Final = 80
INTERVAL: Final = 0.12
_WORST: Final = 40.0  # constant rate factor at quality 0
_PER_POINT: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOptions:
    """What the output of `protect_clip` depends on beside `ProtectOptions`.

    Attributes:
        codec: of the pictures: ``h264`` plays everywhere; if None, ``h264`` for clips of 8 bits and ``hevc`` for more.
        quality: 1 to 100; 80 is hard to tell from the original.
        exact: seal the whole original file in place of tracks of the faces: it comes back bit for bit, and nobody's
            face without the others'.
        mute: leave the sound out.
        start: of the part to protect, in seconds; the beginning if None.
        stop: end of the part, in seconds; the end if None.
        interval: seconds from one look for faces to the next.

    Raises:
        UsageError: if a value is out of range.
    """

    codec: ClipCodec | None = None
    quality: int = QUALITY
    exact: bool = False
    mute: bool = False
    start: float | None = None
    stop: float | None = None
    interval: float = INTERVAL

    def __post_init__(self) -> None:
        if self.codec is not None and self.codec not in CODECS:
            raise UsageError(f"there is no codec {self.codec!r}", code="clip-codec", known=", ".join(CODECS))
        if not 1 <= self.quality <= 100:
            raise UsageError(f"the quality of a clip is 1 to 100, not {self.quality}", code="clip-quality")
        if not 0 < self.interval <= 10:
            raise UsageError(f"faces cannot be looked for every {self.interval:g} seconds", code="detection-interval")
        start, stop = self.start or 0.0, self.stop
        if start < 0 or (stop is not None and stop <= start):
            raise UsageError("the part of the clip ends before it begins", code="clip-part")
        if self.exact and (self.start is not None or self.stop is not None):
            raise UsageError("the original would show more than the part", code="clip-part")

    @property
    def rate_factor(self) -> float:
        """Constant rate factor of x264: 20 at quality 80, 15 at 100."""
        return _WORST - _PER_POINT * self.quality


def fits_clips(style: CoverStyle) -> bool:
    """Return whether covers of a style stay the same from frame to frame, or at least with a memory."""
    return style.steady or getattr(style, "remembers", False)  # styles of others may be no `CoverStyle`


def check_clip_options(options: ProtectOptions) -> None:
    """Refuse what photos can have and clips cannot.

    Raises:
        UsageError: if the options ask for it.
    """
    refused = {
        "cover mode": options.wrong_key == "cover",
        "clips without seals": options.seal is False,
        "boxes without times": bool(options.boxes),
        "metadata": options.keep_metadata,
        "a model": options.model is not None,
        "a share copy": options.share is not None,
        "another file format": options.file_format is not None,
        "a quality of JPEG": options.quality != JPEG_QUALITY,
        "nobody in them": options.allow_no_face,
    }
    for what, asked in refused.items():
        if asked:
            raise UsageError(f"clips cannot be protected with {what}", code="not-for-clips", what=what)

"""Extension 4 of a clip's header: the stream that its chunks belong to, the unit of their times, and what they hold.

::

    contents u8 | stream id (16) | time base: numerator u32, denominator u32
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ...errors import DamagedFileError, FileFormatError

STREAM_ID_BYTES: Final = 16
FACES: Final = 1
ORIGINAL: Final = 2
_FIELDS: Final = struct.Struct(">B16sII")


@dataclass(frozen=True, slots=True)
class ClipMark:
    """What makes a header that of a clip, whose faces are people and whose boxes may overlap.

    Attributes:
        stream: 16 random bytes; every chunk is bound to them.
        time_base: seconds; the unit of all times in the clip's table.
        contents: `FACES`: chunks hold a track for every face; `ORIGINAL`: they hold the original file.
    """

    stream: bytes
    time_base: Fraction
    contents: int = FACES


def encode_clip_mark(mark: ClipMark) -> bytes:
    """Serialise; `decode_clip_mark` is the inverse."""
    return _FIELDS.pack(mark.contents, mark.stream, mark.time_base.numerator, mark.time_base.denominator)


def decode_clip_mark(value: bytes) -> ClipMark:
    """Parse the extension; inverse of `encode_clip_mark`.

    Raises:
        FileFormatError: if the contents are of an unknown kind.
        DamagedFileError: if it has another length, or the time base is not a reduced fraction above zero.
    """
    if len(value) != _FIELDS.size:
        raise DamagedFileError(f"invalid header: the mark of a clip has {len(value)} bytes")
    contents, stream, above, below = _FIELDS.unpack(value)
    if contents not in (FACES, ORIGINAL):
        raise FileFormatError(f"the clip holds chunks of kind {contents}, which is unknown", code="newer-version")
    if not above or not below or Fraction(above, below).denominator != below:
        raise DamagedFileError("invalid header: the time base of a clip is out of range")
    return ClipMark(stream, Fraction(above, below), contents)

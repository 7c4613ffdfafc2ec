"""Check that frames are those of one clip, complete and in order."""

from __future__ import annotations

import warnings

from ..container.carriers.sidecar import picture_digest
from ..errors import DamagedFileError
from ..types import UInt8Image
from .records import FrameRecord


class ClipCheck:
    """Checks the frames of a clip one after the other; their records must have been verified with the key."""

    def __init__(self) -> None:
        self._stream, self._next, self._complete, self._warned = b"", 0, True, False

    def check(self, rgb: UInt8Image, record: FrameRecord) -> None:
        """Check the next frame.

        Args:
            rgb: (H, W, 3) uint8 RGB, the protected frame.
            record: its record.

        Raises:
            DamagedFileError: if it is not the frame that follows, or was changed outside its faces.
        """
        if self._next and record.stream != self._stream:
            raise DamagedFileError(
                f"frame {record.index} of another clip follows frame {self._next - 1}", code="broken-clip"
            )
        if record.index != self._next:
            raise DamagedFileError(f"frame {record.index} is where frame {self._next} should be", code="broken-clip")
        if record.version > 1 and picture_digest(rgb) != record.frame_digest:
            raise DamagedFileError(
                f"frame {record.index} was changed outside its faces, or exchanged for another", code="broken-clip"
            )
        if record.version == 1 and not self._warned:
            warnings.warn(
                "the clip was protected by an early version: it cannot be checked whether frames without faces were "
                "exchanged, or whether its end is missing",
                stacklevel=3,
            )
            self._warned = True
        self._stream, self._next = record.stream, record.index + 1
        self._complete = record.last or record.version == 1

    def finish(self) -> None:
        """Check, after the last frame, that the clip is complete.

        Raises:
            DamagedFileError: if the clip has more frames.
        """
        if not self._complete:
            raise DamagedFileError(
                f"the clip goes on after frame {self._next - 1}: its end is missing", code="broken-clip"
            )

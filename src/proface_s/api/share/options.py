"""Options of share copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ...errors import UsageError
from ...robust.regions import REGIONS, Region

LONG_SIDES: Final = (2048, 1600, 1280)
"""Long sides in pixels that apps leave alone, and that readers look for."""

ShareFormat = Literal["jpeg", "png"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOptions:
    """How a share copy is made.

    Attributes:
        region: what carries the hidden faces: the whole ``photo``; a ``halo`` around each face; or its ``box`` alone,
            with more grain there.  Elsewhere the photo is only reduced and compressed.
        long_side: longer side of the copy in pixels, 2048, 1600 or 1280; None keeps the photo's own size.  Photos are
            never enlarged: a smaller one takes the next of these sizes below its own, or keeps its own.
        file_format: ``jpeg``, of quality 85 to 90, or ``png``.
        inside: hide the faces in the protected file itself, so that one file is both: exact as long as no program
            compresses it, and reduced afterwards.  The photo then keeps its size, and the file the format of protected
            files, whatever the two fields above say.

    Raises:
        UsageError: if there is no such region, size or format.
    """

    region: Region = "photo"
    long_side: int | None = 1600
    file_format: ShareFormat = "jpeg"
    inside: bool = False

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise UsageError(f"a share copy hides faces in the {' or '.join(REGIONS)}, not in {self.region!r}")
        if self.long_side is not None and self.long_side not in LONG_SIDES:
            raise UsageError(f"the longer side of a share copy is 2048, 1600 or 1280 pixels, not {self.long_side}")
        if self.file_format not in ("jpeg", "png"):
            raise UsageError(f"a share copy is a JPEG or PNG file, not {self.file_format!r}")

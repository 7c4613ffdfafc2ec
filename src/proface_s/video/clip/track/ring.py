"""Tell whether the pictures of a clip are those that its sidecar was made for, by what is sealed around the covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ....types import Box
from ..areas import Area
from ..planes import FramePlanes

_SMEARED: Final = 4
"""Pixels beside a cover in which codecs mix it with its surroundings."""

_LARGEST: Final = 12.0
"""Mean difference of luma, of 255, above which pictures are taken for others.  Of small drawn clips, copies that were
compressed hard (H.264 at crf 38, MPEG-4 at 40 kbit/s) had 1 to 2, one with another range of values 4, and mirrored or
turned ones 17 to 41."""


class RingComparison:
    """Compares the rings around covers, which are sealed although everybody sees them, with the pictures of a clip."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(
        self,
        planes: FramePlanes,
        sealed: FramePlanes,
        box: Box,
        mask: npt.NDArray[np.bool_],
        areas: Sequence[Area],
    ) -> None:
        """Compare one person in one frame.

        Args:
            planes: of the frame, as it is in the clip.
            sealed: what is sealed of the box.
            box: where in the frame.
            mask: (h / 2, w / 2) bool, the blocks that the person owns.
            areas: all covers of the frame.
        """
        ring: npt.NDArray[Any] = mask.repeat(2, axis=0).repeat(2, axis=1)
        for _, cover in areas:
            top, left = (max(0, at - _SMEARED) for at in (cover.y - box.y, cover.x - box.x))
            ring[top : max(0, cover.bottom - box.y + _SMEARED), left : max(0, cover.right - box.x + _SMEARED)] = False
        shown = planes.y[box.y : box.bottom, box.x : box.right]
        difference = np.abs(shown[ring].astype(np.int32) - sealed.y[ring])
        self._sum += float(difference.sum()) / (1 if shown.itemsize == 1 else 4)
        self._count += difference.size

    @property
    def differs(self) -> bool:
        """Whether these are other pictures."""
        return self._count > 0 and self._sum / self._count > _LARGEST

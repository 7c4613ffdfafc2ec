"""Notice where one shot of a stream ends and the next begins."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ..types import UInt8Image

_SIZE: Final = (64, 36)  # pixels
_BINS: Final = 32
_DIFFERENCE: Final = 22.0  # mean over the pixels, 0..255
_SHIFTED: Final = 0.18  # share of the pixels whose brightness is distributed in another way

Thumbnail = np.ndarray[Any, np.dtype[np.uint8]]


def thumbnail(grey: UInt8Image) -> Thumbnail:
    """Return a frame as `differs` compares it: (36, 64) uint8, grey.

    Args:
        grey: (H, W) uint8.
    """
    import cv2

    return np.asarray(cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def differs(a: Thumbnail, b: Thumbnail) -> bool:
    """Return whether two frames differ as much as frames of different shots do, or as a flash makes them."""
    difference = np.abs(a.astype(int) - b).mean()
    bars = [np.histogram(each, _BINS, (0, 256))[0] for each in (a, b)]
    return bool(difference > _DIFFERENCE and np.abs(bars[0] - bars[1]).sum() > _SHIFTED * 2 * a.size)


def is_cut(earlier: Thumbnail | None, before: Thumbnail, here: Thumbnail, after: Thumbnail | None) -> bool:
    """Return whether a shot begins at a frame.

    A flash changes one frame, and the frames around it are alike; at a cut, those differ as well.

    Args:
        earlier: the frame before ``before``; None if there is none.
        before: the frame before.
        here: the frame.
        after: the next one; None at the end of the stream.
    """
    return (
        differs(before, here)
        and (earlier is None or differs(earlier, here))
        and (after is None or differs(before, after))
    )

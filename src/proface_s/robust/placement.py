"""Where a picture at canonical size lies in a received one, and how well the lattice fits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ..types import FloatArray
from .carriers import repetition
from .lattice import BASE_BANDS, BLOCK, analyse, grid_of
from .soft_values import agreement

WINDOW: Final = 8  # blocks
_REDUCED: Final = 1.1  # received pixels per canonical one, above which interpolation alone would alias


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture at canonical size lies in the received one.

    Attributes:
        size: (width, height) at canonical size.
        left, top, right, bottom: its edges in pixels of the received picture; outside it if that was cropped.
        cropped: whether something was cut off at an unknown distance: then the size is that of what is left, and only
            the scale and the place of the first block are known.
    """

    size: tuple[int, int]
    left: float
    top: float
    right: float
    bottom: float
    cropped: bool = False

    @property
    def scaled(self) -> bool:
        """Whether the received picture has another scale."""
        return (self.right - self.left, self.bottom - self.top) != self.size

    def with_size(self, size: tuple[int, int]) -> Placement:
        """Return the placement of the whole canonical picture, of which only the size was not known exactly.

        Args:
            size: (width, height) at canonical size.
        """
        if not self.cropped:
            return replace(self, size=size)
        right, bottom = (
            low + (high - low) * wanted / known
            for low, high, wanted, known in zip(
                (self.left, self.top), (self.right, self.bottom), size, self.size, strict=True
            )
        )
        return Placement(size, self.left, self.top, right, bottom)


def place_whole(received: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Return the placement of a picture that is not cropped; both sizes are (width, height)."""
    return Placement(size, 0.0, 0.0, float(received[0]), float(received[1]))


def resample(
    luma: FloatArray, placement: Placement, *, quick: bool = False
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Bring a received picture to canonical size.

    Args:
        luma: (H, W) of the received picture.
        placement: where it lies.
        quick: interpolate linearly, which is good enough for comparing placements.

    Returns:
        Luma (height, width) at canonical size, and which of its blocks were received whole, (rows, columns).
    """
    wide, high = placement.size
    scale_x, scale_y = (placement.right - placement.left) / wide, (placement.bottom - placement.top) / high
    if quick and max(scale_x, scale_y) < _REDUCED:
        turn = np.array([[scale_x, 0, placement.left], [0, scale_y, placement.top]])
        turn[:, 2] += (scale_x - 1) / 2, (scale_y - 1) / 2  # pixels are squares, not points
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        shown: FloatArray = cv2.warpAffine(luma, turn, (wide, high), flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    elif quick and placement == place_whole((luma.shape[1], luma.shape[0]), placement.size):
        shown = np.asarray(cv2.resize(luma, placement.size, interpolation=cv2.INTER_AREA))
    else:
        shown = _filtered(luma, placement)
    height, width = luma.shape
    rows, columns = grid_of(wide, high)
    y, x = np.arange(rows + 1) * BLOCK * scale_y + placement.top, np.arange(columns + 1) * BLOCK * scale_x
    x += placement.left
    inside_y, inside_x = (y >= -0.5) & (y <= height + 0.5), (x >= -0.5) & (x <= width + 0.5)
    return shown, np.outer(inside_y[:-1] & inside_y[1:], inside_x[:-1] & inside_x[1:])


def _filtered(luma: FloatArray, placement: Placement) -> FloatArray:
    """Return a placement's luma by Lanczos interpolation, or as it is if its scale is that of the received picture."""
    height, width = luma.shape
    wide, high = placement.size
    box = (placement.left, placement.top, placement.right, placement.bottom)
    before = [max(0, int(np.ceil(-box[1]))), max(0, int(np.ceil(-box[0])))]
    after = [max(0, int(np.ceil(box[3] - height))), max(0, int(np.ceil(box[2] - width)))]
    padded = np.pad(luma, list(zip(before, after, strict=True)), "edge") if any(before + after) else luma
    moved = (box[0] + before[1], box[1] + before[0], box[2] + before[1], box[3] + before[0])
    if moved == (0, 0, wide, high) and padded.shape == (high, wide):
        return padded
    if moved == tuple(map(int, moved)) and moved[2] - moved[0] == wide and moved[3] - moved[1] == high:
        left, top = int(moved[0]), int(moved[1])
        return padded[top : top + high, left : left + wide]
    image = Image.fromarray(np.ascontiguousarray(padded, np.float32))
    return np.asarray(image.resize(placement.size, Image.Resampling.LANCZOS, box=moved))


def fit(luma: FloatArray, placement: Placement) -> float:
    """Return how well a picture fits the lattice at a placement, in standard deviations of what chance gives.

    The best of four counts: of all blocks, of the best window (a halo carries in places only), of the directory's
    repetitions, which outlive most, and of these with all blocks.
    """
    shown, present = resample(luma, placement, quick=True)
    low = analyse(shown, BASE_BANDS)
    scores = agreement(low, len(BASE_BANDS)) * present
    whole = float(scores.sum() / np.sqrt(max(1, present.sum())))
    repeated = repetition(low, present)
    best = max(whole, repeated, float((whole + repeated) / np.sqrt(2)))
    if min(scores.shape) <= WINDOW:
        return best
    sums = np.pad(scores.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    parts = sums[WINDOW:, WINDOW:] - sums[:-WINDOW, WINDOW:] - sums[WINDOW:, :-WINDOW] + sums[:-WINDOW, :-WINDOW]
    return max(best, float(parts.max()) / WINDOW - 1)  # the best of many parts is 1 higher by chance


def refine(luma: FloatArray, placement: Placement, moves: Sequence[float]) -> Placement:
    """Move the edges of a placement, one by one, to where the lattice fits best.

    Args:
        luma: (H, W) of the received picture.
        placement: where to begin.
        moves: how far, in pixels, one after the other.
    """
    best, found = fit(luma, placement), placement
    for step in moves:
        for edge in ("left", "top", "right", "bottom"):
            for move in (-step, step):
                moved = replace(found, **{edge: getattr(found, edge) + move})
                score = fit(luma, moved)
                if score > best:
                    best, found = score, moved
                    break
    return found

"""Finding the lattice in a received picture: at which size it was written, and where its blocks begin.

Searches, from the most usual case to the rarest; a directory that is found ends them:

1. the picture as it is; resized to the long sides that share copies usually have;
2. the picture as it is, cropped: all offsets at once by correlation with the dither (FFT over blocks);
3. a screenshot: plain borders cut off, then as 1, with the edges moved until the fit is best;
4. turned by a quarter, a half or three quarters, then as 1;
5. resized from any size: the scale at which the first blocks, at the top left, fit;
6. cut along one side only, and resized.

Each yields `Placement`s that fit the lattice better than chance; only a directory's CRC makes one of them a find.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ..types import FloatArray
from .crop_search import cut_out, cut_strip
from .lattice import BASE_BANDS, BLOCK, MOST_BLOCKS, analyse
from .placement import Placement, fit, place_whole, refine, resample
from .soft_values import agreement

LONG_SIDES: Final = (1600, 1280, 2048)
LEAST_SIDE: Final = 64  # pixels of a received picture
LEAST_SCALE: Final = 0.35  # of the received size to the canonical one; below, nothing survives
THRESHOLD: Final = 6.0
"""In standard deviations of what pictures without a lattice give."""

LEAST_HINT: Final = 3.5  # from which it is worth while to move the edges
MOST_REFINED: Final = 2
_PLAIN: Final = 2.5
"""Mean deviation of luma from the border's, in a row or column of a border; ringing beside a photo stays below."""

_SAMPLES: Final = 1024  # of a row or column, to tell a border
ROUGH_MOVES: Final = (3.0, 1.0)
FINE_MOVES: Final = (1.0, 0.5, 0.25)
"""Pixels of the received picture by which edges are moved, before and after the canonical size is known."""

_CORNER: Final = 12  # blocks a side
_CORNER_STEP: Final = 1.003  # from scale to scale: half a pixel at the end of the corner
_CORNER_HINTS: Final = 6  # scales that are looked at more closely
_CORNER_HINT: Final = 4.0  # the best of 350 scales reaches 3 by chance
_NEAR_SIZES: Final = 4  # pixels


def placements(luma: FloatArray) -> Iterator[tuple[int, Placement]]:
    """Yield the placements at which a received picture may carry a layer, the most usual ones first.

    Args:
        luma: (H, W) of the received picture, 0..255.

    Yields:
        By how many quarters the picture has to be turned to the left to stand upright, and where it lies then.
    """
    height, width = luma.shape
    if min(height, width) < LEAST_SIDE:
        return
    for candidate in _whole(luma):
        yield 0, candidate
    if (part := cut_out(luma)) is not None:
        yield 0, part
    for candidate in _in_borders(luma):
        yield 0, candidate
    for turns in (1, 3, 2):
        for candidate in _whole(np.ascontiguousarray(np.rot90(luma, turns))):
            yield turns, candidate
    if (resized := _of_any_size(luma)) is not None:
        yield 0, resized
    if (strip := cut_strip(luma, LONG_SIDES, LEAST_SCALE)) is not None:
        yield 0, strip


def _whole(luma: FloatArray) -> Iterator[Placement]:
    """Yield placements of a whole picture, as it is and at the usual sizes."""
    whole = place_whole((luma.shape[1], luma.shape[0]), (luma.shape[1], luma.shape[0]))
    if max(luma.shape) <= MOST_BLOCKS * BLOCK and fit(luma, whole) > THRESHOLD:
        yield whole
    for candidate in _usual_sizes(whole):
        if fit(luma, candidate) > THRESHOLD:
            yield candidate


def _usual_sizes(area: Placement) -> Iterator[Placement]:
    """Yield placements of an area at the usual sizes; the short side was rounded by somebody, so its neighbours too."""
    width, height = area.right - area.left, area.bottom - area.top
    for long in LONG_SIDES:
        scale = long / max(width, height)
        if scale > 1 / LEAST_SCALE:
            continue
        exact = scale * min(width, height)
        for short in sorted({round(exact), int(exact), int(exact) + 1}, key=lambda side: abs(side - exact)):
            size = (long, short) if width >= height else (short, long)
            if size != area.size and short >= BLOCK:
                yield replace(area, size=size)


def _in_borders(luma: FloatArray) -> Iterator[Placement]:
    """Yield placements of a screenshot's inner picture."""
    inner = strip_borders(luma)
    if inner is None:
        return
    fits = sorted(((fit(luma, each), each) for each in _usual_sizes(inner)), key=lambda pair: -pair[0])
    for score, candidate in fits[:MOST_REFINED]:
        refined = refine(luma, candidate, ROUGH_MOVES) if score > LEAST_HINT else candidate
        if fit(luma, refined) > THRESHOLD:
            yield refined


def _of_any_size(luma: FloatArray) -> Placement | None:
    """Return the best placement of a whole picture that was reduced from an unknown size; None if there is none."""
    count = int(np.log(1 / LEAST_SCALE) / np.log(_CORNER_STEP))
    scales = [_CORNER_STEP**-number for number in range(1, count)]
    hints = sorted(scales, key=lambda each: -_corner_fit(luma, each, _CORNER))[:_CORNER_HINTS]
    for blocks in (2 * _CORNER, 4 * _CORNER):  # twice as long, and twice as exact
        finer = [_CORNER_STEP ** (step * _CORNER / 2 / blocks) for step in range(-3, 4)]
        hints = [
            max((scale * move for move in finer), key=lambda each: _corner_fit(luma, each, blocks)) for scale in hints
        ]
    scale = max(hints, key=lambda each: _corner_fit(luma, each, 2 * _CORNER))
    if _corner_fit(luma, scale, 2 * _CORNER) < _CORNER_HINT:
        return None
    height, width = luma.shape
    whole = place_whole((width, height), (round(width / scale), round(height / scale)))
    moves = range(-_NEAR_SIZES, _NEAR_SIZES + 1)
    for axis in (0, 1, 0):
        wide, high = whole.size
        sizes = [(wide + move, high) if axis == 0 else (wide, high + move) for move in moves]
        whole = max((replace(whole, size=size) for size in sizes), key=lambda each: fit(luma, each))
    return whole if max(whole.size) <= MOST_BLOCKS * BLOCK and fit(luma, whole) > THRESHOLD else None


def _corner_fit(luma: FloatArray, scale: float, blocks: int) -> float:
    """Return how well the first blocks fit at a scale, in standard deviations of what chance gives."""
    side = min(blocks * BLOCK, *(int(each / scale) for each in luma.shape))
    area = Placement((side, side), 0.0, 0.0, side * scale, side * scale)
    shown, _ = resample(luma, area, quick=True)
    scores = agreement(analyse(shown, BASE_BANDS), len(BASE_BANDS))
    return float(scores.sum() / np.sqrt(scores.size)) if scores.size else 0.0


def strip_borders(luma: FloatArray) -> Placement | None:
    """Return the area that is left without the plain borders of a screenshot; None if there are none."""
    height, width = luma.shape
    level = float(np.median(luma[[0, 0, -1, -1], [0, -1, 0, -1]]))
    far = np.abs(luma - level)
    down, across = (max(1, side // _SAMPLES) for side in (height, width))
    top, bottom = _longest_run(far[:, ::across].mean(axis=1) > _PLAIN)
    if bottom - top < LEAST_SIDE:
        return None
    left, right = _longest_run(far[top:bottom:down].mean(axis=0) > _PLAIN)
    if right - left < LEAST_SIDE or (bottom - top, right - left) == (height, width):
        return None
    return Placement((right - left, bottom - top), left, top, right, bottom)


def _longest_run(busy: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first index of the longest run of true values, and the first one behind it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], busy, [False]]).astype(np.int8)))
    if not len(edges):
        return 0, 0
    longest = int(np.diff(edges)[::2].argmax())
    return int(edges[2 * longest]), int(edges[2 * longest + 1])

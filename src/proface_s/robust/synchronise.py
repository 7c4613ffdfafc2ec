"""Finding the lattice in a received picture: at which size it was written, and where its blocks begin.

Four searches, each tried only if those before it found nothing:

1. the picture as it is;
2. resized to the long sides that share copies usually have;
3. the picture as it is, cropped: all offsets at once by correlation with the dither (FFT over blocks);
4. a screenshot: plain borders cut off, then as 2, with the edges moved until the fit is best.

Each yields `Placement`s that fit the lattice better than chance; only a directory's CRC makes one of them a find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ..types import FloatArray
from .lattice import BASE_BANDS, BLOCK, MOST_BLOCKS, STEPS, analyse, basis, dither, grid_of
from .soft_values import agreement

LONG_SIDES: Final = (1600, 1280, 2048)
LEAST_SIDE: Final = 64  # pixels of a received picture
LEAST_SCALE: Final = 0.35  # of the received size to the canonical one; below, nothing survives
THRESHOLD: Final = 6.0
"""In standard deviations of what pictures without a lattice give."""

LEAST_HINT: Final = 3.5  # from which it is worth while to move the edges
MOST_REFINED: Final = 2
CROP_THRESHOLD: Final = 8.0  # the best of four million offsets reaches 5.6 by chance
WINDOW: Final = 8  # blocks
_CROP_BANDS: Final = (1, 2, 3)
_PLAIN: Final = 2.5
"""Mean deviation of luma from the border's, in a row or column of a border; ringing beside a photo stays below."""

ROUGH_MOVES: Final = (3.0, 1.0)
FINE_MOVES: Final = (1.0, 0.5, 0.25)
"""Pixels of the received picture by which edges are moved, before and after the canonical size is known."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture at canonical size lies in the received one.

    Attributes:
        size: (width, height) at canonical size.
        left, top, right, bottom: its edges in pixels of the received picture; outside it if that was cropped.
    """

    size: tuple[int, int]
    left: float
    top: float
    right: float
    bottom: float

    @property
    def scaled(self) -> bool:
        """Whether the received picture has another scale."""
        return (self.right - self.left, self.bottom - self.top) != self.size


def place_whole(received: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Return the placement of a picture that is not cropped; both sizes are (width, height)."""
    return Placement(size, 0.0, 0.0, float(received[0]), float(received[1]))


def resample(luma: FloatArray, placement: Placement) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Bring a received picture to canonical size.

    Args:
        luma: (H, W) of the received picture.
        placement: where it lies.

    Returns:
        Luma (height, width) at canonical size, and which of its blocks were received whole, (rows, columns).
    """
    height, width = luma.shape
    wide, high = placement.size
    box = (placement.left, placement.top, placement.right, placement.bottom)
    before = [max(0, int(np.ceil(-box[1]))), max(0, int(np.ceil(-box[0])))]
    after = [max(0, int(np.ceil(box[3] - height))), max(0, int(np.ceil(box[2] - width)))]
    padded = np.pad(luma, list(zip(before, after, strict=True)), "edge") if any(before + after) else luma
    moved = (box[0] + before[1], box[1] + before[0], box[2] + before[1], box[3] + before[0])
    if moved == (0, 0, wide, high) and padded.shape == (high, wide):
        shown = padded
    elif moved == tuple(map(int, moved)) and moved[2] - moved[0] == wide and moved[3] - moved[1] == high:
        left, top = int(moved[0]), int(moved[1])
        shown = padded[top : top + high, left : left + wide]
    else:
        image = Image.fromarray(np.ascontiguousarray(padded, np.float32))
        shown = np.asarray(image.resize(placement.size, Image.Resampling.LANCZOS, box=moved))
    rows, columns = grid_of(wide, high)
    scale_x, scale_y = (box[2] - box[0]) / wide, (box[3] - box[1]) / high
    y, x = np.arange(rows + 1) * BLOCK * scale_y + box[1], np.arange(columns + 1) * BLOCK * scale_x + box[0]
    inside_y, inside_x = (y >= -0.5) & (y <= height + 0.5), (x >= -0.5) & (x <= width + 0.5)
    present = np.outer(inside_y[:-1] & inside_y[1:], inside_x[:-1] & inside_x[1:])
    return shown, present


def fit(luma: FloatArray, placement: Placement) -> float:
    """Return how well a picture fits the lattice at a placement, in standard deviations: of all of it, or a part."""
    shown, present = resample(luma, placement)
    scores = agreement(analyse(shown), len(BASE_BANDS)) * present
    whole = float(scores.sum() / np.sqrt(max(1, present.sum())))
    sums = np.pad(scores.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    if min(scores.shape) <= WINDOW:
        return whole
    parts = sums[WINDOW:, WINDOW:] - sums[:-WINDOW, WINDOW:] - sums[WINDOW:, :-WINDOW] + sums[:-WINDOW, :-WINDOW]
    return max(whole, float(parts.max()) / WINDOW - 1)  # the best of many parts is 1 higher by chance


def placements(luma: FloatArray) -> Iterator[Placement]:
    """Yield the placements at which a received picture may carry a layer, the most usual ones first.

    Args:
        luma: (H, W) of the received picture, 0..255.
    """
    height, width = luma.shape
    if min(height, width) < LEAST_SIDE:
        return
    whole = place_whole((width, height), (width, height))
    if max(width, height) <= MOST_BLOCKS * BLOCK and fit(luma, whole) > THRESHOLD:
        yield whole
    for candidate in _usual_sizes(whole):
        if fit(luma, candidate) > THRESHOLD:
            yield candidate
    yield from _cropped(luma)
    inner = strip_borders(luma)
    if inner is not None:
        fits = sorted(((fit(luma, each), each) for each in _usual_sizes(inner)), key=lambda pair: -pair[0])
        for score, candidate in fits[:MOST_REFINED]:
            refined = refine(luma, candidate, ROUGH_MOVES) if score > LEAST_HINT else candidate
            if fit(luma, refined) > THRESHOLD:
                yield refined


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


def _cropped(luma: FloatArray) -> Iterator[Placement]:
    """Yield the best placement of a part of a share copy that was cut out without resizing."""
    side = MOST_BLOCKS // 2 if max(luma.shape) <= MOST_BLOCKS // 2 * BLOCK else MOST_BLOCKS
    turns = dither(side, side)[:, :, _CROP_BANDS]
    patterns = [_spectrum(np.exp(np.complex64(4j * np.pi) * turns[:, :, band])) for band in range(turns.shape[2])]
    best, place = CROP_THRESHOLD, None
    for down in range(BLOCK):
        for right, bands in _shifted_bands(luma, down):
            matched = np.zeros((side, side), np.complex64)
            for band, pattern in zip(bands[:, :side, :side], patterns, strict=True):
                field = np.zeros((side, side), np.complex64)
                field[: band.shape[0], : band.shape[1]] = np.exp(np.complex64(4j * np.pi) * band)
                matched += np.conj(_spectrum(field)) * pattern
            scores = cv2.idft(_as_pairs(matched), flags=cv2.DFT_SCALE)[:, :, 0]
            score = float(scores.max()) / np.sqrt(bands.size / 2)
            if score > best:
                row, column = np.unravel_index(scores.argmax(), scores.shape)
                best, place = score, (down - BLOCK * int(row), right - BLOCK * int(column))
    if place is not None:
        top, left = place
        size = (luma.shape[1] - left, luma.shape[0] - top)
        yield Placement(size, left, top, luma.shape[1], luma.shape[0])


def _shifted_bands(luma: FloatArray, down: int) -> Iterator[tuple[int, FloatArray]]:
    """Yield, for all shifts to the right, three low bands in steps, (3, rows, columns), of a grid shifted down."""
    height, width = luma.shape
    rows = (height - down) // BLOCK
    strips = luma[down : down + rows * BLOCK].reshape(rows, BLOCK, width)
    half = np.matmul(basis()[:2], strips)  # (rows, v, W)
    for right in range(BLOCK):
        columns = (width - right) // BLOCK
        part = half[:, :, right : right + columns * BLOCK].reshape(rows, 2, columns, BLOCK)
        low = np.matmul(part, basis()[:2].T)  # (rows, v, columns, u)
        bands = np.stack([low[:, 0, :, 1], low[:, 1, :, 0], low[:, 1, :, 1]])
        yield right, (bands / STEPS[list(_CROP_BANDS), None, None]).astype(np.float32)


def _as_pairs(values: npt.NDArray[np.complex64]) -> FloatArray:
    return np.ascontiguousarray(values, np.complex64).view(np.float32).reshape(*values.shape, 2)


def _spectrum(values: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    """Return the discrete Fourier transform of a square; OpenCV's is ten times as fast as numpy's."""
    return np.ascontiguousarray(cv2.dft(_as_pairs(values))).view(np.complex64)[:, :, 0]


def strip_borders(luma: FloatArray) -> Placement | None:
    """Return the area that is left without the plain borders of a screenshot; None if there are none."""
    height, width = luma.shape
    level = float(np.median(luma[[0, 0, -1, -1], [0, -1, 0, -1]]))
    far = np.abs(luma - level)
    top, bottom = _longest_run(far.mean(axis=1) > _PLAIN)
    if bottom - top < LEAST_SIDE:
        return None
    left, right = _longest_run(far[top:bottom].mean(axis=0) > _PLAIN)
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
    return found

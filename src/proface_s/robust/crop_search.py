"""Finding the lattice in a part of a share copy, by correlation with the public dither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ..types import FloatArray
from .lattice import BASE_BANDS, BLOCK, MOST_BLOCKS, STEPS, basis, dither
from .placement import Placement, place_whole, resample

CUT_THRESHOLD: Final = 8.0  # the best of four million offsets reaches 5.6 by chance
STRIP_THRESHOLD: Final = 7.0  # the best of 100,000 offsets reaches 4.4
_BANDS: Final = (1, 2, 3)  # (0, 1), (1, 0) and (1, 1)
_FEWER: Final = (3,)
_MOST: Final = 96  # blocks along a side of what is looked at in a large picture
_STRIP: Final = 32  # blocks
_RATIOS: Final = (1.0, 3 / 4, 2 / 3, 9 / 16)
"""Short side to long side of usual photos."""


def cut_out(luma: FloatArray) -> Placement | None:
    """Return the placement of a part of a share copy that was cut out without resizing; None if there is none.

    Args:
        luma: (H, W) of the received picture.
    """
    height, width = luma.shape
    small = max(height, width) <= MOST_BLOCKS // 2 * BLOCK
    side, chosen = (MOST_BLOCKS // 2, _BANDS) if small else (MOST_BLOCKS, _FEWER)
    down, across = (0 if small else max(0, (each - _MOST * BLOCK) // 2) for each in (height, width))
    part = luma if small else luma[down : down + _MOST * BLOCK, across : across + _MOST * BLOCK]
    turns = dither(side, side)
    patterns = [_spectrum(_turned(turns[:, :, band])) for band in chosen]
    best, place = CUT_THRESHOLD, None
    field = np.zeros((side, side), np.complex64)
    for top in range(BLOCK):
        for left, bands in _shifted_bands(part, top, chosen):
            matched = np.zeros((side, side), np.complex64)
            for band, pattern in zip(bands, patterns, strict=True):
                field[: band.shape[0], : band.shape[1]] = _turned(band)
                matched += np.conj(_spectrum(field)) * pattern
            field[:] = 0
            scores = cv2.idft(_as_pairs(matched), flags=cv2.DFT_SCALE)[:, :, 0]
            score = float(scores.max()) / np.sqrt(bands.size / 2)
            if score > best:
                row, column = np.unravel_index(scores.argmax(), scores.shape)
                best, place = score, (down + top - BLOCK * int(row), across + left - BLOCK * int(column))
    if place is None:
        return None
    top, left = place
    return Placement((width - left, height - top), left, top, width, height, cropped=True)


def cut_strip(luma: FloatArray, long_sides: tuple[int, ...], least_scale: float) -> Placement | None:
    """Return the best placement of a share copy that was cut along one side only, and resized.

    Args:
        luma: (H, W) of the received picture, of which one side is whole.
        long_sides: of the canonical picture, as far as they are known.
        least_scale: of the received picture to the canonical one.
    """
    sides = sorted({round(long * ratio) for long in long_sides for ratio in _RATIOS}, reverse=True)
    best, found = STRIP_THRESHOLD, None
    for upright in (True, False):
        seen = luma if upright else np.ascontiguousarray(luma.T)
        whole, cut = seen.shape[1], seen.shape[0]
        for side in sides:
            if not least_scale <= whole / side < 1:
                continue
            score, start = _along(seen, (side, round(cut * side / whole)), upright=upright)
            if score > best:
                first = start * whole / side
                size = (side, round(cut * side / whole - start))
                edges = (0.0, first, float(whole), float(cut))
                if not upright:
                    size, edges = size[::-1], (first, 0.0, float(cut), float(whole))
                best, found = score, Placement(size, *edges, cropped=True)
    return found


def _along(seen: FloatArray, size: tuple[int, int], *, upright: bool) -> tuple[float, int]:
    """Return the best score of a strip at all offsets along its height, and the first canonical row in it.

    Args:
        seen: (H, W) of the received picture, transposed if its height is whole.
        size: (width, height) at canonical scale.
        upright: whether it is not transposed.
    """
    wide, high = size
    rows = min(_STRIP, high // BLOCK - 1)
    if rows < _STRIP // 4:
        return 0.0, 0
    above = (high - (rows + 1) * BLOCK) // 2
    shown, _ = resample(seen, place_whole((seen.shape[1], seen.shape[0]), size), quick=True)
    columns = wide // BLOCK
    turns = dither(MOST_BLOCKS, MOST_BLOCKS)
    turns = turns[:, :columns] if upright else turns[:columns].transpose(1, 0, 2)
    patterns = [_turned(turns[:, :, band]).conj().T for band in _BANDS]
    order = (0, 1, 2) if upright else (1, 0, 2)  # a transposed picture has transposed frequencies
    best, start = 0.0, 0
    for down in range(BLOCK):
        _, bands = next(_shifted_bands(shown[above + down : above + down + rows * BLOCK], 0, _BANDS))
        matched = sum((_turned(bands[k]) @ pattern).real for k, pattern in zip(order, patterns, strict=True))
        scores = np.array([np.trace(np.asarray(matched), offset) for offset in range(MOST_BLOCKS - rows + 1)])
        score = float(scores.max()) / np.sqrt(bands.size / 2)
        if score > best:
            best, start = score, above + down - BLOCK * int(scores.argmax())
    return best, start


def _shifted_bands(luma: FloatArray, down: int, chosen: tuple[int, ...]) -> Iterator[tuple[int, FloatArray]]:
    """Yield, for all shifts to the right, low bands in steps, (bands, rows, columns), of a grid shifted down."""
    height, width = luma.shape
    rows = (height - down) // BLOCK
    strips = luma[down : down + rows * BLOCK].reshape(rows, BLOCK, width)
    half = np.matmul(basis()[:2], strips)  # (rows, v, W)
    for right in range(BLOCK):
        columns = (width - right) // BLOCK
        part = half[:, :, right : right + columns * BLOCK].reshape(rows, 2, columns, BLOCK)
        low = np.matmul(part, basis()[:2].T)  # (rows, v, columns, u)
        yield right, np.stack([low[:, v, :, u] / STEPS[k] for k in chosen for v, u in (BASE_BANDS[k],)])


def _turned(turns: FloatArray) -> npt.NDArray[np.complex64]:
    """Return phases, doubled, as points of the unit circle."""
    angle = np.float32(4 * np.pi) * (turns - np.rint(turns))
    circle = np.empty(turns.shape, np.complex64)
    np.cos(angle, out=circle.real)
    np.sin(angle, out=circle.imag)
    return circle


def _as_pairs(values: npt.NDArray[np.complex64]) -> FloatArray:
    return np.ascontiguousarray(values, np.complex64).view(np.float32).reshape(*values.shape, 2)


def _spectrum(values: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    """Return the discrete Fourier transform of a square; OpenCV's is ten times as fast as numpy's."""
    return np.ascontiguousarray(cv2.dft(_as_pairs(values))).view(np.complex64)[:, :, 0]

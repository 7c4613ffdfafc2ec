"""The arithmetic of bands: roundings, input planes, merging, colours (docs/reference/flow.md, sections 3, 6 and 8).

Bands are int64 arrays (h, w) in units of 1/1024 grey level; several of them are stacked: (bands, h, w).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .model_files import Integers

F3, F2, F6 = (float.fromhex(f"0x1.{digits}p{power}") for digits, power in
              (("279a74590331c", -1), ("6a09e667f3bcd", -1), ("a20bd700c2c3e", -2)))  # fmt: skip


def half_up(values: Integers, bits: int) -> Integers:
    """``values / 2^bits``, halves up."""
    return (values + (1 << (bits - 1))) >> bits


def half_even(values: Integers, bits: int) -> Integers:
    """``values / 2^bits``, halves to the even neighbour."""
    down = values >> bits
    rest = values - (down << bits)
    half = 1 << (bits - 1)
    return np.asarray(down + ((rest > half) | ((rest == half) & (down & 1 == 1))))


def sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Rows and columns of each level, from 0 to the depth."""
    depth = max(1, (min(height, width) // 4).bit_length() - 1)
    levels = [(height, width)]
    for _ in range(depth):
        levels.append(((levels[-1][0] + 1) // 2, (levels[-1][1] + 1) // 2))
    return levels


def companded(planes: Integers) -> Integers:
    """Small values spread, large ones compressed."""
    parts = sum(factor * np.clip(planes, -a, a) for factor, a in ((64, 8), (16, 32), (4, 128), (1, 512)))
    return half_up(np.asarray(parts, np.int64), 4)


def low_planes(low: Integers, log_step: int) -> Integers:
    """Planes 0 to 16, from the low bands (3, h, w) of a level."""
    quarter = half_up(low, 8)
    right = np.zeros_like(quarter)
    right[:, :, :-1] = quarter[:, :, 1:] - quarter[:, :, :-1]
    below = np.zeros_like(quarter)
    below[:, :-1] = quarter[:, 1:] - quarter[:, :-1]
    slopes = np.clip(np.concatenate([right, below]), -508, 508)
    rows, columns = np.indices(low.shape[1:])
    even = np.where((rows + columns) % 2 == 0, 16, 0)
    fixed = np.stack([even, np.full_like(even, log_step)])
    return np.concatenate([slopes, companded(slopes), half_up(quarter, 4), fixed])


def detail_planes(details: Integers) -> Integers:
    """Planes 17 to 34, from the nine detail bands as far as they are known."""
    quarter = np.clip(half_up(details, 8), -508, 508)
    luma, chroma = quarter[:3], quarter[3:]
    return np.concatenate([luma, companded(luma), chroma, companded(chroma)])


def log_step(step: int, grid: int, level: int) -> int:
    """The log step of a level, in sixteenths of an octave."""
    return 16 * step // grid - 16 - 16 * level


def tables_of(scales: Integers, log: int) -> tuple[Integers, Integers, Integers]:
    """Ratio, plain bits and table of each site, from its scale and the log step of the level."""
    ratios = np.clip(scales - (log >> 1), -32, 184)
    plain = np.maximum(0, -((24 - ratios) // 8))
    return ratios, plain, ratios - 8 * plain + 32


def detail_units(values: Integers, pulls: Integers, shifts: Integers, scale: int, level: int) -> Integers:
    """Details in units; `pulls` are those of the tables, 0 where there are plain bits."""
    return half_even((64 * values - np.sign(values) * pulls) * scale + (shifts << (16 + level)), 12 + level)


def merge(low: Integers, details: Integers, size: tuple[int, int]) -> Integers:
    """Low bands (3, h, w) of the next finer level, of this size."""
    a = low
    h, v, d = (details[kind::3] for kind in range(3))
    finer = np.empty((3, 2 * low.shape[1], 2 * low.shape[2]), np.int64)
    finer[:, 0::2, 0::2] = a + v + (h + d)
    finer[:, 0::2, 1::2] = a + v - (h + d)
    finer[:, 1::2, 0::2] = a - v + (h - d)
    finer[:, 1::2, 1::2] = a - v - (h - d)
    return finer[:, : size[0], : size[1]]


def colours(bands: Integers) -> NDArray[np.float64]:
    """R, G, B (h, w, 3), not yet rounded, of the bands Y, Co, Cg (3, h, w)."""
    y, o, g = (bands[k] / 1024 * factor for k, factor in enumerate((F3, F2, F6)))
    return np.stack([(y + o) + g, y - 2 * g, (y - o) + g], axis=-1)


def unlike_picture(rgb: NDArray[np.float64]) -> bool:
    """Whether samples lie so far outside 0..255 that the key, or the region, was a wrong one."""
    return bool(np.mean(np.maximum(np.maximum(-rgb, rgb - 255), 0)) >= 13)

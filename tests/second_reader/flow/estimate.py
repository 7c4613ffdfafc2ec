"""From a face key and a protected region to the estimate of the original (docs/reference/flow.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from . import planes as arithmetic
from .coder import Decoder
from .model_files import Integers, Model
from .words import digits, modulus, words

LIMIT = 1 << 24  # units; no face has bands beyond it
ESCAPE = 129
COARSE = ((0, 442), (-181, 362), (-209, 418))  # lowest value and range of Y, Co, Cg
# For each stage the number of input planes, and (bands, parity of their sites) in the order of the stream.
STAGES = ((17, ((0, 0),)), (23, ((0, 1),)), (23, ((3, 0), (6, 1))), (35, ((3, 1), (6, 0))))

Watcher = Callable[[str, object], None]


class NoPicture(Exception):
    """The stream left the range of every face: the key is wrong, or samples were changed."""


@dataclass
class Estimate:
    """What was read from a region.  `rgb` (h, w, 3) is the estimate, or what stands for it if `picture` is false."""

    rgb: NDArray[np.uint8]
    picture: bool
    decoder: Decoder | None = field(repr=False)


def read_region(
    region: NDArray[np.uint8],
    reserved: int,
    face_key: bytes,
    model: Model,
    cover_mode: bool,
    watch: Watcher = lambda name, value: None,
) -> Estimate:
    """The estimate of a region (h, w, 3); `watch` is told what is found on the way."""
    code = words(digits(region, reserved, face_key), modulus(region.shape[0], region.shape[1]))
    decoder = None
    try:
        if len(code) < 2:
            raise NoPicture
        decoder = Decoder(code)
        rgb = arithmetic.colours(_bands(decoder, region.shape[0], region.shape[1], model, watch))
        if arithmetic.unlike_picture(rgb):
            raise NoPicture
    except NoPicture:
        return Estimate(region.copy() if cover_mode else _noise(code, region.shape), False, decoder)
    return Estimate(np.clip(np.rint(rgb), 0, 255).astype(np.uint8), True, decoder)


def _noise(code: list[int], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    bits = np.unpackbits(np.frombuffer(np.array(code, "<u4").tobytes(), np.uint8))
    return np.resize(bits * np.uint8(255), shape)


def _bands(decoder: Decoder, height: int, width: int, model: Model, watch: Watcher) -> Integers:
    """Y, Co, Cg of level 0: (3, h, w)."""
    sizes = arithmetic.sizes(height, width)
    depth = len(sizes) - 1
    step = decoder.uniform(10 * model.grid)
    scale = model.scale(step)
    watch("step", step)
    low = _coarse(decoder, sizes[depth], depth, scale, watch)
    for level in range(depth, 0, -1):
        details = np.zeros((9, *sizes[level]), np.int64)
        log = arithmetic.log_step(step, model.grid, level)
        known = arithmetic.low_planes(low, log)
        for stage in range(4):
            _stage(decoder, model, level, stage, scale, log, known, details, watch)
        low = arithmetic.merge(low, details, sizes[level - 1])
        _within(low)
    return low


def _coarse(decoder: Decoder, size: tuple[int, int], depth: int, scale: int, watch: Watcher) -> Integers:
    bands = []
    for lowest, extent in COARSE:
        alphabet = (extent << (16 + depth)) // scale + 2
        symbols = np.array([decoder.uniform(alphabet) for _ in range(size[0] * size[1])], np.int64)
        watch("coarse", symbols)
        units = arithmetic.half_even(symbols * scale + (lowest << (16 + depth)), 6 + depth)
        bands.append(units.reshape(size))
    return np.stack(bands)


def _stage(
    decoder: Decoder,
    model: Model,
    level: int,
    stage: int,
    scale: int,
    log: int,
    known: Integers,
    details: Integers,
    watch: Watcher,
) -> None:
    """Read one stage's details into `details` (9, h, w)."""
    count, parts = STAGES[stage]
    inputs = np.concatenate([known, arithmetic.detail_planes(details)])[:count]
    answer = model.networks[stage].answer(inputs)
    height, width = details.shape[1:]
    rows, columns = np.indices((height, width))
    masks = np.concatenate([[(rows + columns) % 2 == parity] * 3 for _, parity in parts])
    bands = np.concatenate([np.arange(first, first + 3) for first, _ in parts])
    half = len(answer) // 2
    shifts, scales = answer[:half][masks], answer[half:][masks]
    _, plain, tables = arithmetic.tables_of(scales, log)
    values = _symbols(decoder, model, tables, plain)
    watch("stage", (level, stage, inputs, shifts, scales, tables, values))
    if np.any(np.abs(values.astype(float)) * scale > LIMIT * 2.0 ** (6 + level)):
        raise NoPicture
    pulls = np.where(plain == 0, np.array(model.pulls)[tables], 0)
    found = np.zeros((half, height, width), np.int64)
    found[masks] = arithmetic.detail_units(values, pulls, shifts, scale, level)
    _within(found)
    details[bands] += found  # the sites of this stage were 0


def _symbols(decoder: Decoder, model: Model, tables: Integers, plain: Integers) -> Integers:
    """Values of the sites of a stage, in their order."""
    values = np.zeros(len(tables), np.int64)
    escaped = []
    for site in np.argsort(tables, kind="stable"):
        symbol = decoder.table(model.tables[tables[site]])
        values[site] = symbol - 64
        if symbol == ESCAPE:
            escaped.append(site)
    for site in sorted(escaped):
        values[site] = decoder.uniform(1 << 20) - (1 << 19)
    for site in np.argsort(plain, kind="stable")[np.count_nonzero(plain == 0) :]:
        values[site] = (int(values[site]) << int(plain[site])) + decoder.uniform(1 << int(plain[site]))
    return values


def _within(bands: Integers) -> None:
    if np.any(np.abs(bands) > LIMIT):
        raise NoPicture

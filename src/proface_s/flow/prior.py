"""The trained couplings at run time: shift and scale of Haar details from what is known already.

The networks compute on dyadic fractions with few bits (`proface_s.training.secure_prior`), so that float32
convolutions are exact in any order of addition: writer and reader get the same numbers on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..types import FloatArray
from .haar import Float64

STAGES = 4
PLANE_STEPS = 4.0  # the networks see quarters of a grey level
SCALE_STEPS = 8  # scales come in eighths of an octave
HALO = 8  # rows beyond a strip that its result can depend on, with room to spare
STRIP_SITES = 1 << 16  # sites of one call; larger bands are cut into strips of rows

Engine = Callable[[dict[str, Any]], list[Any]]
Sites = npt.NDArray[np.bool_]


def stage_bands(stage: int) -> slice:
    """Which of nine bands (luma, Co, Cg, each horizontal, vertical, diagonal) a stage codes."""
    return slice(0, 3) if stage < 2 else slice(3, 9)


def stage_sites(stage: int, height: int, width: int) -> Sites:
    """(bands, H, W): at which sites a stage codes which of its bands; even sites have an even sum of coordinates."""
    even = (np.arange(height)[:, None] + np.arange(width)) % 2 == 0
    if stage < 2:
        return np.stack([even if stage == 0 else ~even] * 3)
    co, cg = (even, ~even) if stage == 2 else (~even, even)
    return np.stack([co] * 3 + [cg] * 3)


class Prior:
    """Shift and scale of the bands of a stage.

    Args:
        engines: one per stage: a function from named inputs to (shift, scale).
    """

    def __init__(self, engines: list[Engine]) -> None:
        self._engines = engines

    def predict(
        self, stage: int, low: Float64, details: Float64, log_step: int
    ) -> tuple[Float64, npt.NDArray[np.int64]]:
        """What the couplings say of a stage's bands.

        Args:
            stage: 0..3.
            low: (3, H, W) the low band, grey levels.
            details: (9, H, W) what is known of the details, zero elsewhere.
            log_step: log2 of the quantiser step of this level in sixteenths of an octave.

        Returns:
            shifts (bands, H, W) in grey levels, and log2 of the scales in eighths of an octave.
        """
        planes = {
            "low": np.floor(low * PLANE_STEPS + 0.5).astype(np.float32)[None],
            "details": np.floor(details * PLANE_STEPS + 0.5).astype(np.float32)[None],
        }
        height, width = low.shape[1:]
        rows = max(HALO, STRIP_SITES // width)
        if height <= rows + HALO:
            shift, scale = self._run(stage, planes, log_step)
        else:
            strips = [self._strip(stage, planes, log_step, y, min(y + rows, height)) for y in range(0, height, rows)]
            shift, scale = (np.concatenate(parts, axis=1) for parts in zip(*strips, strict=True))
        return shift.astype(np.float64), np.rint(scale * SCALE_STEPS).astype(np.int64)

    def _strip(
        self, stage: int, planes: dict[str, FloatArray], log_step: int, start: int, stop: int
    ) -> tuple[FloatArray, FloatArray]:
        first = max(0, start - HALO)  # even, as start and HALO are: the checkerboard stays where it is
        part = {name: values[:, :, first : stop + HALO] for name, values in planes.items()}
        shift, scale = self._run(stage, part, log_step)
        inner = slice(start - first, stop - first)
        return shift[:, inner], scale[:, inner]

    def _run(self, stage: int, planes: dict[str, FloatArray], log_step: int) -> tuple[FloatArray, FloatArray]:
        step = np.full((1, 1, 1, 1), log_step / 16, np.float32)
        shift, scale = self._engines[stage]({**planes, "log_step": step})
        return shift[0], scale[0]

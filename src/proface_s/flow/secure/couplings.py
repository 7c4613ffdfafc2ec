"""The trained couplings at run time: shift and scale of Haar details, predicted from what is decoded already.

::

    low band ─► differences, companded differences, levels, parity, step: 17 planes ─┐
    luma details, companded: 6 planes ──────── from stage 1 on ──────────────────────┼─ coupling ─► shift, scale
    chroma details, companded: 12 planes ───── in stage 3 ───────────────────────────┘

The networks compute on integers of few bits (`proface_lab.training.secure.couplings`), so float32 convolutions are
exact in any order of addition: writer and reader get the same numbers on any machine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...types import FloatArray
from ..network import Graph
from .haar import Float64

STAGES = 4
PLANE_STEPS = 4.0  # the networks see quarters of a grey level
SHIFT_STEPS = 64.0  # shifts come in 64ths of a grey level
SCALE_STEPS = 8  # scales come in eighths of an octave
DIFFERENCE_LIMIT = 508  # quarters; larger differences are clipped to it
LOW_PLANES, LUMA_PLANES, CHROMA_PLANES = 17, 6, 12
PLANES = (LOW_PLANES, LOW_PLANES + LUMA_PLANES, LOW_PLANES + LUMA_PLANES, LOW_PLANES + LUMA_PLANES + CHROMA_PLANES)
HALO = 8  # rows around a strip that its result may depend on, more than needed
STRIP_SITES = 1 << 16  # sites per call; larger bands are cut into strips of rows

Sites = npt.NDArray[np.intp]
Integers = npt.NDArray[np.int32]


def stage_bands(stage: int) -> slice:
    """Return the bands that a stage codes, of nine: luma, Co, Cg, each horizontal, vertical, diagonal."""
    return slice(0, 3) if stage < 2 else slice(3, 9)


class Couplings:
    """The couplings of all levels: they predict shifts and scales of details.

    Args:
        graphs: one per stage, with `PLANES` planes and two answers per band: shifts in 64ths of a grey level, then
            log2 of the scales in eighths, both still to be rounded down.
    """

    def __init__(self, graphs: list[Graph]) -> None:
        self.graphs = graphs
        self.companded = _companding()

    def level(self, low: Float64, log_step: int) -> Level:
        """Return the level with this low band, none of whose details is known yet.

        Args:
            low: (3, H, W) grey levels.
            log_step: log2 of the quantiser step of this level in sixteenths of an octave.
        """
        return Level(self, low, log_step)


class Level:
    """Predictions for one level, stage by stage."""

    def __init__(self, couplings: Couplings, low: Float64, log_step: int) -> None:
        self._couplings, self._log_step = couplings, log_step
        self._low = np.empty(low.shape, np.float32)
        _quarters(low, self._low)
        height, width = low.shape[1:]
        odd = ((np.arange(height)[:, None] + np.arange(width)) % 2).ravel()
        self._parities = np.flatnonzero(odd == 0), np.flatnonzero(odd)
        rows = max(HALO, STRIP_SITES // width)
        whole = height <= rows + HALO
        self._strips = [(0, height)] if whole else [(y, min(y + rows, height)) for y in range(0, height, rows)]
        self._inputs = _Inputs(couplings, self._low, 0, log_step) if whole else None

    def sites(self, stage: int) -> Sites:
        """Return the sites that a stage codes: flat indices into its bands (bands, H, W), ascending.

        Even sites have an even sum of coordinates: luma is coded there in stage 0, at odd ones in stage 1; Co at even
        and Cg at odd ones in stage 2, the rest in stage 3.
        """
        first, second = self._parities if stage % 2 == 0 else self._parities[::-1]
        planes = [first] * 3 if stage < 2 else [first] * 3 + [second] * 3
        size = first.size + second.size
        return np.concatenate([plane + number * size for number, plane in enumerate(planes)])

    def predict(self, stage: int, details: Float64, sites: Sites) -> tuple[Float64, Integers]:
        """Predict a stage's details.

        Args:
            stage: 0..3.
            details: (9, H, W) details decoded so far, grey levels, zero elsewhere.
            sites: those of the stage.

        Returns:
            (sites,) shifts in grey levels, and log2 of the scales in eighths of an octave.
        """
        out = [self._strip(stage, details, start, stop) for start, stop in self._strips]
        found = (out[0] if len(out) == 1 else np.concatenate(out, axis=1)).reshape(2, -1)
        return np.floor(found[0].take(sites)) / SHIFT_STEPS, np.floor(found[1].take(sites)).astype(np.int32)

    def _strip(self, stage: int, details: Float64, start: int, stop: int) -> FloatArray:
        """Return the answers for the rows from ``start`` to ``stop``: (2 bands, rows, W)."""
        first = max(0, start - HALO)  # even, as start and HALO are, so that the checkerboard does not move
        rows = slice(first, stop + HALO)
        inputs = self._inputs or _Inputs(self._couplings, self._low[:, rows], first, self._log_step)
        found: FloatArray = self._couplings.graphs[stage](inputs.known(stage, details[:, rows]))[0]
        return found[:, start - first : stop - first]


class _Inputs:
    """Input planes for some rows, filled in as more details are decoded."""

    def __init__(self, couplings: Couplings, low: FloatArray, first: int, log_step: int) -> None:
        height, width = low.shape[1:]
        self._companded, self._luma_complete = couplings.companded, False
        self._planes = np.zeros((1, PLANES[-1], height, width), np.float32)
        planes = self._planes[0]
        np.subtract(low[:, :, 1:], low[:, :, :-1], out=planes[0:3, :, :-1])
        np.subtract(low[:, 1:], low[:, :-1], out=planes[3:6, :-1])
        self._compand(planes[0:6], planes[6:12])
        planes[12:15] = np.floor(low / 16 + 0.5)
        planes[15] = 16 * ((np.arange(first, first + height)[:, None] + np.arange(width) + 1) % 2)
        planes[16] = log_step

    def known(self, stage: int, details: Float64) -> FloatArray:
        """Return the input planes of a stage, given the details decoded before it."""
        planes = self._planes[0]
        if stage and not self._luma_complete:
            _quarters(details[0:3], planes[17:20])
            self._compand(planes[17:20], planes[20:23])
            self._luma_complete = stage > 1
        if stage == 3:
            _quarters(details[3:9], planes[23:29])
            self._compand(planes[23:29], planes[29:35])
        return self._planes[:, : PLANES[stage]]

    def _compand(self, differences: FloatArray, companded: FloatArray) -> None:
        """Clip differences in place, and write their companded form."""
        np.clip(differences, -DIFFERENCE_LIMIT, DIFFERENCE_LIMIT, out=differences)
        places = differences.astype(np.intp)
        places += DIFFERENCE_LIMIT
        companded[...] = self._companded.take(places)


def _quarters(values: Float64, out: FloatArray) -> None:
    """Round grey levels, multiples of 2^-10 below 2^12 in size (so that float32 is exact), to quarters of a level."""
    out[...] = values
    out *= np.float32(PLANE_STEPS)
    out += np.float32(0.5)
    np.floor(out, out=out)


def _companding() -> FloatArray:
    """Return the companded form of each difference from -508 to 508 quarters: a sum of clips, in quarters."""
    x = np.arange(-DIFFERENCE_LIMIT, DIFFERENCE_LIMIT + 1)
    total = x.clip(-8, 8) + x.clip(-32, 32) / 4 + x.clip(-128, 128) / 16 + x.clip(-512, 512) / 64
    return np.floor(total * 4 + 0.5).astype(np.float32)

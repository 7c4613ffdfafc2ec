"""Turning a JPEG without loss: its blocks are exchanged and mirrored, as `jpegtran` and many viewers do.

A mirrored block has the same coefficients, those of odd frequencies with the other sign.  Partial MCUs at the right and
bottom edge cannot be mirrored and stay where they are, so that doing the same again is still the inverse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .picture import BLOCK, Coefficients, JpegComponent, JpegPicture

_ODD: Final = 1 - 2 * (np.arange(BLOCK, dtype=np.int16) % 2)  # 1, -1, 1, ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One of the eight ways to turn a picture: first exchange rows and columns, then mirror.

    Attributes:
        exchange: whether rows become columns.
        rows: whether their order is reversed.
        columns: likewise.
    """

    exchange: bool = False
    rows: bool = False
    columns: bool = False

    def of(self, picture: JpegPicture) -> JpegPicture:
        """Return a picture turned; its orientation stays what it says."""
        if self.exchange:
            components = tuple(map(_exchanged, picture.components))
            picture = replace(picture, width=picture.height, height=picture.width, components=components)
        across, down = picture.width // picture.mcu[0], picture.height // picture.mcu[1]  # whole MCUs
        components = tuple(
            replace(each, coefficients=self._mirrored(each.coefficients, across * each.h, down * each.v))
            for each in picture.components
        )
        return replace(picture, components=components)

    def _mirrored(self, blocks: Coefficients, across: int, down: int) -> Coefficients:
        found = blocks.copy()
        if self.columns:
            found[:, :across] = found[:, :across][:, ::-1] * _ODD
        if self.rows:
            found[:down] = found[:down][::-1] * _ODD[:, None]
        return found


TURNS: Final = tuple(
    Turn(exchange, rows, columns) for exchange in (False, True) for rows in (False, True) for columns in (False, True)
)
"""All of them; the first one leaves a picture as it is."""


def _exchanged(component: JpegComponent) -> JpegComponent:
    return replace(
        component,
        h=component.v,
        v=component.h,
        table=np.ascontiguousarray(component.table.T),
        coefficients=np.ascontiguousarray(component.coefficients.transpose(1, 0, 3, 2)),
    )

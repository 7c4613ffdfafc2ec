"""Pixels to quantised coefficients, with the tables and the sampling of a JPEG picture (ITU-T T.81, A.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ...types import Box, UInt8Image
from .geometry import turned_to_stored
from .picture import BLOCK, Coefficients, JpegComponent, JpegPicture, Table

_FloatPlane = npt.NDArray[np.float32]
_LUMA: Final = (0.299, 0.587, 0.114)
_YCC: Final = np.array([_LUMA, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)], np.float32)
_LEVEL_SHIFT, _MOST_AC = 128, 1023


def area_blocks(picture: JpegPicture, area: Box) -> list[Coefficients]:
    """Return a copy of the coefficients of an area of MCUs, one array per component: (rows, columns, 8, 8) int16."""
    return [each.coefficients[_blocks(each, area)].copy() for each in picture.components]


def with_area_blocks(picture: JpegPicture, placed: Mapping[Box, Sequence[Coefficients]]) -> JpegPicture:
    """Return a picture with the coefficients of some areas replaced; all others stay.

    Args:
        picture: left as it is.
        placed: area of MCUs -> one array per component, as `area_blocks` returns them.
    """
    copied = picture.with_coefficients(
        {number: each.coefficients.copy() for number, each in enumerate(picture.components)}
    )
    put_area_blocks(copied, placed)
    return copied


def put_area_blocks(picture: JpegPicture, placed: Mapping[Box, Sequence[Coefficients]]) -> None:
    """Replace the coefficients of some areas, in the picture itself.

    Args:
        picture: is changed; nothing else may hold its coefficients.
        placed: as for `with_area_blocks`.
    """
    for area, blocks in placed.items():
        for each, replaced in zip(picture.components, blocks, strict=True):
            each.coefficients[_blocks(each, area)] = replaced


def encode_area(picture: JpegPicture, area: Box, pixels: UInt8Image) -> list[Coefficients]:
    """Encode pixels as the coefficients of an area of MCUs, with the picture's own tables and sampling.

    Args:
        picture: says how.
        area: where they go, in MCUs.
        pixels: (h, w, 3) uint8 RGB, upright: what the picture shows of the area.  Beyond the edges of the picture its
            last pixels are repeated, and blocks that show none of it are zero.

    Returns:
        One array per component, as `area_blocks` returns them.
    """
    stored = turned_to_stored(pixels, picture.orientation)
    width, height = area.w * picture.mcu[0], area.h * picture.mcu[1]
    padded = np.pad(stored, ((0, height - stored.shape[0]), (0, width - stored.shape[1]), (0, 0)), "edge")
    planes = _planes(padded.astype(np.float32), picture)
    most_h, most_v = picture.sampling
    encoded = []
    for plane, each in zip(planes, picture.components, strict=True):
        blocks = quantised(_subsampled(plane, most_v // each.v, most_h // each.h), each.table)
        across, down = picture.own_blocks(each)
        blocks[max(0, down - area.y * each.v) :] = 0  # scans of one component leave these out
        blocks[:, max(0, across - area.x * each.h) :] = 0
        encoded.append(blocks)
    return encoded


def quantised(plane: _FloatPlane, table: Table) -> Coefficients:
    """Return the quantised DCT of a plane.

    Args:
        plane: (8 rows, 8 columns) samples, around zero.
        table: (8, 8) quantiser steps.

    Returns:
        (rows, columns, 8, 8) int16.
    """
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    blocks = plane.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    basis = _dct_basis()
    values = np.rint((basis @ blocks @ basis.T) / table)
    return np.clip(values, -_MOST_AC - 1, _MOST_AC).astype(np.int16)


def _blocks(component: JpegComponent, area: Box) -> tuple[slice, slice]:
    h, v = component.h, component.v
    return np.s_[area.y * v : area.bottom * v, area.x * h : area.right * h]


def _planes(rgb: _FloatPlane, picture: JpegPicture) -> list[_FloatPlane]:
    """Return the planes of the picture's components, around zero."""
    if picture.colours == "grey":
        return [rgb @ np.array(_LUMA, np.float32) - _LEVEL_SHIFT]
    if picture.colours == "rgb":
        return [rgb[..., number] - _LEVEL_SHIFT for number in range(3)]
    planes = rgb @ _YCC.T
    return [planes[..., 0] - _LEVEL_SHIFT, planes[..., 1], planes[..., 2]]


def _subsampled(plane: _FloatPlane, down: int, across: int) -> _FloatPlane:
    if down == across == 1:
        return plane
    height, width = plane.shape[0] // down, plane.shape[1] // across
    mean: _FloatPlane = plane.reshape(height, down, width, across).mean((1, 3))
    return mean


def _dct_basis() -> _FloatPlane:
    """Return the orthonormal DCT-II of length 8: row ``k`` is the basis function of frequency ``k``."""
    frequency, sample = np.arange(BLOCK)[:, None], np.arange(BLOCK)[None, :]
    basis = np.cos((2 * sample + 1) * frequency * np.pi / (2 * BLOCK)) * np.where(frequency, 0.5, np.sqrt(0.125))
    return basis.astype(np.float32)

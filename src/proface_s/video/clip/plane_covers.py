"""Draw covers into planes.  Only the covered boxes pass through RGB; all other samples stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from ...types import Box, UInt8Image
from .planes import EIGHT, TEN, FramePlanes, read_planes, turned, write_planes

_FULL_RANGE: Final = 2


class ColourTags(NamedTuple):
    """How a clip's samples stand for colours: numbers of ISO/IEC 23091-2, and FFmpeg's for the range (2 is full).

    Attributes:
        primaries: of the colours.
        transfer: characteristics.
        matrix: coefficients.
        range: 1 for limited, 2 for full, 0 if unknown.
    """

    primaries: int
    transfer: int
    matrix: int
    range: int

    @classmethod
    def of(cls, frame: Any) -> ColourTags:
        """Return the tags of a decoder's frame."""
        full = frame.format.name.startswith("yuvj")
        return cls(
            int(frame.color_primaries),
            int(frame.color_trc),
            int(frame.colorspace),
            _FULL_RANGE if full else int(frame.color_range),
        )


def cut_planes(planes: FramePlanes, box: Box) -> FramePlanes:
    """Return the part of the planes in an even box, as views."""
    x, y, right, bottom = box.x, box.y, box.right, box.bottom
    half = slice(y // 2, bottom // 2), slice(x // 2, right // 2)
    return FramePlanes(planes.y[y:bottom, x:right], planes.u[half], planes.v[half])


def paste_planes(planes: FramePlanes, box: Box, part: FramePlanes, mask: Any = None) -> None:
    """Write a part into the planes, inverse of `cut_planes`.

    Args:
        planes: changed.
        box: even.
        part: of the box's size.
        mask: (h / 2, w / 2) bool: which samples of chroma, and which four of luma, to write; all if None.
    """
    target = cut_planes(planes, box)
    if mask is None:
        for plane, values in zip(target, part, strict=True):
            plane[...] = values
        return
    four = np.repeat(np.repeat(mask, 2, axis=0), 2, axis=1)
    for plane, values, where in zip(target, part, (four, mask, mask), strict=True):
        np.copyto(plane, values, where=where)


def cover_box(
    av: Any,
    planes: FramePlanes,
    box: Box,
    face: Box,
    draw: Callable[[UInt8Image, Box], UInt8Image],
    rotation: int,
    tags: ColourTags,
) -> None:
    """Cover a box of a frame in place.

    Args:
        av: the library.
        planes: of the stored frame; what other covers have left in the box stays covered.
        box: to cover; even.
        face: the tight box of the face in it, in pixels of the frame.
        draw: returns the cover of the box, upright, (h, w, 3) uint8 RGB, of its pixels and the tight box in them.
        rotation: degrees counterclockwise to turn the frame upright.
        tags: of the clip.
    """
    rgb = _to_rgb(av, cut_planes(planes, box), tags)
    upright = np.ascontiguousarray(turned(rgb, rotation))
    place = _turned_box(Box(face.x - box.x, face.y - box.y, face.w, face.h), (box.w, box.h), rotation)
    stored = np.ascontiguousarray(turned(draw(upright, place), -rotation % 360))
    paste_planes(planes, box, _from_rgb(av, stored, planes.y.dtype != np.uint8, tags))


def _turned_box(box: Box, size: tuple[int, int], rotation: int) -> Box:
    """Return a box of a stored picture in the picture turned counterclockwise."""
    width, height = size
    if rotation == 90:
        return Box(box.y, width - box.right, box.h, box.w)
    if rotation == 180:
        return Box(width - box.right, height - box.bottom, box.w, box.h)
    if rotation == 270:
        return Box(height - box.bottom, box.x, box.h, box.w)
    return box


def _to_rgb(av: Any, part: FramePlanes, tags: ColourTags) -> UInt8Image:
    frame = write_planes(av, part)
    full = tags.range == _FULL_RANGE
    converted = frame.reformat(
        format="rgb24", src_colorspace=_matrix(tags), src_color_range=2 if full else 1, dst_color_range=2
    )
    return np.asarray(converted.to_ndarray(), np.uint8)


def _from_rgb(av: Any, rgb: UInt8Image, ten: bool, tags: ColourTags) -> FramePlanes:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    full = tags.range == _FULL_RANGE
    converted = frame.reformat(
        format=TEN if ten else EIGHT, dst_colorspace=_matrix(tags), src_color_range=2, dst_color_range=2 if full else 1
    )
    return read_planes(converted)


def _matrix(tags: ColourTags) -> int:
    """Return FFmpeg's number for the matrix of the conversion: BT.709, BT.2020 or, for all others, BT.601."""
    return {1: 1, 9: 9, 10: 9}.get(tags.matrix, 5)

"""Frames in the planes in which a decoder gives them: luma and chroma at half its resolution, 8 or 10 bits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ...types import Box, UInt8Image

Plane = npt.NDArray[Any]
"""(H, W) uint8, or uint16 with values 0..1023."""

EIGHT: Final = "yuv420p"
TEN: Final = "yuv420p10le"
_AS_IT_IS: Final = {"yuv420p": EIGHT, "yuvj420p": EIGHT, TEN: TEN}


class FramePlanes(NamedTuple):
    """The planes of a frame, 4:2:0.

    Attributes:
        y: (H, W) luma.
        u: (ceil(H / 2), ceil(W / 2)) blue difference.
        v: red difference, likewise.
    """

    y: Plane
    u: Plane
    v: Plane

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return int(self.y.shape[1]), int(self.y.shape[0])

    def copy(self) -> FramePlanes:
        """Return planes of their own memory."""
        return FramePlanes(*(plane.copy() for plane in self))


@dataclass(frozen=True, slots=True, eq=False)
class ClipFrame:
    """One decoded frame, as it is stored; `rgb` and `grey` are upright.

    Attributes:
        index: number of the frame in the clip, from 0.
        pts: time at which it is shown, in units of ``time_base``; strictly ascending.
        time_base: seconds.
        rotation: degrees by which it has to be turned counterclockwise to be upright: 0, 90, 180 or 270.
        decoded: the decoder's frame.
    """

    index: int
    pts: int
    time_base: Fraction
    rotation: int
    decoded: Any

    @property
    def seconds(self) -> float:
        """Time at which it is shown, in seconds."""
        return float(self.pts * self.time_base)

    def planes(self) -> FramePlanes:
        """Return the planes, not turned; 10 bits if the clip has more than 8.

        The memory is the caller's own.
        """
        known = _AS_IT_IS.get(self.decoded.format.name)
        frame = self.decoded if known else self.decoded.reformat(format=plane_format(self.decoded))
        return read_planes(frame)

    @property
    def grey(self) -> UInt8Image:
        """(H, W) uint8, upright: the luma without its finest bits."""
        luma = self.planes().y
        eight: UInt8Image = turned(luma if luma.dtype == np.uint8 else (luma >> 2).astype(np.uint8), self.rotation)
        return eight

    def rgb(self) -> UInt8Image:
        """Return the frame as (H, W, 3) uint8 RGB, upright."""
        upright: UInt8Image = turned(np.asarray(self.decoded.to_ndarray(format="rgb24"), np.uint8), self.rotation)
        return upright


def plane_format(decoded: Any) -> str:
    """Return the format of the planes that stand for a decoder's frame."""
    depth = max(component.bits for component in decoded.format.components)
    return EIGHT if depth <= 8 else TEN


def read_planes(frame: Any) -> FramePlanes:
    """Copy the planes out of a PyAV frame in one of the two formats; `write_planes` is the inverse."""
    wide = frame.format.name == TEN
    planes = []
    for plane in frame.planes:
        row = plane.line_size // (2 if wide else 1)
        data = np.frombuffer(plane, np.dtype("<u2") if wide else np.uint8).reshape(plane.height, row)
        planes.append(np.array(data[:, : plane.width], order="C"))
    return FramePlanes(*planes)


def write_planes(av: Any, planes: FramePlanes) -> Any:
    """Return a PyAV frame with these planes; inverse of `read_planes`.

    Args:
        av: the library.
        planes: uint8 or uint16.
    """
    wide = planes.y.dtype != np.uint8
    frame = av.VideoFrame(*planes.size, TEN if wide else EIGHT)
    for plane, values in zip(frame.planes, planes, strict=True):
        row = plane.line_size // (2 if wide else 1)
        target = np.frombuffer(plane, np.dtype("<u2") if wide else np.uint8).reshape(plane.height, row)
        target[:, : plane.width] = values
    return frame


def turned(picture: Any, rotation: int) -> Any:
    """Return a picture, (H, W) or (H, W, 3), turned counterclockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(picture, rotation // 90)) if rotation else picture


def stored_box(box: Box, size: tuple[int, int], rotation: int) -> Box:
    """Return the box of the stored frame that is a box of the upright one.

    Args:
        box: inside the upright frame.
        size: (width, height) of the stored frame.
        rotation: see `ClipFrame.rotation`.
    """
    width, height = size
    if rotation == 90:
        return Box(width - box.bottom, box.x, box.h, box.w)
    if rotation == 180:
        return Box(width - box.right, height - box.bottom, box.w, box.h)
    if rotation == 270:
        return Box(box.y, height - box.right, box.h, box.w)
    return box

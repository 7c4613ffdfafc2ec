"""Stickers drawn by this package: simple shapes in unit coordinates, smooth at any size.

Every sticker fills its square from edge to edge: any part that it leaves free has to be hidden by other means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np

from ...types import UInt8Image

_LARGEST_CANVAS = 2048  # pixels; larger stickers are enlarged from this
_SHIFT = 4  # fractional bits of cv2's drawing coordinates

_Point = tuple[float, float]
_Colour = tuple[int, int, int]

_YELLOW, _ORANGE, _INK = (255, 205, 60), (245, 150, 50), (52, 40, 44)
_WHITE, _PINK, _RED = (255, 255, 255), (250, 150, 165), (225, 60, 75)


class _Canvas:
    """Square RGBA canvas, drawn on in unit coordinates (0..1, y down)."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.rgba = np.zeros((side, side, 4), np.uint8)

    def disc(self, centre: _Point, radii: _Point, colour: _Colour, arc: tuple[float, float] = (0, 360)) -> None:
        """Draw a filled ellipse, or its segment between two angles (degrees, clockwise from the right)."""
        self.polygon(_arc(centre, radii, arc), colour)

    def line(self, points: Sequence[_Point], width: float, colour: _Colour) -> None:
        """Draw a stroke with round ends."""
        pixels = self._pixels(points)
        thickness = max(1, round(width * self.side))
        cv2.polylines(self.rgba, [pixels], False, (*colour, 255), thickness, cv2.LINE_8, _SHIFT)

    def arc(self, centre: _Point, radii: _Point, arc: tuple[float, float], width: float, colour: _Colour) -> None:
        """Draw a stroke along an elliptical arc."""
        self.line(_arc(centre, radii, arc), width, colour)

    def polygon(self, points: Sequence[_Point], colour: _Colour) -> None:
        """Draw a filled polygon."""
        cv2.fillPoly(self.rgba, [self._pixels(points)], (*colour, 255), cv2.LINE_8, _SHIFT)

    def _pixels(self, points: Sequence[_Point]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        scaled = np.asarray(points, np.float64) * self.side - 0.5
        return np.rint(scaled * (1 << _SHIFT)).astype(np.int32)


def _arc(centre: _Point, radii: _Point, arc: tuple[float, float]) -> list[_Point]:
    angles = np.radians(np.linspace(arc[0], arc[1], 181))
    xs, ys = centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _smiley(canvas: _Canvas) -> None:
    canvas.disc((0.5, 0.5), (0.5, 0.5), _ORANGE)
    canvas.disc((0.5, 0.485), (0.475, 0.47), _YELLOW)
    for x in (0.34, 0.66):
        canvas.disc((x, 0.38), (0.06, 0.095), _INK)
        canvas.disc((x + 0.02, 0.345), (0.02, 0.03), _WHITE)
    canvas.disc((0.5, 0.56), (0.27, 0.28), _INK, (0, 180))
    canvas.disc((0.5, 0.76), (0.15, 0.065), _RED)
    for x in (0.17, 0.83):
        canvas.disc((x, 0.58), (0.07, 0.045), _PINK)


def _stars(canvas: _Canvas) -> None:
    canvas.disc((0.5, 0.5), (0.5, 0.5), _ORANGE)
    canvas.disc((0.5, 0.485), (0.475, 0.47), _YELLOW)
    for x in (0.31, 0.69):
        angles = np.radians(np.arange(10) * 36 - 90)
        radii = np.where(np.arange(10) % 2 == 0, 0.17, 0.075)
        star = zip((x + radii * np.cos(angles)).tolist(), (0.38 + radii * np.sin(angles)).tolist(), strict=True)
        canvas.polygon(list(star), _RED)
    canvas.disc((0.5, 0.6), (0.25, 0.25), _INK, (0, 180))
    canvas.polygon([(0.27, 0.61), (0.73, 0.61), (0.715, 0.68), (0.285, 0.68)], _WHITE)


def _cat(canvas: _Canvas) -> None:
    fur, dark = (240, 170, 90), (205, 125, 60)
    for side in (-1, 1):
        ear = [(0.5 + side * 0.47, 0.0), (0.5 + side * 0.05, 0.24), (0.5 + side * 0.49, 0.52)]
        canvas.polygon(ear, dark)
        inner = [(0.5 + side * 0.42, 0.09), (0.5 + side * 0.18, 0.24), (0.5 + side * 0.43, 0.4)]
        canvas.polygon(inner, _PINK)
    canvas.disc((0.5, 0.57), (0.5, 0.43), dark)
    canvas.disc((0.5, 0.565), (0.48, 0.41), fur)
    for x in (0.42, 0.5, 0.58):
        canvas.line([(x, 0.17), (0.5 + (x - 0.5) * 0.8, 0.29)], 0.03, dark)
    for x in (0.3, 0.7):
        canvas.disc((x, 0.5), (0.085, 0.1), _WHITE)
        canvas.disc((x, 0.5), (0.045, 0.09), _INK)
        canvas.disc((x + 0.018, 0.46), (0.018, 0.022), _WHITE)
    for x in (0.41, 0.59):
        canvas.disc((x, 0.74), (0.12, 0.095), (255, 226, 190))
        canvas.arc((x, 0.7), (0.09, 0.1), (10, 170), 0.016, _INK)
    canvas.polygon([(0.44, 0.635), (0.56, 0.635), (0.5, 0.705)], _PINK)
    for side in (-1, 1):
        for lift in (-0.035, 0.0, 0.035):
            start, stop = (0.5 + side * 0.2, 0.72 + lift * 0.5), (0.5 + side * 0.44, 0.7 + lift * 2)
            canvas.line([start, stop], 0.012, _INK)


def _robot(canvas: _Canvas) -> None:
    steel, dark, glow = (150, 170, 190), (84, 102, 124), (90, 230, 235)
    _rounded(canvas, (0.0, 0.08), (1.0, 1.0), 0.16, dark)
    _rounded(canvas, (0.03, 0.11), (0.97, 0.97), 0.14, steel)
    canvas.line([(0.5, 0.1), (0.5, 0.05)], 0.04, dark)
    canvas.disc((0.5, 0.045), (0.045, 0.045), _RED)
    _rounded(canvas, (0.12, 0.25), (0.88, 0.57), 0.12, _INK)
    for x in (0.31, 0.69):
        canvas.disc((x, 0.41), (0.105, 0.105), glow)
        canvas.disc((x, 0.41), (0.05, 0.05), _WHITE)
    _rounded(canvas, (0.24, 0.7), (0.76, 0.86), 0.05, _INK)
    for x in (0.33, 0.415, 0.5, 0.585, 0.67):
        canvas.line([(x, 0.735), (x, 0.825)], 0.035, glow)
    for x in (0.08, 0.92):
        for y in (0.19, 0.89):
            canvas.disc((x, y), (0.022, 0.022), dark)


def _theatre(canvas: _Canvas) -> None:
    gold, ivory = (214, 165, 60), (250, 244, 226)
    outline = [(0.0, 0.02), (0.25, 0.07), (0.5, 0.085), (0.75, 0.07), (1.0, 0.02)]
    outline += _arc((0.5, 0.45), (0.5, 0.55), (0, 180))
    canvas.polygon(outline, gold)
    canvas.polygon([(0.5 + (x - 0.5) * 0.94, 0.5 + (y - 0.5) * 0.94) for x, y in outline], ivory)
    for x in (0.29, 0.71):
        canvas.disc((x, 0.45), (0.14, 0.15), _INK, (180, 360))
        canvas.disc((x, 0.46), (0.14, 0.055), ivory, (180, 360))
        canvas.arc((x, 0.32), (0.16, 0.1), (200, 340), 0.03, gold)
        canvas.disc((x + np.sign(x - 0.5) * 0.07, 0.57), (0.075, 0.055), _PINK)
    canvas.line([(0.5, 0.4), (0.46, 0.57), (0.53, 0.58)], 0.02, gold)
    canvas.disc((0.5, 0.66), (0.29, 0.24), _INK, (0, 180))
    canvas.disc((0.5, 0.655), (0.29, 0.07), ivory, (0, 180))


def _rounded(canvas: _Canvas, start: _Point, stop: _Point, radius: float, colour: _Colour) -> None:
    points: list[_Point] = []
    for x, y, first in (
        (stop[0] - radius, start[1] + radius, -90),
        (stop[0] - radius, stop[1] - radius, 0),
        (start[0] + radius, stop[1] - radius, 90),
        (start[0] + radius, start[1] + radius, 180),
    ):
        points += _arc((x, y), (radius, radius), (first, first + 90))
    canvas.polygon(points, colour)


_DRAWINGS: dict[str, Callable[[_Canvas], None]] = {
    "cat": _cat,
    "robot": _robot,
    "smiley": _smiley,
    "stars": _stars,
    "theatre": _theatre,
}

DRAWN: Final = tuple(_DRAWINGS)
"""Names of the stickers, sorted."""


def draw_sticker(name: str, width: int, height: int) -> UInt8Image:
    """Draw a sticker at a size.

    Args:
        name: one of `DRAWN`.
        width: in pixels, at least 1.
        height: in pixels, at least 1.

    Returns:
        (height, width, 4) uint8 RGBA with premultiplied colour, anti-aliased by drawing larger and averaging.
    """
    longer = max(width, height)
    canvas = _Canvas(min(_LARGEST_CANVAS, max(256, 2 ** int(np.ceil(np.log2(4 * longer))))))
    _DRAWINGS[name](canvas)
    shrinks = canvas.side >= longer
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(canvas.rgba, (width, height), interpolation=method), np.uint8)

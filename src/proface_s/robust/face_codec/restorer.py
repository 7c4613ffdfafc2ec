"""The network after decoding: planes as their numbers say them -> planes as faces look, at twice the size.

It sees what a code of few bytes leaves of an aligned face, and the step that made it so, and answers with a correction.
OpenCV's dnn module runs it, which is a dependency anyway.
"""

from __future__ import annotations

import math
import threading
from functools import cache
from typing import Any, Final

import cv2
import numpy as np

from ...errors import ModelError
from ...types import FloatArray
from .raster import CHROMA, LUMA, OVAL, SQUARE, Planes, enlarge
from .weights import RESTORER, codec_file

_INNER: Final = 32  # pixels a side of the network's planes
_UNIT: Final = 64.0  # grey levels of luma that the network counts as 1; half of it for chroma
_MIDDLE_STEP: Final = 60.0

_COMB: Final = np.array([1, 2, 2, 2, 1], np.float32) / 8
_INNER_FACE: Final = 0.6  # half axes of the oval

_lock = threading.Lock()


def restore(planes: Planes, step: float) -> Planes:
    """Return restored planes, luma 128x128 and chroma (2, 32, 32).

    Args:
        planes: decoded, luma 64x64 and chroma (2, 16, 16).
        step: of the code, in grey levels.

    Raises:
        ModelError: if OpenCV cannot run the network, or its file was altered.
    """
    luma, chroma = planes
    inner = np.stack([enlarge(plane, _INNER) for plane in chroma])
    cells = ((luma - 128) / _UNIT).reshape(_INNER, 2, _INNER, 2).transpose(1, 3, 0, 2).reshape(4, _INNER, _INNER)
    level = np.full((1, _INNER, _INNER), math.log(step / _MIDDLE_STEP))
    answer = _answer(np.concatenate([cells, inner * (2 / _UNIT), level])[None].astype(np.float32))
    factor = SQUARE // _INNER
    change = answer[:16].reshape(factor, factor, _INNER, _INNER).transpose(2, 0, 3, 1).reshape(SQUARE, SQUARE)
    return enlarge(luma, SQUARE) + _UNIT * _calmed(change), inner + _UNIT / 2 * answer[16:]


def _calmed(change: FloatArray) -> FloatArray:
    """Return a correction (128, 128) without the stripes that the network's cells of 4 pixels leave in hair.

    The filter takes out what repeats every 2 or 4 pixels.  It grows towards the oval's edge, away from what makes a
    face recognisable.
    """
    smooth = cv2.sepFilter2D(change, cv2.CV_32F, _COMB, _COMB, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(change + _rim() * (smooth - change), np.float32)


@cache
def _rim() -> FloatArray:
    """Return the share of the filter at every pixel: 0 in the inner face, 1 at the oval's edge."""
    middle_x, middle_y, half_x, half_y = OVAL
    y, x = (np.mgrid[:SQUARE, :SQUARE] + 0.5) / SQUARE - np.array([middle_y, middle_x])[:, None, None]
    distance = np.hypot(x / half_x, y / half_y)
    return np.asarray(np.clip((distance - _INNER_FACE) / (1 - _INNER_FACE) * 2, 0, 1), np.float32)


def _answer(values: FloatArray) -> FloatArray:
    """Run the network; one call at a time, since OpenCV's networks keep their values in themselves."""
    with _lock:
        try:
            network = _network()
            network.setInput(values)
            return np.array(network.forward()[0], np.float32)
        except cv2.error as error:
            raise ModelError(f"OpenCV {cv2.__version__} cannot run the network of the face codec") from error


@cache
def _network() -> Any:
    return cv2.dnn.readNetFromONNX(np.frombuffer(codec_file(RESTORER), np.uint8))


assert LUMA == 2 * _INNER == 4 * CHROMA

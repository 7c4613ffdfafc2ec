"""The engine that finds faces under masks, in the dark and in noise: CenterFace, run by OpenCV.

Xu, Yan, Yang et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2020, arXiv:1911.03599).
The network answers for every cell of 4x4 pixels: how surely a face is centred there, and its size and offset.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from ...threads import opencv_threads
from ...types import UInt8Image
from ..looks import Reach
from .engine import Engine, RawFace, SecondLook

_WEIGHTS: Final = "centerface.onnx"  # in half precision, see NOTICE
_CELL: Final = 4  # pixels
_MULTIPLE: Final = 32  # pixels; the sides of what the network sees
_OUTPUTS: Final = ("537", "538", "539", "540")  # see `find`; the last one, landmarks, is not used
_SAME: Final = 0.3  # intersection over union of two answers for one face
_MOST_SURE: Final = 5_000  # answers of one patch, before those for the same face are dropped
_REACH: Final = Reach(
    smallest=9.0,
    clear=9.0,  # in noise it sees a face better at half the size
    largest=400.0,
    tile=736,  # the network takes, and keeps, 250 MB per million pixels
    coarse=(320, 640),
    angles=(),
    turned=(),
    enlarged=1.6,
    finest_side=1280,
    least_scale=0.25,
    most_area=16e6,
)


def _find(patch: UInt8Image, threshold: float, threads: int) -> list[RawFace]:
    """See `FindInPatch`."""
    sure, size, offset, _ = _answers(_planes(patch), threads)
    row, column = np.nonzero(sure[0, 0] >= threshold)
    score = sure[0, 0, row, column]
    if len(score) > _MOST_SURE:
        best = np.argpartition(-score, _MOST_SURE)[:_MOST_SURE]
        row, column, score = row[best], column[best], score[best]
    h, w = (np.exp(size[0, axis, row, column]) * _CELL for axis in (0, 1))
    y = (row + offset[0, 0, row, column] + 0.5) * _CELL - h / 2
    x = (column + offset[0, 1, row, column] + 0.5) * _CELL - w / 2
    answers = np.stack([x, y, w, h, np.minimum(score, 1.0)], 1).astype(float)
    return [RawFace(*values) for values in answers[_best(answers)].tolist()]


def _best(answers: Any) -> list[int]:
    """Return the positions of the best answer for each face; ``answers``: (N, 5) x, y, w, h, score."""
    import cv2

    if not len(answers):
        return []
    return [int(index) for index in np.ravel(cv2.dnn.NMSBoxes(answers[:, :4].tolist(), answers[:, 4], 0.0, _SAME))]


def _planes(patch: UInt8Image) -> Any:
    """Return a patch as the network takes it: (1, 3, H, W) float32, 0..255 RGB, sides padded with black."""
    height, width = (-(-side // _MULTIPLE) * _MULTIPLE for side in patch.shape[:2])
    planes = np.zeros((1, 3, height, width), np.float32)
    planes[0, :, : patch.shape[0], : patch.shape[1]] = patch.transpose(2, 0, 1)
    return planes


@lru_cache(1)
def _weights() -> bytes:
    return files(__package__).joinpath(_WEIGHTS).read_bytes()


_idle: Final[deque[Any]] = deque()  # a network of OpenCV's belongs to one thread at a time


def forget_networks() -> None:
    """Drop idle networks, each of which keeps 250 MB for a million pixels of what it saw last; a new one is read."""
    _idle.clear()


def _answers(planes: Any, threads: int) -> list[Any]:
    """Run an idle network, or a new one, which takes 30 ms to read."""
    import cv2

    try:
        network = _idle.pop()
    except IndexError:
        network = cv2.dnn.readNetFromONNX(np.frombuffer(_weights(), np.uint8))
    with opencv_threads(threads):
        network.setInput(planes)
        found = [np.array(answer) for answer in network.forward(_OUTPUTS)]
    _idle.append(network)
    return found


CENTERFACE: Final = Engine(
    name="centerface",
    licence="MIT",
    origin="https://github.com/Star-Clouds/CenterFace",
    weights=_WEIGHTS,
    weights_sha256="61f77c0b2ec448a259518092ad5598c28926895d208a44e51a9b3ce4564bad47",
    reach=_REACH,
    thorough_reach=replace(_REACH, finest_side=2560, least_scale=0.5, most_area=128e6),
    threshold=0.42,
    thorough_threshold=0.35,
    turned_threshold=0.6,
    unsure_threshold=0.25,
    second_look=SecondLook(side=64.0, threshold=0.5, turned=False, followed_side=32.0),
    side_by_side=1,  # for its memory, see `_REACH`
    find=_find,
)

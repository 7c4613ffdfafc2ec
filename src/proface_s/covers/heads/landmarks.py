"""Landmarks of a face: MediaPipe's face mesh (Apache-2.0), 468 points on the surface of a face from its picture.

The network sees a square around the face, upright by its own eyes: each look starts from the points of the one before.
It always answers with a face; a real one is where the looks agree, also with one at the mirrored square.  A wall,
or the back of a head, gives other points each time.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from ...errors import ModelError
from ...types import Face, UInt8Image
from .face_region import head_roll

Points = npt.NDArray[np.float64]

NETWORK: Final = Path(__file__).with_name("face-landmarks.onnx")
NETWORK_SHA256: Final = "aff0a932d11ab0143120b22259a5b624ba2fca0b262102e187b4329d1ea1e014"
"""Of the file that ``tools/face_landmarks.py`` makes of the published network."""

_SIDE: Final = 192  # pixels of the square that the network sees
_MARGIN: Final = 1.5  # side of the square over the longer side of the face, as the network was trained
_RIGHT_EYE: Final = [33, 133]  # corners of the eye further left in the picture, then of the other
_LEFT_EYE: Final = [263, 362]
_NOSE_AND_MOUTH: Final = [1, 61, 291]  # the corner of the mouth that is further left comes first
_GRID: Final = 64  # points are rounded to this part of a pixel, so that no processor's rounding shows in a cover
SMALLEST: Final = 24.0  # pixels; of smaller faces, points are worth little
_LEAST_SHARE: Final = 0.45  # of the sides of a region, which the only face in it fills; two side by side fill less
_FULLEST: Final = 1.15
_OFF_CENTRE: Final = 0.2  # of the sides of a region: how far from its middle the only face in it may be
_LEAST_OVERLAP: Final = 0.4  # intersection over union of a mesh and the detector's box
MOST_DISAGREEMENT: Final = 0.04  # of the face's size: good faces are below it, backs of heads and murals above

_MIDLINE: Final = [10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 164, 0, 13, 14, 17, 18, 200, 199, 175, 152]
_ONE_SIDE: Final = [*_MIDLINE, 33, 133, 61, 291, 234, 454, 172, 397, 263, 362]
_OTHER_SIDE: Final = [*_MIDLINE, 263, 362, 291, 61, 454, 234, 397, 172, 33, 133]
"""Points, and those that take their places in a mirror."""

_MOST_MIRRORED: Final = 0.025  # likewise, between a look and a mirrored one: 95 % of faces are below it
_MOST_LOOKS: Final = 2  # after the first one; a face that is turned by 20 degrees or more needs the second

_lock = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Points on a face.

    Attributes:
        points: (468, 3) float64: x and y in pixels of the region, and depth in the same unit (smaller is nearer).
        disagreement: mean distance between the same points in two looks, as a share of the face's longer side.
    """

    points: Points
    disagreement: float

    @property
    def five_points(self) -> Points:
        """Landmarks as in `Face`, (5, 2): eyes, tip of the nose, corners of the mouth."""
        flat = self.points[:, :2]
        eyes = flat[_RIGHT_EYE].mean(axis=0), flat[_LEFT_EYE].mean(axis=0)
        return np.stack([*eyes, *flat[_NOSE_AND_MOUTH]])

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of the points, in pixels, along the axes of the picture."""
        width, height = np.ptp(self.points[:, :2], axis=0)
        return float(width), float(height)

    @property
    def middle(self) -> Points:
        """Centre of the points' bounding box, (x, y)."""
        flat = self.points[:, :2]
        return np.asarray((flat.min(axis=0) + flat.max(axis=0)) / 2)

    @property
    def size(self) -> float:
        """Geometric mean of width and height: the unit of feathers and blurs."""
        width, height = self.extent
        return math.sqrt(width * height)

    @property
    def roll(self) -> float:
        """Angle by which the face is turned clockwise, in radians."""
        return _roll(self.points)

    @property
    def upright_side(self) -> float:
        """Longer side of the points' bounding box, turned with the face."""
        return _around(self.points)[1] / _MARGIN


def find_mesh(pixels: UInt8Image, face: Face | None, *, mirrored: bool = False) -> Mesh | None:
    """Find the landmarks of a face.

    Args:
        pixels: (h, w, 3) uint8 RGB, the region with the face.
        face: the detector's, in pixels of the region; None if it is unknown, and the region holds one head.
        mirrored: also look at the mirrored square, which takes half as long again; always done if ``face`` is None.

    Returns:
        The mesh; None if the face is too small, or what was found is hardly a face or another one.

    Raises:
        ModelError: if OpenCV cannot run the network.
    """
    height, width = pixels.shape[:2]
    if face is None:
        middle, side, start = np.array([width / 2, height / 2]), float(max(width, height)), 0.0
    else:
        box = face.box
        middle, side = np.array([box.x + box.w / 2, box.y + box.h / 2]), _MARGIN * max(box.w, box.h)
        start = head_roll(face)
    if side < _MARGIN * SMALLEST:
        return None
    angle, points, disagreement = start, _look(pixels, middle, side, start), math.inf
    for _ in range(_MOST_LOOKS):
        before = points
        middle, side = _around(before)
        if not (2.0 < side < 4.0 * max(width, height)):
            return None
        angle = _roll(before)
        points = _look(pixels, middle, side, angle)
        disagreement = _distance(points, before)
        if disagreement < MOST_DISAGREEMENT / 2:
            break
    if mirrored or face is None:
        other = _look(pixels, middle, side, angle, mirrored=True)
        apart = _distance(points[_ONE_SIDE], other[_OTHER_SIDE])
        disagreement = max(disagreement, apart * MOST_DISAGREEMENT / _MOST_MIRRORED)
    mesh = Mesh(np.round(points * _GRID) / _GRID, disagreement)
    return mesh if _is_that_face(mesh, face, width, height) else None


def _distance(points: Points, others: Points) -> float:
    """Return the mean distance between points and others, as a share of the longer side of the points' box."""
    apart = np.linalg.norm(points[:, :2] - others[:, :2], axis=1).mean()
    return float(apart / max(np.ptp(points[:, :2], axis=0).max(), 1e-6))


def _is_that_face(mesh: Mesh, face: Face | None, width: int, height: int) -> bool:
    """Return whether a mesh is large enough, sure enough, and where the face is."""
    across, down = mesh.extent
    if max(across, down) < SMALLEST or mesh.disagreement > MOST_DISAGREEMENT:
        return False
    x, y = mesh.middle
    if face is None:
        inside = abs(x - width / 2) < _OFF_CENTRE * width and abs(y - height / 2) < _OFF_CENTRE * height
        shares = (across / width, down / height)
        return inside and min(shares) >= _LEAST_SHARE and max(shares) <= _FULLEST
    box = face.box
    shared = _overlap(x - across / 2, across, box.x, box.w) * _overlap(y - down / 2, down, box.y, box.h)
    return shared >= _LEAST_OVERLAP * (across * down + box.area - shared)


def _overlap(start: float, length: float, other: float, other_length: float) -> float:
    """Return the length that two intervals share."""
    return max(0.0, min(start + length, other + other_length) - max(start, other))


def _roll(points: Points) -> float:
    """Return the angle of the line between the eyes, radians clockwise."""
    across = points[_LEFT_EYE, :2].mean(axis=0) - points[_RIGHT_EYE, :2].mean(axis=0)
    return math.atan2(across[1], across[0])


def _around(points: Points) -> tuple[Points, float]:
    """Return middle and side of the square for the next look: upright by the eyes, around all points."""
    angle = _roll(points)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    upright = points[:, :2] @ turn
    low, high = upright.min(axis=0), upright.max(axis=0)
    return (low + high) / 2 @ turn.T, _MARGIN * float((high - low).max())


def _look(pixels: UInt8Image, middle: Points, side: float, angle: float, *, mirrored: bool = False) -> Points:
    """Run the network on a turned square, or its mirror image, and return its points in pixels of the region."""
    scale = side / _SIDE
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    shift = middle - turn @ np.full(2, _SIDE / 2)
    source, reduction = pixels, 1.0
    if scale > 2:  # warpAffine does not average
        reduction = 2 / scale
        source = np.asarray(cv2.resize(pixels, None, fx=reduction, fy=reduction, interpolation=cv2.INTER_AREA))
    matrix = np.hstack([turn, shift[:, None]]) * reduction
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    square = cv2.warpAffine(source, matrix, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    square = square[:, ::-1] if mirrored else square
    planes = np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    answer = _answer(planes).reshape(-1, 3).astype(np.float64)
    if mirrored:
        answer[:, 0] = _SIDE - answer[:, 0]
    answer[:, :2] = answer[:, :2] @ turn.T + shift
    answer[:, 2] *= scale
    return np.asarray(answer)


def _answer(planes: npt.NDArray[np.float32]) -> Any:
    """Run the network; one call at a time, since OpenCV's networks keep their values in themselves."""
    with _lock:
        try:
            network = _network()
            network.setInput(planes)
            return network.forward().copy()
        except cv2.error as error:
            raise ModelError(f"OpenCV {cv2.__version__} cannot run the network for landmarks") from error


@cache
def _network() -> Any:
    data = NETWORK.read_bytes()
    if hashlib.sha256(data).hexdigest() != NETWORK_SHA256:
        raise ModelError(f"{NETWORK.name} is not the file that belongs to this version")
    return cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))

"""Run a detector and check what it found: detectors of other packages may return anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import islice
from numbers import Real
from operator import index
from typing import Any, Final

from ..errors import ProFaceError, UsageError
from ..types import Box, Face, UInt8Image
from .detector import Detector, reading_order
from .engine_detector import EngineDetector, Sightings
from .union import UnionDetector

_LANDMARKS: Final = 5
_MOST_FACES: Final = 65_535  # far more than a photo can show; ends what would never end


def detected_faces(detector: Detector, rgb: UInt8Image) -> list[Face]:
    """Detect the faces of a picture; every detection comes through here.

    The detector cannot change the picture.  Numbers of any integer and real types are accepted, NumPy's included.
    Parts of a box outside the picture are cut off; a face that cannot be used is an error, because to ignore it would
    leave a face unprotected that somebody has seen.

    Args:
        detector: any.
        rgb: (H, W, 3) uint8 RGB, any size.

    Returns:
        Faces in the detector's order: boxes of whole numbers inside the picture, with at least one pixel; finite scores
        in 0..1; roll and landmarks finite, or None; sources are text.

    Raises:
        UsageError: names the detector if it fails, or returns anything else.
    """
    return _faces_found(detector, detector.detect, rgb)


def detected_sightings(
    detector: Detector, rgb: UInt8Image, see: Callable[[UInt8Image], Sightings] | None = None
) -> Sightings:
    """Detect the faces of a picture, and tell what the detector is unsure of, if it can tell; see `detected_faces`.

    Args:
        detector: any.
        rgb: (H, W, 3) uint8 RGB, any size.
        see: how this detector looks at the picture; at all of it if None.
    """
    if see is None:
        if not isinstance(detector, (EngineDetector, UnionDetector)):
            return Sightings(detected_faces(detector, rgb), [])
        see = detector.sightings
    look, unsure = see, list[Face]()

    def find(shown: UInt8Image) -> list[Face]:
        seen = look(shown)
        unsure.extend(seen.unsure)
        return reading_order(seen.sure)

    return Sightings(_faces_found(detector, find, rgb), unsure)


def _faces_found(detector: Detector, find: Callable[[UInt8Image], Iterable[Face]], rgb: UInt8Image) -> list[Face]:
    """Return the faces that a detector finds, checked."""
    shown = rgb.view()
    shown.flags.writeable = False
    try:
        found = find(shown)
        if not isinstance(found, Iterable):
            raise TypeError(f"`detect` returned {type(found).__name__}, not a list of faces")
        faces = [_checked(face, rgb.shape[1], rgb.shape[0]) for face in islice(found, _MOST_FACES + 1)]
        if len(faces) > _MOST_FACES:
            raise ValueError(f"it finds more than {_MOST_FACES} faces")
        return faces
    except (ProFaceError, MemoryError):
        raise
    except Exception as error:  # code of another package may raise anything
        name = f"{type(detector).__module__}.{type(detector).__qualname__}"
        raise UsageError(f"detector {name} failed: {type(error).__name__}: {error}") from error


def _checked(face: Any, width: int, height: int) -> Face:
    """Return a face in plain numbers, its box inside the picture.

    Raises:
        TypeError, ValueError: if it is no face that can be used.
    """
    if not isinstance(face, Face) or not isinstance(face.box, Box):
        raise TypeError(f"{_short(face)} is not a `Face` with a `Box`")
    x, y, w, h = (index(side) for side in (face.box.x, face.box.y, face.box.w, face.box.h))
    left, top, right, bottom = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
    if right <= left or bottom <= top:
        raise ValueError(f"the box {x},{y},{w},{h} holds no pixel of the {width}x{height} picture")
    score = _finite(face.score, "score")
    if not 0 <= score <= 1:
        raise ValueError(f"the score {score:g} is not in 0..1")
    roll = None if face.roll is None else _finite(face.roll, "roll")
    landmarks = None if face.landmarks is None else _points(face.landmarks)
    if not isinstance(face.source, str):
        raise TypeError(f"the source {_short(face.source)} is not text")
    return Face(Box(left, top, right - left, bottom - top), score, roll, landmarks, face.source)


def _points(landmarks: Iterable[Iterable[Any]]) -> tuple[tuple[float, float], ...]:
    points = [[_finite(value, "landmark") for value in point] for point in landmarks]
    if len(points) != _LANDMARKS or any(len(point) != 2 for point in points):
        raise ValueError(f"landmarks are {_LANDMARKS} points (x, y)")
    return tuple((x, y) for x, y in points)


def _finite(value: Any, what: str) -> float:
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"the {what} {_short(value)} is not a finite number")
    return float(value)


def _short(value: Any) -> str:
    """Describe an object without trusting how it describes itself."""
    return repr(value) if isinstance(value, (int, float)) else f"of type {type(value).__name__}"

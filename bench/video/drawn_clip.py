"""Draw clips of which it is known where each face is: a camera moves over still pictures.

Each still is one shot, with one of five movements in turn: a slow pan, a fast pan with motion blur, a post that passes
in front, light that changes, and a zoom that turns.  The camera shakes, and every frame has noise.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from proface_s.faces import open_detector
from proface_s.image.read import read_picture
from proface_s.types import Box, UInt8Image

_FACES: Final = {"face", "face-profile", "face-occluded"}  # labels that count, as in detection_recall.py
_SMALLEST: Final = 14.0  # pixels of the frame: smaller faces do not count
_PORTRAIT_FACE: Final = Box(178, 73, 94, 122)  # of the portrait that scikit-image ships
_NOISE: Final = 3.0  # of 255, standard deviation
_POST: Final = (70, 60, 50)  # RGB


@dataclass(frozen=True, slots=True)
class Still:
    """A picture and the tight boxes of its faces."""

    rgb: UInt8Image
    faces: tuple[Box, ...]


class Movement(NamedTuple):
    """A movement of the camera.

    Attributes:
        name: for tables.
        stations: centre of the frame in shares of the picture, zoom (1: the frame just fits), and turn in degrees.
        shake: standard deviation in pixels of a frame 1280 pixels wide.
        post: whether a post passes in front.
        light: whether the light changes.
    """

    name: str
    stations: tuple[tuple[float, float, float, float], ...]
    shake: float = 2.0
    post: bool = False
    light: bool = False


MOVEMENTS: Final = (
    Movement("slow pan", ((0.35, 0.45, 1.1, 0), (0.55, 0.5, 1.25, 2), (0.6, 0.45, 1.5, -2))),
    Movement("fast pan", ((0.2, 0.5, 1.1, 0), (0.8, 0.5, 1.1, 0), (0.4, 0.4, 1.6, 0)), shake=3.0),
    Movement("post in front", ((0.5, 0.5, 1.1, 0), (0.45, 0.5, 1.25, 3), (0.5, 0.5, 1.4, 0)), post=True),
    Movement("changing light", ((0.5, 0.5, 1.05, 0), (0.4, 0.5, 1.45, 0), (0.6, 0.5, 1.45, 0)), light=True),
    Movement("zoom and turn", ((0.5, 0.5, 0.95, 0), (0.4, 0.4, 1.9, 10), (0.5, 0.5, 1.1, -25))),
)


class DrawnFace(NamedTuple):
    """Where a face is in a frame: shot and number of the person, and the box, whose parts may lie outside."""

    person: tuple[int, int]
    x: float
    y: float
    w: float
    h: float


def portrait() -> Still:
    """Return the upper half of the public-domain portrait that scikit-image ships: 512x288 pixels."""
    from skimage import data

    return Still(np.asarray(data.astronaut()[:288], np.uint8), (_PORTRAIT_FACE,))


def read_stills(pictures: Sequence[Path], labels: Path | None) -> list[Still]:
    """Read pictures and their faces.

    Args:
        pictures: files.
        labels: a table photo, x, y, w, h, label as detection_recall.py reads it; if None, faces are looked for in the
            stills at their own size.
    """
    known: dict[str, list[Box]] = {}
    if labels is not None:
        with labels.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["label"] in _FACES:
                    known.setdefault(row["photo"], []).append(Box(*(int(row[side]) for side in "xywh")))
    stills = []
    for path in pictures:
        rgb = read_picture(path).rgb
        found = known.get(path.name) or [face.box for face in open_detector().detect(rgb)]
        stills.append(Still(rgb, tuple(found)))
    return stills


def draw_clip(
    stills: Sequence[Still], frames: int, size: tuple[int, int], movements: Sequence[Movement] = MOVEMENTS
) -> Iterator[tuple[UInt8Image, list[DrawnFace]]]:
    """Draw a clip; the same arguments give the same clip.

    Args:
        stills: one shot each.
        frames: of each shot.
        size: (width, height) in pixels.
        movements: taken in turn.

    Yields:
        (H, W, 3) uint8 RGB, and the faces that are in sight: at least half of their width and height is in the frame,
        they have 14 pixels, and their centre is not behind the post.
    """
    for shot, still in enumerate(stills):
        movement, rng = movements[shot % len(movements)], np.random.default_rng(shot + 1)
        views = _views(movement, still.rgb.shape[1::-1], size, frames, rng)
        for number, view in enumerate(views):
            frame = cv2.warpAffine(
                still.rgb, view, size, flags=cv2.INTER_AREA if view[0, 0] < 1 else cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )  # fmt: skip
            if number + 1 < frames:
                frame = _blurred(frame, views[number + 1][:, 2] - view[:, 2], still.rgb.shape, views, number)
            if movement.light:
                frame = np.clip(frame * (0.65 + 0.35 * np.cos(number / 9)), 0, 255).astype(np.uint8)
            faces = [DrawnFace((shot, index), *_seen(box, view)) for index, box in enumerate(still.faces)]
            faces = [face for face in faces if _in_sight(face, size)]
            if movement.post:
                width = size[0] // 11
                left = int(number * size[0] / 42) % (size[0] + 2 * width) - width
                cv2.rectangle(frame, (left, 0), (left + width, size[1]), _POST, -1)
                faces = [face for face in faces if not left <= face.x + face.w / 2 <= left + width]
            noisy = frame + rng.normal(0, _NOISE, frame.shape)
            yield np.clip(noisy, 0, 255).astype(np.uint8), faces


def _views(
    movement: Movement, picture: tuple[int, int], size: tuple[int, int], frames: int, rng: np.random.Generator
) -> list[Any]:
    """Return for each frame the 2x3 matrix from points of the picture to points of the frame."""
    fit = max(size[0] / picture[0], size[1] / picture[1])
    way = np.linspace(0, len(movement.stations) - 1, frames)
    stations = np.array(movement.stations, float)
    path = np.stack([np.interp(way, np.arange(len(stations)), each) for each in stations.T], axis=1)
    shake = np.cumsum(rng.normal(0, movement.shake * size[0] / 1280, (frames, 2)), axis=0)
    shake -= np.linspace(0, 1, frames)[:, None] * shake[-1]
    views = []
    for (x, y, zoom, degrees), moved in zip(path, shake, strict=True):
        cosine, sine = np.cos(np.radians(degrees)) * fit * zoom, np.sin(np.radians(degrees)) * fit * zoom
        view = np.array([[cosine, -sine, 0], [sine, cosine, 0]])
        view[:, 2] = np.array(size) / 2 - view[:, :2] @ (np.array([x, y]) * picture) + moved
        views.append(view)
    return views


def _blurred(frame: Any, shift: Any, shape: tuple[int, ...], views: list[Any], number: int) -> Any:
    """Blur a frame along half of the way that the middle of the picture moves until the next frame."""
    middle = np.array([shape[1] / 2, shape[0] / 2])
    shift = shift + (views[number + 1][:, :2] - views[number][:, :2]) @ middle
    length = int(np.hypot(*shift) / 2)
    if length < 2:
        return frame
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    for along in np.linspace(-length / 2, length / 2, 4 * length):
        x, y = (round(length + along * each) for each in shift / np.hypot(*shift))
        kernel[y, x] = 1
    return cv2.filter2D(frame, -1, kernel / kernel.sum())


def _seen(box: Box, view: Any) -> tuple[float, float, float, float]:
    """Return the box around a box of the picture in a frame."""
    corners = np.array([[x, y] for x in (box.x, box.right) for y in (box.y, box.bottom)], float)
    points = corners @ view[:, :2].T + view[:, 2]
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return float(left), float(top), float(right - left), float(bottom - top)


def _in_sight(face: DrawnFace, size: tuple[int, int]) -> bool:
    across = min(face.x + face.w, size[0]) - max(face.x, 0)
    down = min(face.y + face.h, size[1]) - max(face.y, 0)
    return max(face.w, face.h) >= _SMALLEST and across > face.w / 2 and down > face.h / 2

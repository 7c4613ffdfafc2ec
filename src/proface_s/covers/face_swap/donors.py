"""The bank of donors: synthetic people (CC0), made by ``tools/donor_bank.py``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ...errors import ModelError
from ...types import UInt8Image
from .surface import Points, Triangles

FILES: Final = {
    "donors.webp": "e5928bb2aaea7f83f6b123767345135021804a0b00cdacf6458e0803f3ed5f4b",
    "donors.npz": "0153aac93cd547610fb14163fc13e92fab4a898b96b0b58a99c752ad87effc87",
}
"""Files of the bank, and their SHA-256."""
COLUMNS: Final = 9
"""Textures in a row of ``donors.webp``."""
POOLS: Final = ("woman", "man")
"""Names of the pools to choose from besides all donors; tagged by hand, chosen by users, never guessed of anybody."""

_FOLDER: Final = Path(__file__).parent
_GRID: Final = 8192.0  # steps of stored shapes per unit
_TONES: Final = np.array([1.0, 1.5, 1.5])  # weights of L, a and b in the distance of two skins
_MOUTH: Final = 900.0  # the same for the opening of the mouth, which is 0 to 0.2 of the face's height
_NEAREST: Final = 3  # the draw is among this part of the pool, a third
_SMILE: Final = 800.0  # the same for the curve of the mouth, which is -0.03 to 0.08 of the distance of the eyes
_LIGHTER: Final = 35.0  # most difference of two skins in L: pale people on dark skin look ashen
_BRIGHTEST: Final = 98.0  # percentile of the brightness of a photo around a head, which is ...
_LOOK: Final = 64  # pixels a side of the picture in which that is measured
_EXPOSED: Final = 215.0  # ... at least this if the photo is not dark
_MOST_EXPOSURE: Final = 1.3  # factor; it cannot be told from dark skin in front of a dark wall
_LEAST: Final = 6  # donors that remain, however dark or light the target is


@dataclass(frozen=True, slots=True, eq=False)
class Donors:
    """The bank.

    Attributes:
        textures: (n, side, side, 3) uint8 RGB on the surface of the mean face.
        shapes: (n, 468, 3), each donor's own shape in the pose and size of the mean face.
        mean: (468, 3), frontal; a root mean square distance of 1 from its middle.
        uv: (468, 2) places of the points in a texture, in its pixels.
        triangles: (m, 3) positions of points.
        tones: (n, 3) colour of the cheeks, OpenCV's 8-bit Lab.
        mouths: (n, 2) opening and curve of the mouth, as `mouth_form` measures them.
        women: (n,) bool.
    """

    textures: UInt8Image
    shapes: Points
    mean: Points
    uv: Points
    triangles: Triangles
    tones: Points
    mouths: Points
    women: npt.NDArray[np.bool_]

    def pool(self, name: str | None) -> Sequence[int]:
        """Return the numbers of the donors of a pool; of all if None."""
        wanted = np.ones(len(self.women), bool) if name is None else self.women == (name == "woman")
        return [int(number) for number in np.flatnonzero(wanted)]

    def draw(self, pool: Sequence[int], tone: Points, mouth: Points, number: int) -> int:
        """Draw a donor from the third of a pool that is most like the target in skin and mouth; none is much lighter.

        Args:
            pool: numbers of donors.
            tone: the target's, as in ``tones``.
            mouth: likewise.
            number: of the draw.  Each donor's place in it depends on these two numbers alone, so that small changes
                of the third hardly ever change who is drawn.
        """
        numbers = np.asarray(pool)
        most = max(3, len(numbers) // _NEAREST)
        lighter = np.abs(self.tones[numbers, 0] - tone[0])
        numbers = numbers[lighter <= max(_LIGHTER, *np.sort(lighter)[:_LEAST])]
        distance = np.linalg.norm((self.tones[numbers] - tone) * _TONES, axis=1)
        distance += np.abs(self.mouths[numbers] - mouth) @ [_MOUTH, _SMILE]
        nearest = numbers[np.argsort(distance, kind="stable")[:most]].tolist()
        return int(min(nearest, key=lambda donor: hashlib.sha256(f"{number} {donor}".encode()).digest()))


@cache
def load_donors() -> Donors:
    """Return the bank.

    Raises:
        ModelError: if its files are not those that belong to this version.
    """
    for name, digest in FILES.items():
        if hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest() != digest:
            raise ModelError(f"{name} is not the file that belongs to this version")
    with np.load(_FOLDER / "donors.npz") as stored, Image.open(_FOLDER / "donors.webp") as image:
        atlas = np.asarray(image.convert("RGB"))
        side = atlas.shape[1] // COLUMNS
        tiles = atlas.reshape(-1, side, COLUMNS, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
        shapes = stored["shapes"] / _GRID
        return Donors(
            np.ascontiguousarray(tiles[: len(stored["women"])]),
            shapes,
            stored["mean"] / _GRID,
            stored["uv"].astype(np.float64),
            stored["triangles"].astype(np.int32),
            stored["tones"].astype(np.float64),
            np.stack([mouth_form(shape) for shape in shapes]),
            stored["women"],
        )


def skin_tone(pixels: UInt8Image, points: Points) -> Points:
    """Return the median colour of the cheeks, in OpenCV's 8-bit Lab; lighter than it is seen if all of a photo is dark.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        points: (468, 3) landmarks in its pixels.
    """
    tone = tone_of(pixels, points, ([117, 118, 101, 205, 187, 123], [346, 347, 330, 425, 411, 352]))
    small = cv2.resize(pixels, (_LOOK, _LOOK), interpolation=cv2.INTER_AREA)
    brightest = max(float(np.percentile(small.max(axis=2), _BRIGHTEST)), 1.0)
    tone[0] = min(tone[0] * min(max(_EXPOSED / brightest, 1.0), _MOST_EXPOSURE), 255.0)
    return tone


def tone_of(pixels: UInt8Image, points: Points, patches: Sequence[Sequence[int]]) -> Points:
    """Return the median colour of patches between landmarks; arguments and result as `skin_tone`."""
    places = [points[list(patch), :2].astype(np.int32) for patch in patches]
    left, top, width, height = cv2.boundingRect(np.concatenate(places))
    x, y = max(left, 0), max(top, 0)
    near = pixels[y : max(top + height, y), x : max(left + width, x)]
    mask = np.zeros(near.shape[:2], np.uint8)
    for place in places if near.size else []:
        cv2.fillConvexPoly(mask, cv2.convexHull(place - np.array([x, y], np.int32)), 255)
    found = near[mask > 0]
    colour = np.asarray(np.median(found if len(found) >= 5 else pixels.reshape(-1, 3), axis=0), np.uint8)
    return np.asarray(cv2.cvtColor(colour[None, None], cv2.COLOR_RGB2LAB)[0, 0], np.float64)


def mouth_form(points: Points) -> Points:
    """Return how far a mouth is open, and how much it smiles.

    Args:
        points: (468, 3) landmarks.

    Returns:
        (2,): the distance between the lips over the height of the face; and how much higher the corners of the mouth
        are than the middle between the lips, over the distance of the outer corners of the eyes.
    """
    down = points[152] - points[10]
    height = max(float(np.linalg.norm(down)), 1e-6)
    eyes = max(float(np.linalg.norm(points[33] - points[263])), 1e-6)
    curve = (points[[13, 14]].mean(axis=0) - points[[61, 291]].mean(axis=0)) @ down / height / eyes
    return np.array([np.linalg.norm(points[13] - points[14]) / height, curve])

"""Whether a face is where landmarks say: the landmarks' network always answers, also about a wall."""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ...types import FloatArray, UInt8Image
from ..heads.landmarks import Mesh
from .donors import load_donors, skin_tone, tone_of
from .surface import Points, triangle_map

LEAST: Final = 0.2
"""Of `face_likeness`: of 92 labelled faces in group photos, those with landmarks are above 0.25 but for three, of
which they are wrong; of 367 boxes beside faces, four get landmarks, and those are below 0.14."""

_CHIN: Final = (57, 164, 287, 400, 152, 176)  # landmarks around mouth and chin
_BRIGHTER: Final = 30.0  # steps of L in 8-bit Lab; 94 faces without a mask are below 25
_COLOUR: Final = 26.0  # steps of a and b; the same faces are below 23
_SIDE: Final = 64  # pixels of the texture that is compared
_RIM: Final = 5  # pixels at its edge that are left out
_DETAIL: Final = 90.0  # pixels of a face, from which on finer detail is blurred away
_LOCAL: Final = (6.0, 10.0)  # blurs, in pixels of the texture, by which brightness and contrast are evened out


def face_likeness(pixels: UInt8Image, mesh: Mesh) -> float:
    """Return how much a picture looks like a face under its landmarks, -1 to 1.

    What is seen at each place of the surface is compared with the mean of the donors there (correlation of brightness,
    evened out): eyes, brows, nostrils and mouth are dark in every face.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        mesh: landmarks in its pixels.
    """
    corners, shares, inside, mean = _template()
    places = (mesh.points[corners, :2] * shares[:, :, None]).sum(axis=1) - 0.5
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if mesh.size > _DETAIL:
        grey = cv2.GaussianBlur(grey, (0, 0), mesh.size / _DETAIL / 2)
    x, y = np.asarray(places.T, np.float32)
    seen = cv2.remap(grey, x[:, None], y[:, None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float(_evened(np.asarray(seen[:, 0], np.float32), inside) @ mean)


def is_masked(pixels: UInt8Image, mesh: Mesh) -> bool:
    """Return whether mouth and chin have the colour of something in front of them, such as a medical mask.

    They are much brighter than the cheeks, or of another colour and not darker: a beard is darker.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        mesh: landmarks in its pixels.
    """
    brighter, colour = _chin_difference(pixels, mesh)
    return brighter > _BRIGHTER or (colour > _COLOUR and brighter > -_BRIGHTER)


def _chin_difference(pixels: UInt8Image, mesh: Mesh) -> tuple[float, float]:
    """Return how much brighter mouth and chin are than the cheeks, and the distance of their colours, in 8-bit Lab."""
    chin = tone_of(pixels, mesh.points, (_CHIN,)) - skin_tone(pixels, mesh.points)
    return float(chin[0]), float(np.linalg.norm(chin[1:]))


@cache
def _template() -> tuple[npt.NDArray[np.int32], Points, npt.NDArray[np.bool_], FloatArray]:
    """Return the places that are compared.

    Returns:
        (n, 3) corners of the triangle around each place; (n, 3) their shares in it; (side, side) where the places are
        in the texture; and the mean of the donors there, (n,) float32 of length 1.
    """
    donors = load_donors()
    scale = _SIDE / donors.textures.shape[1]
    flat = np.concatenate([donors.uv * scale, np.zeros((len(donors.uv), 1))], axis=1)
    seen = triangle_map(flat, donors.triangles, (_SIDE, _SIDE))
    inside = cv2.erode(np.asarray(seen >= 0, np.uint8), np.ones((_RIM, _RIM), np.uint8)) > 0
    rows, columns = np.nonzero(inside)
    corners = donors.triangles[seen[inside]]
    matrices = np.concatenate([flat[corners, :2], np.ones((len(corners), 3, 1))], axis=2).transpose(0, 2, 1)
    middles = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], axis=1)[:, :, None]
    shares = np.linalg.solve(matrices, middles)[:, :, 0]
    evened = []
    for texture in donors.textures:
        small = cv2.resize(texture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
        evened.append(_evened(grey[inside], inside))
    mean = np.mean(evened, axis=0)
    return corners, shares, inside, np.asarray(mean / np.linalg.norm(mean), np.float32)


def _evened(values: FloatArray, inside: npt.NDArray[np.bool_]) -> FloatArray:
    """Return values of places in the texture without local brightness and contrast: mean 0, length 1."""
    known = inside.astype(np.float32)
    texture = np.zeros(inside.shape, np.float32)
    texture[inside] = values
    brightness, contrast = (cv2.GaussianBlur(known, (0, 0), sigma) + 1e-3 for sigma in _LOCAL)
    detail = (texture - cv2.GaussianBlur(texture, (0, 0), _LOCAL[0]) / brightness) * known
    spread = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), _LOCAL[1]) / contrast) + 1.0
    found = cv2.GaussianBlur(detail / spread, (0, 0), 1.0)[inside]
    found -= found.mean()
    return np.asarray(found / max(float(np.linalg.norm(found)), 1e-6), np.float32)

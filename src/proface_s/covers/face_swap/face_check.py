"""Whether a face is where landmarks say: the landmarks' network always answers, also about a wall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ...types import FloatArray, UInt8Image
from ..heads.landmarks import Mesh
from .donors import load_donors, tone_of
from .surface import Points, triangle_map

LEAST: Final = 0.2
"""Of `face_likeness`: of 92 labelled faces in group photos, those with landmarks are above 0.25 but for three, of
which they are wrong; of 367 boxes beside faces, four get landmarks, and those are below 0.14."""

_CHIN: Final = (57, 164, 287, 400, 152, 176)  # landmarks around mouth and chin
_ABOVE: Final = (
    ([111, 117, 118, 119, 120], [340, 346, 347, 348, 349]),
    ([193, 168, 417, 351, 6, 122],),
    ([151, 108, 69, 66, 107, 9, 336, 296, 299, 337],),
)  # below the eyes, between them, and the forehead: what masks leave free; hair or a cap may cover one of the three
_NOSE: Final = 2  # landmark below its tip
_MOUTH: Final = 0.45  # likeness of the lower half of the face, below which there may be no mouth: see `is_masked`
_TINT: Final = 17.0  # steps of a and b in 8-bit Lab
_BRIGHTER: Final = 25.0  # steps of L
_DARKER: Final = 75.0  # the same, from what shadows make of any chin on
_SHADOW: Final = 10.0
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
    seen, template = _compared(pixels, mesh)
    return float(seen @ template.mean)


def is_masked(pixels: UInt8Image, mesh: Mesh) -> bool:
    """Return whether something covers mouth and chin: a mask, a hand, another head, or a beard that hides the mouth.

    The lower half of the face looks little like one, and has another colour or brightness than the skin above.  Of 563
    masks of six colours that were drawn over 50 portraits, 96 % are found; masks of the colour of skin are not.  Of 521
    portraits without a mask, 21 are taken for masked: beards, hands, microphones, open mouths and hard shadows.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        mesh: landmarks in its pixels.
    """
    above = np.median([tone_of(pixels, mesh.points, patches) for patches in _ABOVE], axis=0)
    brighter, *tint = tone_of(pixels, mesh.points, (_CHIN,)) - above
    light = brighter / _BRIGHTER if brighter > 0 else max(-brighter - _SHADOW, 0) / _DARKER
    if math.hypot(*tint) ** 2 / _TINT**2 + light**2 < 1:
        return False
    seen, template = _compared(pixels, mesh)
    seen, mean = (values[template.lower] - values[template.lower].mean() for values in (seen, template.mean))
    return float(seen @ mean) < _MOUTH * float(np.linalg.norm(seen) * np.linalg.norm(mean))


@dataclass(frozen=True, slots=True, eq=False)
class _Template:
    """Places on the surface, and what the donors show there.

    Attributes:
        corners: (n, 3) corners of the triangle around each place.
        shares: (n, 3) their shares in it.
        inside: (side, side) bool: where the places are in the texture.
        lower: (n,) bool: whether a place lies below the tip of the nose.
        mean: (n,) float32 of length 1, the mean of the donors.
    """

    corners: npt.NDArray[np.int32]
    shares: Points
    inside: npt.NDArray[np.bool_]
    lower: npt.NDArray[np.bool_]
    mean: FloatArray


def _compared(pixels: UInt8Image, mesh: Mesh) -> tuple[FloatArray, _Template]:
    """Return what is seen at the places of the template, (n,) float32 evened out, and the template."""
    template = _template()
    places = (mesh.points[template.corners, :2] * template.shares[:, :, None]).sum(axis=1) - 0.5
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if mesh.size > _DETAIL:
        grey = cv2.GaussianBlur(grey, (0, 0), mesh.size / _DETAIL / 2)
    x, y = np.asarray(places.T, np.float32)
    seen = cv2.remap(grey, x[:, None], y[:, None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _evened(np.asarray(seen[:, 0], np.float32), template.inside), template


@cache
def _template() -> _Template:
    """Return the template that all donors make."""
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
    lower = rows > donors.uv[_NOSE, 1] * scale - 2
    return _Template(corners, shares, inside, lower, np.asarray(mean / np.linalg.norm(mean), np.float32))


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

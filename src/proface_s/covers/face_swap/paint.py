"""Paint a donor's face into a photo: warped, and matched in light, contrast, sharpness and grain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ...types import FloatArray, UInt8Image
from ..heads.outline import feathered
from .donors import Donors
from .surface import OUTLINE, Points, fitted_pose, lookup, silhouette

_LARGEST: Final = 512  # longer side in pixels of the picture that is painted in; larger faces are painted smaller
_RING: Final = 0.16  # width, of the mean face's, of the zone in which the donor's shape becomes the target's outline
_FEATHER: Final = 0.07  # of the face's size
_LIGHT: Final = 0.3  # standard deviation of the blur that parts light from detail, of the face's size
_CONTRAST: Final = (0.55, 1.15)  # least and most factor of the donor's contrast
_MAP_SIDE: Final = 256  # longer side of the lookup, which is smooth and enlarged to the picture
_LIFT: Final = 6.0  # added to colours before logarithms, so that black is finite
_BRIGHT: Final = 235.0  # from here on, highlights are compressed
_SOFTEST: Final = (0.6, 0.9, 1.3, 1.8, 2.6, 3.6, 5.0, 7.0, 10.0, 14.0)  # blurs to match sharpness with, in pixels
_SKIN: Final = (
    [117, 118, 119, 100, 47, 126, 142, 36, 205, 187, 123],
    [346, 347, 348, 329, 277, 355, 371, 266, 425, 411, 352],
    [151, 108, 69, 66, 107, 9, 336, 296, 299, 337],
)  # cheeks and forehead
_HAIR: Final = (0.15, 0.27)  # shares of the face's height from its top: hair may fall over the first, not the second


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A face painted over a region: (h, w, 3) uint8 RGB, and its opacity, (h, w) float32 in 0..1."""

    pixels: UInt8Image
    mask: FloatArray


def paint_face(pixels: UInt8Image, points: Points, donors: Donors, donor: int, grain: int) -> Painted:
    """Paint a donor's face in place of one.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        points: (468, 3) landmarks of the face, in its pixels.
        donors: the bank.
        donor: number of the donor.
        grain: seed of the grain.

    Returns:
        The painted face, and where it lies.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, _LARGEST / max(height, width))
    if scale == 1.0:
        return _painted(pixels, points, donors, donor, grain)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    made = _painted(small, points * scale, donors, donor, grain)
    enlarged = cv2.resize(made.pixels, (width, height), interpolation=cv2.INTER_CUBIC)
    mask = cv2.resize(made.mask, (width, height), interpolation=cv2.INTER_LINEAR)
    return Painted(np.asarray(enlarged, np.uint8), np.asarray(mask, np.float32))


def _painted(pixels: UInt8Image, points: Points, donors: Donors, donor: int, grain: int) -> Painted:
    size = pixels.shape[:2]
    posed = posed_donor(points, donors, donor)
    face = float(np.sqrt(np.prod(np.ptp(posed[:, :2], axis=0))))
    area = np.maximum(silhouette(posed, donors.triangles, size), silhouette(points, donors.triangles, size))
    mask = feathered(area, _FEATHER * face)
    skin = _uncovered_by_hair(pixels, points, face)
    mask *= skin
    weights = np.asarray((area > 0) * (0.02 + 0.98 * skin), np.float32)
    warped = draw_texture(donors.textures[donor], posed, donors, size)
    target = pixels.astype(np.float32)
    light = _light(target, weights, _LIGHT * face)
    detail = np.log((warped + _LIFT) / (_light(warped, weights, _LIGHT * face) + _LIFT))
    own = np.log((target + _LIFT) / (light + _LIFT))
    inside = mask > 0.9
    if inside.sum() > 50:
        detail = _as_sharp(_as_contrasty(detail, own, inside), own, inside, face)
    made = (light + _LIFT) * np.exp(np.clip(detail, -3.0, 1.5)) - _LIFT
    knee = 255.0 - _BRIGHT
    made = np.where(made > _BRIGHT, _BRIGHT + knee * (1 - np.exp(-(made - _BRIGHT) / knee)), made)
    made = made + _missing_grain(target, made, area > 0, grain)[:, :, None]
    return Painted(np.clip(np.rint(made), 0, 255).astype(np.uint8), mask)


def posed_donor(points: Points, donors: Donors, donor: int) -> Points:
    """Return a donor's shape in the pose of a target: its own inside, the target's at the outline.

    Args:
        points: (468, 3) landmarks of the target.
        donors: the bank.
        donor: number of the donor.
    """
    shape = donors.shapes[donor]
    posed = fitted_pose(shape, points).apply(shape)
    places = donors.mean[:, :2]
    away = np.linalg.norm(places[:, None] - places[None, OUTLINE], axis=2).min(axis=1)
    share = np.clip(1 - away / (_RING * np.ptp(places[:, 0])), 0, 1)
    share = (share * share * (3 - 2 * share))[:, None]
    return np.asarray(posed * (1 - share) + points * share)


def draw_texture(texture: UInt8Image, posed: Points, donors: Donors, size: tuple[int, int]) -> FloatArray:
    """Return a texture drawn on a posed surface.

    Args:
        texture: (side, side, 3) uint8 RGB.
        posed: (468, 3), in pixels of the picture.
        donors: the bank, whose triangles and places in textures are used.
        size: (height, width) of the picture.

    Returns:
        (height, width, 3) float32 in 0..255; meaningful on the surface.
    """
    height, width = size
    scale = min(1.0, _MAP_SIDE / max(size))
    small = (max(2, round(height * scale)), max(2, round(width * scale)))
    factor = np.array([small[1] / width, small[0] / height, 1.0])
    places, inside = lookup(posed * factor, donors.triangles, donors.uv, small)
    known = inside.astype(np.float32)
    for _ in range(2):  # spread outwards, so that nothing is undefined at the rim
        spread = cv2.blur(places * known[:, :, None], (5, 5)) / np.maximum(cv2.blur(known, (5, 5)), 1e-6)[:, :, None]
        places = np.where(known[:, :, None] > 0, places, spread)
        known = np.asarray(cv2.blur(known, (5, 5)) > 0, np.float32)
    if small != size:
        places = np.asarray(cv2.resize(places, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    places = np.asarray(places, np.float32)
    magnification = float(np.sqrt(np.prod(np.ptp(posed[:, :2], axis=0)))) / (0.85 * texture.shape[0])
    source = texture if magnification >= 0.6 else cv2.GaussianBlur(texture, (0, 0), 0.4 / max(magnification, 0.02))
    method = cv2.INTER_CUBIC if magnification > 1 else cv2.INTER_LINEAR
    drawn = cv2.remap(source, places[:, :, 0], places[:, :, 1], method, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, np.float32)


def _uncovered_by_hair(pixels: UInt8Image, points: Points, face: float) -> FloatArray:
    """Return where the face is painted, (h, w) float32 in 0..1: less where hair falls over the forehead."""
    size = pixels.shape[:2]
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    core = np.zeros(size, np.uint8)
    for patch in _SKIN:
        cv2.fillConvexPoly(core, cv2.convexHull(points[patch, :2].astype(np.int32)), 255)
    skin = lab[core > 0]
    if len(skin) <= 30:
        return np.ones(size, np.float32)
    middle = np.median(skin, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(skin - middle), axis=0), [9, 4, 4])
    distance = np.sqrt((((lab - middle) / spread) ** 2 * [0.6, 1, 1]).sum(axis=2))
    alike = np.asarray(1 / (1 + np.exp((distance - 5) / 0.8)), np.float32)
    alike = np.asarray(cv2.GaussianBlur(alike, (0, 0), max(1.0, 0.012 * face)), np.float32)
    top, chin = points[10, :2], points[152, :2]
    length = max(float(np.linalg.norm(chin - top)), 1e-6)
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    down = ((x - top[0]) * (chin - top)[0] + (y - top[1]) * (chin - top)[1]) / length**2
    zone = np.clip((_HAIR[1] - down) / (_HAIR[1] - _HAIR[0]), 0, 1)
    return np.asarray(1 - zone * (1 - alike), np.float32)


def _light(values: FloatArray, weights: FloatArray, sigma: float) -> FloatArray:
    """Return (h, w, 3) values blurred by their weights, at a reduced size, in 0..255."""
    height, width = weights.shape
    scale = min(1.0, 4.0 / max(sigma, 1e-6))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    both = np.dstack([values * weights[:, :, None], weights])
    small = cv2.resize(both, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), max(sigma * scale, 0.5), borderType=cv2.BORDER_REPLICATE)
    mean = blurred[:, :, :3] / np.maximum(blurred[:, :, 3:], 1e-4)
    return np.asarray(np.clip(cv2.resize(mean, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255), np.float32)


def _as_contrasty(detail: FloatArray, own: FloatArray, inside: npt.NDArray[np.bool_]) -> FloatArray:
    """Scale a donor's detail to the target's, brightness and colour apart: a grey photo gets a grey face."""
    made = np.zeros_like(detail)
    for part, least in ((0, _CONTRAST[0]), (1, 0.0)):
        grey, wanted = detail.mean(axis=2, keepdims=True), own.mean(axis=2, keepdims=True)
        values, like = (detail - grey, own - wanted) if part else (grey, wanted)
        ratio = float(like[inside].std()) / (float(values[inside].std()) + 1e-6)
        made += values * min(max(ratio, least), _CONTRAST[1])
    return made


def _as_sharp(detail: FloatArray, own: FloatArray, inside: npt.NDArray[np.bool_], face: float) -> FloatArray:
    """Blur a donor's detail until it is hardly sharper than the target's own."""
    wanted = 1.1 * _sharpness(own.mean(axis=2), inside)
    blurred = detail
    for sigma in _SOFTEST:
        if _sharpness(blurred.mean(axis=2), inside) <= wanted or sigma > max(3.6, 0.05 * face):
            break
        blurred = np.asarray(cv2.GaussianBlur(detail, (0, 0), sigma), np.float32)
    return blurred


def _sharpness(values: FloatArray, inside: npt.NDArray[np.bool_]) -> float:
    """Return the 90th percentile of the Laplacian's size."""
    laplacian = cv2.Laplacian(np.ascontiguousarray(values, np.float32), cv2.CV_32F)
    return float(np.percentile(np.abs(laplacian[inside]), 90)) + 1e-6


def _missing_grain(target: FloatArray, made: FloatArray, inside: npt.NDArray[np.bool_], seed: int) -> FloatArray:
    """Return noise that gives a painted face the grain of the photo, (h, w) float32."""
    size = inside.shape
    wanted, there = _noise(target, inside), _noise(made, inside)
    if wanted <= there:
        return np.zeros(size, np.float32)
    noise = np.asarray(cv2.GaussianBlur(_gaussian(size, seed), (0, 0), 0.7), np.float32)
    noise *= math.sqrt(wanted**2 - there**2) / max(_noise(np.dstack([noise] * 3), inside), 1e-6)
    return np.asarray(0.6 * np.clip(noise, -8, 8), np.float32)


def _noise(values: FloatArray, inside: npt.NDArray[np.bool_]) -> float:
    """Return the standard deviation of the finest detail, estimated by its median."""
    grey = np.asarray(values.mean(axis=2), np.float32)
    return 1.4826 * float(np.median(np.abs((grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[inside])))


def _gaussian(size: tuple[int, int], seed: int) -> FloatArray:
    """Return nearly normal noise, the same in every numpy: sums of four uniform numbers of 16 bits."""
    raw = np.random.PCG64(seed).random_raw(size[0] * size[1])
    parts = sum(((raw >> np.uint64(16 * part)) & np.uint64(0xFFFF)).astype(np.float32) for part in range(4))
    return np.asarray((parts / 65535 - 2) * math.sqrt(3), np.float32).reshape(size)

"""The oval that covers a head, and covers of its shape."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from ...types import Box, Face, FloatArray, UInt8Image
from .face_region import FaceRegion, head_roll
from .landmarks import Mesh

GROWTH: Final = 1.2
"""Outline of the oval over that of the landmarks, which end at the hairline, the ears and the chin.

At 1.0, the same recogniser that finds 4 % of people behind a blurred rectangle (parrot attack, TAR at FAR 1e-2) finds
26 % behind a blurred oval; at 1.2, 12 to 17 %."""
FEATHER: Final = 0.11
"""Width of the soft edge, inside the outline, as a share of the face's size; the face itself is covered fully."""
_ELLIPSE: Final = (0.63, 0.60)  # semi-axes over the sides of a detector's box, to match the outline of landmarks ...
_LOWER: Final = 0.04  # ... and how much lower its middle is; medians of 53 faces
_SHIFT: Final = 4  # fractional bits of cv2's drawing coordinates
_CORE: Final = 0.5  # semi-axes over the sides of a box, of the ellipse that is always covered


def shaped(region: FaceRegion, fill: UInt8Image) -> UInt8Image:
    """Return a fill within the ovals of all heads, and the photo outside them.

    Args:
        region: the photo and the faces.
        fill: (h, w, 3) uint8 RGB, the whole region covered.
    """
    return blended(region.pixels, fill, head_mask(region))


def blended(photo: UInt8Image, cover: UInt8Image, mask: FloatArray) -> UInt8Image:
    """Return ``mask`` * cover + (1 - ``mask``) * photo; the photo bit for bit where the mask is 0.

    Args:
        photo: (h, w, 3) uint8.
        cover: likewise.
        mask: (h, w) float32 in 0..1.
    """
    made = photo.copy()
    x, y, width, height = cv2.boundingRect(np.asarray(mask > 0, np.uint8))
    if width and height:
        part = (slice(y, y + height), slice(x, x + width))
        change = cv2.subtract(cover[part], photo[part], dtype=cv2.CV_32F)
        change = cv2.multiply(change, cv2.merge([mask[part]] * 3))
        made[part] = cv2.add(photo[part], change, dtype=cv2.CV_8U)  # rounds to the nearest
    return made


def head_mask(region: FaceRegion) -> FloatArray:
    """Return the opacity of an oval cover, (h, w) float32: 1 on every face, 0 around the heads."""
    mask = np.zeros(region.size, np.float32)
    inner = region.inner_faces
    for face in region.faces:
        mesh = region.mesh(face) if face in inner else None
        np.maximum(mask, oval_mask(region.size, face, mesh), out=mask)
    if not region.faces:
        np.maximum(mask, oval_mask(region.size, None, region.mesh(None)), out=mask)
    return mask


def oval_mask(size: tuple[int, int], face: Face | None, mesh: Mesh | None) -> FloatArray:
    """Return the opacity of the oval around one head.

    The oval follows the landmarks; without them, the tight box and the roll; without a box, it touches the sides of
    the region.

    Args:
        size: (height, width) of the region.
        face: in pixels of the region; None if it is unknown.
        mesh: its landmarks, or None.

    Returns:
        (height, width) float32: 1 on the face, falling smoothly to 0 at the outline and beyond.
    """
    hard = np.zeros(size, np.uint8)
    if mesh is not None:
        hull = cv2.convexHull(mesh.points[:, :2].astype(np.float32))[:, 0]
        _fill(hard, np.asarray((hull - mesh.middle) * GROWTH + mesh.middle, np.float32))
        # Whatever the landmarks say, the middle of the box is covered.
        _fill(hard, _ellipse(face or _unknown_face(*size), _CORE, _CORE, 0.0))
        return feathered(hard, FEATHER * mesh.size)
    if face is not None:
        _fill(hard, _ellipse(face, *_ELLIPSE, _LOWER))
        return feathered(hard, FEATHER * math.sqrt(face.box.area))
    height, width = size
    y, x = np.ogrid[0:height, 0:width]
    radius = np.hypot((2 * x + 1) / width - 1, (2 * y + 1) / height - 1)
    hard[radius < 1] = 255
    return feathered(hard, FEATHER * math.sqrt(height * width) / 1.5)


def feathered(hard: UInt8Image, width: float) -> FloatArray:
    """Return the opacity of an area whose edge is soft on its inside.

    Args:
        hard: (h, w) uint8, not 0 in the area.  The area may go on beyond the borders of the array: these are not edges.
        width: of the soft edge, in pixels; at least one is used.

    Returns:
        (h, w) float32: 0 outside, then a smooth step to 1.
    """
    soft = np.zeros(hard.shape, np.float32)
    x, y, across, down = cv2.boundingRect(hard)
    part = (slice(max(y - 1, 0), y + down + 1), slice(max(x - 1, 0), x + across + 1))
    bordered = cv2.copyMakeBorder(hard[part], 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(bordered, cv2.DIST_L2, 5)[1:-1, 1:-1]
    step = np.minimum(distance / np.float32(max(width, 1.0)), np.float32(1))
    soft[part] = step * step * (3 - 2 * step)
    return soft


def _ellipse(face: Face, across: float, down: float, lower: float) -> FloatArray:
    """Return points on an ellipse about a tight box, its semi-axes relative to the box, turned with the head.

    A box that was found on a head turned by about a right angle is as wide as the head is tall.
    """
    box, roll = face.box, head_roll(face)
    width, height = (box.h, box.w) if abs(math.sin(roll)) > math.sqrt(0.5) else (box.w, box.h)
    angles = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    upright = np.stack([across * width * np.cos(angles), down * height * np.sin(angles) + lower * height], axis=1)
    turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    return np.asarray(upright @ turn + [box.x + box.w / 2, box.y + box.h / 2], np.float32)


def _unknown_face(height: int, width: int) -> Face:
    """Return the tight box that a region of this size would have been grown from."""
    return Face(Box(width // 6, height // 6, width * 2 // 3, height * 2 // 3))


def _fill(hard: UInt8Image, polygon: FloatArray) -> None:
    """Fill a polygon, whose points are in pixels from the region's corner."""
    points = np.rint((polygon - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(hard, [points], 255, cv2.LINE_8, _SHIFT)

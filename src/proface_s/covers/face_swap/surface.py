"""The surface of faces: 468 points and the triangles between them, posed and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ...types import FloatArray, UInt8Image

Points = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int32]

OUTLINE: Final = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]  # fmt: skip
"""Points around the face, from the middle of the forehead over the side that is right in the picture."""
_SHIFT: Final = 4  # fractional bits of cv2's drawing coordinates


@dataclass(frozen=True, slots=True)
class Pose:
    """A similarity transform in space: ``scale * points @ rotation.T + shift``."""

    scale: float
    rotation: Points
    shift: Points

    def apply(self, points: Points) -> Points:
        """Return (n, 3) points, transformed."""
        return np.asarray(self.scale * points @ self.rotation.T + self.shift)

    @property
    def yaw(self) -> float:
        """Angle in degrees by which a frontal face is turned to a side."""
        return float(np.degrees(np.arctan2(self.rotation[0, 2], self.rotation[2, 2])))


def fitted_pose(points: Points, to: Points) -> Pose:
    """Return the similarity that best moves some points to others, in the sense of least squares.

    Source: S. Umeyama, Least-squares estimation of transformation parameters between two point patterns, IEEE
    Transactions on Pattern Analysis and Machine Intelligence 13(4), 1991.

    Args:
        points: (n, 3).
        to: (n, 3), in the same order.
    """
    middle, to_middle = points.mean(axis=0), to.mean(axis=0)
    centred, to_centred = points - middle, to - to_middle
    u, sizes, vt = np.linalg.svd(to_centred.T @ centred / len(points))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = float((sizes * signs).sum() / centred.var(axis=0).sum())
    return Pose(scale, rotation, to_middle - scale * rotation @ middle)


def triangle_map(points: Points, triangles: Triangles, size: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Return which triangle is seen at every pixel.

    Args:
        points: (n, 3): x and y in pixels from the corner of the picture, and depth; smaller is nearer.
        triangles: (m, 3) positions of points.
        size: (height, width).

    Returns:
        (height, width) int32: the number of the nearest triangle, -1 if there is none.
    """
    seen = np.full(size, -1, np.int32)
    corners = _fixed_point(points[triangles, :2])
    for number in np.argsort(-points[triangles, 2].mean(axis=1), kind="stable"):
        cv2.fillConvexPoly(seen, corners[number], int(number), cv2.LINE_8, _SHIFT)
    return seen


def silhouette(points: Points, triangles: Triangles, size: tuple[int, int]) -> UInt8Image:
    """Return 255 at every pixel that a triangle covers, (height, width) uint8; nose and lips of profiles included."""
    covered = np.zeros(size, np.uint8)
    for corners in _fixed_point(points[triangles, :2]):
        cv2.fillConvexPoly(covered, corners, 255, cv2.LINE_8, _SHIFT)
    return covered


def lookup(
    points: Points, triangles: Triangles, source: Points, size: tuple[int, int]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return where in a source each pixel of a drawn surface comes from.

    Args:
        points: (n, 3) of the surface, in pixels of the picture.
        triangles: (m, 3).
        source: (n, 2) the same points in the source, in its pixels.
        size: (height, width) of the picture.

    Returns:
        (height, width, 2) float32: x and y in the source; and (height, width) bool: where the surface is.
    """
    seen = triangle_map(points, triangles, size)
    corners = np.concatenate([points[triangles, :2] - 0.5, np.ones((len(triangles), 3, 1))], axis=2)
    corners[np.abs(np.linalg.det(corners)) < 1e-6] += np.eye(3) * 1e-3  # seen from the side: of no area
    matrices = np.linalg.solve(corners, source[triangles] - 0.5)
    inside = seen >= 0
    rows, columns = np.nonzero(inside)
    chosen = matrices[seen[inside]]
    found = np.zeros((*size, 2), np.float32)
    found[inside] = chosen[:, 0] * columns[:, None] + chosen[:, 1] * rows[:, None] + chosen[:, 2]
    return found, inside


def _fixed_point(points: Points) -> Triangles:
    """Return points in pixels from the corner as OpenCV's drawing functions take them."""
    return np.rint((points - 0.5) * (1 << _SHIFT)).astype(np.int32)

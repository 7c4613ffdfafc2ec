"""Aligned faces to train on, from folders of face crops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from proface_s.covers.heads.landmarks import find_mesh
from proface_s.errors import ImageError, NoFaceError
from proface_s.image.read import read_picture
from proface_s.robust.face_codec.pose import fit_square
from proface_s.robust.face_codec.raster import SQUARE, averaged_first
from proface_s.types import Box, Face, UInt8Image

from ...pictures import list_pictures
from .views import STORED

_SHARE: Final = 1.5  # side of a crop over the longer side of its face
_NARROW, _LOW = 0.8, 0.03  # width of a face over its height; its middle below the crop's, in sides


def read_aligned(folders: Sequence[Path], limit: int | None = None) -> UInt8Image:
    """Return the faces of crops (M, 3, STORED, STORED), RGB, aligned by landmarks; crops without them are left out.

    Args:
        folders: searched recursively for square crops in which the face takes two thirds of the height.
        limit: maximum number of faces, evenly from all; None for all.

    Raises:
        NoFaceError: if no face is left.
    """
    paths = [path for folder in folders for path in list_pictures(folder)]
    if limit is not None and limit < len(paths):
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, limit).round().astype(int)]
    found = [face for face in map(_aligned, paths) if face is not None]
    if not found:
        raise NoFaceError(f"no face with landmarks in {', '.join(map(str, folders))}")
    return np.stack(found).transpose(0, 3, 1, 2)


def _aligned(path: Path) -> UInt8Image | None:
    try:
        rgb = read_picture(path).rgb
    except ImageError:
        return None
    height, width = rgb.shape[:2]
    side = max(height, width) / _SHARE
    x, y = width / 2 - side * _NARROW / 2, height / 2 - side / 2 + _LOW * height
    mesh = find_mesh(rgb, Face(Box(round(x), round(y), round(side * _NARROW), round(side))))
    if mesh is None:
        return None
    square = fit_square(mesh.five_points)
    return None if square is None else _cut_out(rgb, square)


def _cut_out(rgb: UInt8Image, square: npt.NDArray[np.float64]) -> UInt8Image:
    """Return the square and its margin, (STORED, STORED, 3), free of aliasing."""
    rgb, square = averaged_first(rgb, square)
    linear = square[:, :2] / SQUARE
    corner = square[:, 2] + linear @ np.full(2, (SQUARE - STORED) / 2 + 0.5) - 0.5
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    matrix = np.column_stack([linear, corner])
    found = cv2.warpAffine(rgb, matrix, (STORED, STORED), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)

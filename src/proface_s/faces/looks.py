"""Looks at a picture: the sizes, parts and turns in which a detector sees it, so that every face is found alike.

::

    finest: 1.6 times the picture's own size, or less for large ones   faces of any size up to `LARGEST` pixels
    a quarter of that, if the finest is much finer than 640            `CLEAR` to `LARGEST` pixels
    long side 640, upright and turned by 90, 180 and 270 degrees       `CLEAR` to `LARGEST`, half as small if turned
    long side 320                                                      `CLEAR` pixels up to the whole picture

The network knows faces of about 8 to 400 pixels.  It misplaces larger faces and reports many smaller ones by mistake.
Each look is therefore used only for faces of a size, in its own pixels, that the network knows; these ranges overlap.

A long picture is treated as a stack of ordinary ones: its *long side* counts as at most twice the short side, and looks
longer than a tile are cut into tiles.  A face in 1080x10000 is therefore seen exactly as in 1080x2160.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..types import UInt8Image

LARGEST: Final = 320.0  # longer side of a face, in pixels of a look; likewise CLEAR and SMALLEST
CLEAR: Final = 24.0
SMALLEST: Final = 10.0  # the finest look still finds such faces
COARSE: Final = (320, 640)  # long sides
ENLARGED: Final = 1.6  # finds 17 of 20 faces of 14 to 24 pixels, against 7 at their own size
FINEST_SIDE: Final = 2560  # long side up to which the finest look enlarges, and from which it shrinks ...
SHRUNK: Final = 0.625  # ... but never below this scale, at which a face of 16 pixels has SMALLEST
COARSE_AREA: Final = 8e6  # most pixels of a coarse look; only strips reach it
FINEST_AREA: Final = 32e6  # most pixels of the finest look: about 8 s of one core, 100 MB
LONGEST: Final = 2.0  # long side over short side; longer pictures are seen in parts
TILE: Final = 1280  # longest side of a tile, pixels
TILE_OVERLAP: Final = 128  # in the finest look; the next coarser one sees larger faces
COARSE_OVERLAP: Final = 320
COARSER: Final = 4.0  # from one look to the next


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a picture: a patch, and the mapping from its pixels to those of the picture.

    Attributes:
        patch: (H, W, 3) uint8 RGB, turned.
        scale: patch pixels per picture pixel.
        offset: x and y of the tile, in pixels of the scaled picture.
        turns: counter-clockwise quarter turns that the patch was given.
        inner_edges: whether the left, top, right and bottom border of the unturned tile adjoin another tile.
        sizes: (minimum, maximum) longer side of the faces that this look is used for, in patch pixels.
    """

    patch: UInt8Image
    scale: float
    offset: tuple[int, int] = (0, 0)
    turns: int = 0
    inner_edges: tuple[bool, bool, bool, bool] = (False, False, False, False)
    sizes: tuple[float, float] = (0.0, LARGEST)


def effective_side(width: int, height: int) -> float:
    """Return the long side in pixels; for a long picture, that of the ordinary pictures that it is a stack of."""
    long, short = max(width, height), min(width, height)
    return min(long, max(LONGEST * short, COARSE[-1]))


def finest_scale(width: int, height: int, tiles: bool = True) -> float:
    """Return the scale of the finest look: its pixels per pixel of the picture.  See `looks`."""
    side = effective_side(width, height)
    wanted = max(COARSE[-1] / side, min(ENLARGED, FINEST_SIDE / side), min(SHRUNK, ENLARGED))
    wanted = min(wanted, (FINEST_AREA / (width * height)) ** 0.5)
    return float(wanted if tiles else max(COARSE[-1] / side, min(wanted, 1.0, TILE / side)))


def smallest_face(width: int, height: int, tiles: bool = True) -> float:
    """Return the longer side in pixels of the smallest face that is looked for in a picture of this size."""
    return SMALLEST / finest_scale(width, height, tiles)


def looks(rgb: UInt8Image, *, tiles: bool = True, turned: bool = True) -> Iterator[Look]:
    """Yield all looks at a picture.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        tiles: if False, never enlarge the picture, nor see it finer than at a long side of `TILE`.
        turned: also yield turned copies.
    """
    height, width = rgb.shape[:2]
    side, finest = effective_side(width, height), finest_scale(width, height, tiles)
    yield from _tiles(_scaled(rgb, finest), finest, TILE_OVERLAP, (0.0, LARGEST))
    between, overlap = finest, TILE_OVERLAP
    while between * CLEAR / overlap > COARSE[-1] / side:  # else the next look would miss faces cut by tiles
        between, overlap = between / COARSER, COARSE_OVERLAP
        yield from _tiles(_scaled(rgb, between), between, overlap, (CLEAR, LARGEST))
    for size in COARSE:
        scale = min(size / side, (COARSE_AREA / (width * height)) ** 0.5)
        patch = _scaled(rgb, scale)
        if scale < finest:
            most = LARGEST if size > COARSE[0] else 2.0 * size
            yield from _tiles(patch, scale, COARSE_OVERLAP, (CLEAR, most))
        if turned and size == COARSE[-1]:
            for tile in _tiles(patch, scale, COARSE_OVERLAP, (CLEAR / 2, LARGEST)):
                for turns in (1, 2, 3):
                    yield replace(tile, patch=np.rot90(tile.patch, turns), turns=turns)


def _scaled(rgb: UInt8Image, scale: float) -> UInt8Image:
    """Scale a picture by a factor, never below one pixel."""
    import cv2

    if scale == 1.0:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    resized = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def _tiles(patch: UInt8Image, scale: float, overlap: int, sizes: tuple[float, float]) -> Iterator[Look]:
    """Cut a scaled picture into overlapping tiles of equal size, `TILE` pixels a side at most."""
    height, width = patch.shape[:2]
    for top, bottom in _spans(height, overlap):
        for left, right in _spans(width, overlap):
            edges = (left > 0, top > 0, right < width, bottom < height)
            yield Look(patch[top:bottom, left:right], scale, (left, top), 0, edges, sizes)


def _spans(length: int, overlap: int) -> list[tuple[int, int]]:
    """Return the fewest equal, overlapping spans (start, stop) of at most `TILE` pixels that cover a length."""
    count = 1 if length <= TILE else -(-(length - overlap) // (TILE - overlap))
    size = -(-(length + (count - 1) * overlap) // count)
    starts = [round(index * (length - size) / max(1, count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]

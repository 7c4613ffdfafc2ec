"""A photo, and a directory with random entries for it."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import skimage.data

from proface_s.robust.directory import SharedFace, ShareDirectory
from proface_s.robust.regions import Region
from proface_s.robust.share_picture import ShareEntry
from proface_s.types import Box, UInt8Image

SIZE = (1024, 682)


@cache
def photo(size: tuple[int, int] = SIZE) -> UInt8Image:
    """Return a photo of a table with a cup of coffee, (H, W, 3)."""
    return np.asarray(cv2.resize(skimage.data.coffee(), size, interpolation=cv2.INTER_AREA), np.uint8)


def shared(
    *lengths: tuple[int, int], size: tuple[int, int] = SIZE, region: Region = "photo", seed: int = 0
) -> tuple[ShareDirectory, list[ShareEntry]]:
    """Return a directory of faces with entries of these lengths (base, fine), and random entries for them."""
    rng = np.random.default_rng(seed)
    faces = tuple(
        SharedFace(Box(200 + 160 * number, 240, 96, 112), 0, base, fine) for number, (base, fine) in enumerate(lengths)
    )
    directory = ShareDirectory(*size, region, rng.bytes(16), 3, 16, 4, faces)
    return directory, [ShareEntry(rng.bytes(base), rng.bytes(fine)) for base, fine in lengths]

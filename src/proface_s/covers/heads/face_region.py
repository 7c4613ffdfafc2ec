"""The pixels that a cover replaces, and the faces in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ...types import Box, Face, UInt8Image
from ..moving.memory import CoverMemory

if TYPE_CHECKING:
    from .landmarks import Mesh

_HEAD = 0.3  # of the tight box, on every side: what the oval of a face may cover


@dataclass(frozen=True, slots=True, eq=False)
class FaceRegion:
    """A reversible region cut out of a photo, and the faces in it.

    Attributes:
        pixels: (h, w, 3) uint8 RGB, C-contiguous.
        faces: in pixels of the region, the tight boxes of all faces whose heads reach into it, which may also reach
            outside; empty if they are unknown, as in a box drawn by hand: then the whole region is one head.
        memory: what the style remembers of the only face of the region, in a clip; None in photos.
    """

    pixels: UInt8Image
    faces: tuple[Face, ...] = ()
    memory: CoverMemory | None = None
    _meshes: dict[tuple[Face | None, bool], Mesh | None] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, rgb: UInt8Image, box: Box, faces: Iterable[Face] = (), by_hand: Sequence[Box] = ()) -> FaceRegion:
        """Cut a region out of a photo.

        A box given by hand says nothing of where in it the head is: if the region is that box, its face is unknown.  If
        it shares the region with others, or lost a part of it, all of it counts as a face.

        Args:
            rgb: (H, W, 3) uint8 RGB.
            box: the region, inside the photo.
            faces: tight boxes of detected faces anywhere in the photo, in its pixels.
            by_hand: boxes given by hand for which the region was made.
        """
        pixels = rgb[box.y : box.bottom, box.x : box.right].copy(order="C")
        near = tuple(_moved(face, box) for face in faces if _reaches(face.box, box))
        if not cls(pixels, near).inner_faces and len(by_hand) == 1 and _contains(box, by_hand[0]):
            return cls(pixels)
        return cls(pixels, (*near, *(_moved(Face(drawn), box) for drawn in by_hand)))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])

    @property
    def inner_faces(self) -> tuple[Face, ...]:
        """The faces whose middle lies in the region; the others belong to regions beside it."""
        height, width = self.size
        return tuple(
            face
            for face in self.faces
            if 0 <= face.box.x + face.box.w / 2 < width and 0 <= face.box.y + face.box.h / 2 < height
        )

    @property
    def own_faces(self) -> tuple[Face | None, ...]:
        """The faces that this region covers: `inner_faces`, or None for one of which nothing is known."""
        return self.inner_faces if self.faces else (None,)

    def mesh(self, face: Face | None, *, mirrored: bool = False) -> Mesh | None:
        """Return the landmarks of a face, looked for once; arguments as in `find_mesh`."""
        from .landmarks import find_mesh  # loads OpenCV

        asked = (face, mirrored or face is None)
        if asked not in self._meshes:
            self._meshes[asked] = find_mesh(self.pixels, face, mirrored=mirrored)
        return self._meshes[asked]


def as_region(region: FaceRegion | UInt8Image) -> FaceRegion:
    """Return a region; an array is one whose faces are unknown."""
    return region if isinstance(region, FaceRegion) else FaceRegion(np.asarray(region))


def head_roll(face: Face | None) -> float:
    """Return the angle by which a head is turned clockwise, in radians; 0 if it is unknown."""
    if face is None:
        return 0.0
    if face.roll is not None:
        return math.radians(face.roll)
    if face.landmarks:
        (x0, y0), (x1, y1) = face.landmarks[:2]
        return math.atan2(y1 - y0, x1 - x0)
    return 0.0


def _contains(box: Box, other: Box) -> bool:
    """Return whether a box lies inside another."""
    return box.x <= other.x and box.y <= other.y and other.right <= box.right and other.bottom <= box.bottom


def _reaches(face: Box, box: Box) -> bool:
    """Return whether the head around a face reaches into a box."""
    across, down = _HEAD * face.w, _HEAD * face.h
    beside = face.x - across >= box.right or face.right + across <= box.x
    return not (beside or face.y - down >= box.bottom or face.bottom + down <= box.y)


def _moved(face: Face, box: Box) -> Face:
    """Return a face in pixels of a region instead of the photo."""
    placed = Box(face.box.x - box.x, face.box.y - box.y, face.box.w, face.box.h)
    points = None if face.landmarks is None else tuple((x - box.x, y - box.y) for x, y in face.landmarks)
    return replace(face, box=placed, landmarks=points)

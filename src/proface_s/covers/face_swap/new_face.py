"""What all styles that show another face have in common: which faces are seen well enough, and what covers the rest."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from typing import ClassVar, Final

import cv2
import numpy as np

from ...types import Face, FloatArray, Shape, UInt8Image
from ..base import CoverStyle
from ..heads.face_region import FaceRegion
from ..heads.landmarks import SMALLEST, Mesh
from ..heads.outline import blended, oval_mask
from ..smoothing import gaussian_blur
from .donors import load_donors
from .face_check import LEAST, face_likeness, is_masked
from .surface import fitted_pose

_BLUR: Final = 0.12  # of the longer side: what covers a face that is not exchanged, as the style ``blur``
_LEAST_SCORE: Final = 0.7  # of the detector; murals, dolls and backs of heads are mostly below it
_CELLS: Final = 4  # a side, of the picture by which people are drawn
_MOST_YAW: Final = 50.0  # degrees; beyond, the far cheek shows twice, and of profiles landmarks are guesses


class NewFaceStyle(CoverStyle):
    """Shows another face where one is seen well enough, and a blurred oval elsewhere: never a bare face.

    A subclass implements `new_face`.
    """

    default_shape: ClassVar[Shape] = "oval"
    steady: ClassVar[bool] = False
    remembers: ClassVar[bool] = True
    synthetic: ClassVar[bool] = True

    @abstractmethod
    def new_face(
        self, region: FaceRegion, face: Face | None, mesh: Mesh, strength: float, option: str | None
    ) -> tuple[UInt8Image, FloatArray]:
        """Make the face that is shown instead of one.

        Args:
            region: the photo around it.
            face: the detector's, in pixels of the region; None if it is unknown.
            mesh: its landmarks.
            strength: in the style's unit.
            option: the style's option, or None.

        Returns:
            (h, w, 3) uint8 RGB of the region's size, and the opacity of what is painted in it, (h, w) float32 in 0..1.
        """

    def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
        """Put the new face on the blurred region."""
        return self.draw(region, strength, option, "box")

    def draw(self, region: FaceRegion, strength: float, option: str | None, shape: Shape) -> UInt8Image:
        """Put new faces on the photo, or, in a box, on the blurred region."""
        blur = gaussian_blur(region.pixels, _BLUR)
        drawn = blur if shape == "box" else region.pixels
        inner = region.inner_faces
        for beside in region.faces:
            if beside not in inner:  # another region holds the middle of it
                drawn = blended(drawn, blur, oval_mask(region.size, beside, None))
        for face in region.own_faces:
            mesh = region.mesh(face, mirrored=True)
            if mesh is None or _refusal(region, face) is not None:
                drawn = blended(drawn, blur, oval_mask(region.size, face, region.mesh(face)))
            else:
                drawn = blended(drawn, *self.new_face(region, face, mesh, strength, option))
        return drawn

    def fallbacks(self, region: FaceRegion) -> tuple[str | None, ...]:
        """Return for each of the region's own faces why it is not exchanged; None if it is."""
        return tuple(_refusal(region, face) for face in region.own_faces)


def _refusal(region: FaceRegion, face: Face | None) -> str | None:
    """Return why a face is not exchanged, one of `FALLBACKS`; None if it is."""
    if face is not None and max(face.box.w, face.box.h) < SMALLEST:
        return "small"
    if face is not None and face.score < _LEAST_SCORE:
        return "unsure"
    mesh = region.mesh(face, mirrored=True)
    if mesh is None or face_likeness(region.pixels, mesh) < LEAST:
        return "landmarks"
    if is_masked(region.pixels, mesh):
        return "masked"
    if abs(fitted_pose(load_donors().mean, mesh.points).yaw) > _MOST_YAW:
        return "turned"
    return None


def draw_number(region: FaceRegion, face: Face | None, strength: float) -> int:
    """Return the number that decides who is drawn.

    It depends on the style's number and on the coarse light of the region, not on single pixels: a reduced picture of
    the region, such as a preview, mostly draws the same person, and another photo of the same face another one.  In a
    clip it is the person's own.
    """
    if region.memory is not None:
        return region.memory.choices.seed + round(strength)
    small = cv2.resize(region.pixels, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    grey = small.astype(int).sum(axis=2).ravel()
    brighter = np.packbits(grey > np.roll(grey, 1)).tobytes()
    position = region.own_faces.index(face)
    state = hashlib.sha256(brighter + f"{position} {round(strength)}".encode())
    return int.from_bytes(state.digest()[:6], "big")

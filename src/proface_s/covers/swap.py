"""The style ``swap``."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Final

from ..types import Face, Shape, UInt8Image
from .base import CoverStyle, Unit
from .face_swap.donors import POOLS, load_donors, mouth_opening, skin_tone
from .face_swap.paint import paint_face
from .face_swap.surface import fitted_pose
from .heads.face_region import FaceRegion
from .heads.landmarks import SMALLEST, Mesh, find_mesh
from .heads.outline import blended, oval_mask
from .options import StyleOption
from .registry import register_style
from .smoothing import gaussian_blur

_BLUR: Final = 0.12  # of the longer side: what covers a face that is not exchanged, as the style ``blur``
_LEAST_SCORE: Final = 0.7  # of the detector; murals, dolls and backs of heads are mostly below it
_MOST_YAW: Final = 60.0  # degrees; of profiles, landmarks are guesses


@register_style
class Swap(CoverStyle):
    """Another face: that of a synthetic person, in the pose, light and sharpness of the photo.

    A new person is drawn for every face, among those of like skin and mouth, by the pixels of the region and the
    number: the same photo gets the same cover.  Where the face cannot be seen well enough, an oval blur covers it.  In
    a clip, everybody keeps the face that was drawn first.
    """

    name: ClassVar[str] = "swap"
    summary: ClassVar[str] = "face of another, synthetic person"
    unit: ClassVar[Unit] = Unit("number of the draw; another number draws other people", more_is_stronger=None)
    default_strength: ClassVar[float] = 0.0
    strength_range: ClassVar[tuple[float, float]] = (0.0, 9999.0)
    default_shape: ClassVar[Shape] = "oval"
    option: ClassVar[StyleOption | None] = StyleOption("person", POOLS)
    steady: ClassVar[bool] = False
    remembers: ClassVar[bool] = True
    synthetic: ClassVar[bool] = True

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
        for face in _own_faces(region):
            mesh = find_mesh(region.pixels, face, mirrored=True)
            if mesh is None or _refusal(face, mesh) is not None:
                drawn = blended(drawn, blur, oval_mask(region.size, face, find_mesh(region.pixels, face)))
                continue
            donors, seed = load_donors(), _seed(region, face, strength)
            donor = _drawn_before(region)
            if donor is None:
                tone, mouth = skin_tone(region.pixels, mesh.points), mouth_opening(mesh.points)
                donor = donors.draw(donors.pool(option), tone, mouth, seed)
                if region.memory is not None:
                    region.memory.choices.donor = donor
            made = paint_face(region.pixels, mesh.points, donors, donor, seed)
            drawn = blended(drawn, made.pixels, made.mask)
        return drawn

    def remark(self, region: FaceRegion) -> str | None:
        """Tell which faces get a blur instead of a new face, and why."""
        meshes = [(face, find_mesh(region.pixels, face, mirrored=True)) for face in _own_faces(region)]
        reasons = [_refusal(*each) for each in meshes]
        told = [reason for reason in dict.fromkeys(reasons) if reason is not None]
        return f"{' and '.join(told)}: covered by a blurred oval instead of another face" if told else None


def _own_faces(region: FaceRegion) -> tuple[Face | None, ...]:
    """Return the faces that a region is to exchange; None stands for one of which nothing is known."""
    return region.inner_faces if region.faces else (None,)


def _refusal(face: Face | None, mesh: Mesh | None) -> str | None:
    """Return why a face is not exchanged; None if it is."""
    if face is not None and max(face.box.w, face.box.h) < SMALLEST:
        return "too small"
    if face is not None and face.score < _LEAST_SCORE:
        return "hardly a face, says the detector"
    if mesh is None:
        return "no clear landmarks"
    if abs(fitted_pose(load_donors().mean, mesh.points).yaw) > _MOST_YAW:
        return "turned too far to a side"
    return None


def _drawn_before(region: FaceRegion) -> int | None:
    """Return the number of the donor who was drawn for this person in an earlier frame; None if nobody was."""
    return None if region.memory is None else region.memory.choices.donor


def _seed(region: FaceRegion, face: Face | None, strength: float) -> int:
    """Return the number that decides who is drawn."""
    if region.memory is not None:
        return region.memory.choices.seed + round(strength)
    state = hashlib.sha256(region.pixels.tobytes())
    state.update(f"{region.size} {None if face is None else face.box} {round(strength)}".encode())
    return int.from_bytes(state.digest()[:6], "big")

"""The style ``swap``."""

from __future__ import annotations

from typing import ClassVar

from ..types import Face, FloatArray, UInt8Image
from .base import MatchRates, Unit
from .face_swap.donors import POOLS, load_donors, mouth_form, skin_tone
from .face_swap.new_face import NewFaceStyle, draw_number
from .face_swap.paint import paint_face
from .heads.face_region import FaceRegion
from .heads.landmarks import Mesh
from .options import StyleOption
from .registry import register_style


@register_style
class Swap(NewFaceStyle):
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
    option: ClassVar[StyleOption | None] = StyleOption("person", POOLS)
    rates: ClassVar[MatchRates | None] = MatchRates(box=5.0, oval=5.0, plain=5.0)

    def new_face(
        self, region: FaceRegion, face: Face | None, mesh: Mesh, strength: float, option: str | None
    ) -> tuple[UInt8Image, FloatArray]:
        """Draw a donor, and paint its face."""
        donors, seed = load_donors(), draw_number(region, face, strength)
        memory = region.memory
        donor = None if memory is None else memory.choices.donor
        if donor is None:
            tone, mouth = skin_tone(region.pixels, mesh.points), mouth_form(mesh.points)
            donor = donors.draw(donors.pool(option), tone, mouth, seed)
        if memory is not None:
            memory.choices.donor = donor
        made = paint_face(region.pixels, mesh.points, donors, donor, seed)
        return made.pixels, made.mask

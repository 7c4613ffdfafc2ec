"""The style ``swapper``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from ..errors import UsageError
from ..types import Face, FloatArray, UInt8Image
from .base import Unit
from .face_swap.donors import load_donors
from .face_swap.new_face import NewFaceStyle, draw_number
from .face_swap.own_network import open_swapper
from .heads.face_region import FaceRegion
from .heads.landmarks import Mesh
from .options import StyleOption
from .registry import register_style

_NO_CARD: Final = "style 'swapper' needs the card of a face swapper"


@register_style
class OwnSwapper(NewFaceStyle):
    """Another face, made by a face swapper that the user has: an ONNX network, described by a card.

    Faces are chosen, refused and covered as by the style ``swap``, and show the identity of one of its donors.
    """

    name: ClassVar[str] = "swapper"
    summary: ClassVar[str] = "another face, made by a network of your own"
    unit: ClassVar[Unit] = Unit("number of the draw; another number draws other people", more_is_stronger=None)
    default_strength: ClassVar[float] = 0.0
    strength_range: ClassVar[tuple[float, float]] = (0.0, 9999.0)
    option: ClassVar[StyleOption | None] = StyleOption("card", file="the path of a card (.json)", required=True)

    def sticker_file(self, option: str | None) -> Path | None:
        """Return the path of the card."""
        return None if option is None else Path(option)

    def check_option(self, option: str | None) -> None:
        """Check that the option names the card of a face swapper that runs.

        Raises:
            UsageError: if it does not.
        """
        if option is None:
            raise UsageError(_NO_CARD, code="unusable-swapper")
        open_swapper(Path(option))

    def new_face(
        self, region: FaceRegion, face: Face | None, mesh: Mesh, strength: float, option: str | None
    ) -> tuple[UInt8Image, FloatArray]:
        """Draw a donor, and let the network put its identity on the face."""
        number = draw_number(region, face, strength) % len(load_donors().women)
        return open_swapper(Path(option or "")).new_face(region.pixels, mesh, number)
